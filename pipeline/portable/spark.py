"""The portable operations on Spark.

Only built-in functions, so that no row leaves the JVM. Nothing here asks for the session's time
zone, nor whether its SQL follows ANSI: text is held against its grammar before it is cast, where
only one of the two would fail; what does not fit raises by itself.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import reduce

from pyspark import sql
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts.model import Column
from pipeline.contracts.types import Kind

# How the error of a value that does not fit its type at rest begins.
OVERFLOW = "LAKEHOUSE_OVERFLOW"

_SPACE = " \t\n\v\f\r"
_BLANK = r" \t\n\x0B\f\r"
_SPACE_RUN = rf"[{_BLANK}]+"
_VISIBLE = rf"[^{_BLANK}]"
_LOWER = "abcdefghijklmnopqrstuvwxyz"

# The grammars speak Java's dialect: `$` would also match before a final line break, `\z` does not.
_INTEGER = r"^[+-]?[0-9]+\z"
_MONEY = r"^[+-]?0*[0-9]{1,8}(?:\.[0-9]{1,2}0*)?\z"
_DAY = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
# The form that nearly all have comes first, and is left to the cast to hold against the clock.
_TIMESTAMP = (
    rf"{_DAY}[T ](?:[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\z|"
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
    r"(?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?\z)"
)
_DATE = rf"{_DAY}(?:[T ]00:00(?::00(?:\.0{{1,6}})?)?)?\z"
# Up to the seconds and without a zone; nothing else that fits is as long.
_USUAL_LENGTH = len("2025-04-01T12:30:00")
_FLAG = r"^(?:[01]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\z"
_ANYTHING = rf"(?s)^{_VISIBLE}(?:.*{_VISIBLE})?\z"

_READABLE, _MISSING, _MALFORMED = 0, 1, 2
_CENTS = 100
_MICROSECONDS = 1_000_000


def parse(frame: sql.DataFrame, columns: Sequence[Column]) -> sql.DataFrame:
    """See `pipeline.portable.parse`."""
    # In steps, so that what a step reads twice is worked out once. Until the last of them the
    # column of the state holds the text as it came.
    state = {column.name: f"{column.name}__state" for column in columns}
    # After this step a text either fits its grammar or is null.
    fitting = frame.withColumns(
        {state[c.name]: sf.col(c.name) for c in columns} | {c.name: _fitting(c) for c in columns}
    )
    read = fitting.withColumns({c.name: _VALUES[c.type.kind](c.name) for c in columns})
    return read.withColumns({state[c.name]: _state(c.name, state[c.name]) for c in columns})


def _fitting(column: Column) -> sql.Column:
    """Return the trimmed text where it fits its grammar; looking for blanks takes long."""
    text, grammar = sf.col(column.name), _GRAMMARS[column.type.kind]
    trimmed = sf.btrim(text, sf.lit(_SPACE))
    # Two conditions in one chain would be compiled to more bytes than Java takes for all columns.
    return sf.when(text.rlike(grammar), text).otherwise(sf.when(trimmed.rlike(grammar), trimmed))


def _state(value: str, text: str) -> sql.Column:
    return (
        sf.when(sf.col(value).isNotNull(), _READABLE)
        .when(sf.col(text).rlike(_VISIBLE), _MALFORMED)
        .otherwise(_MISSING)
    )


def _integer(name: str) -> sql.Column:
    return _try_cast(name, "BIGINT")


def _money(name: str) -> sql.Column:
    # A decimal of many digits costs their number squared to read, were they only zeros.
    amount = sf.regexp_replace(sf.col(name), r"(\.[0-9]{2})0+\z", "$1")
    return (amount.cast(st.DecimalType(10, 2)) * _CENTS).cast(st.LongType())


def _timestamp(name: str) -> sql.Column:
    # Given a zone, the cast asks the session for none.
    usual = _try_cast(f"concat({name}, 'Z')", "TIMESTAMP")
    return sf.when(sf.length(sf.col(name)) == _USUAL_LENGTH, usual).otherwise(_any_timestamp(name))


def _any_timestamp(name: str) -> sql.Column:
    # The grammar fixes where each part stands: from the front up to the seconds, from the back for
    # the zone, whose sign is the sixth character from the end. The cast wants seconds, and knows no
    # zone beyond 18 hours.
    text = sf.col(name)

    def part(position: int, length: int = 2) -> sql.Column:
        return sf.substring(text, position, length)

    def number(position: int) -> sql.Column:
        return part(position).cast(st.LongType())

    minute = sf.unix_micros(_try_cast(f"concat(substring({name}, 1, 16), ':00Z')", "TIMESTAMP"))
    second = sf.when(part(17, 1) == ":", number(18)).otherwise(0)
    offset = (number(-5) * 60 + number(-2)) * 60
    zone = sf.when(part(-6, 1) == "+", offset).when(part(-6, 1) == "-", -offset).otherwise(0)
    fraction = sf.rpad(sf.regexp_extract(text, r"\.([0-9]+)", 1), 6, "0").cast(st.LongType())
    return sf.timestamp_micros(minute + (second - zone) * _MICROSECONDS + fraction)


def _date(name: str) -> sql.Column:
    return _try_cast(f"substring({name}, 1, 10)", "DATE")


def _flag(name: str) -> sql.Column:
    return sf.substring(sf.col(name), 1, 1).isin("1", "t", "T").cast(st.IntegerType())


def _text(name: str) -> sql.Column:
    return sf.col(name)


def _label(name: str) -> sql.Column:
    single = sf.regexp_replace(sf.col(name), _SPACE_RUN, " ")
    return sf.translate(single, _LOWER, _LOWER.upper())


def _try_cast(expression: str, kind: str) -> sql.Column:
    # Column.try_cast is newer than the oldest Spark that this runs on.
    return sf.expr(f"try_cast({expression} AS {kind})")


_INTEGERS = (Kind.KEY, Kind.COUNT, Kind.DAYS, Kind.INTEGER)

_GRAMMARS: dict[Kind, str] = {
    **dict.fromkeys(_INTEGERS, _INTEGER),
    Kind.MONEY: _MONEY,
    Kind.TIMESTAMP: _TIMESTAMP,
    Kind.DATE: _DATE,
    Kind.FLAG: _FLAG,
    Kind.TEXT: _ANYTHING,
    Kind.LABEL: _ANYTHING,
}
_VALUES: dict[Kind, Callable[[str], sql.Column]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    Kind.MONEY: _money,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.FLAG: _flag,
    Kind.TEXT: _text,
    Kind.LABEL: _label,
}

_AT_REST: dict[str, st.DataType] = {
    "bigint": st.LongType(),
    "int": st.IntegerType(),
    "boolean": st.BooleanType(),
    "timestamp": st.TimestampType(),
    "date": st.DateType(),
    "string": st.StringType(),
}
_LONG_DIGITS = st.DecimalType(19, 0)
_INT_LIMIT = 2**31


def type_at_rest(column: Column) -> st.DataType:
    """Return the Spark type that a column has in its table."""
    if column.type.is_decimal:
        return st.DecimalType(column.type.precision, column.type.scale)
    return _AT_REST[column.type.storage]


def to_storage(frame: sql.DataFrame, columns: Sequence[Column]) -> sql.DataFrame:
    """See `pipeline.portable.to_storage`."""
    return frame.select(*(_stored(column).alias(column.name) for column in columns))


def _stored(column: Column) -> sql.Column:
    value = sf.col(column.name)
    kept = type_at_rest(column)
    if column.type.is_decimal:
        limit = 10**column.type.precision
        # A product of decimals is exact as long as its digits fit the 38 that there are; the unit
        # has as many digits as its scale.
        unit = sf.lit(Decimal(1).scaleb(-column.type.scale))
        stored = (value.cast(_LONG_DIGITS) * unit).cast(kept)
        if column.type.precision >= _LONG_DIGITS.precision:
            return stored
        return _within(value, -limit + 1, limit - 1, stored, column)
    if column.type.storage == "int":
        return _within(value, -_INT_LIMIT, _INT_LIMIT - 1, value.cast(kept), column)
    return value.cast(kept)


def _within(
    value: sql.Column, least: int, most: int, stored: sql.Column, column: Column
) -> sql.Column:
    """Guard a cast that would else answer with null or a wrapped number, depending on ANSI."""
    wrong = sf.concat(
        sf.lit(f"{OVERFLOW}: {column.name} does not fit {column.type.storage}: "),
        value.cast(st.StringType()),
    )
    return sf.when(value.between(least, most), stored).when(
        value.isNotNull(), sf.raise_error(wrong)
    )


def from_storage(frame: sql.DataFrame, columns: Sequence[Column]) -> sql.DataFrame:
    """See `pipeline.portable.from_storage`."""
    return frame.withColumns(
        {
            column.name: (sf.col(column.name) * 10**column.type.scale).cast(st.LongType())
            for column in columns
            if column.type.is_decimal and column.name in frame.columns
        }
    )


def most_frequent(frame: sql.DataFrame, by: str, values: Sequence[str]) -> sql.DataFrame:
    """See `pipeline.portable.most_frequent`."""
    found = [_most_frequent(frame, by, value) for value in values]
    return reduce(lambda left, right: left.join(right, by), found)


def _most_frequent(frame: sql.DataFrame, by: str, value: str) -> sql.DataFrame:
    counted = frame.groupBy(by, value).agg((-sf.count(sf.lit(1))).alias("rarity"))
    # The least of the pairs is the one with most rows, and of equals the one with the lowest value.
    first = sf.min(sf.struct("rarity", value))
    return counted.groupBy(by).agg(first[value].alias(value))


def key_span(frame: sql.DataFrame, column: str) -> sql.DataFrame:
    """See `pipeline.portable.key_span`."""
    # A bit for each of 64 neighbours: no set of keys has to be made, and hardly any row is moved.
    neighbours = frame.where(sf.col(column).isNotNull()).groupBy(
        sf.shiftright(column, 6).alias("neighbours")
    )
    marked = sf.expr(f"bit_or(shiftleft(1L, CAST({column} & 63 AS INT)))")
    groups = neighbours.agg(
        sf.count(sf.lit(1)).alias("rows"),
        sf.bit_count(marked).alias("keys"),
        sf.min(column).alias("lowest"),
        sf.max(column).alias("highest"),
    )
    return groups.agg(
        sf.coalesce(sf.sum("rows"), sf.lit(0)).alias("rows"),
        sf.coalesce(sf.sum("keys"), sf.lit(0)).alias("keys"),
        sf.min("lowest").alias("lowest"),
        sf.max("highest").alias("highest"),
    )


def with_days_until(frame: sql.DataFrame, day: date, column: str, name: str) -> sql.DataFrame:
    """See `pipeline.portable.with_days_until`."""
    days = sf.datediff(sf.lit(day), sf.col(column))
    return frame.withColumn(name, days.cast(st.LongType()))
