"""What Athena would refuse, or answer otherwise, is refused: with the reason and the place."""

import random

import pytest

from pipeline.queries import named_queries
from simulator.sql.dialect import parse, statements
from simulator.sql.errors import QueryError
from simulator.sql.functions import SCALARS
from simulator.sql.unoffered import KNOWN
from tests.unit.sql.tools import Asked, translated

D = "FROM gold.daily_sales"

# What DuckDB, or sqlglot, takes and Athena does not.
NOT_ATHENA = [
    ("FROM gold.daily_sales", "cannot begin with FROM"),
    (f"SELECT * FROM ({D})", "cannot begin with FROM"),
    (f"SELECT * EXCLUDE (date) {D}", "EXCEPT"),
    (f"SELECT * REPLACE (1 AS date) {D}", "REPLACE"),
    (f"SELECT date::varchar {D}", "no `::`"),
    (f"SELECT date {D} GROUP BY ALL", "no GROUP BY ALL"),
    (f"SELECT date {D} ORDER BY ALL", "no column all"),
    (f"SELECT date {D} QUALIFY ROW_NUMBER() OVER (ORDER BY date) = 1", "no QUALIFY"),
    (f"SELECT DISTINCT ON (date) date {D}", "no DISTINCT ON"),
    (f"SELECT date {D} LIMIT 5 OFFSET 2", "OFFSET comes before LIMIT"),
    (f"SELECT date, {D}", "nothing after this comma"),
    ("SELECT [x FOR x IN [1, 2]]", "Brackets are for ARRAY"),
    ("SELECT {'a': 1}", "no braces"),
    (f"SELECT total_sales == 1 {D}", "no =="),
    ("SELECT 7 // 2", "no //"),
    ("SELECT 'a' ILIKE 'A'", "no ILIKE"),
    ("SELECT 'a' GLOB 'A'", "no GLOB"),
    ("SELECT 2 ** 3", "not expected here"),
    ("SELECT $1", "has no value here"),
    ("SELECT ?", "has no value here"),
    ("SELECT @x", "no variables"),
    (f"SELECT order_count AS n {D} WHERE n > 1", "no column n"),
    (f"SELECT year(date) AS y {D} GROUP BY y", "does not group by y"),
    (f"SELECT order_count AS n, n + 1 {D}", "no column n"),
    (f"SELECT order_count IS TRUE {D}", "IS NULL and IS NOT NULL only"),
    (f"SELECT date {D} WHERE date = '2025-04-01'", "cannot be applied to date and varchar"),
    (f"SELECT date {D} WHERE date > 5", "cannot be applied to date and integer"),
    ("SELECT 1 + '1'", "cannot be applied to integer and varchar"),
    ("SELECT 1 || 'a'", "cannot be applied to integer and varchar"),
    (f"SELECT date {D} WHERE order_count", "A condition is needed"),
    (f"SELECT date + 1 {D}", "cannot be applied"),
    (f"SELECT date + INTERVAL '1' HOUR {D}", "Hours cannot be added"),
    (f"SELECT date + INTERVAL 1 DAY {D}", "in quotes"),
    ("SELECT CASE WHEN TRUE THEN 1 ELSE 'a' END", "CASE gives integer and varchar"),
    (f"SELECT s.date {D} AS s SEMI JOIN gold.daily_sales AS t ON s.date = t.date", "no SEMI JOIN"),
    (f"SELECT s.date {D} AS s NATURAL JOIN gold.daily_sales AS t", "no NATURAL JOIN"),
    (f"SELECT s.date {D} AS s POSITIONAL JOIN gold.daily_sales AS t", ""),
    (f"SELECT s.date {D} AS s ASOF JOIN gold.daily_sales AS t ON s.date >= t.date", "JOIN"),
    ("SELECT * FROM read_csv('x.csv')", "not files or functions"),
    ("SELECT * FROM read_parquet('x.parquet')", "not files or functions"),
    ("SELECT * FROM glob('*')", ""),
    ("SELECT * FROM 'x.csv'", "no table"),
    ("SELECT * FROM duckdb_settings()", "not files or functions"),
    (f"SELECT * {D} USING SAMPLE 10", ""),
    (f"SELECT * {D} TABLESAMPLE BERNOULLI (10)", "SAMPLE"),
    (f"SELECT * {D} PIVOT (SUM(total_sales) FOR date IN (1))", "no PIVOT"),
    ("PIVOT gold.daily_sales ON date USING SUM(total_sales)", "no PIVOT"),
    ("SUMMARIZE gold.daily_sales", "Expected SELECT or WITH"),
    ("DESCRIBE gold.daily_sales", "Expected SELECT or WITH"),
    (f"SELECT MAX(date, 3) {D}", "takes one argument"),
    (f"SELECT COUNT() {D}", "COUNT(*)"),
    (f"SELECT SUM(*) {D}", "means nothing"),
    (f"SELECT ROW_NUMBER() {D}", "needs a window"),
    ("WITH RECURSIVE t AS (SELECT 1 AS n) SELECT n FROM t", "RECURSIVE"),
    ("SELECT a FROM (SELECT 1 AS a) t UNION BY NAME SELECT 1 AS a", ""),
    (f"SELECT `date` {D}", ""),
    ("SELECT 'it''s", "quote that is not closed"),
    ("SELECT 1; SELECT 2", "more than one statement"),
    (f"SELECT DISTINCT date {D} ORDER BY order_count", "With DISTINCT"),
    ("WITH x AS (SELECT 1), x AS (SELECT 2) SELECT * FROM x", "are called x"),
    (f"SELECT MAX(date) WITHIN GROUP (ORDER BY date) {D}", "goes with LISTAGG"),
    ("SELECT INTERVAL '1' DAY", "is an interval"),
    ("SELECT CAST(1 AS decimal(a))", "one or two numbers"),
    ("SELECT " + "(" * 400 + "1" + ")" * 400, "nested too deeply"),
    ("WITH x AS (SELECT 1 AS a, 2 AS a) SELECT * FROM x", "are called a"),
    ("WITH x (a, b) AS (SELECT 1) SELECT * FROM x", "names 2 columns, there are 1"),
    ("SELECT 1 UNION SELECT 1, 2", "joins 1 and 2 columns"),
    (f"SELECT date {D} UNION SELECT 1", "joins date and integer"),
    (f"SELECT date {D} WHERE date IN (SELECT date, order_count {D})", "a query of one column"),
    ("SELECT * FROM (VALUES (1, 2), (3)) AS t (a, b)", "of one length"),
    ("", "no statement"),
]

CHANGES = [
    "INSERT INTO gold.daily_sales SELECT 1", "UPDATE gold.daily_sales SET date = NULL",
    "DELETE FROM gold.daily_sales", "DROP TABLE gold.daily_sales",
    "CREATE TABLE t AS SELECT 1", "CREATE VIEW v AS SELECT 1", "ALTER TABLE t ADD COLUMN c int",
    "MERGE INTO t USING u ON 1 = 1 WHEN MATCHED THEN DELETE", "TRUNCATE TABLE t",
    "COPY t TO 'x'", "ATTACH 'x.db'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA version",
    "SET memory_limit = '1GB'", "UNLOAD (SELECT 1) TO 's3://x'", "VACUUM t", "CALL f()",
    "EXPORT DATABASE 'x'", "OPTIMIZE t REWRITE DATA USING BIN_PACK", "MSCK REPAIR TABLE t",
]  # fmt: skip

# Athena has these; another engine's answer would differ, so that none is given.
OTHERWISE = [
    ("APPROX_DISTINCT(order_count)", "estimate"),
    ("APPROX_PERCENTILE(order_count, 0.5)", "estimate"),
    ("STDDEV(order_count)", "last digits"),
    ("POWER(2, 3)", "last digits"),
    ("RANDOM()", "not the same twice"),
    ("ARBITRARY(order_count)", "not defined"),
    ("REGEXP_LIKE('a', 'b')", "regular expressions"),
    ("DATE_PARSE('2025', '%Y')", "formats"),
    ("FROM_UNIXTIME(0)", "UTC"),
    ("TRY(1)", "TRY_CAST"),
    ("SUM(CAST(order_count AS double))", "order in which rows are added"),
    ("AVG(CAST(order_count AS double))", "order in which rows are added"),
    ("ROUND(CAST(order_count AS double), 2)", "Cast to decimal first"),
    ("CAST(CAST(1 AS double) AS varchar)", "as text differs"),
    ("CAST(last_updated_timestamp AS varchar)", "DATE_FORMAT"),
    ("ARRAY_AGG(order_count)", "not the same twice"),
    ("DATE_FORMAT(date, '%k')", "%k is not offered"),
    ("last_updated_timestamp AT TIME ZONE 'Europe/Berlin'", "not offered here"),
    ("DATE_DIFF('hour', date, date)", "takes one of day"),
    ("date - date", "DATE_DIFF"),
    ("5.5 % 2", "whole numbers"),
]

# Names of other engines, and what Athena has instead.
ELSEWHERE = [
    ("IFNULL(1, 2)", "COALESCE"), ("NVL(1, 2)", "COALESCE"), ("LEN('a')", "LENGTH"),
    ("DATEDIFF('day', date, date)", "DATE_DIFF"), ("STRFTIME(date, '%Y')", "DATE_FORMAT"),
    ("STRING_AGG('a', ',')", "LISTAGG"), ("MEDIAN(order_count)", "ROW_NUMBER"),
    ("LEFT('abc', 1)", "SUBSTR"), ("ROUN(1)", "Did you mean ROUND?"),
    ("LIST(order_count)", "ARRAY_AGG"), ("FIRST(order_count)", "MIN_BY"),
    ("IIF(TRUE, 1, 2)", "no function"),
    ("READ_TEXT('/etc/passwd')", "no function READ_TEXT"), ("GETENV('HOME')", "no function GETENV"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), NOT_ATHENA)
def test_what_athena_does_not_know_is_refused(text: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        translated(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", CHANGES)
def test_nothing_can_be_changed(text: str) -> None:
    with pytest.raises(QueryError, match="is not allowed: the tables are only read"):
        translated(text)


@pytest.mark.parametrize(("expression", "reason"), OTHERWISE)
def test_what_would_be_answered_otherwise_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        translated(f"SELECT {expression} {D}")
    assert reason in str(caught.value)


@pytest.mark.parametrize(("expression", "instead"), ELSEWHERE)
def test_names_of_other_engines_are_refused_with_athenas(expression: str, instead: str) -> None:
    with pytest.raises(QueryError) as caught:
        translated(f"SELECT {expression} {D}")
    assert instead in str(caught.value)
    assert "Athena has no function" in str(caught.value)


def test_no_function_is_both_offered_and_not() -> None:
    assert not set(SCALARS) & set(KNOWN)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("SELECT totl_sales FROM gold.daily_sales", (1, 8), "Did you mean total_sales?"),
        ("SELECT s.dat\nFROM gold.daily_sales AS s", (1, 8), "Did you mean date?"),
        ("SELECT date\nFROM gold.daily_sales\nWHERE t.date IS NULL", (3, 7), "no table t"),
        ("SELECT 1,\n  IFNULL(1, 2)", (2, 3), "no function IFNULL"),
        ("SELECT date FROM gold.daily_sales\nWHERE whee whoo", (2, 12), "'whoo' is not expected"),
        ("SELECT 1 ==\n2", (1, 10), "no =="),
        ("SELECT\n1::int", (2, 2), "no `::`"),
        ("SELECT date FROM gold.daily_sales s JOIN silver.orders o ON o.date = s.date", (1, 8),
         "ambiguous"),
    ],
)  # fmt: skip
def test_the_place_is_told(text: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        translated(text)
    assert caught.value.place == place, str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["SELECT 1 FROM", "SELECT (1", "SELECT CASE WHEN TRUE", "WITH t AS SELECT 1", "SELECT 1 +"],
)
def test_a_statement_that_breaks_off_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("SUM(9223372036854775807) OVER ()", "INT64"),
        ("1 / 0", "Division by zero"),
        ("1.5 / 0", "Division by zero"),
        ("5 % 0", "Division by zero"),
        ("2147483647 + 1", "Overflow"),
        ("CAST(x AS bigint)", "Cannot cast 'a' to bigint"),
        ("CAST(x AS date)", "Cannot cast 'a' to date"),
        ("CAST(x AS decimal(5, 2))", "Cannot cast 'a' to decimal(5,2)"),
        ("CAST(12345 AS decimal(5, 2))", "12345"),
    ],
)
def test_what_fails_in_athena_fails(asked: Asked, expression: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        asked.rows(f"SELECT {expression} FROM (VALUES 'a', 'a') AS t (x)")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SELECT 1; SELECT ';' ;", ["SELECT 1", "SELECT ';'"]),
        ("SELECT 1 -- ; no end\n", ["SELECT 1 -- ; no end"]),
        (" ; ;", []),
        ("SELECT 'ä;ö'; SELECT 2", ["SELECT 'ä;ö'", "SELECT 2"]),
    ],
)
def test_statements_are_split_at_their_semicolons(text: str, parts: list[str]) -> None:
    assert statements(text) == parts


def test_whatever_is_typed_is_refused_in_words() -> None:
    """Statements with words missing, doubled and misplaced: a tree, or a `QueryError`."""
    chance = random.Random(1)  # noqa: S311 - the same statements every time
    queries = [query.sql.split() for query in named_queries()]
    words = [word for query in queries for word in query]
    understood = 0
    for number in range(150):
        statement = list(queries[number % len(queries)])
        for _ in range(chance.randint(1, 2)):
            place = chance.randrange(len(statement))
            statement[place : place + chance.randint(0, 1)] = chance.sample(
                words, chance.randint(0, 1)
            )
        try:
            translated(" ".join(statement))
            understood += 1
        except QueryError:
            continue
    assert 5 < understood < 130
