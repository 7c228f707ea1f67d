-- name: weekday_pattern
-- title: Sales by weekday
-- description: What a weekday brings on average over the dates with orders.
-- columns:
--   weekday: ISO day of the week in UTC: 1 is Monday, 7 is Sunday
--   days: dates with orders
--   order_count: orders
--   total_sales: shop currency
--   sales_per_day: shop currency per date
--   orders_per_day: orders per date, two digits after the point
SELECT
    DAY_OF_WEEK(s.date) AS weekday,
    COUNT(*) AS days,
    SUM(s.order_count) AS order_count,
    SUM(s.total_sales) AS total_sales,
    SUM(s.total_sales) / COUNT(*) AS sales_per_day,
    CAST(SUM(s.order_count) AS decimal(38, 2)) / COUNT(*) AS orders_per_day
FROM gold.daily_sales AS s
GROUP BY DAY_OF_WEEK(s.date)
ORDER BY weekday
