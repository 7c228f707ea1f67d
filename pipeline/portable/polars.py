"""The portable operations on Polars.

Each reader first takes the common spelling on whole columns, then gives only what that left over
to the full grammar: clean data pays for neither trimming nor capture groups.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

import polars as pl

from pipeline.contracts.model import Column
from pipeline.contracts.types import Kind

_SPACE = " \t\n\v\f\r"
_SPACE_RUN = "[ \t\n\x0b\x0c\r]+"
_LOWER = "abcdefghijklmnopqrstuvwxyz"

_MONEY = r"^([+-]?)0*([0-9]{1,8})(?:\.([0-9]{1,2})0*)?$"
_TIMESTAMP = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})"
    r"(?::([0-5][0-9])(?:\.([0-9]{1,6}))?)?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?$"
)
_DATE = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0{1,6})?)?)?$"

_UTC = pl.Datetime("us", "UTC")
_READABLE, _MISSING, _MALFORMED = 0, 1, 2
_MICROSECONDS = 1_000_000


def parse(frame: pl.LazyFrame, columns: Sequence[Column]) -> pl.LazyFrame:
    """See `pipeline.portable.parse`."""
    read = frame.with_columns(
        pl.col(column.name).map_batches(
            partial(_read, kind=column.type.kind),
            return_dtype=pl.Struct({"value": _TYPES[column.type.kind], "state": pl.Int8}),
            is_elementwise=True,
        )
        for column in columns
    )
    fields = [pl.col(column.name).struct for column in columns]
    return read.with_columns(
        *(field.field("value").alias(c.name) for field, c in zip(fields, columns, strict=True)),
        *(
            field.field("state").alias(f"{c.name}__state")
            for field, c in zip(fields, columns, strict=True)
        ),
    )


def _read(text: pl.Series, *, kind: Kind) -> pl.Series:
    if kind in _REPETITIVE:
        return _read_runs(text, kind)
    return _read_all(text, kind)


def _read_runs(text: pl.Series, kind: Kind) -> pl.Series:
    """Read each run of equal texts once: an order's items share their time and date."""
    run = text.rle_id()
    first = run.is_first_distinct()
    return _read_all(text.filter(first), kind).gather(run)


def _read_all(text: pl.Series, kind: Kind) -> pl.Series:
    value = _FAST[kind](text)
    state = pl.repeat(_READABLE, len(text), dtype=pl.Int8, eager=True)
    if value.null_count():
        left = value.is_null().arg_true()
        trimmed = text.gather(left).fill_null("").str.strip_chars(_SPACE)
        slow = _FULL[kind](trimmed)
        why = pl.select(
            pl.when(slow.is_not_null())
            .then(_READABLE)
            .when(trimmed == "")
            .then(_MISSING)
            .otherwise(_MALFORMED)
            .cast(pl.Int8)
        ).to_series()
        value = value.scatter(left, slow)
        state = state.scatter(left, why)
    return pl.DataFrame({"value": value, "state": state}).to_struct(text.name)


def _integer(text: pl.Series) -> pl.Series:
    return text.cast(pl.Int64, strict=False)


def _money_plain(text: pl.Series) -> pl.Series:
    plain = text.str.contains(r"^[0-9]{1,8}\.[0-9]{2}$")
    cents = text.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    return cents.set(~plain.fill_null(value=False), None)


def _money(text: pl.Series) -> pl.Series:
    part = text.str.extract_groups(_MONEY).struct
    sign, whole, fraction = (part[i] for i in part.fields)
    cents = (whole + fraction.fill_null("").str.pad_end(2, "0")).cast(pl.Int64)
    return cents * pl.select(pl.when(sign == "-").then(-1).otherwise(1)).to_series()


def _timestamp_plain(text: pl.Series) -> pl.Series:
    plain = text.str.contains(
        r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]$"
    ).fill_null(value=False)
    value = text.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    return value.set(~plain, None).dt.replace_time_zone("UTC")


def _timestamp(text: pl.Series) -> pl.Series:
    part = text.str.extract_groups(_TIMESTAMP).struct
    day, minute, second, fraction, sign, zone_hours, zone_minutes = (part[i] for i in part.fields)
    clock = (day + " " + minute + ":" + second.fill_null("00")).str.to_datetime(
        "%Y-%m-%d %H:%M:%S", time_unit="us", strict=False
    )
    micros = fraction.fill_null("").str.pad_end(6, "0").cast(pl.Int64)
    offset = (
        zone_hours.fill_null("0").cast(pl.Int64) * 60 + zone_minutes.fill_null("0").cast(pl.Int64)
    ) * pl.select(pl.when(sign == "-").then(-1).otherwise(1)).to_series()
    instant = clock.cast(pl.Int64) + micros - offset * 60 * _MICROSECONDS
    before_common_era = day.str.starts_with("0000").fill_null(value=False)
    return instant.set(before_common_era, None).cast(_UTC)


def _date_plain(text: pl.Series) -> pl.Series:
    plain = text.str.contains(r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$").fill_null(value=False)
    return text.str.to_date("%Y-%m-%d", strict=False).set(~plain, None)


def _date(text: pl.Series) -> pl.Series:
    day = text.str.extract(_DATE)
    before_common_era = day.str.starts_with("0000").fill_null(value=False)
    return day.str.to_date("%Y-%m-%d", strict=False).set(before_common_era, None)


def _flag_plain(text: pl.Series) -> pl.Series:
    one = text == "1"
    return one.cast(pl.Int32).set(~(one | (text == "0")).fill_null(value=False), None)


def _flag(text: pl.Series) -> pl.Series:
    return pl.select(
        pl.when(text.str.contains("^(1|[Tt][Rr][Uu][Ee])$"))
        .then(1)
        .when(text.str.contains("^(0|[Ff][Aa][Ll][Ss][Ee])$"))
        .then(0)
        .cast(pl.Int32)
    ).to_series()


def _text(text: pl.Series) -> pl.Series:
    trimmed = text.str.strip_chars(_SPACE)
    return trimmed.set((trimmed == "").fill_null(value=False), None)


def _label(text: pl.Series) -> pl.Series:
    single = _text(text).str.replace_all(_SPACE_RUN, " ")
    return single.str.replace_many(list(_LOWER), list(_LOWER.upper()))


_INTEGERS = (Kind.KEY, Kind.COUNT, Kind.DAYS, Kind.INTEGER)
_REPETITIVE = (Kind.TIMESTAMP, Kind.DATE)

_TYPES: dict[Kind, pl.DataType] = {
    **dict.fromkeys(_INTEGERS, pl.Int64()),
    Kind.MONEY: pl.Int64(),
    Kind.TIMESTAMP: _UTC,
    Kind.DATE: pl.Date(),
    Kind.FLAG: pl.Int32(),
    Kind.TEXT: pl.String(),
    Kind.LABEL: pl.String(),
}
_FAST: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    Kind.MONEY: _money_plain,
    Kind.TIMESTAMP: _timestamp_plain,
    Kind.DATE: _date_plain,
    Kind.FLAG: _flag_plain,
    Kind.TEXT: _text,
    Kind.LABEL: _label,
}
_FULL: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    **_FAST,
    Kind.MONEY: _money,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.FLAG: _flag,
}

_NEIGHBOURS, _GROUPS = 4096, 1024

_AT_REST: dict[str, pl.DataType] = {
    "bigint": pl.Int64(),
    "int": pl.Int32(),
    "boolean": pl.Boolean(),
    "timestamp": _UTC,
    "date": pl.Date(),
    "string": pl.String(),
}


def type_at_rest(column: Column) -> pl.DataType:
    """Return the Polars type that a column has in its table."""
    if column.type.is_decimal:
        return pl.Decimal(column.type.precision, column.type.scale)
    return _AT_REST[column.type.storage]


def to_storage(frame: pl.LazyFrame, columns: Sequence[Column]) -> pl.LazyFrame:
    """See `pipeline.portable.to_storage`."""
    return frame.select(_stored(column) for column in columns)


def _stored(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if column.type.is_decimal:
        # A division of the wide decimal is exact here: it only moves the point.
        value = value.cast(pl.Decimal(38, column.type.scale)) / 10**column.type.scale
    return value.cast(type_at_rest(column))


def from_storage(frame: pl.LazyFrame, columns: Sequence[Column]) -> pl.LazyFrame:
    """See `pipeline.portable.from_storage`."""
    names = frame.collect_schema().names()
    return frame.with_columns(
        (pl.col(column.name) * 10**column.type.scale).cast(pl.Int64)
        for column in columns
        if column.type.is_decimal and column.name in names
    )


def most_frequent(frame: pl.LazyFrame, by: str, values: Sequence[str]) -> pl.LazyFrame:
    """See `pipeline.portable.most_frequent`."""
    return frame.group_by(by).agg(pl.col(value).mode().min() for value in values)


def key_span(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """See `pipeline.portable.key_span`."""
    key = pl.col(column)
    # Many small sets are made faster than a great one.
    groups = (
        frame.select(column)
        .drop_nulls()
        .group_by((key // _NEIGHBOURS % _GROUPS).alias("group"))
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            key.n_unique().cast(pl.Int64).alias("keys"),
            key.min().alias("lowest"),
            key.max().alias("highest"),
        )
    )
    return groups.select(
        pl.col("rows", "keys").sum(), pl.col("lowest").min(), pl.col("highest").max()
    )


def with_days_until(frame: pl.LazyFrame, day: date, column: str, name: str) -> pl.LazyFrame:
    """See `pipeline.portable.with_days_until`."""
    days = (pl.lit(day) - pl.col(column)).dt.total_days()
    return frame.with_columns(days.cast(pl.Int64).alias(name))
