-- name: basket_size
-- title: Basket sizes
-- description: How many items orders have, and what orders of that size cost; 0 are orders
--   whose items are not in silver.
-- columns:
--   items: items of an order
--   order_count: orders with so many items
--   share_percent: percent of all orders
--   avg_order_value: shop currency per order
WITH counted AS (
    SELECT
        i.order_id,
        COUNT(*) AS items
    FROM silver.order_items AS i
    GROUP BY i.order_id
)

SELECT
    COALESCE(c.items, 0) AS items,
    COUNT(*) AS order_count,
    CAST(100 * COUNT(*) AS decimal(38, 2)) / SUM(COUNT(*)) OVER () AS share_percent,
    SUM(o.total_amount) / COUNT(*) AS avg_order_value
FROM silver.orders AS o
LEFT JOIN counted AS c ON c.order_id = o.order_id
GROUP BY COALESCE(c.items, 0)
ORDER BY items
