-- name: unsold_products
-- title: Unsold products
-- description: Products of the current catalogue that nobody has bought.
-- columns:
--   department: department
--   product_id: identifies the product
--   product_name: name
--   unchanged_since: UTC date of the run that last changed the product
SELECT
    p.department,
    p.product_id,
    p.product_name,
    CAST(p.last_updated_timestamp AS date) AS unchanged_since
FROM silver.products AS p
INNER JOIN gold.product_performance AS g ON g.product_id = p.product_id
WHERE p.is_active AND g.total_quantity = 0
ORDER BY p.department, p.product_id
