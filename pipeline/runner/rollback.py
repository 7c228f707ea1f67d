"""Undoing runs that have succeeded: the tables go back, and their files can be taken in again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import TABLES, Table
from pipeline.contracts.meta import FILES, RUN_VERSIONS, RUNS
from pipeline.engine import Engine
from pipeline.errors import CallError
from pipeline.landing.store import Store
from pipeline.portable import Frame
from pipeline.runner.accounts import rolled_back
from pipeline.runner.archive import archived_places
from pipeline.runner.home import Intent, LakeHome
from pipeline.runner.undo import undo

# Maintenance keeps what a rollback of these needs.
KEPT_RUNS = 10


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        batch_ids: Numbers of the runs that are undone, ascending.
        paths: Their files, which the next run takes in again where they lie in the landing zone.
        moved: Those of them that were moved back from the archive.
    """

    batch_ids: list[int]
    paths: list[str]
    moved: list[str]


def needed_versions(engine: Engine, runs: int = KEPT_RUNS) -> dict[str, set[int]]:
    """Return by table path the versions that rollbacks of the latest runs restore."""
    found: dict[str, set[int]] = {}
    for row in _versions(engine, _numbers(engine)[::-1][:runs]):
        found.setdefault(row["table_path"], set()).add(row["version"])
    return found


def roll_back(
    engine: Engine,
    home: LakeHome,
    store: Store | None,
    batch_id: int,
    *,
    with_later: bool,
    now: datetime,
) -> RolledBack:
    """Restore every table to its version before a run, and let that run's files come in again.

    When it is ended from outside, the next run or rollback brings it to its end first.

    Args:
        engine: Engine bound to the lake.
        home: The lake's root.
        store: The landing zone, where archived files of the runs are moved back to their places;
            None to leave them in the archive.
        batch_id: Number of the run.
        with_later: Whether the runs after it may be undone as well, which cannot be avoided.
        now: The time of the rollback, UTC.

    Raises:
        CallError: There is no such run, it is too old, or later ones stand in the way.
        LakehouseError: The lake cannot be read or written.
    """
    if (left := home.interrupted()) is not None:
        undo(engine, home, left)
    undone = _undone(_numbers(engine), batch_id, with_later=with_later)
    files = engine.fetch(_of_runs(engine, FILES, undone))
    runs = engine.fetch(_of_runs(engine, RUNS, undone))
    versions = {row["table_path"]: row["version"] for row in _versions(engine, [batch_id])}
    # A table that came later than the run goes back to its first version, which has no rows.
    goal = {table.path: versions.get(table.path, 0) for table in TABLES if engine.exists(table)}
    intent = Intent(batch_id, {**goal}, f"rollback-{now:%Y%m%dT%H%M%S.%fZ}")
    home.begin(intent)
    undo(engine, home, intent)
    reason = f"It was rolled back at {now:%Y-%m-%d %H:%M:%S} UTC."
    for run in runs:
        rows = sum(file["rows"] for file in files if file["batch_id"] == run["batch_id"])
        account = rolled_back(run, rows, reason)
        home.note_undone(account.run_id, account.document())
    paths = sorted({file["path"] for file in files})
    return RolledBack(undone, paths, [] if store is None else _moved_back(store, files))


def _of_runs(engine: Engine, table: Table, batch_ids: Sequence[int]) -> Frame:
    return engine.read(table).filter(nw.col("batch_id").is_in(list(batch_ids)))


def _undone(known: Sequence[int], batch_id: int, *, with_later: bool) -> list[int]:
    latest = list(known[-KEPT_RUNS:])
    if batch_id not in latest:
        named = ", ".join(map(str, latest)) or "none"
        what = "is too old to be rolled back" if batch_id in known else "does not exist"
        msg = f"Run {batch_id} {what}."
        raise CallError(msg, f"The runs that can be: {named}.")
    undone = [number for number in latest if number >= batch_id]
    if len(undone) > 1 and not with_later:
        msg = f"Run {batch_id} cannot be undone without those after it: {undone[1:]}."
        raise CallError(msg, "Say so with --with-later; the next run takes their files in again.")
    return undone


def _numbers(engine: Engine) -> list[int]:
    """Return the numbers of the runs that have noted their versions, ascending."""
    if not engine.exists(RUN_VERSIONS):
        return []
    numbers = engine.read(RUN_VERSIONS).select("batch_id").unique()
    return sorted(row["batch_id"] for row in engine.fetch(numbers))


def _versions(engine: Engine, batch_ids: Sequence[int]) -> list[dict[str, Any]]:
    return engine.fetch(_of_runs(engine, RUN_VERSIONS, batch_ids)) if batch_ids else []


def _moved_back(store: Store, files: Iterable[dict[str, Any]]) -> list[str]:
    """Move archived files back to where they were delivered; return their paths."""
    stored = {file.path: file for file in store.list()}
    moved: list[str] = []
    for file in files:
        places = archived_places(file["path"], file["recorded_at"].date(), stored)
        same = [place for place in places if stored[place].size == file["bytes"]]
        if file["path"] not in stored and same:
            store.move(same[-1], file["path"])
            del stored[same[-1]]
            moved.append(file["path"])
    return moved
