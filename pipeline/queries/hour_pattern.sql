-- name: hour_pattern
-- title: Orders by hour of the day
-- description: When customers order: every hour with orders, over all dates.
-- columns:
--   hour_of_day: hour in UTC, 0 to 23
--   order_count: orders
--   total_sales: shop currency
--   avg_order_value: shop currency per order
--   share_percent: percent of all orders
SELECT
    o.hour_of_day,
    COUNT(*) AS order_count,
    SUM(o.total_amount) AS total_sales,
    SUM(o.total_amount) / COUNT(*) AS avg_order_value,
    CAST(100 * COUNT(*) AS decimal(38, 2)) / SUM(COUNT(*)) OVER () AS share_percent
FROM silver.orders AS o
GROUP BY o.hour_of_day
ORDER BY o.hour_of_day
