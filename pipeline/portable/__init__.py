"""The few operations that Narwhals lacks or that engines answer differently.

Each is a written contract here and one native implementation per engine beside it. Nothing else in
the pipeline may depend on which engine a frame belongs to.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

import narwhals.stable.v2 as nw

from pipeline.contracts.model import Column
from pipeline.errors import EngineError

Frame = nw.LazyFrame[Any]

READABLE = 0
MISSING = 1
MALFORMED = 2

STATE_SUFFIX = "__state"


def state_of(column: str) -> str:
    """Return the name of the column that `parse` adds to tell how a column's text was read."""
    return f"{column}{STATE_SUFFIX}"


def parse(frame: Frame, columns: Sequence[Column]) -> Frame:
    """Read text leniently: what cannot be read becomes null and says why.

    ASCII white space (space, TAB, LF, VT, FF, CR) is trimmed first; nothing left is missing. The
    grammar of each kind, ASCII digits only:

    - key, count, days, integer: `[+-]?digits` within 64 bits; as Int64.
    - money: `[+-]?digits(.digits)?`, at most 8 digits before the point, leading zeros aside, and
      two after it, further ones only if zero; as Int64 cents.
    - timestamp: `YYYY-MM-DD`, `T` or one space, `HH:MM[:SS[.1 to 6 digits]]`, optional `Z` or
      `±HH:MM` up to 23:59; a day of the Gregorian calendar from year 1, no second 60, no hour 24;
      without a zone it is UTC; as a UTC timestamp of microseconds.
    - date: `YYYY-MM-DD`, or a timestamp at exactly midnight without a zone; as a date.
    - flag: `0`, `1`, `true`, `false` in any ASCII case; as Int32 0 or 1.
    - text: anything. label: anything, inner runs of white space as one space, ASCII letters in
      upper case, other characters as they are.

    Args:
        frame: Frame whose `columns` are text; null counts as missing.
        columns: The contract's columns to read, each by its logical type.

    Returns:
        The frame with those columns typed, null where not `READABLE`, and for each of them an
        integer column `state_of(name)`: `READABLE`, `MISSING` or `MALFORMED`.
    """
    return _wrap(_native(frame).parse(frame.to_native(), columns))


def to_storage(frame: Frame, columns: Sequence[Column]) -> Frame:
    """Select the contract's columns in its order, each in its type at rest.

    A decimal comes as an Int64 count of units of 10^-scale and leaves as an exact decimal.

    Args:
        frame: Frame that has at least these columns, in the types that transforms use.
        columns: The contract's columns.

    Returns:
        The frame as it may be written. A value that does not fit its decimal fails the engine's
        evaluation of the frame; the engine reports it as `AmountOverflowError`.
    """
    return _wrap(_native(frame).to_storage(frame.to_native(), columns))


def from_storage(frame: Frame, columns: Sequence[Column]) -> Frame:
    """Turn every decimal at rest into an Int64 count of units of 10^-scale; leave the others.

    Args:
        frame: Frame as it was read from a table.
        columns: The contract's columns; those that the frame lacks are passed over.

    Returns:
        The frame in the types that transforms use.
    """
    return _wrap(_native(frame).from_storage(frame.to_native(), columns))


def most_frequent(frame: Frame, by: str, values: Sequence[str]) -> Frame:
    """Find each group's most frequent value; of equally frequent ones the lowest.

    Numbers are ordered by size, texts by their bytes in UTF-8.

    Args:
        frame: Frame without nulls in these columns.
        by: The column that groups rows.
        values: The columns of whose values the most frequent one is wanted, each on its own.

    Returns:
        One row per group: `by` and `values`. Key: `by`.
    """
    return _wrap(_native(frame).most_frequent(frame.to_native(), by, values))


def key_span(frame: Frame, column: str) -> Frame:
    """Count the values and the different values of an integer column; nulls are passed over.

    Keys are usually given out one after the other: engines count those of a neighbourhood together.

    Args:
        frame: Frame with the column, an Int64.
        column: The column.

    Returns:
        One row of Int64: `rows`, `keys` (how many of them differ), `lowest` and `highest`, null
        without any.
    """
    return _wrap(_native(frame).key_span(frame.to_native(), column))


def with_days_until(frame: Frame, day: date, column: str, name: str) -> Frame:
    """Add the days from a column's date to a day.

    Args:
        frame: Frame with the column of dates.
        day: The day to count to.
        column: The column to count from.
        name: Name of the new column.

    Returns:
        The frame with `name`: calendar days as Int64, negative for dates after the day, null where
        the date is null.
    """
    return _wrap(_native(frame).with_days_until(frame.to_native(), day, column, name))


def _native(frame: Frame) -> Any:
    implementation = frame.implementation
    if implementation.is_polars():
        from pipeline.portable import polars

        return polars
    if implementation.is_pyspark():
        from pipeline.portable import spark

        return spark
    msg = f"No portable operations for frames of {implementation}; expected Polars or PySpark."
    raise EngineError(msg)


def _wrap(native: object) -> Frame:
    return cast("Frame", nw.from_native(cast("Any", native)))


__all__ = [
    "MALFORMED",
    "MISSING",
    "READABLE",
    "Frame",
    "from_storage",
    "key_span",
    "most_frequent",
    "parse",
    "state_of",
    "to_storage",
    "with_days_until",
]
