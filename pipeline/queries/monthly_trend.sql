-- name: monthly_trend
-- title: Sales month by month
-- description: Sales of every calendar month, and the change per date with orders, so that a
--   month that has just begun can be compared.
-- columns:
--   month: UTC date of the month's first day
--   days: dates with orders
--   total_sales: shop currency
--   order_count: orders
--   avg_order_value: shop currency per order
--   sales_per_day: shop currency per date with orders
--   change_percent: percent of sales_per_day against the row before; null in the first one
WITH months AS (
    SELECT
        DATE_TRUNC('month', s.date) AS month,
        COUNT(*) AS days,
        SUM(s.total_sales) AS total_sales,
        SUM(s.order_count) AS order_count
    FROM gold.daily_sales AS s
    GROUP BY DATE_TRUNC('month', s.date)
),

compared AS (
    SELECT
        m.month,
        m.days,
        m.total_sales,
        m.order_count,
        m.total_sales / m.days AS sales_per_day,
        LAG(m.total_sales / m.days) OVER (ORDER BY m.month) AS per_day_before
    FROM months AS m
)

SELECT
    c.month,
    c.days,
    c.total_sales,
    c.order_count,
    c.total_sales / c.order_count AS avg_order_value,
    c.sales_per_day,
    CAST(100 * (c.sales_per_day - c.per_day_before) AS decimal(38, 2)) / NULLIF(c.per_day_before, 0)
        AS change_percent
FROM compared AS c
ORDER BY c.month
