"""The same plain rows as a frame of either engine, and what a transform makes of them on both.

In plain rows an instant is its microseconds since 1970 UTC and a date its days since 1970, so that
no value passes through anybody's time zone or calendar. Everything else is what it is, nulls too.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
from pyspark import sql
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts.model import Column
from pipeline.contracts.types import Kind
from pipeline.portable import Frame
from pipeline.portable.polars import type_at_rest
from pipeline.spark.session import prepared
from tests.equivalence.recording import Tally

Row = Mapping[str, Any]
Transform = Callable[..., Frame]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.date().toordinal()
_MOST_SHOWN = 12


@dataclass(frozen=True)
class Given:
    """A frame to be.

    Attributes:
        columns: Its columns; decimals are integers in it, as inside transforms.
        rows: Its rows, by column name; what is not a column is passed over.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Found:
    """What came back of a frame.

    Attributes:
        schema: Names and types of its columns, in order; types in the words of tables at rest.
        rows: Its rows, each with the number of times that it is there.
    """

    schema: tuple[tuple[str, str], ...]
    rows: Counter[tuple[Any, ...]]

    def projected(self, names: Sequence[str]) -> Counter[tuple[Any, ...]]:
        """Return some columns of the rows."""
        places = [[name for name, _ in self.schema].index(name) for name in names]
        found: Counter[tuple[Any, ...]] = Counter()
        for row, times in self.rows.items():
            found[tuple(row[place] for place in places)] += times
        return found


def plain(value: Any) -> Any:
    """Return an instant in microseconds and a date in days, anything else as it is."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return value.toordinal() - _FIRST_DAY
    return value


def day_of(number: int) -> date:
    """Return the date that `plain` makes this number of."""
    return date.fromordinal(number + _FIRST_DAY)


# --- Polars --------------------------------------------------------------------------------------


def polars_type(column: Column) -> pl.DataType:
    """Return the type that a column has inside transforms on Polars."""
    return pl.Int64() if column.type.is_decimal else type_at_rest(column)


def on_polars(given: Given) -> Frame:
    """Return the rows as a frame of Polars."""
    series = []
    for column in given.columns:
        kind = polars_type(column)
        raw = {Kind.TIMESTAMP: pl.Int64(), Kind.DATE: pl.Int32()}.get(column.type.kind, kind)
        values = [plain(row[column.name]) for row in given.rows]
        series.append(pl.Series(column.name, values, raw).cast(kind))
    frame: Frame = nw.from_native(pl.DataFrame(series).lazy())
    return frame


def found_on_polars(frame: Frame, *, streaming: bool) -> Found:
    """Evaluate all of a frame, in memory or as a stream: the engine writes tables from a stream."""
    native: pl.LazyFrame = frame.to_native()
    collected = native.collect(engine="streaming" if streaming else "in-memory")
    schema = tuple((name, _name(kind)) for name, kind in collected.schema.items())
    numbers = collected.with_columns(
        pl.col(pl.Datetime("us", "UTC")).cast(pl.Int64), pl.col(pl.Date).cast(pl.Int32)
    )
    return Found(schema, Counter(numbers.rows()))


_NAMES = {
    pl.Int64(): "bigint",
    pl.Int32(): "int",
    pl.Boolean(): "boolean",
    pl.String(): "string",
    pl.Date(): "date",
    pl.Datetime("us", "UTC"): "timestamp",
    pl.Float64(): "double",
}


def _name(kind: pl.DataType) -> str:
    if isinstance(kind, pl.Decimal):
        return f"decimal({kind.precision},{kind.scale})"
    return _NAMES.get(kind, str(kind))


# --- Spark ---------------------------------------------------------------------------------------


def on_spark(spark: sql.SparkSession, given: Given) -> Frame:
    """Return the rows as a frame of Spark."""
    read = {Kind.TIMESTAMP: sf.timestamp_micros, Kind.DATE: sf.date_from_unix_date}
    schema = st.StructType([st.StructField(c.name, _raw_spark_type(c)) for c in given.columns])
    rows = [tuple(plain(row[column.name]) for column in given.columns) for row in given.rows]
    numbers = spark.createDataFrame(rows, schema, verifySchema=False)
    frame: Frame = nw.from_native(
        numbers.withColumns(
            {
                column.name: read[column.type.kind](sf.col(column.name))
                for column in given.columns
                if column.type.kind in read
            }
        )
    )
    return frame


_RAW_SPARK_TYPES: dict[str, st.DataType] = {
    "bigint": st.LongType(),
    "timestamp": st.LongType(),
    "int": st.IntegerType(),
    "date": st.IntegerType(),
    "boolean": st.BooleanType(),
    "string": st.StringType(),
}


def _raw_spark_type(column: Column) -> st.DataType:
    return _RAW_SPARK_TYPES["bigint" if column.type.is_decimal else column.type.storage]


def found_on_spark(frame: Frame) -> Found:
    """Evaluate all of a frame."""
    native: sql.DataFrame = frame.to_native()
    schema = tuple(native.dtypes)

    def number(name: str, kind: str) -> sql.Column:
        column = sf.col(f"`{name}`")
        as_number = {"timestamp": sf.unix_micros, "date": sf.unix_date}.get(kind)
        return as_number(column).alias(name) if as_number else column

    numbers = native.select([number(name, kind) for name, kind in schema])
    return Found(schema, Counter(tuple(row) for row in numbers.collect()))


# --- Side by side --------------------------------------------------------------------------------


class Both:
    """Spark and Polars, asked the same and held against each other.

    Args:
        spark: A session with the settings that results depend on.
        tally: Counts what was compared.
    """

    def __init__(self, spark: sql.SparkSession, tally: Tally) -> None:
        self._spark = spark
        self._tally = tally

    def agree(
        self,
        transform: Transform,
        *given: Given,
        expected: Iterable[Row] | None = None,
        cases: int = 1,
    ) -> Found:
        """Hold what both engines make of the rows against each other and against plain Python.

        Args:
            transform: From the frames of `given` to a frame.
            given: The rows.
            expected: The rows that must come back, each with those columns that plain Python
                knows; None when it does not know any.
            cases: Number of independent cases that the rows hold.

        Returns:
            What came back.
        """
        on_polars_side = [
            found_on_polars(transform(*map(on_polars, given)), streaming=streaming)
            for streaming in (False, True)
        ]
        # Results must not depend on the dialect; which one is used follows from the rows.
        ansi = sum(len(source.rows) for source in given) % 2 == 0
        self._spark.conf.set("spark.sql.ansi.enabled", str(ansi).lower())
        found = found_on_spark(transform(*(on_spark(self._spark, source) for source in given)))
        for other, mode in zip(on_polars_side, ("in memory", "streaming"), strict=True):
            _hold(found, other, f"Spark (ANSI {ansi})", f"Polars ({mode})", given)
        if expected is not None:
            _hold_expected(found, [dict(row) for row in expected], given)
        self._tally.compared(cases=cases, rows=sum(found.rows.values()))
        return found


def _hold(left: Found, right: Found, left_name: str, right_name: str, given: object) -> None:
    if left.schema != right.schema:
        pairs = f"{left_name}: {left.schema}\n{right_name}: {right.schema}"
        msg = f"The columns differ.\n{pairs}"
        raise AssertionError(msg)
    _hold_rows(left.rows, right.rows, left_name, right_name, given)


def _hold_expected(found: Found, expected: Sequence[Row], given: object) -> None:
    names = list(expected[0]) if expected else [name for name, _ in found.schema]
    wanted = Counter(tuple(plain(row[name]) for name in names) for row in expected)
    _hold_rows(found.projected(names), wanted, "Both engines", f"Plain Python, {names},", given)


def _hold_rows(
    left: Counter[tuple[Any, ...]],
    right: Counter[tuple[Any, ...]],
    left_name: str,
    right_name: str,
    given: object,
) -> None:
    if left == right:
        return
    lines = [f"{left_name} alone: {_shown(left - right)}"]
    lines += [f"{right_name} alone: {_shown(right - left)}"]
    if isinstance(given, Sequence):
        lines += [f"Given: {_shown(source.rows)}" for source in given]
    raise AssertionError("\n".join(lines))


def _shown(rows: Iterable[Any]) -> str:
    listed = [str(row) for row in rows]
    more = [f"and {len(listed) - _MOST_SHOWN} more"] if len(listed) > _MOST_SHOWN else []
    return "\n    ".join(["", *listed[:_MOST_SHOWN], *more]) if listed else "nothing"


# --- Where the tests run -------------------------------------------------------------------------


@contextmanager
def with_settings(spark: sql.SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Let a session have other settings for a while."""
    before = {name: str(spark.conf.get(name)) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


@contextmanager
def abroad(spark: sql.SparkSession) -> Iterator[None]:
    """Keep the session in UTC, and put the process and the JVM into two other time zones."""
    java: Any = prepared(spark).sparkContext._jvm
    clock = java.java.util.TimeZone
    home, jvm_home = os.environ.get("TZ"), clock.getDefault()
    ansi = spark.conf.get("spark.sql.ansi.enabled")
    clock.setDefault(clock.getTimeZone("America/St_Johns"))
    _move("Pacific/Apia")
    try:
        yield
    finally:
        _move(home)
        clock.setDefault(jvm_home)
        spark.conf.set("spark.sql.ansi.enabled", str(ansi))


def _move(zone: str | None) -> None:
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()
