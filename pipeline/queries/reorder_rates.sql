-- name: reorder_rates
-- title: What customers buy again
-- description: The fifty products with the highest reorder rate among those sold at least ten
--   times.
-- columns:
--   product_id: identifies the product
--   product_name: name
--   department: department
--   reorder_rate: share of the items that were reorders, 0 to 1
--   total_quantity: items
--   avg_days_between_orders: days; null if none known
SELECT
    p.product_id,
    p.product_name,
    p.department,
    p.reorder_rate,
    p.total_quantity,
    p.avg_days_between_orders
FROM gold.product_performance AS p
WHERE p.total_quantity >= 10
ORDER BY p.reorder_rate DESC, p.total_quantity DESC, p.product_id
LIMIT 50
