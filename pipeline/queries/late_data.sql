-- name: late_data
-- title: Rows that came late
-- description: Rows of a date that an earlier run had gone past already: their date lies before
--   the newest one that an earlier run brought for the entity.
-- columns:
--   entity: orders or order_items
--   date: UTC date of the rows
--   row_count: silver rows of the date
--   late_rows: rows that came after a later date had been taken in
--   most_days_late: days between the date and the newest date known then; null without late
--     rows
--   last_batch_id: number of the run that brought the last of the rows
WITH arrived AS (
    SELECT 'orders' AS entity, o.date, o.batch_id
    FROM silver.orders AS o
    UNION ALL
    SELECT 'order_items' AS entity, i.date, i.batch_id
    FROM silver.order_items AS i
),

batches AS (
    SELECT
        a.entity,
        a.batch_id,
        MAX(a.date) AS newest
    FROM arrived AS a
    GROUP BY a.entity, a.batch_id
),

known AS (
    SELECT
        b.entity,
        b.batch_id,
        MAX(b.newest) OVER (
            PARTITION BY b.entity
            ORDER BY b.batch_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS known_until
    FROM batches AS b
)

SELECT
    a.entity,
    a.date,
    COUNT(*) AS row_count,
    COUNT(*) FILTER (WHERE a.date < k.known_until) AS late_rows,
    MAX(CASE WHEN a.date < k.known_until THEN DATE_DIFF('day', a.date, k.known_until) END)
        AS most_days_late,
    MAX(a.batch_id) AS last_batch_id
FROM arrived AS a
INNER JOIN known AS k ON k.entity = a.entity AND k.batch_id = a.batch_id
GROUP BY a.entity, a.date
ORDER BY a.entity, a.date
