-- name: customer_segments
-- title: Customers by segment
-- description: How many customers each segment has and what they spend.
-- columns:
--   customer_segment: Loyal, Active, Regular, Lapsed or New
--   customers: customers
--   total_orders: orders
--   total_spend: shop currency
--   spend_per_customer: shop currency per customer
--   orders_per_customer: orders per customer, two digits after the point
--   share_percent: percent of all spend
SELECT
    c.customer_segment,
    COUNT(*) AS customers,
    SUM(c.total_orders) AS total_orders,
    SUM(c.total_spend) AS total_spend,
    SUM(c.total_spend) / COUNT(*) AS spend_per_customer,
    CAST(SUM(c.total_orders) AS decimal(38, 2)) / COUNT(*) AS orders_per_customer,
    CAST(100 * SUM(c.total_spend) AS decimal(38, 2)) / NULLIF(SUM(SUM(c.total_spend)) OVER (), 0)
        AS share_percent
FROM gold.customer_insights AS c
GROUP BY c.customer_segment
ORDER BY total_spend DESC, c.customer_segment
