"""One run: from the files of a landing zone to gold, all of it or nothing of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, TABLES, Entity, quarantine, silver
from pipeline.contracts.layers import RELEASED
from pipeline.contracts.meta import FILES, ROW_ACCOUNTS, RUNS
from pipeline.engine import Engine
from pipeline.errors import BalanceError, CallError, LakeError, LakehouseError
from pipeline.landing.store import Store, StoredFile
from pipeline.runner.archive import archive
from pipeline.runner.counting import count_rows
from pipeline.runner.home import Intent, LakeHome
from pipeline.runner.planning import deliveries_of, ledger_records, plan_run, read_ledger
from pipeline.runner.refine import Batch, Refined, refine
from pipeline.runner.report import Balance, EntityAccount, FileNote, RunReport, TableNote
from pipeline.runner.state import RunState, state_of
from pipeline.runner.summarise import Summary, Touched, touched_by


class Step(StrEnum):
    """The steps of a run, in their order; each may be done by a process of its own."""

    CHECK = "check"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    RECORD = "record"
    ARCHIVE = "archive"


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
        try:
            run = self._new_run(request)
            for step in Step:
                run.perform(step)
        finally:
            self.engine.close()
        return run.state.report

    def begin(self, request: RunRequest) -> RunReport:
        """Do the first step of a run whose other steps are done by `proceed`, one by one.

        Raises:
            LakehouseError: The step failed; the lake is what it was before it.
        """
        try:
            run = self._new_run(request)
            run.perform(Step.CHECK)
            self.home.keep_state(run.state.document())
        finally:
            self.engine.close()
        return run.state.report

    def proceed(self, step: Step) -> RunReport:
        """Do the next step of the run that `begin` has begun.

        Raises:
            CallError: No run is under way.
            LakehouseError: The step failed; the run is undone, and the lake what it was before it.
        """
        try:
            run = _Run(self, self._kept_state())
            run.perform(step)
            if step is Step.ARCHIVE:
                self.home.forget_state()
            else:
                self.home.keep_state(run.state.document())
        finally:
            self.engine.close()
        return run.state.report

    def _new_run(self, request: RunRequest) -> "_Run":
        is_lake = self.home.check()
        report = RunReport(run_time=request.run_time, engine=self.engine.name)
        if is_lake:
            report.undone_batch = self._undo_interrupted()
        versions = {table.path: self.engine.version(table) for table in TABLES}
        state = RunState(
            report,
            asked_as_of=request.as_of,
            archive=request.archive,
            rebuild=request.rebuild,
            again=tuple(request.again),
            versions=versions,
        )
        return _Run(self, state)

    def _kept_state(self) -> RunState:
        document = self.home.kept_state()
        if document is None:
            msg = f"No run is under way in {self.home.address}."
            raise CallError(msg, f"Begin one with the step {Step.CHECK}.")
        try:
            return state_of(document)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"The state of the run in {self.home.address} cannot be understood: {error!r}."
            raise LakeError(msg, f"Begin another run with the step {Step.CHECK}.") from error

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
        self.home.forget_state()
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
    """One run, step by step."""

    def __init__(self, lakehouse: Lakehouse, state: RunState) -> None:
        self.state = state
        self._lakehouse = lakehouse
        self._engine = lakehouse.engine
        self._store = lakehouse.store
        self._observer = lakehouse.observer
        self._report = state.report
        self._plan = state.plan
        self._note_files()

    def perform(self, step: Step) -> None:
        """Do one step; from the first write on, one that fails undoes the run."""
        works: dict[Step, Callable[[], None]] = {
            Step.BRONZE: self._ingest,
            Step.SILVER: self._refine,
            Step.GOLD: self._summarise,
            Step.RECORD: self._close_books,
        }
        if step is Step.CHECK:
            self._check()
        elif step is Step.ARCHIVE:
            if self.state.archive:
                with self._step("archive"):
                    archive(self._store, self._plan, self._report.run_time)
        elif self.state.works:
            self._transact(works[step])
        elif step is Step.RECORD:
            self._note_nothing()

    def _check(self) -> None:
        """Pin the files, and note what the run would have to undo."""
        state = self.state
        self._make_plan()
        state.last_as_of = self._last_as_of()
        has_files = bool(self._plan.accepted or self._plan.duplicates)
        as_of_moves = state.asked_as_of not in {None, state.last_as_of}
        state.works = has_files or as_of_moves or state.rebuild or not self._engine.exists(RUNS)
        if not state.works:
            return
        if has_files:
            state.batch_id = self._engine.last_batch(TABLES) + 1
            self._report.batch_id = state.batch_id
        self._lakehouse.home.begin(self._intent())
        self._transact(lambda: self._engine.create(TABLES))

    def _intent(self) -> Intent:
        return Intent(self.state.batch_id, self.state.versions)

    def _make_plan(self) -> None:
        with self._step("check files"):
            files = deliveries_of(self._store)
            self._observer.step("check files", len(files))
            if not files and not self._engine.exists(RUNS):
                msg = "The landing zone holds no deliveries."
                hint = "Put files into products/, orders/ and order_items/, then run again."
                raise CallError(msg, hint)
            ledger = read_ledger(self._engine)
            self._plan = self.state.plan = plan_run(
                self._store,
                files,
                ledger,
                again=self.state.again,
                inspected=lambda _: self._observer.advance(),
            )
        self.state.rows_before = ledger.rows
        self._note_files()

    def _note_files(self) -> None:
        """Tell of the files what is known by now."""
        plan, report, rows = self._plan, self._report, self.state.rows
        report.known_files = len(plan.known)
        report.refused = plan.refused
        report.duplicates = [FileNote(d.path, d.entity.name) for d in plan.duplicates]
        if all(delivery.path in rows for delivery in plan.accepted):
            report.accepted = [
                FileNote(d.path, d.entity.name, rows[d.path], tuple(n for n, _ in d.header.extra))
                for d in plan.accepted
            ]

    def _transact(self, work: Callable[[], None]) -> None:
        """Do the work, and undo all of the run when any of it fails."""
        try:
            work()
        except BaseException as error:
            self._undo(error)
            raise

    def _undo(self, reason: BaseException) -> None:
        try:
            self._engine.close()
            self._lakehouse.undo(self._intent())
        except LakehouseError as error:
            msg = f"{reason} The lake could not be put back at once: {error.what}"
            raise LakehouseError(msg, "The next run puts it back before it begins.") from reason

    def _ingest(self) -> None:
        """Append the accepted files to bronze."""
        rows = self.state.rows
        for entity in ENTITIES:
            files = [d for d in self._plan.accepted if d.entity is entity]
            if files:
                with self._step(f"bronze {entity.name}"):
                    rows.update(self._engine.ingest(entity, self._store, files, self.state.stamp))
        self._note_files()

    def _refine(self) -> None:
        """Refine the batch into silver and quarantine, and find what gold has to follow."""
        refined: dict[str, Refined] = {}
        rows = self.state.rows
        catalogues = [d.path for d in self._plan.accepted if d.entity is PRODUCTS]
        batch = Batch(self.state.stamp, catalogues[-1] if catalogues else None)
        for entity in ENTITIES:
            read = sum(rows[d.path] for d in self._plan.accepted if d.entity is entity)
            if not self._plan.accepted:
                refined[entity.name] = Refined(EntityAccount())
                continue
            with self._step(f"silver {entity.name}"):
                refined[entity.name] = refine(self._engine, entity, batch, read)
        self._report.entities = {name: result.account for name, result in refined.items()}
        with self._step("gold"):
            rebuild = self.state.rebuild
            self.state.touched = touched_by(self._engine, refined, everything=rebuild)
            latest = max(self._engine.rows_by_date(silver(ORDERS)), default=None)
            self._report.as_of = latest and (self.state.asked_as_of or latest)

    def _summarise(self) -> None:
        as_of = self._report.as_of
        summary = Summary(
            self._engine,
            self.state.stamp,
            as_of,
            self.state.touched,
            as_of_changed=as_of != self.state.last_as_of,
        )
        for table, write in summary.steps():
            with self._step(f"gold {table.name}"):
                write()

    def _close_books(self) -> None:
        """Balance, record, and end the transaction."""
        self._balance()
        self._record()
        self._note_tables()
        self._lakehouse.home.end()

    def _note_nothing(self) -> None:
        """Tell of a run that found nothing to do."""
        self._report.as_of = self.state.last_as_of
        self._report.entities = {entity.name: EntityAccount() for entity in ENTITIES}
        self._balance()
        self._note_tables()

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
                files=self.state.rows_before.get(entity.name, 0) + account.rows_read,
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

    def _record(self) -> None:
        """Write the books of the run; the ledger last, for it is what makes files known."""
        with self._step("books"):
            engine, batch_id, report = self._engine, self.state.batch_id, self._report
            if self._plan.accepted:
                engine.append_records(ROW_ACCOUNTS, self._accounts(), batch_id)
            engine.append_records(RUNS, [self._run_record()], batch_id or None)
            engine.append_records(
                FILES,
                ledger_records(self._plan, self.state.rows, batch_id, report.run_time),
                batch_id or None,
            )

    def _accounts(self) -> list[dict[str, Any]]:
        counted = [column.name for column in ROW_ACCOUNTS.columns[2:]]
        return [
            {
                "batch_id": self.state.batch_id,
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
                    written=version != self.state.versions[table.path],
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


__all__ = ["Lakehouse", "Observer", "RunRequest", "Silent", "Step", "StoredFile", "Touched"]
