-- name: weekly_trend
-- title: Sales week by week
-- description: Sales of every ISO week, Monday to Sunday, and the change against the week with
--   orders before it.
-- columns:
--   week: UTC date of the week's Monday
--   days: dates with orders; fewer than 7 when the week is not complete
--   total_sales: shop currency
--   order_count: orders
--   avg_order_value: shop currency per order
--   change_percent: percent against the row before; null in the first one
WITH weeks AS (
    SELECT
        DATE_TRUNC('week', s.date) AS week,
        COUNT(*) AS days,
        SUM(s.total_sales) AS total_sales,
        SUM(s.order_count) AS order_count
    FROM gold.daily_sales AS s
    GROUP BY DATE_TRUNC('week', s.date)
),

compared AS (
    SELECT
        w.week,
        w.days,
        w.total_sales,
        w.order_count,
        LAG(w.total_sales) OVER (ORDER BY w.week) AS sales_before
    FROM weeks AS w
)

SELECT
    c.week,
    c.days,
    c.total_sales,
    c.order_count,
    c.total_sales / c.order_count AS avg_order_value,
    CAST(100 * (c.total_sales - c.sales_before) AS decimal(38, 2)) / NULLIF(c.sales_before, 0)
        AS change_percent
FROM compared AS c
ORDER BY c.week
