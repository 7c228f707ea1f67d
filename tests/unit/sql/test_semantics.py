"""What expressions mean is what they mean to Athena's engine, where DuckDB's own answer differs."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sql.tools import Asked, translated

# Expression, value, type. Values are those of Trino's documentation and its rules, worked by hand.
VALUES: list[tuple[str, Any, str]] = [
    # Whole numbers are divided towards zero.
    ("7 / 2", 3, "integer"),
    ("-7 / 2", -3, "integer"),
    ("7 / -2", -3, "integer"),
    ("-7 % 3", -1, "integer"),
    ("3000000000 / 7", 428571428, "bigint"),
    # Decimals: scale of the greater, half away from zero.
    ("7.0 / 2", Decimal("3.5"), "decimal(2,1)"),
    ("1.0 / 3", Decimal("0.3"), "decimal(2,1)"),
    ("2.00 / 3", Decimal("0.67"), "decimal(3,2)"),
    ("-2.00 / 3", Decimal("-0.67"), "decimal(3,2)"),
    ("0.05 / 2", Decimal("0.03"), "decimal(2,2)"),
    ("-0.05 / 2", Decimal("-0.03"), "decimal(2,2)"),
    ("1 / 0.25", Decimal("4.00"), "decimal(14,2)"),
    ("CAST(10 AS decimal(10,2)) / CAST(3 AS decimal(5,4))", Decimal("3.3333"), "decimal(16,4)"),
    ("0.1 + 0.2", Decimal("0.3"), "decimal(2,1)"),
    ("1.25 * 1.5", Decimal("1.875"), "decimal(5,3)"),
    ("CAST(5 AS bigint) * 1.5", Decimal("7.5"), "decimal(21,1)"),
    ("1e0 / 3", 1 / 3, "double"),
    ("5 / 2e0", 2.5, "double"),
    # Casts round half away from zero.
    ("CAST(2.5 AS bigint)", 3, "bigint"),
    ("CAST(-2.5 AS bigint)", -3, "bigint"),
    ("CAST(2.5e0 AS bigint)", 3, "bigint"),
    ("CAST(0.125 AS decimal(5,2))", Decimal("0.13"), "decimal(5,2)"),
    ("CAST('12.345' AS decimal(5,2))", Decimal("12.35"), "decimal(5,2)"),
    ("CAST(12.50 AS varchar)", "12.50", "varchar"),
    ("CAST(TRUE AS integer)", 1, "integer"),
    ("TRY_CAST('x' AS integer)", None, "integer"),
    ("TRY_CAST('1.5' AS integer)", None, "integer"),
    ("TRY_CAST(' 1' AS bigint)", None, "bigint"),
    ("TRY_CAST('2025-02-30' AS date)", None, "date"),
    ("TRY_CAST('2025/02/03' AS date)", None, "date"),
    ("CAST('2025-02-28' AS date)", date(2025, 2, 28), "date"),
    # Rounding keeps the scale.
    ("ROUND(1.2355, 3)", Decimal("1.2360"), "decimal(6,4)"),
    ("ROUND(2.5)", Decimal(3), "decimal(2,0)"),
    ("ROUND(-2.5)", Decimal(-3), "decimal(2,0)"),
    ("CEIL(1.2)", Decimal(2), "decimal(2,0)"),
    ("FLOOR(-1.2)", Decimal(-2), "decimal(2,0)"),
    # Dates stay dates; weeks begin on Monday; whole units are counted.
    ("DATE '2025-03-31' + INTERVAL '1' MONTH", date(2025, 4, 30), "date"),
    ("DATE '2025-04-01' - INTERVAL '1' DAY", date(2025, 3, 31), "date"),
    ("DATE_TRUNC('month', DATE '2025-04-17')", date(2025, 4, 1), "date"),
    ("DATE_TRUNC('week', DATE '2025-04-06')", date(2025, 3, 31), "date"),
    ("DATE_TRUNC('quarter', DATE '2025-06-06')", date(2025, 4, 1), "date"),
    ("DATE_ADD('month', 1, DATE '2025-01-31')", date(2025, 2, 28), "date"),
    ("DATE_ADD('week', -1, DATE '2025-01-31')", date(2025, 1, 24), "date"),
    ("DATE_DIFF('day', DATE '2025-04-30', DATE '2025-04-01')", -29, "bigint"),
    ("DATE_DIFF('week', DATE '2025-04-01', DATE '2025-04-14')", 1, "bigint"),
    ("DATE_DIFF('month', DATE '2025-01-15', DATE '2025-02-14')", 0, "bigint"),
    ("DATE_DIFF('month', DATE '2025-01-15', DATE '2025-02-15')", 1, "bigint"),
    ("DATE_DIFF('year', DATE '2024-12-31', DATE '2025-01-01')", 0, "bigint"),
    (
        "DATE_DIFF('day', TIMESTAMP '2025-04-01 23:00:00', TIMESTAMP '2025-04-02 22:00:00')",
        0,
        "bigint",
    ),
    (
        "DATE_DIFF('hour', TIMESTAMP '2025-04-01 23:59:00', TIMESTAMP '2025-04-02 00:01:00')",
        0,
        "bigint",
    ),
    ("DAY_OF_WEEK(DATE '2025-04-06')", 7, "bigint"),
    ("WEEK(DATE '2024-12-30')", 1, "bigint"),
    ("YEAR_OF_WEEK(DATE '2024-12-30')", 2025, "bigint"),
    ("EXTRACT(YEAR FROM DATE '2024-12-30')", 2024, "bigint"),
    ("LAST_DAY_OF_MONTH(DATE '2024-02-03')", date(2024, 2, 29), "date"),
    ("HOUR(TIMESTAMP '2025-04-01 23:59:00')", 23, "bigint"),
    ("DATE_FORMAT(TIMESTAMP '2025-04-01 13:05:09', '%Y-%m-%d %H:%i:%s')", "2025-04-01 13:05:09",
     "varchar"),
    ("DATE_FORMAT(DATE '2025-04-01', '%W, %d %M')", "Tuesday, 01 April", "varchar"),
    ("DATE(TIMESTAMP '2025-04-01 23:59:00')", date(2025, 4, 1), "date"),
    (
        "DATE_TRUNC('hour', TIMESTAMP '2025-04-01 23:59:00')",
        datetime(2025, 4, 1, 23),  # noqa: DTZ001 - a timestamp without a zone
        "timestamp",
    ),
    # Null is not passed over.
    ("1 + NULL", None, "integer"),
    ("NULL / 2.5", None, "decimal(3,1)"),
    ("CONCAT('a', NULL)", None, "varchar"),
    ("GREATEST(1, NULL, 3)", None, "integer"),
    ("LEAST(2, 1.5)", Decimal("1.5"), "decimal(11,1)"),
    ("COALESCE(NULL, 1, 2.5)", Decimal("1.0"), "decimal(11,1)"),
    ("NULLIF(1, 1)", None, "integer"),
    ("IF(1 > 2, 'a')", None, "varchar"),
    ("1 IN (2, NULL)", None, "boolean"),
    ("NULL IS DISTINCT FROM 1", True, "boolean"),
    # Text: places from 1, 0 is nowhere; Java's upper case and white space.
    ("SUBSTR('abc', 0)", "", "varchar"),
    ("SUBSTR('abc', 2, 1)", "b", "varchar"),
    ("SUBSTR('abc', -2)", "bc", "varchar"),
    ("SUBSTR('abc', -5)", "", "varchar"),
    ("UPPER('straße')", "STRAßE", "varchar"),
    ("TRIM(' \t a b \u2003')", "a b", "varchar"),
    ("SPLIT('a;b', ';')", ["a", "b"], "array(varchar)"),
    ("SPLIT_PART('a;b', ';', 3)", None, "varchar"),
    ("STRPOS('abc', 'c')", 3, "bigint"),
    ("LENGTH('é')", 1, "bigint"),
    ("CARDINALITY(SPLIT('a;b', ';'))", 2, "bigint"),
    ("'it''s' || ' {0} %'", "it's {0} %", "varchar"),
    ("'a_c' LIKE 'a!_c' ESCAPE '!'", True, "boolean"),
    ("ELEMENT_AT(ARRAY[10, 20], 2)", 20, "integer"),
    # Literals.
    ("2147483648", 2147483648, "bigint"),
    (".50", Decimal("0.50"), "decimal(2,2)"),
    ("007", 7, "integer"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value", "kind"), VALUES)
def test_expression(asked: Asked, expression: str, value: Any, kind: str) -> None:
    assert asked.value(expression) == value
    assert asked.kind(expression) == kind
    # The same from a column, which DuckDB cannot work out beforehand.
    assert asked.rows(f"SELECT {expression} FROM (VALUES 1, 2) AS t (x)") == [(value,)] * 2


T = "(VALUES (1, 2.5, 'b'), (2, NULL, 'a'), (3, 4.0, 'c')) AS t (n, x, s)"

QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    # Nulls come last, upwards and downwards.
    (f"SELECT x FROM {T} ORDER BY x", [(Decimal("2.5"),), (Decimal("4.0"),), (None,)]),
    (f"SELECT x FROM {T} ORDER BY x DESC", [(Decimal("4.0"),), (Decimal("2.5"),), (None,)]),
    (f"SELECT x FROM {T} ORDER BY x NULLS FIRST LIMIT 1", [(None,)]),
    (f"SELECT n FROM {T} ORDER BY 1 DESC LIMIT 1", [(3,)]),
    (f"SELECT n FROM {T} ORDER BY n OFFSET 1 LIMIT 1", [(2,)]),
    (f"SELECT n FROM {T} ORDER BY n OFFSET 1 FETCH FIRST 1 ROW ONLY", [(2,)]),
    # A name of SELECT hides that of a column in ORDER BY, and nowhere else.
    (f"SELECT -n AS n FROM {T} WHERE n > 1 ORDER BY n", [(-3,), (-2,)]),
    (f"SELECT -n AS m FROM {T} ORDER BY m + 0", [(-3,), (-2,), (-1,)]),
    # The mean of decimals is a decimal, half up; of whole numbers a double.
    (f"SELECT AVG(x) FROM {T}", [(Decimal("3.3"),)]),
    (f"SELECT AVG(n) FROM {T}", [(2.0,)]),
    (f"SELECT SUM(n), SUM(x), COUNT(x), COUNT(*) FROM {T}", [(6, Decimal("6.5"), 2, 3)]),
    (f"SELECT SUM(n), COUNT(n), AVG(x) FROM {T} WHERE n > 9", [(None, 0, None)]),
    (f"SELECT COUNT_IF(n > 1), BOOL_OR(n > 2), EVERY(n > 2) FROM {T}", [(2, True, False)]),
    (f"SELECT MAX_BY(x, s), MIN_BY(x, s) FROM {T}", [(Decimal("4.0"), None)]),
    (f"SELECT LISTAGG(s, ',') WITHIN GROUP (ORDER BY s DESC) FROM {T}", [("c,b,a",)]),
    (f"SELECT ARRAY_AGG(n ORDER BY s) FROM {T}", [([2, 1, 3],)]),
    (f"SELECT SUM(n) FILTER (WHERE s <> 'a') FROM {T}", [(4,)]),
    (f"SELECT SUM(n) OVER (ORDER BY n) FROM {T} ORDER BY 1", [(1,), (3,), (6,)]),
    (
        f"SELECT AVG(x) OVER (ORDER BY n ROWS 1 PRECEDING) FROM {T} ORDER BY n",
        [(Decimal("2.5"),), (Decimal("2.5"),), (Decimal("4.0"),)],
    ),
    (
        f"SELECT LAG(x) IGNORE NULLS OVER (ORDER BY n) FROM {T} ORDER BY n",
        [(None,), (Decimal("2.5"),), (Decimal("2.5"),)],
    ),
    (
        f"SELECT LAG(n, 1, 0) OVER (ORDER BY n), RANK() OVER (ORDER BY s) FROM {T} ORDER BY n",
        [(0, 2), (1, 1), (2, 3)],
    ),
    (f"SELECT SUM(SUM(n)) OVER () FROM {T} GROUP BY s ORDER BY s", [(6,)] * 3),
    (f"SELECT n / 2 AS h, COUNT(*) FROM {T} GROUP BY 1 ORDER BY h", [(0, 1), (1, 2)]),
    (f"SELECT n / 2 FROM {T} GROUP BY n / 2 HAVING COUNT(*) > 1", [(1,)]),
    # Sets have the common type of their sides.
    ("SELECT 1 AS a UNION ALL SELECT 2.5 ORDER BY a DESC", [(Decimal("2.5"),), (Decimal("1.0"),)]),
    ("SELECT 1 UNION SELECT 1", [(1,)]),
    ("(SELECT 1 UNION ALL SELECT 2) EXCEPT SELECT 2", [(1,)]),
    ("SELECT 1 INTERSECT SELECT 1 LIMIT 1", [(1,)]),
    # Joins, and queries in the place of tables and values.
    (f"SELECT t.n, b.n FROM {T} JOIN {T.replace('t (', 'b (')} ON b.n = t.n + 1", [(1, 2), (2, 3)]),
    ("SELECT * FROM (SELECT 1 AS k, 2 AS a) x JOIN (SELECT 1 AS k, 3 AS b) y USING (k)",
     [(1, 2, 3)]),
    ("SELECT k, b FROM (SELECT 1 AS k) x LEFT JOIN (SELECT 2 AS k, 3 AS b) y USING (k)",
     [(1, None)]),
    ("SELECT x.a, y.b FROM (SELECT 1 AS a) x FULL JOIN (SELECT 2 AS b) y ON x.a = y.b ORDER BY 1",
     [(1, None), (None, 2)]),
    (f"SELECT n FROM {T} WHERE n = (SELECT MAX(n) FROM (VALUES 2) AS u (n))", [(2,)]),
    (f"SELECT n FROM {T} WHERE EXISTS (SELECT 1 FROM (VALUES 3) AS u (m) WHERE u.m = t.n)", [(3,)]),
    (f"SELECT n FROM {T} WHERE n NOT IN (SELECT m FROM (VALUES 1, 2) AS u (m))", [(3,)]),
    ("SELECT d FROM UNNEST(SEQUENCE(DATE '2025-04-30', DATE '2025-05-01')) AS t (d) ORDER BY d",
     [(date(2025, 4, 30),), (date(2025, 5, 1),)]),
    ("SELECT x, e FROM (VALUES 'a;b') t (x) CROSS JOIN UNNEST(SPLIT(x, ';')) AS u (e) ORDER BY 2",
     [("a;b", "a"), ("a;b", "b")]),
    ("WITH t (a) AS (SELECT 1), u AS (SELECT a + 1 AS b FROM t) SELECT a, b FROM t CROSS JOIN u",
     [(1, 2)]),
    ("WITH t AS (SELECT 1 AS a) SELECT a FROM (WITH t AS (SELECT 2 AS a) SELECT a FROM t) AS s",
     [(2,)]),
    ("SELECT CASE n WHEN 1 THEN 'a' ELSE 'b' END FROM (VALUES 1, 2) AS t (n) ORDER BY n",
     [("a",), ("b",)]),
    ('SELECT "a b" FROM (SELECT 1 AS "a b")', [(1,)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), QUERIES)
def test_query(asked: Asked, text: str, answer: list[tuple[Any, ...]]) -> None:
    assert asked.rows(text) == answer


def test_columns_without_a_name_are_called_as_athena_calls_them() -> None:
    text = "SELECT date, COUNT(*), MAX(order_count) AS Most FROM gold.daily_sales GROUP BY date"
    fields = translated(text).fields
    assert [field.name for field in fields] == ["date", "_col1", "most"]


def test_types_of_columns_are_the_contracts() -> None:
    text = "SELECT total_sales, order_count, date, last_updated_timestamp FROM gold.daily_sales"
    kinds = [str(field.type) for field in translated(text).fields]
    assert kinds == ["decimal(15,2)", "bigint", "date", "timestamp with time zone"]


def test_instants_are_utc(asked: Asked) -> None:
    text = "SELECT CAST(TIMESTAMP '2025-04-01 10:00:00' AS timestamp with time zone)"
    assert asked.rows(text) == [(datetime(2025, 4, 1, 10, tzinfo=UTC),)]


# --- Laws ----------------------------------------------------------------------------------------

digits = st.integers(-(10**12), 10**12)
scales = st.integers(0, 6)


@settings(max_examples=40)
@given(digits, scales, digits.filter(bool), scales)
def test_decimals_are_divided_half_away_from_zero(
    asked: Asked, one: int, one_scale: int, other: int, other_scale: int
) -> None:
    a, b = Decimal(one).scaleb(-one_scale), Decimal(other).scaleb(-other_scale)
    with localcontext(prec=80):
        step = Decimal(1).scaleb(-max(one_scale, other_scale))
        expected = (a / b).quantize(step, ROUND_HALF_UP)
    kinds = f"decimal(20,{one_scale})", f"decimal(20,{other_scale})"
    assert asked.value(f"CAST('{a:f}' AS {kinds[0]}) / CAST('{b:f}' AS {kinds[1]})") == expected


@settings(max_examples=40)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=9))
def test_the_mean_of_decimals_is_rounded_half_away_from_zero(
    asked: Asked, cents: list[int]
) -> None:
    values = ", ".join(f"CAST('{Decimal(c).scaleb(-2):f}' AS decimal(12,2))" for c in cents)
    with localcontext(prec=60):
        mean = Decimal(sum(cents)) / len(cents)
        expected = (mean / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert asked.rows(f"SELECT AVG(x) FROM (VALUES {values}) AS t (x)") == [(expected,)]


@settings(max_examples=40)
@given(st.integers(-(10**9), 10**9), st.integers(-(10**6), 10**6).filter(bool))
def test_whole_numbers_are_divided_towards_zero(asked: Asked, one: int, other: int) -> None:
    sign = -1 if (one < 0) != (other < 0) else 1
    assert asked.value(f"{one} / ({other})") == sign * (abs(one) // abs(other))
    assert asked.value(f"{one} % ({other})") == one - other * sign * (abs(one) // abs(other))


days = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@settings(max_examples=40)
@given(days, days)
def test_days_and_weeks(asked: Asked, one: date, other: date) -> None:
    a, b = f"DATE '{one}'", f"DATE '{other}'"
    between = (other - one).days
    found = asked.rows(
        f"SELECT DATE_DIFF('day', {a}, {b}), DATE_DIFF('week', {a}, {b}), "
        f"DATE_TRUNC('week', {a}), DAY_OF_WEEK({a}), WEEK({a}), YEAR_OF_WEEK({a})"
    )
    calendar = one.isocalendar()
    assert found == [
        (
            between,
            int(between / 7),
            one - timedelta(days=one.weekday()),
            calendar.weekday,
            calendar.week,
            calendar.year,
        )
    ]
