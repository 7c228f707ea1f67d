"""Expressions: what each part of a statement is to Athena, told to DuckDB."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from simulator.sql import functions
from simulator.sql.calls import HANDLERS, Calls, allow, tells
from simulator.sql.casts import convert, type_named
from simulator.sql.errors import refuse
from simulator.sql.functions import SCALARS, Call
from simulator.sql.scope import Scope, literal
from simulator.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAYS_AND_TIME,
    DOUBLE,
    INTEGER,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARCHAR,
    YEARS_AND_MONTHS,
    Field,
    SqlType,
    Typed,
    array,
    cast_to,
    common,
    decimal,
    sum_type,
)

Subquery = Callable[[exp.Expr, Scope], tuple[str, tuple[Field, ...]]]

_LARGEST_INTEGER = 2**31 - 1
_LARGEST_BIGINT = 2**63 - 1
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_UNITS = {
    "DAY": DAYS_AND_TIME,
    "HOUR": DAYS_AND_TIME,
    "MINUTE": DAYS_AND_TIME,
    "SECOND": DAYS_AND_TIME,
    "MONTH": YEARS_AND_MONTHS,
    "YEAR": YEARS_AND_MONTHS,
}
_EXTRACTS = ("year", "quarter", "month", "week", "day", "day_of_week", "dow", "day_of_year", "doy",
    "year_of_week", "yow", "hour", "minute", "second")  # fmt: skip


class Expressions(Calls):
    """Tells the expressions of one SELECT to DuckDB.

    Args:
        scope: What names mean there.
        subquery: Tells a query within an expression.
    """

    def __init__(self, scope: Scope, subquery: Subquery) -> None:
        self._scope = scope
        self._subquery = subquery

    def typed(self, node: exp.Expr) -> Typed:
        """Return an expression for DuckDB, with the type that Athena gives it.

        Raises:
            QueryError: Athena would refuse it, or it cannot be told.
        """
        kind = type(node)
        if kind in _COMPARISONS:
            return self._comparison(node)
        handler = HANDLERS.get(kind)
        if handler is None:
            text = node.sql(dialect="athena")
            short = text if len(text) <= 40 else f"{text[:40]}..."  # noqa: PLR2004 - of a line
            refuse(node, f"`{short}` is not known to Athena, or not offered here.")
        return handler(self, node)

    def knows(self, node: exp.Column) -> bool:
        """Return whether a column's name means something in FROM."""
        return self._scope.knows(node)

    def condition(self, node: exp.Expr) -> str:
        """Return an expression that has to be true or false."""
        value = self.typed(node)
        if value.type not in {BOOLEAN, UNKNOWN}:
            refuse(node, f"A condition is needed, got {value.type}.")
        return value.sql

    # --- Values -------------------------------------------------------------------------------

    @tells(exp.Column)
    def _column(self, node: exp.Column) -> Typed:
        if isinstance(node.this, exp.Star):
            refuse(node, "`*` cannot stand here.")
        return self._scope.column(node)

    @tells(exp.Literal)
    def _literal(self, node: exp.Literal) -> Typed:
        text = node.name
        if node.is_string:
            return Typed(literal(text), VARCHAR)
        if "e" in text.lower():
            return Typed(f"CAST({text} AS DOUBLE)", DOUBLE)
        if "." in text:
            whole, _, part = text.partition(".")
            whole = whole.lstrip("0")
            kind = decimal(max(1, len(whole) + len(part)), len(part))
            if len(whole) + len(part) > kind.precision:
                refuse(node, f"{text} has more than 38 digits.")
            return Typed(f"CAST('{text}' AS {kind.duckdb})", kind)
        number = int(text)
        if number > _LARGEST_BIGINT:
            refuse(node, f"{text} is greater than a bigint.", "Write it as a decimal: 1.0.")
        if number > _LARGEST_INTEGER:
            return Typed(f"CAST({number} AS BIGINT)", BIGINT)
        return Typed(str(number), INTEGER)

    @tells(exp.Boolean)
    def _boolean(self, node: exp.Boolean) -> Typed:
        return Typed("TRUE" if node.this else "FALSE", BOOLEAN)

    @tells(exp.Null)
    def _null(self, node: exp.Null) -> Typed:
        del node
        return Typed("NULL", UNKNOWN)

    @tells(exp.Paren)
    def _paren(self, node: exp.Paren) -> Typed:
        inside = self.typed(node.this)
        return Typed(f"({inside.sql})", inside.type)

    @tells(exp.Interval)
    def _interval(self, node: exp.Interval) -> Typed:
        unit = node.args["unit"].name.upper() if node.args.get("unit") else ""
        amount = node.this.name.strip() if isinstance(node.this, exp.Literal) else ""
        if unit not in _UNITS or not amount.lstrip("+-").isdigit():
            refuse(node, "This interval is not known to Athena.", "Write INTERVAL '7' DAY.")
        return Typed(f"to_{unit.lower()}s({int(amount)})", _UNITS[unit])

    @tells(exp.CurrentDate)
    def _current_date(self, node: exp.CurrentDate) -> Typed:
        allow(node)
        return Typed("current_date", DATE)

    @tells(exp.CurrentTimestamp)
    def _current_timestamp(self, node: exp.CurrentTimestamp) -> Typed:
        allow(node)
        return Typed("now()", TIMESTAMP_TZ)

    @tells(exp.Array)
    def _array(self, node: exp.Array) -> Typed:
        values = [self.typed(each) for each in node.expressions]
        kind: SqlType | None = UNKNOWN
        for value in values:
            kind = common(kind, value.type) if kind is not None else None
        if kind is None:
            refuse(node, "The elements of an array have to be of one type.")
        inside = ", ".join(cast_to(value, kind).sql for value in values)
        return Typed(f"[{inside}]", array(kind))

    # --- Operators ----------------------------------------------------------------------------

    @tells(exp.Add, exp.Sub)
    def _sum(self, node: exp.Binary) -> Typed:
        sign = "+" if isinstance(node, exp.Add) else "-"
        one, other = self._sides(node)
        if one.type.is_time or other.type.is_time:
            return self._shifted(node, sign, one, other)
        if not (one.type.is_number and other.type.is_number):
            self._mismatch(node, sign, one, other)
        kind = sum_type(one.type, other.type)
        if kind.is_decimal:
            return Typed(f"CAST(({one.sql} {sign} {other.sql}) AS {kind.duckdb})", kind)
        return Typed(f"({cast_to(one, kind).sql} {sign} {cast_to(other, kind).sql})", kind)

    def _shifted(self, node: exp.Binary, sign: str, one: Typed, other: Typed) -> Typed:
        intervals = {DAYS_AND_TIME, YEARS_AND_MONTHS}
        if one.type in intervals and sign == "+":
            one, other = other, one
        if not (one.type.is_time and other.type in intervals):
            if one.type.is_time and other.type.is_time:
                refuse(node, "Times cannot be subtracted here.", "Use DATE_DIFF('day', a, b).")
            self._mismatch(node, sign, one, other)
        if one.type == DATE and other.sql.startswith(("to_hour", "to_minute", "to_second")):
            refuse(node, "Hours cannot be added to a date.", "Cast it to timestamp.")
        return Typed(f"CAST(({one.sql} {sign} {other.sql}) AS {one.type.duckdb})", one.type)

    @tells(exp.Mul)
    def _product(self, node: exp.Mul) -> Typed:
        one, other = self._numbers(node, "*")
        made = functions.product(one, other)
        if made is None:
            refuse(node, "This product has more than 38 digits after the point.")
        return made

    @tells(exp.Div)
    def _quotient(self, node: exp.Div) -> Typed:
        return functions.quotient(*self._numbers(node, "/"))

    @tells(exp.Mod)
    def _remainder(self, node: exp.Mod) -> Typed:
        one, other = self._numbers(node, "%")
        if not (one.type.is_integer and other.type.is_integer):
            refuse(node, "% is offered for whole numbers here.")
        kind = common(one.type, other.type) or BIGINT
        return Typed(f"({cast_to(one, kind).sql} % {cast_to(other, kind).sql})", kind)

    def _numbers(self, node: exp.Binary, sign: str) -> tuple[Typed, Typed]:
        one, other = self._sides(node)
        if not (one.type.is_number and other.type.is_number):
            self._mismatch(node, sign, one, other)
        return one, other

    def _sides(self, node: exp.Binary) -> tuple[Typed, Typed]:
        """Return both sides; a bare NULL is of the other side's type."""
        one, other = self.typed(node.left), self.typed(node.right)
        if one.type == UNKNOWN and other.type.is_number:
            return cast_to(one, other.type), other
        if other.type == UNKNOWN and one.type.is_number:
            return one, cast_to(other, one.type)
        return one, other

    @tells(exp.Neg)
    def _negative(self, node: exp.Neg) -> Typed:
        value = self.typed(node.this)
        if not value.type.is_number:
            refuse(node, f"- needs a number, got {value.type}.")
        return Typed(f"(-{value.sql})", value.type)

    @tells(exp.DPipe)
    def _joined(self, node: exp.DPipe) -> Typed:
        one, other = self.typed(node.left), self.typed(node.right)
        if {one.type, other.type} - {VARCHAR, UNKNOWN}:
            self._mismatch(node, "||", one, other, "Write CAST(x AS varchar).")
        return Typed(f"({cast_to(one, VARCHAR).sql} || {cast_to(other, VARCHAR).sql})", VARCHAR)

    def _comparison(self, node: exp.Expr) -> Typed:
        one, other = self.typed(node.args["this"]), self.typed(node.args["expression"])
        sign = _COMPARISONS[type(node)]
        self._check_comparable(node, sign, one, other)
        return Typed(f"({one.sql} {sign} {other.sql})", BOOLEAN)

    def _check_comparable(self, node: exp.Expr, sign: str, one: Typed, other: Typed) -> None:
        if common(one.type, other.type) is None:
            self._mismatch(node, sign, one, other)

    def _mismatch(
        self, node: exp.Expr, sign: str, one: Typed, other: Typed, hint: str = ""
    ) -> None:
        kinds = {one.type, other.type}
        if not hint and VARCHAR in kinds:
            if DATE in kinds:
                hint = "Write DATE '2025-04-30'."
            elif any(kind.is_time for kind in kinds):
                hint = "Write TIMESTAMP '2025-04-30 12:00:00'."
            else:
                hint = "Athena converts no text unasked: use CAST."
        refuse(node, f"{sign} cannot be applied to {one.type} and {other.type}.", hint)

    @tells(exp.And, exp.Or)
    def _and_or(self, node: exp.Connector) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return Typed(f"({self.condition(node.left)} {word} {self.condition(node.right)})", BOOLEAN)

    @tells(exp.Not)
    def _not(self, node: exp.Not) -> Typed:
        return Typed(f"(NOT {self.condition(node.this)})", BOOLEAN)

    @tells(exp.Is)
    def _is(self, node: exp.Is) -> Typed:
        if not isinstance(node.expression, exp.Null):
            refuse(node, "Athena knows IS NULL and IS NOT NULL only.", "Write the condition alone.")
        return Typed(f"({self.typed(node.this).sql} IS NULL)", BOOLEAN)

    @tells(exp.Between)
    def _between(self, node: exp.Between) -> Typed:
        allow(node, "this", "low", "high")
        value = self.typed(node.this)
        low, high = self.typed(node.args["low"]), self.typed(node.args["high"])
        for bound in (low, high):
            self._check_comparable(node, "BETWEEN", value, bound)
        return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN)

    @tells(exp.In)
    def _in(self, node: exp.In) -> Typed:
        allow(node, "this", "expressions", "query")
        value = self.typed(node.this)
        query = node.args.get("query")
        if query is None:
            others = [self.typed(each) for each in node.expressions]
            for other in others:
                self._check_comparable(node, "IN", value, other)
            inside = ", ".join(other.sql for other in others)
        else:
            inside, fields = self._subquery(query, self._scope)
            if len(fields) != 1:
                refuse(node, f"IN needs a query of one column, got {len(fields)}.")
            self._check_comparable(node, "IN", value, Typed("", fields[0].type))
        return Typed(f"({value.sql} IN ({inside}))", BOOLEAN)

    @tells(exp.Like)
    def _like(self, node: exp.Like) -> Typed:
        one, other = self.typed(node.this), self.typed(node.expression)
        if {one.type, other.type} - {VARCHAR, UNKNOWN}:
            self._mismatch(node, "LIKE", one, other)
        return Typed(f"({one.sql} LIKE {other.sql})", BOOLEAN)

    @tells(exp.Escape)
    def _escape(self, node: exp.Escape) -> Typed:
        inside, sign = self.typed(node.this), self.typed(node.expression)
        if not isinstance(node.this, exp.Like) or sign.type != VARCHAR:
            refuse(node, "ESCAPE goes with LIKE.")
        return Typed(f"({inside.sql[1:-1]} ESCAPE {sign.sql})", BOOLEAN)

    @tells(exp.Exists)
    def _exists(self, node: exp.Exists) -> Typed:
        return Typed(f"EXISTS ({self._subquery(node.this, self._scope)[0]})", BOOLEAN)

    @tells(exp.Subquery)
    def _scalar(self, node: exp.Subquery) -> Typed:
        allow(node, "this")
        sql, fields = self._subquery(node.this, self._scope)
        if len(fields) != 1:
            refuse(node, f"A query in the place of a value gives one column, not {len(fields)}.")
        return Typed(f"({sql})", fields[0].type)

    @tells(exp.Case)
    def _case(self, node: exp.Case) -> Typed:
        subject = self.typed(node.this) if node.this else None
        tests, values = [], []
        for branch in node.args["ifs"]:
            if subject is None:
                tests.append(self.condition(branch.this))
            else:
                test = self.typed(branch.this)
                self._check_comparable(branch, "=", subject, test)
                tests.append(f"({subject.sql} = {test.sql})")
            values.append(self.typed(branch.args["true"]))
        default = node.args.get("default")
        values.append(self.typed(default) if default is not None else Typed("NULL", UNKNOWN))
        kind: SqlType = UNKNOWN
        for value in values:
            shared = common(kind, value.type)
            if shared is None:
                refuse(node, f"CASE gives {kind} and {value.type}.", "All have to be of one type.")
            kind = shared
        cast = [cast_to(value, kind).sql for value in values]
        parts = " ".join(f"WHEN {t} THEN {v}" for t, v in zip(tests, cast, strict=False))
        return Typed(f"CASE {parts} ELSE {cast[-1]} END", kind)

    @tells(exp.Cast, exp.TryCast)
    def _cast(self, node: exp.Cast) -> Typed:
        allow(node, "this", "to", "safe")
        kind = type_named(node.args["to"])
        return convert(self.typed(node.this), kind, node, lenient=isinstance(node, exp.TryCast))

    @tells(exp.Extract)
    def _extract(self, node: exp.Extract) -> Typed:
        part = node.this.name.lower()
        if part not in _EXTRACTS:
            refuse(
                node,
                f"EXTRACT of {part} is not offered here.",
                f"There are {', '.join(_EXTRACTS)}.",
            )
        return SCALARS[part].answer(Call(part, [self.typed(node.expression)], node))


def one_type(kinds: Sequence[SqlType]) -> SqlType | None:
    """Return the common type of several; None when they have none."""
    found: SqlType | None = UNKNOWN
    for kind in kinds:
        found = common(found, kind) if found is not None else None
    return found
