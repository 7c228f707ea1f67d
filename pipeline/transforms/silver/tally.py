"""Counts of what refinement found: small frames that the run reports and decides by."""

import narwhals.stable.v2 as nw

from pipeline.contracts.model import Entity
from pipeline.portable import Frame
from pipeline.transforms.silver.arrival import CHANGE
from pipeline.transforms.silver.reading import RETRIED
from pipeline.transforms.silver.reasons import PROBLEMS
from pipeline.transforms.silver.references import DIFFERS

_SPLIT = 1_000_000


def rows_by_outcome(rows: Frame) -> Frame:
    """Count checked candidates by (problems, retried, differs_from_reference): column `rows`."""
    return rows.group_by(PROBLEMS, RETRIED, DIFFERS).agg(nw.len().cast(nw.Int64).alias("rows"))


def reference_spans(rows: Frame, entity: Entity) -> Frame:
    """Find the bounds of what rows refer to: one row, `lowest__C` and `highest__C` by column."""
    columns = [reference.column for reference in entity.references]
    return rows.select(
        *(nw.col(column).min().alias(f"lowest__{column}") for column in columns),
        *(nw.col(column).max().alias(f"highest__{column}") for column in columns),
    )


def rows_by_arrival(changes: Frame) -> Frame:
    """Count each key's latest row by (change, retried, differs_from_reference): column `rows`."""
    return changes.group_by(CHANGE, RETRIED, DIFFERS).agg(nw.len().cast(nw.Int64).alias("rows"))


def spread(valid: Frame, entity: Entity) -> Frame:
    """Sum what the mean and the deviation of the anomaly column need, exactly.

    One row: `rows`, `total` (sum in cents), and the sum of squares in three parts of an amount
    high * 10^6 + low: `high_high`, `high_low`, `low_low`, none of which leaves 64 bits.
    """
    amount = nw.col(str(entity.anomaly))
    high, low = amount // _SPLIT, amount % _SPLIT
    return valid.filter(~nw.col(RETRIED)).select(
        nw.len().cast(nw.Int64).alias("rows"),
        amount.sum().alias("total"),
        (high * high).sum().alias("high_high"),
        (high * low).sum().alias("high_low"),
        (low * low).sum().alias("low_low"),
    )


def sum_of_squares(high_high: int, high_low: int, low_low: int) -> int:
    """Put the parts that `spread` gives together."""
    return high_high * _SPLIT**2 + 2 * high_low * _SPLIT + low_low


def outlying_rows(valid: Frame, entity: Entity, lowest: int, highest: int) -> Frame:
    """Count the new valid rows whose amount lies outside [lowest, highest] cents: `rows`."""
    amount = nw.col(str(entity.anomaly))
    return valid.filter(
        ~nw.col(RETRIED) & ((amount < nw.lit(lowest)) | (amount > nw.lit(highest)))
    ).select(nw.len().cast(nw.Int64).alias("rows"))
