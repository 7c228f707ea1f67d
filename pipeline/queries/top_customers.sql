-- name: top_customers
-- title: Top customers
-- description: The twenty customers who spent most, and what they like.
-- columns:
--   user_id: identifies the customer
--   total_spend: shop currency
--   total_orders: orders
--   avg_order_value: shop currency per order
--   last_order_date: UTC date
--   customer_segment: segment
--   favorite_department: department with most items; null without items
--   favorite_product: name of the product with most items; null without items
SELECT
    c.user_id,
    c.total_spend,
    c.total_orders,
    c.avg_order_value,
    c.last_order_date,
    c.customer_segment,
    c.favorite_department,
    p.product_name AS favorite_product
FROM gold.customer_insights AS c
LEFT JOIN gold.product_performance AS p ON p.product_id = c.favorite_product_id
ORDER BY c.total_spend DESC, c.user_id
LIMIT 20
