"""Which files a run takes in: new ones that pass their checks, each content once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts.entities import ENTITIES
from pipeline.contracts.meta import ACCEPTED, DUPLICATE, FILES
from pipeline.engine import Engine
from pipeline.errors import CallError
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.inspection import inspect
from pipeline.landing.naming import is_delivery
from pipeline.landing.store import Store, StoredFile
from pipeline.runner.plan import Plan

Inspected = Callable[[StoredFile], None]


@dataclass
class Ledger:
    """What earlier runs took in.

    Attributes:
        known: Fingerprint and hash of every file that was decided on, by path.
        contents: SHA-256 of all accepted contents.
        rows: Rows taken in so far, by entity.
    """

    known: dict[str, set[str]] = field(default_factory=dict)
    contents: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)


def read_ledger(engine: Engine) -> Ledger:
    """Read the ledger of files; empty for a lake that does not exist yet."""
    ledger = Ledger()
    if not engine.exists(FILES):
        return ledger
    columns = ("entity", "path", "status", "sha256", "rows", "fingerprint")
    for entry in engine.fetch(engine.read(FILES).select(*(nw.col(name) for name in columns))):
        ledger.known.setdefault(entry["path"], set()).add(entry["fingerprint"])
        if entry["status"] == ACCEPTED:
            ledger.contents.add(entry["sha256"])
            entity = entry["entity"]
            ledger.rows[entity] = ledger.rows.get(entity, 0) + entry["rows"]
    return ledger


def deliveries_of(store: Store) -> list[StoredFile]:
    """Return the files of the landing zone that are meant to be taken in."""
    return [file for file in store.list() if is_delivery(file.path)]


def plan_run(
    store: Store,
    files: Sequence[StoredFile],
    ledger: Ledger,
    *,
    again: Sequence[str] = (),
    inspected: Inspected = lambda _: None,
) -> Plan:
    """Inspect what is new and decide about every file.

    Args:
        store: The landing zone.
        files: Its deliveries.
        ledger: What earlier runs took in.
        again: Paths to take in although their bytes came in before.
        inspected: Called after each file, for progress.

    Raises:
        CallError: A path of `again` is not there.
    """
    _check_again(again, files)
    plan = Plan()
    passed: list[Delivery] = []
    for file in files:
        if file.fingerprint in ledger.known.get(file.path, ()) and file.path not in again:
            plan.known.append(file.path)
        else:
            outcome = inspect(store, file)
            if isinstance(outcome, Refusal):
                plan.refused.append(outcome)
            else:
                passed.append(outcome)
        inspected(file)
    seen = set(ledger.contents)
    for delivery in sorted(passed, key=_arrival):
        repeated = delivery.sha256 in seen and delivery.path not in again
        (plan.duplicates if repeated else plan.accepted).append(delivery)
        seen.add(delivery.sha256)
    return plan


def _check_again(again: Sequence[str], files: Sequence[StoredFile]) -> None:
    there = {file.path for file in files}
    absent = [path for path in again if path not in there]
    if absent:
        msg = f"There is no delivery {absent[0]} in the landing zone."
        raise CallError(msg, "Give the path below the landing zone, as it is listed there.")


_PLACE: Mapping[str, int] = {entity.name: place for place, entity in enumerate(ENTITIES)}


def _arrival(delivery: Delivery) -> tuple[int, bytes]:
    return _PLACE[delivery.entity.name], delivery.path.encode()


def ledger_records(
    plan: Plan, rows: Mapping[str, int], batch_id: int, run_time: datetime
) -> list[dict[str, Any]]:
    """Return the ledger's rows of a run.

    Args:
        plan: The run's files.
        rows: Rows taken in by path.
        batch_id: Number of the run.
        run_time: The run's own time, UTC.
    """
    decided = [(d, ACCEPTED, rows[d.path]) for d in plan.accepted]
    decided += [(d, DUPLICATE, 0) for d in plan.duplicates]
    return [
        {
            "batch_id": batch_id,
            "entity": delivery.entity.name,
            "path": delivery.path,
            "status": status,
            "sha256": delivery.sha256,
            "bytes": delivery.size,
            "rows": count,
            "fingerprint": delivery.fingerprint,
            "recorded_at": run_time,
        }
        for delivery, status, count in decided
    ]
