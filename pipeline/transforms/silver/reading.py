"""Text to types, and the rules that a row can be held against on its own."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from pipeline.contracts.layers import LINEAGE, RAW_RECORD
from pipeline.contracts.model import (
    INCONSISTENT,
    MALFORMED,
    MISSING,
    OUT_OF_RANGE,
    ROW_MALFORMED,
    Column,
    Entity,
)
from pipeline.contracts.types import Kind
from pipeline.portable import MALFORMED as UNREADABLE
from pipeline.portable import MISSING as EMPTY
from pipeline.portable import Frame, parse, state_of
from pipeline.transforms.silver.reasons import PROBLEMS, bit

RETRIED = "retried"
DISPLACED = "displaced"
SEQUENCE = ("batch_id", "source_file", "source_row")


def new_rows(bronze: Frame, entity: Entity) -> Frame:
    """Return a batch's bronze rows as candidates for silver: raw text and lineage.

    Grain and key: one row per (batch_id, source_file, source_row).
    """
    return _candidates(bronze, entity, retried=False).with_columns(
        nw.lit(value=False).alias(DISPLACED)
    )


def held_rows(held: Frame, entity: Entity) -> Frame:
    """Return quarantined rows that wait for a reference as candidates for another try.

    They keep their own place in the order of arrival. Same shape as `new_rows`.
    """
    as_ingested = held.with_columns(nw.col("first_seen").alias("ingestion_timestamp"))
    return _candidates(as_ingested, entity, retried=True, also=[DISPLACED])


def _candidates(rows: Frame, entity: Entity, *, retried: bool, also: Sequence[str] = ()) -> Frame:
    return rows.select(
        *entity.column_names,
        *(column.name for column in LINEAGE),
        RAW_RECORD.name,
        nw.lit(value=retried).alias(RETRIED),
        *also,
    )


def read_rows(candidates: Frame, entity: Entity) -> Frame:
    """Type every delivered column and collect what is wrong with each row on its own.

    Args:
        candidates: Rows as `new_rows` and `held_rows` give them.
        entity: The contract.

    Returns:
        The rows with typed columns (money in cents, timestamps UTC, null where missing or
        malformed) and `problems`, the sum of the bits of their reason codes; 0 is valid so far.
    """
    typed = parse(candidates, entity.columns)
    found = nw.sum_horizontal(
        *(term for column in entity.columns for term in _problem_terms(column, entity))
    )
    wrong_field_count = ~nw.col(RAW_RECORD.name).is_null()
    problems = nw.when(wrong_field_count).then(bit(entity, ROW_MALFORMED)).otherwise(found)
    return typed.select(
        *entity.column_names,
        *(column.name for column in LINEAGE),
        RETRIED,
        DISPLACED,
        problems.cast(nw.Int64).alias(PROBLEMS),
    )


def _problem_terms(column: Column, entity: Entity) -> list[nw.Expr]:
    value, state = nw.col(column.name), nw.col(state_of(column.name))
    # Of these a value has one at most: what is too great was there and could be read.
    conditions: dict[str, nw.Expr] = {}
    if (out := _out_of_range(column, value)) is not None:
        conditions[OUT_OF_RANGE] = out
    if column.required:
        conditions[MISSING] = state == EMPTY
    if column.type.kind not in {Kind.TEXT, Kind.LABEL}:
        conditions[MALFORMED] = state == UNREADABLE
    term = nw.lit(0)
    for reason, condition in conditions.items():
        term = nw.when(condition).then(bit(entity, f"{column.name}:{reason}")).otherwise(term)
    if column.date_of is None:
        return [term]
    differs = value != nw.col(column.date_of).dt.date()
    inconsistent = bit(entity, f"{column.name}:{INCONSISTENT}")
    return [term, nw.when(differs).then(inconsistent).otherwise(0)]


def _out_of_range(column: Column, value: nw.Expr) -> nw.Expr | None:
    out = None
    if column.minimum is not None:
        out = value < nw.lit(column.minimum)
    if column.below is not None:
        too_great = value >= nw.lit(column.below)
        out = too_great if out is None else out | too_great
    return out
