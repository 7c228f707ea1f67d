"""Lakes of one small table, written without the pipeline."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake

from simulator.compare import Comparison, TableComparison, compare

UNKNOWN = "gold/of_our_own"


def write(
    lake: Path,
    frame: pl.DataFrame,
    table: str = UNKNOWN,
    *,
    parts: int = 1,
    by: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
) -> Path:
    """Write a table in as many commits as parts; return its folder."""
    place = lake / table
    DeltaTable.create(
        place,
        frame.to_arrow().schema,
        partition_by=list(by),
        configuration=dict(properties or {}),
    )
    for part in range(parts):
        write_deltalake(place, frame.gather_every(parts, part), mode="append")
    return place


def compared(a: Path, b: Path, table: str = UNKNOWN, **options: Any) -> TableComparison:
    """Compare two lakes that have one table between them and return what is said of it."""
    found: Comparison = compare(a, b, **options)
    (only,) = found.tables
    assert only.path == table
    assert found.equal is only.equal
    return only


def kinds(found: TableComparison) -> list[str]:
    """Return in what the tables differ."""
    return [difference.kind.value for difference in found.differences]


def sentences(found: TableComparison) -> list[str]:
    """Return how the tables differ."""
    return [difference.sentence for difference in found.differences]
