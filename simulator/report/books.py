"""What came in, where every row of it went, and the runs that did it."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, Entity, quarantine, silver
from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.meta import ACCEPTED, DUPLICATE, FILES, ROW_ACCOUNTS, RUNS
from pipeline.engine import Engine
from pipeline.runner.accounts import Undone
from pipeline.runner.home import LakeHome
from simulator.report.reading import frame_of, rows_in, total

LATEST_RUNS = 40
LATEST_FILES = 40


@dataclass(frozen=True)
class Intake:
    """The files of one entity that came in.

    Attributes:
        entity: Name of the entity.
        files: Files taken in.
        repeated: Files whose bytes came in before.
        size: Stored size of the files taken in, bytes.
        rows: Their data rows.
    """

    entity: str
    files: int = 0
    repeated: int = 0
    size: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Fates:
    """Where the delivered rows of an entity are now.

    Attributes:
        entity: Name of the entity.
        delivered: Rows of the accepted files.
        silver: Silver rows.
        superseded: Valid rows that a later one of their key has replaced, and repetitions.
        held: Rows in quarantine that wait for a reference.
        rejected: Rows in quarantine that can never be valid.
        released: Rows that were held once and count among silver and superseded since.
    """

    entity: str
    delivered: int
    silver: int
    superseded: int
    held: int
    rejected: int
    released: int

    @property
    def holds(self) -> bool:
        """Whether every delivered row is accounted for, none lost and none doubled."""
        return self.delivered == self.silver + self.superseded + self.held + self.rejected


@dataclass(frozen=True)
class File:
    """A delivered file that was taken in, and where its rows are now.

    Attributes:
        path: Path below the landing zone.
        entity: Name of its entity.
        batch_id: Number of the run that took it in.
        rows: Its data rows.
        silver: Silver rows that name it as their source.
        held: Its rows that wait for a reference.
        rejected: Its rows that can never be valid.
    """

    path: str
    entity: str
    batch_id: int
    rows: int
    silver: int
    held: int
    rejected: int

    @property
    def superseded(self) -> int:
        """Its other rows: later or equal ones stand in silver in their place."""
        return self.rows - self.silver - self.held - self.rejected


@dataclass(frozen=True)
class Run:
    """A run, with the rows of all entities together.

    Attributes:
        batch_id: Its number; None when it took no file in.
        started_at: Its start, UTC.
        status: How it ended.
        engine: Engine that did the work.
        as_of: Date that customers were seen from; None without orders.
        accepted: Files taken in.
        repeated: Files whose bytes came in before.
        refused: Files that failed a file-level check.
        read: Rows of the files taken in.
        released: Held rows of earlier runs that became valid.
        taken: Rows read or released that became silver rows, or renewed one.
        superseded: Valid rows read or released that changed nothing in silver.
        held: Rows newly held.
        rejected: Rows that can never be valid.
        seconds: How long it took; None for runs of earlier versions of the software.
        alerts: Quality checks above their threshold; None for runs of earlier versions.
    """

    batch_id: int | None
    started_at: datetime
    status: str
    engine: str
    as_of: date | None
    accepted: int
    repeated: int
    refused: int
    read: int
    released: int
    taken: int
    superseded: int
    held: int
    rejected: int
    seconds: float | None
    alerts: int | None


@dataclass(frozen=True)
class Books:
    """The lake's books.

    Attributes:
        intake: What came in, by entity.
        fates: Where it is now, by entity.
        files: The files taken in last, latest first.
        file_count: Number of all files taken in.
        runs: The latest runs, latest first.
        run_count: Number of all runs.
        undone: The latest runs that left nothing in the tables, latest first: they failed, were
            blocked by a quality check, or were rolled back.
        refused: Files refused in all runs.
    """

    intake: tuple[Intake, ...]
    fates: tuple[Fates, ...]
    files: tuple[File, ...]
    file_count: int
    runs: tuple[Run, ...]
    run_count: int
    undone: tuple[Undone, ...]
    refused: int

    @property
    def delivered(self) -> int:
        """Rows of all files taken in."""
        return sum(each.delivered for each in self.fates)

    @property
    def as_of(self) -> date | None:
        """Date that the latest run saw customers from."""
        return self.runs[0].as_of if self.runs else None


def gather_books(engine: Engine, lake: Path) -> Books:
    """Read the lake's books, and the accounts of undone runs beside them."""
    intake = _intake(engine)
    runs = frame_of(engine, RUNS)
    return Books(
        intake=intake,
        fates=tuple(_fates(engine, entity) for entity in ENTITIES),
        files=_files(engine),
        file_count=sum(each.files for each in intake),
        runs=_runs(engine),
        run_count=rows_in(engine, RUNS),
        undone=_undone(lake),
        refused=0 if runs is None else total(engine, runs, "refused_files")[0],
    )


def _undone(lake: Path) -> tuple[Undone, ...]:
    found = [Undone.of(document) for document in LakeHome(lake).undone()]
    return tuple(sorted(found, key=lambda run: run.started_at, reverse=True)[:LATEST_RUNS])


def _intake(engine: Engine) -> tuple[Intake, ...]:
    frame = frame_of(engine, FILES)
    found: dict[tuple[str, str], dict[str, int]] = {}
    if frame is not None:
        groups = frame.group_by("entity", "status").agg(
            nw.len().alias("files"), nw.col("bytes").sum(), nw.col("rows").sum()
        )
        found = {(row["entity"], row["status"]): row for row in engine.fetch(groups)}
    none = {"files": 0, "bytes": 0, "rows": 0}
    intake = []
    for entity in ENTITIES:
        taken = found.get((entity.name, ACCEPTED), none)
        repeated = found.get((entity.name, DUPLICATE), none)
        numbers = taken["files"], repeated["files"], taken["bytes"], taken["rows"]
        intake.append(Intake(entity.name, *map(int, numbers)))
    return tuple(intake)


def _fates(engine: Engine, entity: Entity) -> Fates:
    accounts = frame_of(engine, ROW_ACCOUNTS)
    read, superseded = 0, 0
    if accounts is not None:
        of_entity = accounts.filter(nw.col("entity") == entity.name)
        read, superseded = total(engine, of_entity, "rows_read", "superseded")
    waiting = _by_status(engine, entity)
    return Fates(
        entity=entity.name,
        delivered=read,
        silver=rows_in(engine, silver(entity)),
        superseded=superseded,
        held=waiting.get(HELD, 0),
        rejected=waiting.get(REJECTED, 0),
        released=waiting.get(RELEASED, 0),
    )


def _by_status(engine: Engine, entity: Entity) -> dict[str, int]:
    frame = frame_of(engine, quarantine(entity))
    if frame is None:
        return {}
    groups = frame.group_by("status").agg(nw.len().alias("rows"))
    return {row["status"]: int(row["rows"]) for row in engine.fetch(groups)}


def _files(engine: Engine) -> tuple[File, ...]:
    frame = frame_of(engine, FILES)
    if frame is None:
        return ()
    taken = frame.filter(nw.col("status") == ACCEPTED)
    latest = taken.sort("batch_id", "entity", "path", descending=[True, True, True])
    ledger = engine.fetch(latest.head(LATEST_FILES))
    names = sorted({row["path"] for row in ledger})
    counts: dict[tuple[str, int, str], dict[str, int]] = {}
    for entity in ENTITIES:
        for table, status in ((silver(entity), None), (quarantine(entity), "status")):
            rows = frame_of(engine, table)
            if rows is None:
                continue
            by = ["batch_id", "source_file", *([status] if status else [])]
            groups = rows.filter(nw.col("source_file").is_in(names)).group_by(*by)
            for row in engine.fetch(groups.agg(nw.len().alias("rows"))):
                key = (entity.name, row["batch_id"], row["source_file"])
                counts.setdefault(key, {})[row.get("status", "silver")] = int(row["rows"])
    return tuple(
        File(
            path=row["path"],
            entity=row["entity"],
            batch_id=row["batch_id"],
            rows=row["rows"],
            silver=where.get("silver", 0),
            held=where.get(HELD, 0),
            rejected=where.get(REJECTED, 0),
        )
        for row in ledger
        for where in [counts.get((row["entity"], row["batch_id"], row["path"]), {})]
    )


def _runs(engine: Engine) -> tuple[Run, ...]:
    frame = frame_of(engine, RUNS)
    if frame is None:
        return ()
    accounts = _accounts(engine)
    return tuple(
        Run(
            batch_id=row["batch_id"],
            started_at=row["started_at"],
            status=row["status"],
            engine=row["engine"],
            as_of=row["as_of"],
            accepted=row["accepted_files"],
            repeated=row["duplicate_files"],
            refused=row["refused_files"],
            # A lake that no run has brought up to date yet may lack columns that are new.
            seconds=_seconds(row.get("duration_ms")),
            alerts=row.get("alerts"),
            **accounts.get(row["batch_id"], _NO_ROWS),
        )
        for row in engine.fetch(frame.sort("started_at", descending=True).head(LATEST_RUNS))
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


_NO_ROWS = dict.fromkeys(("read", "released", "taken", "superseded", "held", "rejected"), 0)


def _accounts(engine: Engine) -> dict[int | None, dict[str, int]]:
    """Return where the rows of each run went, all entities together, by its number."""
    frame = frame_of(engine, ROW_ACCOUNTS)
    if frame is None:
        return {}
    counted = ("rows_read", "released", "inserted", "updated", "superseded", "held", "rejected")
    groups = frame.group_by("batch_id").agg(*(nw.col(name).sum() for name in counted))
    return {
        row["batch_id"]: {
            "read": int(row["rows_read"]),
            "released": int(row["released"]),
            "taken": int(row["inserted"] + row["updated"]),
            # An update counts the row that it replaced.
            "superseded": int(row["superseded"] - row["updated"]),
            "held": int(row["held"]),
            "rejected": int(row["rejected"]),
        }
        for row in engine.fetch(groups)
    }
