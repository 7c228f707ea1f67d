"""Later wins: which of a key's valid rows is the silver row, and what that changes."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from pipeline.contracts.model import Entity
from pipeline.portable import Frame
from pipeline.transforms.arithmetic import equal_or_both_null
from pipeline.transforms.silver.reading import DISPLACED, SEQUENCE
from pipeline.transforms.silver.reasons import PROBLEMS, is_held

CHANGE = "change"
INSERT = "insert"
UPDATE = "update"
UNCHANGED = "unchanged"


def before(column: str) -> str:
    """Return the name under which a changed row carries a value that silver had before."""
    return f"before__{column}"


def valid_rows(rows: Frame) -> Frame:
    """Return the rows that nothing is wrong with."""
    return rows.filter(nw.col(PROBLEMS) == 0)


def latest_rows(valid: Frame, entity: Entity) -> Frame:
    """Return the latest valid row of each key, by (batch_id, source_file, source_row).

    A row that was displaced while it waited for a reference takes no part. Key: the entity's key.
    """
    return valid.filter(~nw.col(DISPLACED)).unique(
        subset=[entity.key], keep="last", order_by=list(SEQUENCE)
    )


def as_inserts(latest: Frame) -> Frame:
    """Return rows whose keys silver does not have, in the shape of `compare` without `before`."""
    return latest.with_columns(nw.lit(INSERT).alias(CHANGE))


def compare(latest: Frame, silver: Frame, entity: Entity, also: Sequence[str] = ()) -> Frame:
    """Say of each key's latest row whether silver gains it, changes by it or has it already.

    Args:
        latest: Rows as `latest_rows` gives them.
        silver: The silver table.
        entity: The contract.
        also: Further silver columns whose earlier values are wanted.

    Returns:
        The rows with `change` (`insert`, `update`, `unchanged`: equal in every delivered column)
        and the earlier values of the delivered columns and of `also` as `before(column)`; null for
        inserts.
    """
    kept = [*entity.column_names, *also]
    earlier = silver.select(
        nw.col(entity.key),
        *(nw.col(column).alias(before(column)) for column in kept),
    )
    same = nw.all_horizontal(
        *(equal_or_both_null(nw.col(c), nw.col(before(c))) for c in entity.column_names),
        ignore_nulls=False,
    )
    change = (
        nw.when(nw.col(before(entity.key)).is_null())
        .then(nw.lit(INSERT))
        .otherwise(nw.when(same).then(nw.lit(UNCHANGED)).otherwise(nw.lit(UPDATE)))
    )
    return latest.join(earlier, entity.key, "left").with_columns(change.alias(CHANGE))


def displaced_rows(rows: Frame, entity: Entity) -> Frame:
    """Return the held rows whose key has a later valid row among the given rows.

    They may still be released, and then count as superseded without touching silver.
    Grain and key: one row per (batch_id, source_file, source_row), those columns only.
    """
    return outrun(rows.filter(is_held(entity)), valid_rows(rows), entity)


def outrun(contested: Frame, valid: Frame, entity: Entity) -> Frame:
    """Return those of some rows whose key has a later one among the valid rows.

    Grain and key: one row per (batch_id, source_file, source_row), those columns only.
    """
    rivals = valid.join(contested.select(entity.key).unique(), entity.key, "semi")
    latest = rivals.unique(subset=[entity.key], keep="last", order_by=list(SEQUENCE))
    rival = {column: f"later__{column}" for column in SEQUENCE}
    both = contested.join(
        latest.select(entity.key, *(nw.col(c).alias(r) for c, r in rival.items())), entity.key
    )
    later, equal = nw.lit(value=False), nw.lit(value=True)
    for column, other in rival.items():
        later = later | (equal & (nw.col(other) > nw.col(column)))
        equal = equal & (nw.col(other) == nw.col(column))
    return both.filter(later).select(*SEQUENCE)
