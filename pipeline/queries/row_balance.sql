-- name: row_balance
-- title: Where did every row go
-- description: The balance of the lake: rows of the accepted files are silver rows, superseded
--   rows and quarantined rows.
-- columns:
--   entity: products, orders or order_items
--   in_files: data rows of the accepted files
--   silver: rows of the silver table
--   superseded: valid rows that a later one of their key replaced, and repetitions
--   quarantined: rows that are held or rejected
--   difference: rows; 0 when nothing is lost
WITH accounts AS (
    SELECT
        a.entity,
        SUM(a.rows_read) AS in_files,
        SUM(a.superseded) AS superseded
    FROM meta.row_accounts AS a
    GROUP BY a.entity
),

held AS (
    SELECT 'products' AS entity, COUNT(*) AS quarantined
    FROM quarantine.products AS p
    WHERE p.status <> 'released'
    UNION ALL
    SELECT 'orders' AS entity, COUNT(*) AS quarantined
    FROM quarantine.orders AS o
    WHERE o.status <> 'released'
    UNION ALL
    SELECT 'order_items' AS entity, COUNT(*) AS quarantined
    FROM quarantine.order_items AS i
    WHERE i.status <> 'released'
),

kept AS (
    SELECT 'products' AS entity, COUNT(*) AS silver FROM silver.products AS p
    UNION ALL
    SELECT 'orders' AS entity, COUNT(*) AS silver FROM silver.orders AS o
    UNION ALL
    SELECT 'order_items' AS entity, COUNT(*) AS silver FROM silver.order_items AS i
)

SELECT
    a.entity,
    a.in_files,
    k.silver,
    a.superseded,
    h.quarantined,
    a.in_files - k.silver - a.superseded - h.quarantined AS difference
FROM accounts AS a
INNER JOIN kept AS k ON k.entity = a.entity
INNER JOIN held AS h ON h.entity = a.entity
ORDER BY a.entity
