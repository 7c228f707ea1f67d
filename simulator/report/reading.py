"""How the report reads tables: through their contracts, and without those that do not exist."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import Table
from pipeline.engine import Engine
from pipeline.portable import Frame

Record = dict[str, Any]


def frame_of(engine: Engine, table: Table) -> Frame | None:
    """Return a table's rows; None when the lake does not have the table."""
    return engine.read(table) if engine.exists(table) else None


def rows_in(engine: Engine, table: Table) -> int:
    """Return the number of a table's rows; 0 when the lake does not have the table."""
    return engine.row_count(table) if engine.exists(table) else 0


def total(engine: Engine, frame: Frame, *columns: str) -> list[int]:
    """Return the sums of columns, 0 where there is nothing to add."""
    found = engine.fetch(frame.select(*(nw.col(column).sum() for column in columns)))[0]
    return [int(found[column] or 0) for column in columns]


def half_up(numerator: int, denominator: int) -> int:
    """Return a quotient of numbers that are not negative, rounded half away from zero."""
    return (2 * numerator + denominator) // (2 * denominator)


def days_between(first: date, last: date) -> Iterator[date]:
    """Return every day from the first to the last one."""
    return (date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))
