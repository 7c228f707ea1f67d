"""What silver could not take: by reason, with some of the rows as they were delivered."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, Entity, quarantine
from pipeline.contracts.layers import HELD, REJECTED
from pipeline.engine import Engine
from simulator.report.reading import frame_of

SAMPLED_REASONS = 10
SAMPLES = 3


@dataclass(frozen=True)
class Cell:
    """A delivered value; `bad` when a reason names its column."""

    column: str
    text: str | None
    bad: bool


@dataclass(frozen=True)
class Sample:
    """A row as it was delivered.

    Attributes:
        file: Its file below the landing zone.
        row: Number of the data row in it, from 1.
        reasons: Everything that is wrong with the row.
        cells: Its values by column; empty when it had a wrong number of fields.
        raw: Its text, when it had a wrong number of fields.
    """

    file: str
    row: int
    reasons: tuple[str, ...]
    cells: tuple[Cell, ...]
    raw: str | None


@dataclass(frozen=True)
class Reason:
    """The rows of an entity in quarantine for a reason; a row counts for each of its reasons."""

    entity: str
    code: str
    status: str
    rows: int
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Quarantine:
    """What is in quarantine, most rows first.

    Attributes:
        reasons: By entity, reason and status; the first have samples.
        held: Rows that wait for a reference.
        rejected: Rows that can never be valid.
    """

    reasons: tuple[Reason, ...]
    held: int
    rejected: int


def gather_quarantine(engine: Engine) -> Quarantine:
    """Count what is in quarantine, and take a few rows of the most frequent reasons."""
    counts: Counter[tuple[str, str, str]] = Counter()
    rows: Counter[str] = Counter()
    for entity in ENTITIES:
        frame = frame_of(engine, quarantine(entity))
        if frame is None:
            continue
        waiting = frame.filter(nw.col("status").is_in([HELD, REJECTED]))
        groups = waiting.group_by("status", "reasons").agg(nw.len().alias("rows"))
        for group in engine.fetch(groups):
            rows[group["status"]] += int(group["rows"])
            for code in group["reasons"].split(";"):
                counts[entity.name, code, group["status"]] += int(group["rows"])
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    by_name = {entity.name: entity for entity in ENTITIES}
    return Quarantine(
        reasons=tuple(
            Reason(
                *found,
                number,
                _samples(engine, by_name[found[0]], *found[1:]) if place < SAMPLED_REASONS else (),
            )
            for place, (found, number) in enumerate(ranked)
        ),
        held=rows[HELD],
        rejected=rows[REJECTED],
    )


def _samples(engine: Engine, entity: Entity, code: str, status: str) -> tuple[Sample, ...]:
    """Return the rows that came last with this reason."""
    codes = nw.concat_str([nw.lit(";"), nw.col("reasons"), nw.lit(";")])
    found = engine.read(quarantine(entity)).filter(
        nw.col("status") == status, codes.str.contains(f";{code};", literal=True)
    )
    order = ("batch_id", "source_file", "source_row")
    latest = found.sort(*order, descending=[True, False, False]).head(SAMPLES)
    return tuple(_sample(entity, row) for row in engine.fetch(latest))


def _sample(entity: Entity, row: dict[str, Any]) -> Sample:
    reasons = tuple(row["reasons"].split(";"))
    bad = {reason.partition(":")[0] for reason in reasons}
    whole = row["raw_record"] is None
    cells = (Cell(name, row[name], name in bad) for name in entity.column_names)
    return Sample(
        file=row["source_file"],
        row=row["source_row"],
        reasons=reasons,
        cells=tuple(cells) if whole else (),
        raw=row["raw_record"],
    )
