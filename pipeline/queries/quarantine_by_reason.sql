-- name: quarantine_by_reason
-- title: Quarantine by reason
-- description: Delivered rows that are not in silver, by what is wrong with them; a row counts
--   once for each of its reasons.
-- columns:
--   entity: products, orders or order_items
--   reason: code: column and what is wrong with it
--   status: held: waits for a reference; rejected: can never be valid
--   row_count: rows with the reason
--   first_seen: UTC date of the first of them
--   last_seen: UTC date of the last of them
WITH quarantined AS (
    SELECT 'products' AS entity, p.reasons, p.status, p.first_seen
    FROM quarantine.products AS p
    UNION ALL
    SELECT 'orders' AS entity, o.reasons, o.status, o.first_seen
    FROM quarantine.orders AS o
    UNION ALL
    SELECT 'order_items' AS entity, i.reasons, i.status, i.first_seen
    FROM quarantine.order_items AS i
)

SELECT
    q.entity,
    r.reason,
    q.status,
    COUNT(*) AS row_count,
    CAST(MIN(q.first_seen) AS date) AS first_seen,
    CAST(MAX(q.first_seen) AS date) AS last_seen
FROM quarantined AS q
CROSS JOIN UNNEST(SPLIT(q.reasons, ';')) AS r (reason)
WHERE q.status <> 'released'
GROUP BY q.entity, r.reason, q.status
ORDER BY row_count DESC, q.entity, r.reason, q.status
