-- name: department_growth
-- title: Which department grew most last week
-- description: Revenue of the seven days up to the last date with orders, against the seven
--   days before them; an order's total is shared equally among its items.
-- columns:
--   department: department
--   last_week: shop currency; the seven days up to the last date with orders
--   week_before: shop currency; the seven days before those
--   growth: shop currency
--   growth_percent: percent of week_before; null when that is nothing
WITH last_date AS (
    SELECT MAX(s.date) AS date
    FROM gold.daily_sales AS s
),

items AS (
    SELECT
        o.date,
        i.product_id,
        CAST(100 * o.total_amount AS bigint) AS order_cents,
        COUNT(*) OVER (PARTITION BY i.order_id) AS items_of_order,
        ROW_NUMBER() OVER (PARTITION BY i.order_id ORDER BY i.add_to_cart_order, i.id) AS place
    FROM silver.order_items AS i
    INNER JOIN silver.orders AS o ON o.order_id = i.order_id
    WHERE o.date > (SELECT l.date - INTERVAL '14' DAY FROM last_date AS l)
),

shared AS (
    SELECT
        t.date,
        p.department,
        t.order_cents / t.items_of_order
        + CASE WHEN t.place <= t.order_cents % t.items_of_order THEN 1 ELSE 0 END AS cents
    FROM items AS t
    INNER JOIN silver.products AS p ON p.product_id = t.product_id
),

weeks AS (
    SELECT
        d.department,
        CAST(SUM(CASE WHEN s.date > l.date - INTERVAL '7' DAY THEN s.cents ELSE 0 END)
            AS decimal(36, 2)) / 100 AS last_week,
        CAST(SUM(CASE WHEN s.date <= l.date - INTERVAL '7' DAY THEN s.cents ELSE 0 END)
            AS decimal(36, 2)) / 100 AS week_before
    FROM gold.department_analytics AS d
    CROSS JOIN last_date AS l
    LEFT JOIN shared AS s ON s.department = d.department
    GROUP BY d.department
)

SELECT
    w.department,
    w.last_week,
    w.week_before,
    w.last_week - w.week_before AS growth,
    CAST(100 * (w.last_week - w.week_before) AS decimal(38, 2)) / NULLIF(w.week_before, 0)
        AS growth_percent
FROM weeks AS w
ORDER BY growth DESC, w.department
