-- name: run_history
-- title: Run history
-- description: The last fifty runs, latest first: files and rows that came in and where the
--   rows went.
-- columns:
--   batch_id: number of the run; null when it took no file in
--   started_at: UTC time
--   status: how the run ended
--   engine: engine that did the work
--   accepted_files: files taken in
--   duplicate_files: files whose bytes came in before
--   refused_files: files that failed a file-level check
--   rows_read: data rows of the accepted files
--   quarantined_rows: rows newly held or rejected
--   released_rows: held rows that became valid
WITH accounts AS (
    SELECT
        a.batch_id,
        SUM(a.rows_read) AS rows_read,
        SUM(a.held + a.rejected) AS quarantined_rows,
        SUM(a.released) AS released_rows
    FROM meta.row_accounts AS a
    GROUP BY a.batch_id
)

SELECT
    r.batch_id,
    r.started_at,
    r.status,
    r.engine,
    r.accepted_files,
    r.duplicate_files,
    r.refused_files,
    COALESCE(a.rows_read, 0) AS rows_read,
    COALESCE(a.quarantined_rows, 0) AS quarantined_rows,
    COALESCE(a.released_rows, 0) AS released_rows
FROM meta.runs AS r
LEFT JOIN accounts AS a ON a.batch_id = r.batch_id
ORDER BY r.started_at DESC, r.batch_id DESC
LIMIT 50
