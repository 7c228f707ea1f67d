-- name: missing_days
-- title: Days without orders
-- description: Gaps in the dates: days between the first and the last date that have no order
--   at all, often a delivery that did not come.
-- columns:
--   last_date: UTC date with orders before the gap
--   next_date: UTC date with orders after the gap
--   missing_days: days between them
WITH days AS (
    SELECT
        s.date AS last_date,
        LEAD(s.date) OVER (ORDER BY s.date) AS next_date
    FROM gold.daily_sales AS s
)

SELECT
    d.last_date,
    d.next_date,
    DATE_DIFF('day', d.last_date, d.next_date) - 1 AS missing_days
FROM days AS d
WHERE DATE_DIFF('day', d.last_date, d.next_date) > 1
ORDER BY d.last_date
