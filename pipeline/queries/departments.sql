-- name: departments
-- title: Departments by revenue
-- description: Every department with its revenue and its share of it.
-- columns:
--   department: department
--   total_sales: shop currency
--   share_percent: percent of the revenue of all departments
--   order_count: orders with an item of the department
--   customer_count: customers of those orders
--   product_count: active products
--   avg_order_value: shop currency per order; null without orders
SELECT
    d.department,
    d.total_sales,
    CAST(100 * d.total_sales AS decimal(38, 2)) / NULLIF(SUM(d.total_sales) OVER (), 0)
        AS share_percent,
    d.order_count,
    d.customer_count,
    d.product_count,
    d.avg_order_value
FROM gold.department_analytics AS d
ORDER BY d.total_sales DESC, d.department
