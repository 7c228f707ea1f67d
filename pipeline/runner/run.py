"""One run: from the files of a landing zone to gold, all of it or nothing of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, TABLES, Entity, quarantine, silver
from pipeline.contracts.layers import RELEASED
from pipeline.contracts.meta import FILES, ROW_ACCOUNTS, RUNS
from pipeline.engine import Engine
from pipeline.errors import BalanceError, CallError, LakehouseError
from pipeline.landing.rows import Stamp
from pipeline.landing.store import Store, StoredFile
from pipeline.runner.archive import archive
from pipeline.runner.counting import count_rows
from pipeline.runner.home import Intent, LakeHome
from pipeline.runner.planning import (
    Ledger,
    Plan,
    deliveries_of,
    ledger_records,
    plan_run,
    read_ledger,
)
from pipeline.runner.refine import Batch, Refined, refine
from pipeline.runner.report import Balance, EntityAccount, FileNote, RunReport, TableNote
from pipeline.runner.summarise import Summary, Touched, touched_by


class Observer(Protocol):
    """Is told how a run gets on; a progress bar, a log, or nothing."""

    def step(self, name: str, files: int = 0) -> None:
        """A step begins; `files` is the number of files it goes through, 0 when it has none."""

    def advance(self) -> None:
        """One of the step's files is done."""


class Silent:
    """An observer that is not interested."""

    def step(self, name: str, files: int = 0) -> None:
        """See `Observer.step`."""

    def advance(self) -> None:
        """See `Observer.advance`."""


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do.

    Attributes:
        run_time: The run's own time, UTC; it stamps every row that the run writes.
        as_of: Date that customers are seen from; None for the latest order date in silver.
        archive: Whether files move to `archive/` and `rejected/` once they are decided on.
        again: Paths to take in although their bytes came in before.
        rebuild: Whether gold is computed anew from silver, touched or not.
    """

    run_time: datetime
    as_of: date | None = None
    archive: bool = False
    again: Sequence[str] = ()
    rebuild: bool = False


@dataclass
class Lakehouse:
    """A lake and the landing zone that feeds it.

    Attributes:
        engine: Engine bound to the lake.
        home: The lake's root.
        store: The landing zone.
        observer: Is told how runs get on.
    """

    engine: Engine
    home: LakeHome
    store: Store
    observer: Observer = field(default_factory=Silent)

    def run(self, request: RunRequest) -> RunReport:
        """Take in what is new and bring every table up to date.

        Raises:
            LakehouseError: The run failed; the lake is what it was before it.
        """
        is_lake = self.home.check()
        report = RunReport(run_time=request.run_time, engine=self.engine.name)
        try:
            if is_lake:
                report.undone_batch = self._undo_interrupted()
            _Run(self, request, report).run()
        finally:
            self.engine.close()
        return report

    def _undo_interrupted(self) -> int | None:
        """Put the lake back to before a run that was ended from outside."""
        intent = self.home.interrupted()
        if intent is None:
            return None
        self.observer.step("undoing the interrupted run")
        self.undo(intent)
        return intent.batch_id

    def undo(self, intent: Intent) -> None:
        """Restore every table that a run may have written, newest layers first."""
        self.home.make_room()
        by_path = {table.path: table for table in TABLES}
        for path, version in reversed(intent.versions.items()):
            if self.engine.exists(by_path[path]) or version is not None:
                self.engine.restore(by_path[path], version)
        if all(version is None for version in intent.versions.values()):
            self.engine.close()
            self.home.abandon()
        else:
            self.home.end()


class _Run:
    """The steps of one run."""

    def __init__(self, lakehouse: Lakehouse, request: RunRequest, report: RunReport) -> None:
        self._lakehouse = lakehouse
        self._engine = lakehouse.engine
        self._store = lakehouse.store
        self._observer = lakehouse.observer
        self._request = request
        self._report = report
        self._ledger = Ledger()
        self._plan = Plan()
        self._stamp = Stamp(0, request.run_time)
        self._versions = {table.path: self._engine.version(table) for table in TABLES}

    def run(self) -> None:
        """Plan, then do everything that the plan asks for within one transaction."""
        self._make_plan()
        last_as_of = self._last_as_of()
        has_files = bool(self._plan.accepted or self._plan.duplicates)
        as_of_moves = self._request.as_of is not None and self._request.as_of != last_as_of
        is_new = not self._engine.exists(RUNS)
        if has_files or as_of_moves or self._request.rebuild or is_new:
            self._transact(lambda: self._refine_and_summarise(last_as_of))
        else:
            self._report.as_of = last_as_of
            self._report.entities = {entity.name: EntityAccount() for entity in ENTITIES}
            self._balance()
        self._note_tables()
        if self._request.archive:
            with self._step("archive"):
                archive(self._store, self._plan, self._request.run_time)

    def _make_plan(self) -> None:
        with self._step("check files"):
            files = deliveries_of(self._store)
            self._observer.step("check files", len(files))
            if not files and not self._engine.exists(RUNS):
                msg = "The landing zone holds no deliveries."
                hint = "Put files into products/, orders/ and order_items/, then run again."
                raise CallError(msg, hint)
            self._ledger = read_ledger(self._engine)
            self._plan = plan_run(
                self._store,
                files,
                self._ledger,
                again=self._request.again,
                inspected=lambda _: self._observer.advance(),
            )
        self._report.known_files = len(self._plan.known)
        self._report.refused = self._plan.refused
        self._report.duplicates = [
            FileNote(delivery.path, delivery.entity.name) for delivery in self._plan.duplicates
        ]

    def _transact(self, work: Callable[[], None]) -> None:
        """Do the work, and undo all of it when any of it fails."""
        home = self._lakehouse.home
        if self._plan.accepted or self._plan.duplicates:
            self._stamp = Stamp(self._engine.last_batch(TABLES) + 1, self._request.run_time)
            self._report.batch_id = self._stamp.batch_id
        intent = Intent(self._stamp.batch_id, self._versions)
        home.begin(intent)
        try:
            self._engine.create(TABLES)
            work()
        except BaseException as error:
            self._undo(intent, error)
            raise
        home.end()

    def _undo(self, intent: Intent, reason: BaseException) -> None:
        try:
            self._engine.close()
            self._lakehouse.undo(intent)
        except LakehouseError as error:
            msg = f"{reason} The lake could not be put back at once: {error.what}"
            raise LakehouseError(msg, "The next run puts it back before it begins.") from reason

    def _refine_and_summarise(self, last_as_of: date | None) -> None:
        rows = self._ingest()
        refined = self._refine(rows)
        self._summarise(refined, last_as_of)
        self._balance()
        self._record(rows)

    def _ingest(self) -> dict[str, int]:
        """Append the accepted files to bronze; return rows by path."""
        rows: dict[str, int] = {}
        for entity in ENTITIES:
            files = [d for d in self._plan.accepted if d.entity is entity]
            if files:
                with self._step(f"bronze {entity.name}"):
                    rows.update(self._engine.ingest(entity, self._store, files, self._stamp))
        self._report.accepted = [
            FileNote(d.path, d.entity.name, rows[d.path], tuple(name for name, _ in d.header.extra))
            for d in self._plan.accepted
        ]
        return rows

    def _refine(self, rows: Mapping[str, int]) -> dict[str, Refined]:
        refined: dict[str, Refined] = {}
        catalogues = [d.path for d in self._plan.accepted if d.entity is PRODUCTS]
        batch = Batch(self._stamp, catalogues[-1] if catalogues else None)
        for entity in ENTITIES:
            read = sum(rows[d.path] for d in self._plan.accepted if d.entity is entity)
            if not self._plan.accepted:
                refined[entity.name] = Refined(EntityAccount())
                continue
            with self._step(f"silver {entity.name}"):
                refined[entity.name] = refine(self._engine, entity, batch, read)
        self._report.entities = {name: result.account for name, result in refined.items()}
        return refined

    def _summarise(self, refined: Mapping[str, Refined], last_as_of: date | None) -> None:
        with self._step("gold"):
            touched = touched_by(self._engine, refined, everything=self._request.rebuild)
            latest = max(self._engine.rows_by_date(silver(ORDERS)), default=None)
            self._report.as_of = latest and (self._request.as_of or latest)
        summary = Summary(
            self._engine,
            self._stamp,
            self._report.as_of,
            touched,
            as_of_changed=self._report.as_of != last_as_of,
        )
        for table, write in summary.steps():
            with self._step(f"gold {table.name}"):
                write()

    def _last_as_of(self) -> date | None:
        """Return the date that the last run saw customers from."""
        if not self._engine.exists(RUNS):
            return None
        runs = self._engine.fetch(self._engine.read(RUNS).select("started_at", "as_of"))
        latest = max(runs, key=lambda run: run["started_at"], default=None)
        return None if latest is None else latest["as_of"]

    def _balance(self) -> None:
        """Hold the equation of every entity; a row lost or doubled fails the run."""
        superseded = self._superseded_before()
        for entity in ENTITIES:
            account = self._report.entities[entity.name]
            account.balance = Balance(
                files=self._ledger.rows.get(entity.name, 0) + account.rows_read,
                silver=self._engine.row_count(silver(entity)),
                superseded=superseded.get(entity.name, 0) + account.superseded,
                quarantined=self._quarantined(entity),
            )
            if not account.balance.holds:
                b = account.balance
                msg = (
                    f"The rows of {entity.name} do not balance: {b.files} in accepted files, but "
                    f"{b.silver} in silver + {b.superseded} superseded + {b.quarantined} in "
                    "quarantine."
                )
                raise BalanceError(msg, "The run was undone; report this with the files.")

    def _superseded_before(self) -> dict[str, int]:
        accounts = self._engine.read(ROW_ACCOUNTS).group_by("entity")
        sums = self._engine.fetch(accounts.agg(nw.col("superseded").sum()))
        return {row["entity"]: int(row["superseded"]) for row in sums}

    def _quarantined(self, entity: Entity) -> int:
        waiting = self._engine.read(quarantine(entity)).filter(nw.col("status") != RELEASED)
        return count_rows(self._engine, waiting)

    def _record(self, rows: Mapping[str, int]) -> None:
        """Write the books of the run; the ledger last, for it is what makes files known."""
        with self._step("books"):
            engine, batch_id, report = self._engine, self._stamp.batch_id, self._report
            if self._plan.accepted:
                engine.append_records(ROW_ACCOUNTS, self._accounts(), batch_id)
            engine.append_records(RUNS, [self._run_record()], batch_id or None)
            engine.append_records(
                FILES,
                ledger_records(self._plan, rows, batch_id, report.run_time),
                batch_id or None,
            )

    def _accounts(self) -> list[dict[str, Any]]:
        counted = [column.name for column in ROW_ACCOUNTS.columns[2:]]
        return [
            {
                "batch_id": self._stamp.batch_id,
                "entity": name,
                **{column: getattr(account, column) for column in counted},
            }
            for name, account in self._report.entities.items()
        ]

    def _run_record(self) -> dict[str, Any]:
        report = self._report
        return {
            "batch_id": report.batch_id,
            "started_at": report.run_time,
            "status": "succeeded",
            "engine": report.engine,
            "as_of": report.as_of,
            "accepted_files": len(report.accepted),
            "duplicate_files": len(report.duplicates),
            "refused_files": len(report.refused),
        }

    def _note_tables(self) -> None:
        for table in TABLES:
            version = self._engine.version(table)
            if version is not None:
                self._report.tables[table.path] = TableNote(
                    version=version,
                    rows=self._engine.row_count(table),
                    written=version != self._versions[table.path],
                )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._observer.step(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = self._report.seconds
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


__all__ = ["Lakehouse", "Observer", "RunRequest", "Silent", "StoredFile", "Touched"]
