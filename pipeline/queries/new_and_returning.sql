-- name: new_and_returning
-- title: New and returning customers
-- description: For every date with orders: how many of its customers ordered for the first time
--   that day.
-- columns:
--   date: UTC date
--   customers: different customers of the date
--   new_customers: customers whose first order is of the date
--   returning_customers: the others
--   new_percent: percent of the customers
WITH days AS (
    SELECT
        o.date,
        COUNT(DISTINCT o.user_id) AS customers,
        COUNT(DISTINCT CASE WHEN c.first_order_date = o.date THEN o.user_id END) AS new_customers
    FROM silver.orders AS o
    INNER JOIN gold.customer_insights AS c ON c.user_id = o.user_id
    GROUP BY o.date
)

SELECT
    d.date,
    d.customers,
    d.new_customers,
    d.customers - d.new_customers AS returning_customers,
    CAST(100 * d.new_customers AS decimal(38, 2)) / d.customers AS new_percent
FROM days AS d
ORDER BY d.date
