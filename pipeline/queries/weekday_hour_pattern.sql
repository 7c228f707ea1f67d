-- name: weekday_hour_pattern
-- title: Orders by weekday and hour
-- description: The busiest hours of the week: one row per weekday and hour with orders, busiest
--   first.
-- columns:
--   weekday: ISO day of the week in UTC: 1 is Monday, 7 is Sunday
--   hour_of_day: hour in UTC, 0 to 23
--   order_count: orders
--   total_sales: shop currency
SELECT
    o.day_of_week AS weekday,
    o.hour_of_day,
    COUNT(*) AS order_count,
    SUM(o.total_amount) AS total_sales
FROM silver.orders AS o
GROUP BY o.day_of_week, o.hour_of_day
ORDER BY order_count DESC, weekday, o.hour_of_day
