"""Rows of two tables, compared as multisets: each row with all its values, as often as it is there.

Null is equal to null, text by its bytes, numbers and times by their value; only columns of the same
type are compared. (Floats, which no contract has, are equal as Polars groups them: NaN to NaN, and
-0.0 to 0.0.) Rows that differ are found in a first pass over slices, which keeps no more of them
than their number and the first keys. A second pass fetches the rows of these keys, whichever slice
of either table they lie in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from pipeline.errors import LakeError
from simulator.compare.result import Example, Row
from simulator.compare.slices import slices

# Rows of both sides that are in memory at once; greater slices are no faster.
_SLICE_ROWS = 500_000
# How often A has a row, less how often B has it.
_SURPLUS = "_surplus"
_COPIES = "_copies"


@dataclass(frozen=True)
class Shape:
    """Which columns are compared and what they are for.

    Attributes:
        columns: Columns that are compared, in order.
        key: Those that identify a row; all of them where nothing does.
        partition_by: Those that lie in folders of their own.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...]


@dataclass
class RowsFound:
    """What the comparison of rows found.

    Attributes:
        rows_a: Rows of A.
        rows_b: Rows of B.
        only_a: Rows of A that B lacks, copies counted.
        only_b: Rows of B that A lacks.
        examples: The first of these rows by key.
    """

    rows_a: int = 0
    rows_b: int = 0
    only_a: int = 0
    only_b: int = 0
    examples: tuple[Example, ...] = ()


def compare_rows(
    a: pl.LazyFrame,
    b: pl.LazyFrame,
    shape: Shape,
    *,
    limit: int | None,
    slice_rows: int = _SLICE_ROWS,
) -> RowsFound:
    """Compare the rows of two frames exactly, order aside.

    Args:
        a: Rows of A; the columns to compare have the same types in both.
        b: Rows of B.
        shape: Which columns are compared.
        limit: How many examples to return at most; None for all.
        slice_rows: About how many rows may be in memory at once.

    Raises:
        LakeError: A table gave other rows when it was read again.
    """
    both = pl.concat([_signed(a, shape, 1), _signed(b, shape, -1)])
    found = RowsFound()
    first = both.select(shape.key).head(0).collect()
    for where in slices(both, _cutting_columns(shape), slice_rows):
        groups = _surplus(both.filter(where), shape)
        rows, surplus = (int(groups[name].sum()) for name in (_COPIES, _SURPLUS))
        found.rows_a += (rows + surplus) // 2
        found.rows_b += (rows - surplus) // 2
        differing = groups.filter(pl.col(_SURPLUS) != 0)
        found.only_a += int(differing[_SURPLUS].clip(lower_bound=0).sum())
        found.only_b -= int(differing[_SURPLUS].clip(upper_bound=0).sum())
        first = _first(pl.concat([first, differing.select(shape.key)]).unique(), limit)
    _check_whole(both, found)
    if not first.is_empty():
        found.examples = tuple(_examples(both, first, shape))[:limit]
    return found


def _signed(frame: pl.LazyFrame, shape: Shape, sign: int) -> pl.LazyFrame:
    return frame.select(*shape.columns, pl.lit(sign, pl.Int64).alias(_SURPLUS))


def _cutting_columns(shape: Shape) -> list[str]:
    # Partitions come first: what is not in the slice is then not even opened.
    return list(dict.fromkeys((*shape.partition_by, *shape.key, *shape.columns)))


def _surplus(signed: pl.LazyFrame, shape: Shape) -> pl.DataFrame:
    """Return every different row once, with its surplus and its copies in both lakes together."""
    groups = signed.group_by(shape.columns).agg(
        pl.col(_SURPLUS).sum(), pl.len().cast(pl.Int64).alias(_COPIES)
    )
    return groups.collect(engine="streaming")


def _first(frame: pl.DataFrame, limit: int | None) -> pl.DataFrame:
    ordered = frame.sort(frame.columns, nulls_last=True)
    return ordered if limit is None else ordered.head(limit)


def _check_whole(both: pl.LazyFrame, found: RowsFound) -> None:
    """Hold the slices against the whole, lest a row that no slice had passes for equal."""
    counts = both.select(
        (pl.col(_SURPLUS) > 0).sum().alias("a"), (pl.col(_SURPLUS) < 0).sum().alias("b")
    )
    rows = counts.collect(engine="streaming").row(0)
    if rows != (found.rows_a, found.rows_b):
        msg = f"{rows[0]:,} and {rows[1]:,} rows were there, {found.rows_a:,} and {found.rows_b:,}"
        raise LakeError(
            f"A table changed while it was compared: {msg} were read.",
            "Compare again when nothing writes to the lakes.",
        )


def _examples(both: pl.LazyFrame, first: pl.DataFrame, shape: Shape) -> Iterator[Example]:
    wanted = both.join(first.lazy(), on=shape.key, how="semi", nulls_equal=True)
    order = (*shape.key, *(name for name in shape.columns if name not in shape.key), _SURPLUS)
    surplus = _surplus(wanted, shape).filter(pl.col(_SURPLUS) != 0).drop(_COPIES)
    records = surplus.sort(order, nulls_last=True).iter_rows(named=True)
    for _, rows in groupby(records, key=lambda record: [record[name] for name in shape.key]):
        yield from _paired(list(rows), shape)


def _paired(rows: Sequence[dict[str, Any]], shape: Shape) -> Iterator[Example]:
    """Return rows of one key: as a pair where each lake has one, else each for itself."""
    sides = [(row, row.pop(_SURPLUS)) for row in rows]
    if sorted(copies > 0 for _, copies in sides) == [False, True]:
        (a, copies_a), (b, copies_b) = sorted(sides, key=lambda side: -side[1])
        differing = tuple(name for name in shape.columns if a[name] != b[name])
        yield Example(_key(a, shape), a, b, copies_a, -copies_b, differing)
        return
    for row, copies in sides:
        if copies > 0:
            yield Example(_key(row, shape), row, None, copies, 0)
        else:
            yield Example(_key(row, shape), None, row, 0, -copies)


def _key(row: Row, shape: Shape) -> Row:
    return {name: row[name] for name in shape.key}
