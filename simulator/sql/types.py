"""The types of Athena's engine 3, as far as the tables of a lake and what is computed from them go.

The rules are Trino's: what a decimal operation yields, which types have a common one, what cannot
be compared. DuckDB's own differ, so every expression's type is known before DuckDB sees it.
"""

from dataclasses import dataclass

from pipeline.contracts.types import LogicalType

_MOST_DIGITS = 38


@dataclass(frozen=True)
class SqlType:
    """One type.

    Attributes:
        name: Athena's word for it, without its digits.
        precision: Digits of a decimal in all.
        scale: Digits of a decimal after the point.
        element: Type of an array's elements.
    """

    name: str
    precision: int = 0
    scale: int = 0
    element: "SqlType | None" = None

    def __str__(self) -> str:
        """Return the type as Athena writes it."""
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.element is not None:
            return f"array({self.element})"
        return self.name

    @property
    def duckdb(self) -> str:
        """The same type in DuckDB's words."""
        if self.name == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        if self.element is not None:
            return f"{self.element.duckdb}[]"
        return _DUCKDB[self.name]

    @property
    def is_decimal(self) -> bool:
        """Whether it is a decimal."""
        return self.name == "decimal"

    @property
    def is_integer(self) -> bool:
        """Whether it holds whole numbers only, of 32 or 64 bits."""
        return self in {INTEGER, BIGINT}

    @property
    def is_number(self) -> bool:
        """Whether one can compute with it."""
        return self.is_integer or self.is_decimal or self == DOUBLE

    @property
    def is_time(self) -> bool:
        """Whether it is a date or a timestamp."""
        return self in {DATE, TIMESTAMP, TIMESTAMP_TZ}


_DUCKDB = {
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "unknown": "INTEGER",
}

BOOLEAN = SqlType("boolean")
INTEGER = SqlType("integer")
BIGINT = SqlType("bigint")
DOUBLE = SqlType("double")
VARCHAR = SqlType("varchar")
DATE = SqlType("date")
TIMESTAMP = SqlType("timestamp")
TIMESTAMP_TZ = SqlType("timestamp with time zone")
DAYS_AND_TIME = SqlType("interval day to second")
YEARS_AND_MONTHS = SqlType("interval year to month")
UNKNOWN = SqlType("unknown")
"""The type of a bare NULL; it fits every other."""


@dataclass(frozen=True)
class Typed:
    """An expression in DuckDB's words, and the type that Athena gives it."""

    sql: str
    type: SqlType


@dataclass(frozen=True)
class Field:
    """A column of a table or of an answer."""

    name: str
    type: SqlType


def decimal(precision: int, scale: int) -> SqlType:
    """Return a decimal of at most 38 digits."""
    return SqlType("decimal", min(_MOST_DIGITS, precision), scale)


def array(element: SqlType) -> SqlType:
    """Return an array."""
    return SqlType("array", element=element)


def stored(logical: LogicalType) -> SqlType:
    """Return the type in which Athena reads a column of a Delta table.

    Delta's timestamps are instants, which Athena reads as `timestamp(3) with time zone` in UTC.
    """
    if logical.is_decimal:
        return decimal(logical.precision, logical.scale)
    return _STORED[logical.storage]


_STORED = {
    "bigint": BIGINT,
    "int": INTEGER,
    "boolean": BOOLEAN,
    "timestamp": TIMESTAMP_TZ,
    "date": DATE,
    "string": VARCHAR,
}


def as_decimal(kind: SqlType) -> SqlType:
    """Return the decimal that a number becomes beside a decimal."""
    return {INTEGER: decimal(10, 0), BIGINT: decimal(19, 0)}.get(kind, kind)


def common(one: SqlType, other: SqlType) -> SqlType | None:
    """Return the type in which both can be compared; None when there is none."""
    if other in {one, UNKNOWN}:
        return one
    if one == UNKNOWN:
        return other
    if one.is_number and other.is_number:
        return _common_number(one, other)
    if one.element is not None and other.element is not None:
        element = common(one.element, other.element)
        return None if element is None else array(element)
    if one.is_time and other.is_time:
        return max(one, other, key=_TIMES.index)
    return None


_TIMES = (DATE, TIMESTAMP, TIMESTAMP_TZ)


def _common_number(one: SqlType, other: SqlType) -> SqlType:
    if DOUBLE in {one, other}:
        return DOUBLE
    if one.is_decimal or other.is_decimal:
        a, b = as_decimal(one), as_decimal(other)
        scale = max(a.scale, b.scale)
        return decimal(max(a.precision - a.scale, b.precision - b.scale) + scale, scale)
    return BIGINT


def sum_type(one: SqlType, other: SqlType) -> SqlType:
    """Return the type of a sum or difference of two numbers, not both decimals needed."""
    kind = _common_number(one, other) if one != other else one
    if not kind.is_decimal:
        return kind
    a, b = as_decimal(one), as_decimal(other)
    scale = max(a.scale, b.scale)
    return decimal(max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale)


def product_type(one: SqlType, other: SqlType) -> SqlType | None:
    """Return the type of a product; None when it would need more than 38 digits after the point."""
    kind = _common_number(one, other) if one != other else one
    if not kind.is_decimal:
        return kind
    a, b = as_decimal(one), as_decimal(other)
    if a.scale + b.scale > _MOST_DIGITS:
        return None
    return decimal(a.precision + b.precision, a.scale + b.scale)


def quotient_type(one: SqlType, other: SqlType) -> SqlType:
    """Return the type of a quotient: whole for whole numbers, else of the greater scale."""
    kind = _common_number(one, other) if one != other else one
    if not kind.is_decimal:
        return kind
    a, b = as_decimal(one), as_decimal(other)
    return decimal(
        a.precision + b.scale + max(0, b.scale - a.scale),
        max(a.scale, b.scale),
    )


def cast_to(value: Typed, kind: SqlType) -> Typed:
    """Return a value in a type that holds all of its values, as Athena coerces it unasked."""
    if value.type == kind:
        return value
    return Typed(f"CAST({value.sql} AS {kind.duckdb})", kind)
