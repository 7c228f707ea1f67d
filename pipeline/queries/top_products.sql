-- name: top_products
-- title: Top products
-- description: The twenty products with most revenue; an order's total is shared equally among
--   its items.
-- columns:
--   place: place by revenue, from 1
--   product_id: identifies the product
--   product_name: name
--   department: department
--   total_sales: shop currency
--   total_quantity: items
--   order_count: orders
--   share_percent: percent of the revenue of all products
WITH ranked AS (
    SELECT
        ROW_NUMBER() OVER (ORDER BY p.total_sales DESC, p.product_id) AS place,
        p.product_id,
        p.product_name,
        p.department,
        p.total_sales,
        p.total_quantity,
        p.order_count,
        SUM(p.total_sales) OVER () AS all_sales
    FROM gold.product_performance AS p
    WHERE p.total_quantity > 0
)

SELECT
    r.place,
    r.product_id,
    r.product_name,
    r.department,
    r.total_sales,
    r.total_quantity,
    r.order_count,
    CAST(100 * r.total_sales AS decimal(38, 2)) / NULLIF(r.all_sales, 0) AS share_percent
FROM ranked AS r
WHERE r.place <= 20
ORDER BY r.place
