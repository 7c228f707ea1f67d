-- name: bought_together
-- title: Bought together
-- description: The twenty pairs of products that most orders of the last 30 days have in
--   common.
-- columns:
--   product_a: name of the product with the lower product_id
--   product_b: name of the other one
--   order_count: orders with both
WITH recent AS (
    SELECT DISTINCT
        i.order_id,
        i.product_id
    FROM silver.order_items AS i
    INNER JOIN silver.orders AS o ON o.order_id = i.order_id
    WHERE o.date > (SELECT MAX(s.date) - INTERVAL '30' DAY FROM gold.daily_sales AS s)
),

pairs AS (
    SELECT
        a.product_id AS a_id,
        b.product_id AS b_id,
        COUNT(*) AS order_count
    FROM recent AS a
    INNER JOIN recent AS b ON b.order_id = a.order_id AND a.product_id < b.product_id
    GROUP BY a.product_id, b.product_id
)

SELECT
    p.product_name AS product_a,
    q.product_name AS product_b,
    c.order_count
FROM pairs AS c
INNER JOIN silver.products AS p ON p.product_id = c.a_id
INNER JOIN silver.products AS q ON q.product_id = c.b_id
ORDER BY c.order_count DESC, c.a_id, c.b_id
LIMIT 20
