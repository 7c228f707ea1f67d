-- name: revenue_reconciliation
-- title: Is every cent accounted for
-- description: Revenue as four tables tell it. What products and departments have and the
--   orders without items must be the sum over the days, to the cent.
-- columns:
--   measure: what was summed
--   amount: shop currency
--   difference: shop currency; amount less the sum over daily_sales, 0.00 when the books agree
WITH itemless AS (
    SELECT COALESCE(SUM(o.total_amount), 0) AS amount
    FROM silver.orders AS o
    LEFT JOIN (SELECT DISTINCT i.order_id FROM silver.order_items AS i) AS t
        ON t.order_id = o.order_id
    WHERE t.order_id IS NULL
),

daily AS (
    SELECT COALESCE(SUM(s.total_sales), 0) AS amount
    FROM gold.daily_sales AS s
),

products AS (
    SELECT COALESCE(SUM(p.total_sales), 0) AS amount
    FROM gold.product_performance AS p
),

departments AS (
    SELECT COALESCE(SUM(d.total_sales), 0) AS amount
    FROM gold.department_analytics AS d
),

measures AS (
    SELECT 1 AS place, 'orders by day' AS measure, d.amount
    FROM daily AS d
    UNION ALL
    SELECT 2 AS place, 'orders by customer' AS measure, COALESCE(SUM(c.total_spend), 0) AS amount
    FROM gold.customer_insights AS c
    UNION ALL
    SELECT 3 AS place, 'products, and orders without items' AS measure, p.amount + n.amount
    FROM products AS p
    CROSS JOIN itemless AS n
    UNION ALL
    SELECT 4 AS place, 'departments, and orders without items' AS measure, d.amount + n.amount
    FROM departments AS d
    CROSS JOIN itemless AS n
)

SELECT
    m.measure,
    m.amount,
    m.amount - d.amount AS difference
FROM measures AS m
CROSS JOIN daily AS d
ORDER BY m.place
