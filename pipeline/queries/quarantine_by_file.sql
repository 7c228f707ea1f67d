-- name: quarantine_by_file
-- title: Quarantine by file
-- description: Which deliveries brought rows that silver could not take, worst first.
-- columns:
--   source_file: path of the file below the landing zone
--   batch_id: number of the run that took it in
--   delivered_rows: data rows of the file
--   rejected_rows: rows that can never be valid
--   held_rows: rows that wait for a reference
--   share_percent: percent of the delivered rows that are rejected or held
WITH quarantined AS (
    SELECT p.source_file, p.batch_id, p.status
    FROM quarantine.products AS p
    UNION ALL
    SELECT o.source_file, o.batch_id, o.status
    FROM quarantine.orders AS o
    UNION ALL
    SELECT i.source_file, i.batch_id, i.status
    FROM quarantine.order_items AS i
),

files AS (
    SELECT
        q.source_file,
        q.batch_id,
        COUNT(*) FILTER (WHERE q.status = 'rejected') AS rejected_rows,
        COUNT(*) FILTER (WHERE q.status = 'held') AS held_rows
    FROM quarantined AS q
    WHERE q.status <> 'released'
    GROUP BY q.source_file, q.batch_id
)

SELECT
    f.source_file,
    f.batch_id,
    d.rows AS delivered_rows,
    f.rejected_rows,
    f.held_rows,
    CAST(100 * (f.rejected_rows + f.held_rows) AS decimal(38, 2)) / d.rows AS share_percent
FROM files AS f
INNER JOIN meta.files AS d
    ON d.path = f.source_file AND d.batch_id = f.batch_id AND d.status = 'accepted'
ORDER BY f.rejected_rows + f.held_rows DESC, f.source_file, f.batch_id
