"""Quarantine: rows that silver cannot take, with their raw text, and their way out of it."""

import narwhals.stable.v2 as nw

from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.layers import quarantine as quarantine_table
from pipeline.contracts.model import Entity
from pipeline.portable import Frame
from pipeline.transforms.silver.reading import DISPLACED, RETRIED, SEQUENCE
from pipeline.transforms.silver.reasons import PROBLEMS, is_held, reasons_text


def with_displacement(rows: Frame, displaced: Frame) -> Frame:
    """Return rows with `displaced` also true for those that `displaced_rows` or `outrun` names."""
    return rows.join(
        displaced.with_columns(nw.lit(value=True).alias("now_displaced")), list(SEQUENCE), "left"
    ).with_columns(
        (nw.col(DISPLACED) | nw.col("now_displaced").fill_null(nw.lit(value=False))).alias(
            DISPLACED
        )
    )


def _status(entity: Entity) -> nw.Expr:
    """Return what becomes of a row that is not valid."""
    return nw.when(is_held(entity)).then(nw.lit(HELD)).otherwise(nw.lit(REJECTED))


def newly_quarantined(rows: Frame, displaced: Frame, bronze: Frame, entity: Entity) -> Frame:
    """Return the quarantine rows of a batch: what is wrong, and the text as delivered.

    Args:
        rows: All candidates after every check.
        displaced: Held rows that a later valid row has displaced.
        bronze: The batch's bronze rows.
        entity: The contract.

    Returns:
        One row per new candidate with problems, in the shape of the quarantine table. Key:
        (batch_id, source_file, source_row).
    """
    invalid = rows.filter((nw.col(PROBLEMS) > 0) & ~nw.col(RETRIED))
    outcome = with_displacement(invalid, displaced).select(
        *SEQUENCE,
        nw.col("ingestion_timestamp").alias("first_seen"),
        reasons_text(entity).alias("reasons"),
        _status(entity).alias("status"),
        nw.lit(None, nw.Int64).alias("resolved_batch_id"),
        DISPLACED,
    )
    return bronze.join(outcome, list(SEQUENCE)).select(quarantine_table(entity).column_names)


def retried_rows(
    rows: Frame, displaced: Frame, held: Frame, entity: Entity, batch_id: int
) -> Frame:
    """Return the rows that a further try has changed: released, displaced, other reasons.

    Args:
        rows: All candidates after every check.
        displaced: Held rows that a later valid row has displaced.
        held: The quarantine rows that were tried again.
        entity: The contract.
        batch_id: Number of the run.

    Returns:
        One row per tried row whose outcome has changed, in the shape of the quarantine table.
        A released row keeps the reasons of its last failed try. Key: (batch_id, source_file,
        source_row).
    """
    tried = with_displacement(rows.filter(nw.col(RETRIED)), displaced).select(
        *SEQUENCE,
        reasons_text(entity).alias("now_reasons"),
        (nw.col(PROBLEMS) == 0).alias("now_valid"),
        _status(entity).alias("now_status"),
        nw.col(DISPLACED).alias("is_displaced"),
    )
    valid = nw.col("now_valid")
    both = held.join(tried, list(SEQUENCE))
    changed = both.filter(
        valid
        | (nw.col("now_status") != nw.col("status"))
        | (nw.col("now_reasons") != nw.col("reasons"))
        | (nw.col("is_displaced") != nw.col(DISPLACED))
    )
    return changed.with_columns(
        nw.when(valid).then(nw.col("reasons")).otherwise(nw.col("now_reasons")).alias("reasons"),
        nw.when(valid).then(nw.lit(RELEASED)).otherwise(nw.col("now_status")).alias("status"),
        nw.when(valid).then(nw.lit(batch_id, nw.Int64)).alias("resolved_batch_id"),
        nw.col("is_displaced").alias(DISPLACED),
    ).select(quarantine_table(entity).column_names)
