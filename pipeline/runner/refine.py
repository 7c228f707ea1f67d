"""One entity's way from a batch's bronze rows to silver and quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import bronze, quarantine, silver
from pipeline.contracts.entities import ENTITIES
from pipeline.contracts.layers import HELD, REJECTED
from pipeline.contracts.model import Entity
from pipeline.engine import Engine
from pipeline.landing.stamp import Stamp
from pipeline.portable import Frame, key_span
from pipeline.quality.measuring.counting import count_rows
from pipeline.quality.measuring.silver import FaultyRows, faulty_rows, rows_that_came_in
from pipeline.runner.report import EntityAccount
from pipeline.transforms.silver import (
    arrival,
    tally,
)
from pipeline.transforms.silver import (
    quarantine as quarantined,
)
from pipeline.transforms.silver import (
    rows as silver_rows,
)
from pipeline.transforms.silver.reading import RETRIED, held_rows, new_rows, read_rows
from pipeline.transforms.silver.reasons import PROBLEMS, decode, waits
from pipeline.transforms.silver.references import DIFFERS, check_references

# |z| > 4, and only from 30 rows on.
_Z = 4
_Z_ROWS = 30


@dataclass(frozen=True)
class Batch:
    """What one run refines.

    Attributes:
        stamp: Number and time of the run.
        catalogue_file: Path of the latest catalogue of the batch; None when there is none.
        pinned: Version of every table before the run's first row, by path. An entity's own tables
            are read as of it, so that a refinement that is done again finds what it found before.
        retries_rejected: Whether rejected rows are tried again beside the held ones, because the
            rules have changed.
    """

    stamp: Stamp
    catalogue_file: str | None
    pinned: Mapping[str, int]
    retries_rejected: bool = False


@dataclass(frozen=True)
class Refined:
    """What refinement did to one entity.

    Attributes:
        account: Where the rows went.
        changes: Each key's latest row with its `change` and, where silver had the key, the values
            before; None when no row came.
        compared: Whether `changes` has the values before; it has not when all keys are new.
        faulty: New rows with something wrong, each once per kind of it.
        came_in: Rows inserted, updated or released.
    """

    account: EntityAccount
    changes: Frame | None = None
    compared: bool = False
    faulty: FaultyRows = field(default_factory=FaultyRows)
    came_in: int = 0


def refine(engine: Engine, entity: Entity, batch: Batch, rows_read: int) -> Refined:
    """Read, check and place a batch's rows of one entity; try held rows again.

    Silver, quarantine and what the entity refers to must be as the run before left them, or, for
    entities earlier in the order, as this run has made them.
    """
    held = _held_rows(engine, entity, batch)
    if not rows_read and held is None:
        return Refined(EntityAccount())
    return _Refinement(engine, entity, batch, EntityAccount(rows_read=rows_read), held).run()


def _held_rows(engine: Engine, entity: Entity, batch: Batch) -> Frame | None:
    """Return the rows to try again, evaluated once; None when there are none."""
    statuses = [HELD] if entity.references else []
    if batch.retries_rejected:
        statuses.append(REJECTED)
    if not statuses:
        return None
    table = quarantine(entity)
    rows = engine.read(table, batch.pinned[table.path])
    held = rows.filter(nw.col("status").is_in(statuses))
    return engine.checkpoint(held) if count_rows(engine, held) else None


class _Refinement:
    """One entity's refinement in one run."""

    def __init__(
        self,
        engine: Engine,
        entity: Entity,
        batch: Batch,
        account: EntityAccount,
        held: Frame | None,
    ) -> None:
        self._engine = engine
        self._entity = entity
        self._batch = batch
        self._account = account
        self._held = held
        self._may_be_known = True
        self._faulty = FaultyRows()
        self._came_in = 0
        self._bronze = engine.read(bronze(entity)).filter(
            nw.col("ingestion_date") == nw.lit(batch.stamp.run_time.date()),
            nw.col("batch_id") == batch.stamp.batch_id,
        )

    def run(self) -> Refined:
        """Do it all, each step once: check, count, compare, quarantine, write."""
        typed = self._typed()
        rows = check_references(typed, self._entity, self._referred(typed))
        outcomes = self._engine.fetch(tally.rows_by_outcome(rows))
        valid_count = self._count_outcomes(outcomes)
        if self._are_plain_inserts(typed, outcomes, valid_count):
            # Nothing hangs on what the rows refer to any more: they need not be joined again.
            valid, changes, compared = self._as_plain_inserts(typed, outcomes)
        else:
            rows = self._engine.checkpoint(rows) if self._entity.references else rows
            valid = arrival.valid_rows(rows)
            changes, compared = self._compare(valid, valid_count)
            self._count_changes(changes, valid_count)
        if self._entity.anomaly is not None:
            self._account.anomaly = _count_anomalies(self._engine, self._entity, valid)
        self._write_quarantine(rows)
        self._write_silver(valid, changes)
        return Refined(self._account, changes, compared, self._faulty, self._came_in)

    def _typed(self) -> Frame:
        """Return all candidates, typed and held against their own rules, evaluated once."""
        entity, candidates = self._entity, new_rows(self._bronze, self._entity)
        if self._held is not None:
            candidates = nw.concat([candidates, held_rows(self._held, entity)])
        typed = self._engine.checkpoint(read_rows(candidates, entity))
        if self._held is not None and self._batch.retries_rejected:
            typed = self._engine.checkpoint(self._with_rivals(typed))
        return typed

    def _with_rivals(self, typed: Frame) -> Frame:
        """Note which rows tried again have a later valid row of their key in all of bronze.

        Held rows carry that with them; of rejected ones nobody has kept it.
        """
        engine, entity = self._engine, self._entity
        keys = arrival.valid_rows(typed).select(entity.key).unique()
        every = read_rows(new_rows(engine.read(bronze(entity)), entity), entity)
        rivals = engine.checkpoint(every.join(keys, entity.key, "semi"))
        checked = check_references(rivals, entity, self._referred(rivals))
        outrun = arrival.outrun(arrival.valid_rows(typed), arrival.valid_rows(checked), entity)
        return quarantined.with_displacement(typed, engine.checkpoint(outrun))

    def _referred(self, typed: Frame) -> dict[str, Frame]:
        """Return of the tables referred to what lies within the bounds of the references.

        A day's items refer to that day's orders: files of all other days are skipped. Of a table
        that was empty before the run there are none.
        """
        engine, entity = self._engine, self._entity
        tables = {other.name: silver(other) for other in ENTITIES}
        found = {r.entity: engine.read(tables[r.entity]) for r in entity.references}
        older = [r for r in entity.references if self._batch.pinned[tables[r.entity].path] > 0]
        if not older:
            return found
        span = engine.fetch(tally.reference_spans(typed, entity))[0]
        for reference in older:
            column = reference.column
            low, high = span[f"lowest__{column}"], span[f"highest__{column}"]
            if low is not None:
                found[reference.entity] = found[reference.entity].filter(
                    nw.col(column) >= low, nw.col(column) <= high
                )
        return found

    def _count_outcomes(self, outcomes: list[dict[str, Any]]) -> int:
        """Count the outcomes into the account; return the number of valid candidates."""
        account, valid = self._account, 0
        for group in outcomes:
            problems, count = int(group[PROBLEMS]), int(group["rows"])
            if problems == 0:
                valid += count
                account.released += count if group[RETRIED] else 0
            elif not group[RETRIED]:
                self._count_quarantined(problems, count)
        account.reasons = dict(sorted(account.reasons.items()))
        self._faulty = faulty_rows(self._entity, outcomes)
        return valid

    def _are_plain_inserts(
        self, typed: Frame, outcomes: list[dict[str, Any]], valid_count: int
    ) -> bool:
        """Return whether every valid row is the only one of its key, here and in silver."""
        waiting = any(waits(self._entity, int(group[PROBLEMS])) for group in outcomes)
        if waiting or self._held is not None or not valid_count:
            return False
        span = self._engine.fetch(key_span(arrival.valid_rows(typed), self._entity.key))[0]
        self._may_be_known = self._overlaps(span["lowest"], span["highest"])
        return span["keys"] == valid_count and not self._may_be_known

    def _as_plain_inserts(
        self, typed: Frame, outcomes: list[dict[str, Any]]
    ) -> tuple[Frame, Frame, bool]:
        valid = arrival.valid_rows(typed)
        came_in = [group for group in outcomes if int(group[PROBLEMS]) == 0]
        self._account.inserted = self._came_in = sum(int(group["rows"]) for group in came_in)
        self._account.consistency = sum(int(g["rows"]) for g in came_in if g[DIFFERS])
        return valid, arrival.as_inserts(valid), False

    def _count_quarantined(self, problems: int, count: int) -> None:
        account = self._account
        if waits(self._entity, problems):
            account.held += count
        else:
            account.rejected += count
        for code in decode(self._entity, problems):
            account.reasons[code] = account.reasons.get(code, 0) + count

    def _compare(self, valid: Frame, valid_count: int) -> tuple[Frame, bool]:
        """Return each key's latest row with its `change`, and whether silver was asked for it."""
        engine, entity = self._engine, self._entity
        if not valid_count:
            return arrival.as_inserts(valid), False
        latest = arrival.latest_rows(valid, entity)
        if not self._may_be_known:
            return engine.checkpoint(arrival.as_inserts(latest)), False
        known = self._known()
        return engine.checkpoint(arrival.compare(latest, known, entity)), True

    def _known(self) -> Frame:
        """Return silver as it was before the run."""
        table = silver(self._entity)
        return self._engine.read(table, self._batch.pinned[table.path])

    def _overlaps(self, lowest: int, highest: int) -> bool:
        """Return whether silver may have one of the keys, judged by their bounds."""
        bounds = self._engine.bounds(silver(self._entity), self._entity.key)
        return bounds is not None and lowest <= bounds[1] and highest >= bounds[0]

    def _count_changes(self, changes: Frame, valid_count: int) -> None:
        account = self._account
        groups = self._engine.fetch(tally.rows_by_arrival(changes))
        counts = dict.fromkeys((arrival.INSERT, arrival.UPDATE, arrival.UNCHANGED), 0)
        for group in groups:
            counts[group[arrival.CHANGE]] += int(group["rows"])
        account.inserted = counts[arrival.INSERT]
        account.updated = counts[arrival.UPDATE]
        account.unchanged = counts[arrival.UNCHANGED]
        # Of a key's valid rows one is its silver row, now or before: all but the inserts are extra.
        account.superseded = valid_count - account.inserted
        self._came_in, account.consistency = rows_that_came_in(groups)

    def _write_quarantine(self, rows: Frame) -> None:
        """Put new invalid rows into quarantine and note what became of the held ones."""
        engine, entity, account = self._engine, self._entity, self._account
        table, batch_id = quarantine(entity), self._batch.stamp.batch_id
        if not (account.held or account.rejected or self._held is not None):
            return
        displaced = engine.checkpoint(arrival.displaced_rows(rows, entity))
        if account.held or account.rejected:
            new = quarantined.newly_quarantined(rows, displaced, self._bronze, entity)
            engine.append(table, new, batch_id)
        if self._held is not None:
            tried = quarantined.retried_rows(rows, displaced, self._held, entity, batch_id)
            engine.merge(table, tried, batch_id)

    def _write_silver(self, valid: Frame, changes: Frame) -> None:
        engine, entity, account = self._engine, self._entity, self._account
        table, batch_id = silver(entity), self._batch.stamp.batch_id
        if entity.snapshot:
            changes = self._with_activity(valid, changes)
        changes = silver_rows.with_derived(changes, entity)
        if account.updated or account.activated or account.deactivated:
            updates = changes.filter(nw.col(arrival.CHANGE) == arrival.UPDATE)
            engine.merge(table, updates, batch_id)
        if account.inserted:
            inserts = changes.filter(nw.col(arrival.CHANGE) == arrival.INSERT)
            engine.append(table, inserts, batch_id)

    def _with_activity(self, valid: Frame, changes: Frame) -> Frame:
        """Say of every product whether the latest catalogue lists it."""
        engine, known = self._engine, self._known()
        listed = engine.checkpoint(silver_rows.listed_keys(valid, str(self._batch.catalogue_file)))
        for group in engine.fetch(silver_rows.turned(known, listed)):
            if group["is_active"]:
                self._account.deactivated = int(group["rows"])
            else:
                self._account.activated = int(group["rows"])
        run_time = self._batch.stamp.run_time
        return engine.checkpoint(silver_rows.product_changes(changes, known, listed, run_time))


def _count_anomalies(engine: Engine, entity: Entity, valid: Frame) -> int:
    """Count the amounts x with |x - mean| > 4 sd (population), in whole numbers throughout.

    With n rows, sum S and sum of squares Q: |n*x - S| > 4 * sqrt(n*Q - S^2).
    """
    sums = engine.fetch(tally.spread(valid, entity))[0]
    count, total = int(sums["rows"]), int(sums["total"] or 0)
    if count < _Z_ROWS:
        return 0
    squares = tally.sum_of_squares(sums["high_high"], sums["high_low"], sums["low_low"])
    variance = count * squares - total * total
    if variance == 0:
        return 0
    reach = isqrt(_Z * _Z * variance)
    lowest = -((reach - total) // count)
    highest = (total + reach) // count
    return int(engine.fetch(tally.outlying_rows(valid, entity, lowest, highest))[0]["rows"])
