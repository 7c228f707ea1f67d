"""What the silver checks measure; most of it from the counts that refinement makes anyway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from pipeline.contracts.checks import (
    ANOMALIES,
    CATALOGUE_SHRINK,
    CONSISTENCY,
    MISSING_OR_MALFORMED,
    ROW_EQUATION,
    RULE_VIOLATIONS,
    UNKNOWN_REFERENCES,
    Check,
)
from pipeline.contracts.entities import ENTITIES, PRODUCTS
from pipeline.contracts.layers import quarantine, silver
from pipeline.contracts.model import (
    INCONSISTENT,
    MALFORMED,
    MISSING,
    OUT_OF_RANGE,
    UNKNOWN_REFERENCE,
    Entity,
)
from pipeline.engine import Engine
from pipeline.landing.stamp import Stamp
from pipeline.portable import Frame
from pipeline.quality.measure import MAX_SAMPLES, Measure, first_samples
from pipeline.quality.measuring.counting import count_rows
from pipeline.transforms.silver.arrival import CHANGE, INSERT, UPDATE
from pipeline.transforms.silver.reading import RETRIED
from pipeline.transforms.silver.reasons import PROBLEMS, decode
from pipeline.transforms.silver.references import DIFFERS

# A deviation of fewer amounts says nothing.
ANOMALY_ROWS = 30

_REASONS: dict[Check, tuple[str, ...]] = {
    MISSING_OR_MALFORMED: (MISSING, MALFORMED),
    RULE_VIOLATIONS: (OUT_OF_RANGE, INCONSISTENT),
    UNKNOWN_REFERENCES: (UNKNOWN_REFERENCE,),
}


@dataclass(frozen=True)
class FaultyRows:
    """New rows of one entity with something wrong, each once per kind of it.

    Attributes:
        unreadable: Rows with a missing or malformed value.
        violating: Rows with a value out of range or inconsistent.
        held: Rows that wait for a reference.
    """

    unreadable: int = 0
    violating: int = 0
    held: int = 0


def faulty_rows(entity: Entity, outcomes: Iterable[Mapping[str, Any]]) -> FaultyRows:
    """Count the new rows of each kind of fault.

    Args:
        entity: The contract.
        outcomes: Groups as `tally.rows_by_outcome` gives them: `problems`, `retried`, `rows`.
    """
    counts = dict.fromkeys(_REASONS, 0)
    for group in outcomes:
        if group[RETRIED]:
            continue
        codes = decode(entity, int(group[PROBLEMS]))
        reasons = {code.rpartition(":")[2] for code in codes}
        for check, own in _REASONS.items():
            counts[check] += int(group["rows"]) if reasons & set(own) else 0
    return FaultyRows(
        unreadable=counts[MISSING_OR_MALFORMED],
        violating=counts[RULE_VIOLATIONS],
        held=counts[UNKNOWN_REFERENCES],
    )


def rows_that_came_in(groups: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the rows inserted, updated or released, and how many of them differ from their order.

    Args:
        groups: Each key's latest row counted by `change`, `retried` and `differs_from_reference`:
            column `rows`.
    """
    came_in = [g for g in groups if g[CHANGE] in {INSERT, UPDATE} or g[RETRIED]]
    differing = [group for group in came_in if group[DIFFERS]]
    return sum(int(g["rows"]) for g in came_in), sum(int(g["rows"]) for g in differing)


class Account(Protocol):
    """Where the rows of one entity went in a run, as far as the checks mind."""

    @property
    def rows_read(self) -> int:
        """Data rows of the files taken in."""

    @property
    def held(self) -> int:
        """Rows newly held for a reference."""

    @property
    def rejected(self) -> int:
        """Rows that can never be valid."""

    @property
    def consistency(self) -> int:
        """Rows that came into silver unlike the row that they refer to."""

    @property
    def anomaly(self) -> int:
        """Rows whose amount lies more than 4 standard deviations off."""

    @property
    def deactivated(self) -> int:
        """Products that the latest catalogue does not list any more."""


class Sides(Protocol):
    """The equation of one entity over all runs."""

    @property
    def files(self) -> int:
        """Rows in accepted files."""

    @property
    def silver(self) -> int:
        """Rows of the silver table."""

    @property
    def superseded(self) -> int:
        """Rows superseded in all runs."""

    @property
    def quarantined(self) -> int:
        """Rows in quarantine that are held or rejected."""


@dataclass(frozen=True)
class Refinement:
    """What the silver checks have to know of one entity besides its account.

    Attributes:
        faulty: See `faulty_rows`.
        came_in: Rows inserted, updated or released; see `rows_that_came_in`.
        balance: The equation over all runs.
        active_before: Products active before the run, when the run has a catalogue; else None.
    """

    faulty: FaultyRows
    came_in: int
    balance: Sides
    active_before: int | None = None


def active_products(engine: Engine) -> int:
    """Count the active products; before refinement, those that a new catalogue is held against."""
    products = engine.read(silver(PRODUCTS)).filter(nw.col("is_active"))
    return count_rows(engine, products)


def silver_measures(
    engine: Engine, entity: Entity, account: Account, refinement: Refinement, stamp: Stamp
) -> list[Measure]:
    """Measure the refinement of one entity.

    Args:
        engine: The engine of the lake; it is asked for sample rows of what is not clean.
        entity: The entity.
        account: Where the run's rows went.
        refinement: The other counts.
        stamp: Number and time of the run.
    """
    name, read, faulty = entity.name, account.rows_read, refinement.faulty
    batch_id = stamp.batch_id
    measures = [row_equation(entity, refinement.balance)]
    for check, count in (
        (MISSING_OR_MALFORMED, faulty.unreadable),
        (RULE_VIOLATIONS, faulty.violating),
        (UNKNOWN_REFERENCES, faulty.held),
    ):
        if check is UNKNOWN_REFERENCES and not entity.references:
            continue
        samples = _quarantined(engine, entity, _REASONS[check], batch_id) if count else ()
        measures.append(Measure(check, name, count, read, samples))
    if any(reference.same for reference in entity.references):
        count = account.consistency
        samples = _inconsistent(engine, entity, batch_id) if count else ()
        measures.append(Measure(CONSISTENCY, name, count, refinement.came_in, samples))
    if entity.anomaly is not None:
        valid = read - account.held - account.rejected
        base = valid if valid >= ANOMALY_ROWS else 0
        samples = _outlying(engine, entity, account, batch_id)
        measures.append(Measure(ANOMALIES, name, account.anomaly, base, samples))
    if entity.snapshot and refinement.active_before is not None:
        count = account.deactivated
        samples = _unlisted(engine, entity, stamp) if count else ()
        measures.append(Measure(CATALOGUE_SHRINK, name, count, refinement.active_before, samples))
    return measures


def row_equation(entity: Entity, sides: Sides) -> Measure:
    """Measure the equation of one entity."""
    placed = sides.silver + sides.superseded + sides.quarantined
    off = abs(sides.files - placed)
    said = (
        f"{sides.files} in accepted files, but {sides.silver} in silver + {sides.superseded} "
        f"superseded + {sides.quarantined} in quarantine"
    )
    return Measure(ROW_EQUATION, entity.name, off, sides.files, (said,) if off else ())


def _quarantined(
    engine: Engine, entity: Entity, reasons: Sequence[str], batch_id: int
) -> tuple[str, ...]:
    """Return the first of the batch's quarantined rows with one of these reasons."""
    matching = "|".join(f":{reason}(;|$)" for reason in reasons)
    rows = engine.read(quarantine(entity)).filter(
        nw.col("batch_id") == batch_id, nw.col("reasons").str.contains(matching)
    )
    first = rows.sort("source_file", "source_row").head(MAX_SAMPLES)
    return tuple(_told(entity, row) for row in engine.fetch(first))


def _of_batch(engine: Engine, entity: Entity, batch_id: int) -> Frame:
    return engine.read(silver(entity)).filter(nw.col("batch_id") == batch_id)


def _inconsistent(engine: Engine, entity: Entity, batch_id: int) -> tuple[str, ...]:
    """Return the first of the batch's silver rows that differ from what they refer to."""
    tables = {other.name: silver(other) for other in ENTITIES}
    found: list[str] = []
    for reference in entity.references:
        if not reference.same:
            continue
        theirs = engine.read(tables[reference.entity]).select(
            reference.column, *(nw.col(name).alias(_theirs(name)) for name in reference.same)
        )
        rows = _of_batch(engine, entity, batch_id).join(theirs, reference.column)
        differs = [nw.col(name) != nw.col(_theirs(name)) for name in reference.same]
        first = rows.filter(nw.any_horizontal(*differs, ignore_nulls=True)).sort(entity.key)
        for row in engine.fetch(first.head(MAX_SAMPLES)):
            values = [
                f"{name} {row[name]}, in {reference.entity} {row[_theirs(name)]}"
                for name in reference.same
                if row[name] != row[_theirs(name)]
            ]
            found.append(f"{entity.key} {row[entity.key]}: {'; '.join(values)}")
    return first_samples(found)


def _theirs(name: str) -> str:
    return f"referred__{name}"


def _unlisted(engine: Engine, entity: Entity, stamp: Stamp) -> tuple[str, ...]:
    """Return the first of the rows that the run's last snapshot does not list any more."""
    run_time = nw.lit(stamp.run_time, nw.Datetime("us", "UTC"))
    rows = engine.read(silver(entity)).filter(
        ~nw.col("is_active"), nw.col("last_updated_timestamp") == run_time
    )
    first = engine.fetch(rows.select(entity.key).sort(entity.key).head(MAX_SAMPLES))
    return tuple(f"{entity.key} {row[entity.key]}: not listed any more" for row in first)


def _outlying(engine: Engine, entity: Entity, account: Account, batch_id: int) -> tuple[str, ...]:
    """Return the batch's silver rows whose amounts lie farthest from their mean."""
    if not account.anomaly:
        return ()
    name = str(entity.anomaly)
    rows, amount = _of_batch(engine, entity, batch_id), nw.col(name)
    sums = engine.fetch(
        rows.select(nw.len().cast(nw.Int64).alias("rows"), amount.sum().alias("total"))
    )[0]
    if not sums["rows"]:
        return ()
    mean = int(sums["total"]) // int(sums["rows"])
    distance = nw.when(amount >= mean).then(amount - mean).otherwise(mean - amount)
    farthest = rows.with_columns(distance.alias("distance")).sort(
        "distance", entity.key, descending=[True, False]
    )
    return tuple(
        f"{entity.key} {row[entity.key]}: {name} {Decimal(row[name]).scaleb(-2)}"
        for row in engine.fetch(farthest.head(min(MAX_SAMPLES, account.anomaly)))
    )


def _told(entity: Entity, row: Mapping[str, Any]) -> str:
    """Say which row it is, why it is there, and what stood in the columns named."""
    named = {code.partition(":")[0] for code in row["reasons"].split(";")}
    values = [f"{name} {row[name]!r}" for name in entity.column_names if name in named]
    if row["raw_record"] is not None:
        values = [repr(row["raw_record"][:80])]
    said = f"{row['source_file']} row {row['source_row']}: {row['reasons']}"
    return f"{said} ({', '.join(values)})" if values else said
