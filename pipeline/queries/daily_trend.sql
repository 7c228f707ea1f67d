-- name: daily_trend
-- title: Sales day by day
-- description: Sales of every date with orders, beside the seven days up to it and the same
--   weekday a week before.
-- columns:
--   date: UTC date
--   total_sales: shop currency
--   order_count: orders
--   avg_order_value: shop currency per order
--   unique_customers: customers
--   sales_of_7_days: shop currency; the date and the six days before it
--   change_percent: percent against the date seven days before; null when that date has no
--     orders
WITH sums AS (
    SELECT
        s.date,
        SUM(w.total_sales) AS sales_of_7_days
    FROM gold.daily_sales AS s
    INNER JOIN gold.daily_sales AS w ON w.date BETWEEN s.date - INTERVAL '6' DAY AND s.date
    GROUP BY s.date
)

SELECT
    s.date,
    s.total_sales,
    s.order_count,
    s.avg_order_value,
    s.unique_customers,
    w.sales_of_7_days,
    CAST(100 * (s.total_sales - b.total_sales) AS decimal(38, 2)) / NULLIF(b.total_sales, 0)
        AS change_percent
FROM gold.daily_sales AS s
INNER JOIN sums AS w ON w.date = s.date
LEFT JOIN gold.daily_sales AS b ON b.date = s.date - INTERVAL '7' DAY
ORDER BY s.date
