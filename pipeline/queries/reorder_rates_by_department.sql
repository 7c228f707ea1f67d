-- name: reorder_rates_by_department
-- title: Reorder rate by department
-- description: How much of what a department sells is bought again.
-- columns:
--   department: department
--   items: items sold
--   reordered_items: items that were reorders
--   reorder_rate: share of the items, 0 to 1, four digits after the point; null without items
SELECT
    p.department,
    COUNT(i.id) AS items,
    COALESCE(SUM(i.reordered), 0) AS reordered_items,
    CAST(SUM(i.reordered) AS decimal(38, 4)) / NULLIF(COUNT(i.id), 0) AS reorder_rate
FROM silver.products AS p
LEFT JOIN silver.order_items AS i ON i.product_id = p.product_id
GROUP BY p.department
ORDER BY reorder_rate DESC, p.department
