"""Rows cut into slices that fit into memory, whatever the size of their table."""

from collections.abc import Iterator, Sequence

import polars as pl


def slices(rows: pl.LazyFrame, columns: Sequence[str], most: int) -> Iterator[pl.Expr]:
    """Cut rows into slices by ranges of values, which readers of partitions and files can skip by.

    Args:
        rows: The rows.
        columns: Columns to cut by; a later one where the values of the earlier repeat too often.
        most: About how many rows a slice may have. Rows alike in all columns stay together.

    Yields:
        One condition for each slice; exactly one of them holds for each row.
    """
    schema = rows.collect_schema()
    able = [name for name in columns if _can_cut(schema[name])]
    count = rows.select(pl.len()).collect(engine="streaming").item()
    if count <= most or not able:
        yield pl.lit(True)  # noqa: FBT003 - a literal of Polars
    else:
        yield from _cut(rows, able, most)


def _can_cut(of: pl.DataType) -> bool:
    return of.is_integer() or of in {pl.String, pl.Date}


def _cut(rows: pl.LazyFrame, columns: Sequence[str], most: int) -> Iterator[pl.Expr]:
    column, *others = columns
    for condition, count in _ranges(rows, column, most):
        if count <= 2 * most or not others:
            yield condition
        else:
            for finer in _cut(rows.filter(condition), others, most):
                yield condition & finer


def _ranges(rows: pl.LazyFrame, column: str, most: int) -> Iterator[tuple[pl.Expr, int]]:
    """Return neighbouring values together until they have enough rows, and how many these are."""
    value, count = pl.col(column), pl.col("rows")
    counts = (
        rows.group_by(column).agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="streaming")
    )
    if nulls := int(counts.filter(value.is_null())["rows"].sum()):
        yield value.is_null(), nulls
    ranges = (
        counts.filter(value.is_not_null())
        .sort(column)
        .group_by(((count.cum_sum() - count) // most).alias("range"), maintain_order=True)
        .agg(value.first().alias("low"), value.last().alias("high"), count.sum())
    )
    of = counts.schema[column]
    for low, high, found in ranges.select("low", "high", "rows").iter_rows():
        yield value.is_between(pl.lit(low, of), pl.lit(high, of)), found
