"""Athena's functions that can be answered here exactly as Athena answers them.

Each says which arguments it takes, which type it yields and how DuckDB is told. A function that is
not here is refused; `unoffered` says why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from simulator.sql.errors import refuse
from simulator.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARCHAR,
    SqlType,
    Typed,
    array,
    cast_to,
    common,
    decimal,
    product_type,
    quotient_type,
)


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Attributes:
        name: Name in lower case.
        args: Its arguments.
        node: The call in the statement, to point at.
    """

    name: str
    args: Sequence[Typed]
    node: exp.Expr

    def need(self, place: int, *kinds: SqlType) -> Typed:
        """Return an argument that has to be of one of some types.

        Raises:
            QueryError: It is of another type.
        """
        value = self.args[place]
        if value.type not in kinds and value.type != UNKNOWN:
            self.wrong(place, " or ".join(map(str, kinds)))
        return value

    def number(self, place: int) -> Typed:
        """Return an argument that has to be a number."""
        if not self.args[place].type.is_number:
            self.wrong(place, "a number")
        return self.args[place]

    def whole(self, place: int) -> Typed:
        """Return an argument that has to be a whole number."""
        if not self.args[place].type.is_integer:
            self.wrong(place, "a whole number")
        return self.args[place]

    def time(self, place: int) -> Typed:
        """Return an argument that has to be a date or a timestamp."""
        if not self.args[place].type.is_time:
            self.wrong(place, "a date or a timestamp")
        return self.args[place]

    def wrong(self, place: int, expected: str) -> None:
        """Refuse an argument for its type."""
        got = self.args[place].type
        hint = "Write DATE '2025-04-30'." if got == VARCHAR and "date" in expected else ""
        what = f"{self.name} takes {expected} as argument {place + 1}, got {got}."
        refuse(self.node, what, hint)

    def word(self, place: int, known: Sequence[str]) -> str:
        """Return an argument that has to be a literal word, one of some."""
        text = self.args[place].sql
        word = text[1:-1].lower() if text.startswith("'") else ""
        if word not in known:
            refuse(self.node, f"{self.name} takes one of {', '.join(known)} here, got {text}.")
        return word

    def together(self, first: int = 0) -> tuple[SqlType, list[str]]:
        """Return the common type of the arguments from one on, and these cast to it.

        Raises:
            QueryError: They have none.
        """
        kind = self.args[first].type
        for place in range(first + 1, len(self.args)):
            shared = common(kind, self.args[place].type)
            if shared is None:
                self.wrong(place, str(kind))
            else:
                kind = shared
        return kind, [cast_to(value, kind).sql for value in self.args[first:]]


@dataclass(frozen=True)
class Function:
    """How a function is called and answered.

    Attributes:
        least: Fewest arguments.
        most: Most arguments.
        answer: Gives the expression for DuckDB, with its type.
    """

    least: int
    most: int
    answer: Callable[[Call], Typed]


_UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
_DATE_UNITS = _UNITS[3:]
_ANY = 1_000
# What Java calls white space, which Athena's TRIM removes.
_SPACES = (range(9, 14), range(28, 33), range(0x2000, 0x2007), range(0x2008, 0x200B))
_SPACE = "".join(map(chr, (c for part in _SPACES for c in part))) + "\u1680\u2028\u2029\u205f\u3000"
_SAME_FORMATS = {"Y", "y", "m", "d", "H", "i", "s", "j", "M", "a", "b", "W", "p", "%"}
_STRFTIME = {"i": "M", "s": "S", "M": "B", "W": "A"}


def _part(sql: str) -> Function:
    """A whole number taken from a date or timestamp."""
    return Function(1, 1, lambda c: Typed(f"CAST({sql}({c.time(0).sql}) AS BIGINT)", BIGINT))


def _clock(sql: str) -> Function:
    """A whole number taken from a timestamp; a date has none."""
    return Function(
        1, 1, lambda c: Typed(f"{sql}({c.need(0, TIMESTAMP, TIMESTAMP_TZ).sql})", BIGINT)
    )


def _text(sql: str) -> Function:
    """A text made from a text."""
    return Function(1, 1, lambda c: Typed(sql.format(c.need(0, VARCHAR).sql), VARCHAR))


def _abs(c: Call) -> Typed:
    return Typed(f"abs({c.number(0).sql})", c.args[0].type)


def _whole_part(c: Call) -> Typed:
    value, sql = c.number(0), {"ceiling": "ceil"}.get(c.name, c.name)
    if value.type.is_integer:
        return value
    if value.type == DOUBLE:
        return Typed(f"{sql}({value.sql})", DOUBLE)
    p, s = value.type.precision, value.type.scale
    kind = decimal(p - s + min(s, 1), 0)
    return Typed(f"CAST({sql}({value.sql}) AS {kind.duckdb})", kind)


def _round(c: Call) -> Typed:
    value = c.number(0)
    if value.type == DOUBLE:
        refuse(
            c.node,
            "ROUND of a double is not offered here: which way a half goes differs by engine.",
            "Cast to decimal first: CAST(x AS decimal(18, 2)).",
        )
    if value.type.is_integer and len(c.args) == 1:
        return value
    if not value.type.is_decimal:
        c.wrong(0, "a decimal")
    p, s = value.type.precision, value.type.scale
    if len(c.args) == 1:
        kind = decimal(p - s + min(s, 1), 0)
        return Typed(f"CAST(round({value.sql}, 0) AS {kind.duckdb})", kind)
    kind = decimal(p + 1, s)
    c.whole(1)
    if not c.args[1].sql.isdigit():
        refuse(c.node, "ROUND takes a number of digits from 0 that is written out.")
    if int(c.args[1].sql) >= s:
        return Typed(f"CAST({value.sql} AS {kind.duckdb})", kind)
    return Typed(f"CAST(round({value.sql}, {c.args[1].sql}) AS {kind.duckdb})", kind)


def _mod(c: Call) -> Typed:
    one, other = c.whole(0), c.whole(1)
    kind = common(one.type, other.type) or BIGINT
    return Typed(f"({cast_to(one, kind).sql} % {cast_to(other, kind).sql})", kind)


def _sqrt(c: Call) -> Typed:
    return Typed(f"sqrt({cast_to(c.number(0), DOUBLE).sql})", DOUBLE)


def _concat(c: Call) -> Typed:
    parts = [cast_to(c.need(place, VARCHAR), VARCHAR).sql for place in range(len(c.args))]
    return Typed(f"({' || '.join(parts)})", VARCHAR)


def _substr(c: Call) -> Typed:
    text, start = c.need(0, VARCHAR).sql, c.whole(1).sql
    more = f", {c.whole(2).sql}" if len(c.args) > 2 else ""  # noqa: PLR2004 - its third
    inside = f"{start} <> 0 AND abs({start}) <= length({text})"
    return Typed(
        f"CASE WHEN {inside} THEN substr({text}, {start}{more}) "
        f"WHEN {text} IS NULL OR {start} IS NULL THEN NULL ELSE '' END",
        VARCHAR,
    )


def _replace(c: Call) -> Typed:
    if c.args[1].sql == "''":
        refuse(c.node, "REPLACE of nothing is not offered here.")
    new = c.need(2, VARCHAR).sql if len(c.args) > 2 else "''"  # noqa: PLR2004 - its third
    return Typed(f"replace({c.need(0, VARCHAR).sql}, {c.need(1, VARCHAR).sql}, {new})", VARCHAR)


def _pad(c: Call) -> Typed:
    return Typed(
        f"{c.name}({c.need(0, VARCHAR).sql}, CAST({c.whole(1).sql} AS INTEGER), "
        f"{c.need(2, VARCHAR).sql})",
        VARCHAR,
    )


def _split_part(c: Call) -> Typed:
    parts = f"string_split({c.need(0, VARCHAR).sql}, {c.need(1, VARCHAR).sql})"
    index = c.whole(2).sql
    if not index.isdigit() or index == "0":
        refuse(c.node, "SPLIT_PART takes a place from 1 that is written out.")
    return Typed(f"{parts}[{index}]", VARCHAR)


def _split(c: Call) -> Typed:
    return Typed(
        f"string_split({c.need(0, VARCHAR).sql}, {c.need(1, VARCHAR).sql})", array(VARCHAR)
    )


def _cardinality(c: Call) -> Typed:
    if c.args[0].type.element is None:
        c.wrong(0, "an array")
    return Typed(f"len({c.args[0].sql})", BIGINT)


def _element_at(c: Call) -> Typed:
    element = c.args[0].type.element
    if element is None:
        c.wrong(0, "an array")
    index = c.whole(1).sql
    if index == "0":
        refuse(c.node, "Elements of an array are counted from 1.")
    return Typed(f"{c.args[0].sql}[{index}]", element or UNKNOWN)


def _sequence(c: Call) -> Typed:
    if c.args[0].type == DATE:
        low, high = c.need(0, DATE).sql, c.need(1, DATE).sql
        if len(c.args) > 2:  # noqa: PLR2004 - its third
            refuse(c.node, "SEQUENCE of dates goes from day to day here.", "Leave the step out.")
        days = f"generate_series({low}, {high}, INTERVAL 1 DAY)"
        return Typed(f"CAST({days} AS DATE[])", array(DATE))
    if len(c.args) > 2:  # noqa: PLR2004 - its third
        refuse(c.node, "SEQUENCE of numbers counts by one here.", "Leave the step out.")
    low, high = c.whole(0).sql, c.whole(1).sql
    return Typed(f"CAST(generate_series({low}, {high}) AS BIGINT[])", array(BIGINT))


def _date(c: Call) -> Typed:
    if c.args[0].type == VARCHAR:
        refuse(c.node, "DATE(text) is not offered here.", "Write CAST(text AS date).")
    return Typed(f"CAST({c.time(0).sql} AS DATE)", DATE)


def _date_trunc(c: Call) -> Typed:
    value = c.time(1)
    unit = c.word(0, _DATE_UNITS if value.type == DATE else _UNITS)
    truncated = f"date_trunc('{unit}', {value.sql})"
    return Typed(f"CAST({truncated} AS {value.type.duckdb})", value.type)


def _date_add(c: Call) -> Typed:
    value = c.time(2)
    unit = c.word(0, _DATE_UNITS if value.type == DATE else _UNITS)
    if unit == "quarter":
        step = f"to_months(CAST(3 * {c.whole(1).sql} AS INTEGER))"
    else:
        step = f"to_{unit}s(CAST({c.whole(1).sql} AS INTEGER))"
    return Typed(f"CAST(({value.sql} + {step}) AS {value.type.duckdb})", value.type)


def _date_diff(c: Call) -> Typed:
    c.time(1)
    c.time(2)
    kind, (low, high) = c.together(1)
    unit = c.word(0, _DATE_UNITS if kind == DATE else _UNITS)
    # Whole units between both, as Athena counts; DuckDB's date_diff counts the turns of the unit.
    return Typed(f"date_sub('{unit}', {low}, {high})", BIGINT)


def _date_format(c: Call) -> Typed:
    value, pattern = c.time(0), c.need(1, VARCHAR).sql
    if not pattern.startswith("'"):
        refuse(c.node, "DATE_FORMAT takes a pattern that is written out.")
    made, text = "", pattern[1:-1]
    while text:
        sign, text = text[0], text[1:]
        if sign != "%":
            made += sign
            continue
        letter, text = text[:1], text[1:]
        if letter not in _SAME_FORMATS:
            known = " ".join(f"%{each}" for each in sorted(_SAME_FORMATS))
            refuse(c.node, f"DATE_FORMAT's %{letter} is not offered here.", f"There are {known}.")
        made += f"%{_STRFTIME.get(letter, letter)}"
    return Typed(f"strftime({value.sql}, '{made}')", VARCHAR)


def _coalesce(c: Call) -> Typed:
    kind, values = c.together()
    return Typed(f"coalesce({', '.join(values)})", kind)


def _nullif(c: Call) -> Typed:
    kind, (one, other) = c.together()
    del kind
    value = c.args[0]
    return Typed(f"CASE WHEN {one} = {other} THEN NULL ELSE {value.sql} END", value.type)


def _if(c: Call) -> Typed:
    condition = c.need(0, BOOLEAN).sql
    kind, values = c.together(1)
    return Typed(f"CASE WHEN {condition} THEN {' ELSE '.join(values)} END", kind)


def _extreme(c: Call) -> Typed:
    """GREATEST and LEAST: null when one of the values is, which DuckDB passes over."""
    kind, values = c.together()
    missing = " OR ".join(f"{value} IS NULL" for value in values)
    return Typed(f"CASE WHEN {missing} THEN NULL ELSE {c.name}({', '.join(values)}) END", kind)


SCALARS: Mapping[str, Function] = {
    "abs": Function(1, 1, _abs),
    "cardinality": Function(1, 1, _cardinality),
    "ceil": Function(1, 1, _whole_part),
    "ceiling": Function(1, 1, _whole_part),
    "coalesce": Function(2, _ANY, _coalesce),
    "concat": Function(2, _ANY, _concat),
    "date": Function(1, 1, _date),
    "date_add": Function(3, 3, _date_add),
    "date_diff": Function(3, 3, _date_diff),
    "date_format": Function(2, 2, _date_format),
    "date_trunc": Function(2, 2, _date_trunc),
    "day": _part("day"),
    "day_of_month": _part("day"),
    "day_of_week": _part("isodow"),
    "day_of_year": _part("dayofyear"),
    "dow": _part("isodow"),
    "doy": _part("dayofyear"),
    "element_at": Function(2, 2, _element_at),
    "floor": Function(1, 1, _whole_part),
    "greatest": Function(1, _ANY, _extreme),
    "hour": _clock("hour"),
    "if": Function(2, 3, _if),
    "last_day_of_month": Function(1, 1, lambda c: Typed(f"last_day({c.time(0).sql})", DATE)),
    "least": Function(1, _ANY, _extreme),
    "length": Function(1, 1, lambda c: Typed(f"length({c.need(0, VARCHAR).sql})", BIGINT)),
    "lower": _text("lower({})"),
    "lpad": Function(3, 3, _pad),
    "ltrim": _text(f"ltrim({{}}, '{_SPACE}')"),
    "minute": _clock("minute"),
    "mod": Function(2, 2, _mod),
    "month": _part("month"),
    "now": Function(0, 0, lambda _: Typed("now()", TIMESTAMP_TZ)),
    "nullif": Function(2, 2, _nullif),
    "quarter": _part("quarter"),
    "replace": Function(2, 3, _replace),
    "round": Function(1, 2, _round),
    "rpad": Function(3, 3, _pad),
    "rtrim": _text(f"rtrim({{}}, '{_SPACE}')"),
    "second": _clock("second"),
    "sequence": Function(2, 3, _sequence),
    "split": Function(2, 2, _split),
    "split_part": Function(3, 3, _split_part),
    "sqrt": Function(1, 1, _sqrt),
    "starts_with": Function(
        2,
        2,
        lambda c: Typed(
            f"starts_with({c.need(0, VARCHAR).sql}, {c.need(1, VARCHAR).sql})", BOOLEAN
        ),
    ),
    "strpos": Function(
        2,
        2,
        lambda c: Typed(f"strpos({c.need(0, VARCHAR).sql}, {c.need(1, VARCHAR).sql})", BIGINT),
    ),
    "substr": Function(2, 3, _substr),
    "substring": Function(2, 3, _substr),
    "trim": _text(f"trim({{}}, '{_SPACE}')"),
    # Java leaves the sharp s as it is.
    "upper": _text(
        "array_to_string(list_transform(string_split({}, 'ß'), lambda p: upper(p)), 'ß')"
    ),
    "week": _part("week"),
    "week_of_year": _part("week"),
    "year": _part("year"),
    "year_of_week": _part("isoyear"),
    "yow": _part("isoyear"),
}


# --- Arithmetic ----------------------------------------------------------------------------------


def product(one: Typed, other: Typed) -> Typed | None:
    """Return a product; None when it needs more digits than there are."""
    kind = product_type(one.type, other.type)
    if kind is None:
        return None
    if kind.is_decimal:
        return Typed(f"CAST(({one.sql} * {other.sql}) AS {kind.duckdb})", kind)
    return Typed(f"({cast_to(one, kind).sql} * {cast_to(other, kind).sql})", kind)


def quotient(one: Typed, other: Typed) -> Typed:
    """Return a quotient as Athena rounds it.

    Whole numbers: towards zero. Decimals: half away from zero, at the greater scale of the two;
    computed in whole numbers of 128 bits, since DuckDB divides decimals as doubles.
    """
    kind = quotient_type(one.type, other.type)
    if kind.is_integer:
        return Typed(f"({cast_to(one, kind).sql} // {cast_to(other, kind).sql})", kind)
    if kind == DOUBLE:
        return Typed(f"({cast_to(one, kind).sql} / {cast_to(other, kind).sql})", kind)
    shift = kind.scale - _scale(one.type) + _scale(other.type)
    dividend = f"({_units(one)} * {10**shift}::HUGEINT)" if shift else _units(one)
    return Typed(from_units(f"half_up({dividend}, {_units(other)})", kind), kind)


def from_units(units: str, kind: SqlType) -> str:
    """Return a decimal that is given as a whole number of its smallest unit, HUGEINT."""
    if not kind.scale:
        return f"CAST({units} AS {kind.duckdb})"
    whole = f"CAST({units} AS DECIMAL({38 - kind.scale},0))"
    unit = f"CAST('0.{1:0{kind.scale}}' AS DECIMAL({kind.scale},{kind.scale}))"
    return f"CAST(({whole} * {unit}) AS {kind.duckdb})"


def _units(value: Typed) -> str:
    scale = _scale(value.type)
    if not scale:
        return f"CAST({value.sql} AS HUGEINT)"
    narrow = f"CAST({value.sql} AS DECIMAL({37 - scale},{scale}))"
    return f"CAST(({narrow} * CAST({10**scale} AS DECIMAL({scale + 1},0))) AS HUGEINT)"


def _scale(kind: SqlType) -> int:
    return kind.scale if kind.is_decimal else 0


MACROS = (
    "CREATE MACRO half_up(n, d) AS (sign(n) * sign(d) * ((2 * abs(n) + abs(d)) // (2 * abs(d))))",
)
"""What DuckDB lacks, made once per session. Quotients of HUGEINT, half away from zero."""
