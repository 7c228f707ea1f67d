"""CAST as Athena does it: which text is a value of a type, and which way numbers are rounded."""

import re
from datetime import date

from sqlglot import exp

from simulator.sql.errors import QueryError, place_of, refuse
from simulator.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARCHAR,
    SqlType,
    Typed,
    decimal,
)

_WORDS = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.INT: INTEGER,
    exp.DType.BIGINT: BIGINT,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.VARCHAR: VARCHAR,
    exp.DType.TEXT: VARCHAR,
    exp.DType.DATE: DATE,
    exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: TIMESTAMP_TZ,
}
# Text that Athena reads as a value; DuckDB reads more.
_PATTERNS = {
    INTEGER: "[+-]?[0-9]+",
    BIGINT: "[+-]?[0-9]+",
    DOUBLE: "[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?",
    DATE: "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    TIMESTAMP: "[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?)?",
}
_DECIMAL = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)"


def type_named(node: exp.DataType) -> SqlType:
    """Return the type that a statement names.

    Raises:
        QueryError: It is not one of those that tables here have.
    """
    if node.this == exp.DType.DECIMAL:
        words = [part.name for part in node.expressions]
        if len(words) > 2 or not all(word.isdigit() for word in words):  # noqa: PLR2004 - p and s
            refuse(node, "A decimal has one or two numbers of digits.", "Write decimal(15, 2).")
        digits = [int(word) for word in words]
        precision, scale = (*digits, *(38, 0)[len(digits) :])[:2]
        if not (1 <= precision <= 38 and 0 <= scale <= precision):  # noqa: PLR2004 - most digits
            refuse(node, f"There is no decimal({precision},{scale}).", "Digits go from 1 to 38.")
        return decimal(precision, scale)
    found = _WORDS.get(node.this) if isinstance(node.this, exp.DType) else None
    if found is None or (node.expressions and found not in {TIMESTAMP, TIMESTAMP_TZ}):
        refuse(
            node,
            f"The type {node.sql(dialect='athena')} is not offered here.",
            "There are boolean, integer, bigint, double, decimal(p, s), varchar, date, timestamp.",
        )
    return found


def convert(value: Typed, kind: SqlType, node: exp.Expr, *, lenient: bool) -> Typed:
    """Return a value converted by CAST, or by TRY_CAST when lenient.

    Raises:
        QueryError: Athena has no such conversion, or its result would not be the same here.
    """
    source = value.type
    if source in {kind, UNKNOWN}:
        return Typed(f"CAST({value.sql} AS {kind.duckdb})", kind)
    if source == VARCHAR:
        return _from_text(value, kind, node, lenient=lenient)
    if kind == VARCHAR:
        if source not in {INTEGER, BIGINT, BOOLEAN, DATE} and not source.is_decimal:
            hint = "Use DATE_FORMAT." if source.is_time else "Cast to decimal first."
            refuse(node, f"How engines write a {source} as text differs.", hint)
        return Typed(f"CAST({value.sql} AS VARCHAR)", VARCHAR)
    if not _convertible(source, kind):
        refuse(node, f"A {source} cannot be cast to {kind}.")
    sql = value.sql
    if source == DOUBLE and kind.is_integer:
        sql = f"round({sql})"  # Half away from zero; DuckDB alone goes to the even one.
    word = "TRY_CAST" if lenient else "CAST"
    return Typed(f"{word}({sql} AS {kind.duckdb})", kind)


def _convertible(source: SqlType, kind: SqlType) -> bool:
    if source.is_number and kind.is_number:
        return True
    if source == BOOLEAN:
        return kind.is_integer
    return source.is_time and kind.is_time


def _from_text(value: Typed, kind: SqlType, node: exp.Expr, *, lenient: bool) -> Typed:
    pattern = _DECIMAL if kind.is_decimal else _PATTERNS.get(kind)
    if pattern is None:
        refuse(node, f"A text cannot be cast to {kind} here.")
    if value.sql.startswith("'"):
        text = value.sql[1:-1]
        if re.fullmatch(pattern, text) and _is_day(text, kind):
            return Typed(f"CAST({value.sql} AS {kind.duckdb})", kind)
        if not lenient:
            hint = {DATE: "Write DATE '2025-04-30'.", TIMESTAMP: _TIMESTAMP_HINT}.get(kind, "")
            raise QueryError(f"{value.sql} is no {kind}.", hint, place_of(node))
        return Typed(f"CAST(NULL AS {kind.duckdb})", kind)
    if lenient:
        made = f"TRY_CAST({value.sql} AS {kind.duckdb})"
        return Typed(f"CASE WHEN regexp_full_match({value.sql}, '{pattern}') THEN {made} END", kind)
    made = f"CAST({value.sql} AS {kind.duckdb})"
    wrong = f"error('Cannot cast ' || chr(39) || {value.sql} || chr(39) || ' to {kind}')"
    return Typed(
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({value.sql}, '{pattern}') THEN {made} ELSE {wrong} END",
        kind,
    )


_TIMESTAMP_HINT = "Write TIMESTAMP '2025-04-30 12:00:00'."


def _is_day(text: str, kind: SqlType) -> bool:
    """Return whether the day of a date's or timestamp's text exists."""
    if kind not in {DATE, TIMESTAMP}:
        return True
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
