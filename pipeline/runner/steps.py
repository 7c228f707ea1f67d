"""The steps that read and write tables."""

from collections.abc import Callable
from datetime import date

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, TABLES, silver
from pipeline.contracts.checks import Layer
from pipeline.contracts.fingerprint import describe
from pipeline.contracts.meta import RUNS
from pipeline.engine import Engine
from pipeline.errors import CallError, LakeError
from pipeline.landing.store import Store, StoredFile
from pipeline.quality.measuring.silver import active_products
from pipeline.quality.thresholds import Thresholds
from pipeline.runner import measuring
from pipeline.runner.accounts import account_of
from pipeline.runner.books import Books
from pipeline.runner.evolution import check_evolution
from pipeline.runner.failing import note_lost_account
from pipeline.runner.home import Intent, LakeHome
from pipeline.runner.judging import blocks
from pipeline.runner.planning import deliveries_of, plan_run, read_ledger
from pipeline.runner.refine import Batch, Refined, refine
from pipeline.runner.report import EntityAccount
from pipeline.runner.request import Backfill, Observer
from pipeline.runner.resilver import rebuild_silver
from pipeline.runner.state import RunState
from pipeline.runner.summarise import Summary, touched_by, touched_dates
from pipeline.runner.timing import timed
from pipeline.runner.undo import undo
from pipeline.workflow import Outcome, Step


class EngineSteps:
    """Does the steps of a run that need an engine.

    Each may be done again after it has failed half-way: it reads its own tables as of the versions
    that the run has pinned, and the engine writes once what it is asked to write again.

    Args:
        state: The run.
        engine: Engine bound to the lake.
        home: The lake's root.
        store: The landing zone.
        observer: Is told how the run gets on.
        thresholds: What the checks of files are held to.
    """

    def __init__(
        self,
        state: RunState,
        engine: Engine,
        home: LakeHome,
        store: Store,
        *,
        observer: Observer,
        thresholds: Thresholds,
    ) -> None:
        self._state = state
        self._report = state.report
        self._engine = engine
        self._home = home
        self._store = store
        self._observer = observer
        self._thresholds = thresholds
        self._books = Books(engine, state)

    def perform(self, step: Step) -> Outcome:
        """Do a step and say how it came out."""
        works: dict[Step, Callable[[], Outcome | None]] = {
            Step.CHECK: self._check,
            Step.VALIDATE_RAW: self._validate_raw,
            Step.BRONZE: self._ingest,
            Step.SILVER: self._refine,
            Step.GOLD: self._summarise,
            Step.RECORD: self._record,
            Step.ROLL_BACK: self._roll_back,
        }
        return works[step]() or Outcome.DONE

    def _check(self) -> Outcome | None:
        """Ask whether there is anything to do, as far as a list of files tells."""
        state = self._state
        is_lake = self._home.check()
        if self._home.interrupted() is not None:
            return None
        files = self._deliveries(has_runs=is_lake and self._engine.exists(RUNS))
        if files or state.is_asked_for:
            return None
        state.rows_before = read_ledger(self._engine).rows
        return self._nothing_new()

    def _deliveries(self, *, has_runs: bool) -> list[StoredFile]:
        if self._state.takes_no_files:
            return []
        files = deliveries_of(self._store)
        if not files and not has_runs:
            msg = "The landing zone holds no deliveries."
            hint = "Put files into products/, orders/ and order_items/, then run again."
            raise CallError(msg, hint)
        return files

    def _nothing_new(self) -> Outcome:
        self._state.last_as_of = self._books.last_as_of()
        self._books.note_nothing()
        return Outcome.NOTHING_NEW

    def _validate_raw(self) -> Outcome | None:
        """Pin the files, and note what the run would have to undo."""
        state, engine = self._state, self._engine
        self._home.check()
        self._undo_interrupted()
        self._pin_files()
        plan, has_runs = state.plan, engine.exists(RUNS)
        state.last_as_of = self._books.last_as_of()
        has_files = bool(plan.accepted or plan.duplicates)
        as_of_moves = state.asked_as_of not in {None, state.last_as_of}
        if not has_files and not as_of_moves and not state.computes_anew:
            if plan.refused and not plan.known:
                return Outcome.REJECTED
            if has_runs:
                return self._nothing_new()
        state.measure(Layer.RAW, measuring.of_files(plan))
        if blocks(state, Layer.RAW, self._thresholds):
            return Outcome.BLOCKED
        self._begin()
        return None

    def _pin_files(self) -> None:
        state = self._state
        with timed(self._report, self._observer, "check files"):
            files = self._deliveries(has_runs=self._engine.exists(RUNS))
            self._observer.step("check files", len(files))
            ledger = read_ledger(self._engine)
            state.plan = plan_run(
                self._store,
                files,
                ledger,
                again=state.again,
                inspected=lambda _: self._observer.advance(),
            )
        state.rows_before = ledger.rows
        state.note_files()

    def _begin(self) -> None:
        state, engine = self._state, self._engine
        state.versions = {table.path: engine.version(table) for table in TABLES}
        state.batch_id = self._report.batch_id = engine.last_batch(TABLES) + 1
        remembered = self._home.remembered()
        if remembered is not None:
            check_evolution(engine, TABLES, remembered, self._home.address)
        self._home.begin(Intent(state.batch_id, state.versions, state.run_id))
        state.began = True
        with timed(self._report, self._observer, "tables"):
            engine.create(TABLES)
        pinned = {table.path: engine.version(table) for table in TABLES}
        state.pinned = {path: version for path, version in pinned.items() if version is not None}

    def _undo_interrupted(self) -> None:
        """Put the lake back to before a run that was ended from outside."""
        intent = self._home.interrupted()
        if intent is None:
            return
        self._observer.step("undoing the interrupted run")
        undo(self._engine, self._home, intent)
        # A further try of this step finds what the first one began.
        if intent.run_id != self._state.run_id:
            self._report.undone_batch = intent.batch_id

    def _ingest(self) -> None:
        """Append the accepted files to bronze."""
        state = self._state
        for entity in ENTITIES:
            files = [d for d in state.plan.accepted if d.entity is entity]
            if files:
                with timed(self._report, self._observer, f"bronze {entity.name}"):
                    rows = self._engine.ingest(entity, self._store, files, state.stamp)
                    state.rows.update(rows)
        state.note_files()
        with timed(self._report, self._observer, "bronze checks"):
            state.measure(Layer.BRONZE, measuring.of_bronze(self._engine, state))

    def _refine(self) -> None:
        """Refine the batch into silver and quarantine, and find what gold has to follow."""
        state, report = self._state, self._report
        accepted = state.plan.accepted
        refined: dict[str, Refined] = {}
        catalogues = [d.path for d in accepted if d.entity is PRODUCTS]
        batch = Batch(
            state.stamp,
            catalogues[-1] if catalogues else None,
            state.pinned,
            retries_rejected=state.release,
        )
        active_before = active_products(self._engine) if catalogues else None
        for entity in ENTITIES:
            read = sum(state.rows[d.path] for d in accepted if d.entity is entity)
            if not accepted and not state.release:
                refined[entity.name] = Refined(EntityAccount())
                continue
            with timed(report, self._observer, f"silver {entity.name}"):
                refined[entity.name] = refine(self._engine, entity, batch, read)
        report.entities = {name: result.account for name, result in refined.items()}
        if state.backfill is not None and state.backfill.silver:
            self._rebuild_silver(state.backfill)
        with timed(report, self._observer, "silver checks"):
            self._books.balance()
            found = measuring.of_silver(self._engine, state, refined, active_before)
            state.measure(Layer.SILVER, found)
        with timed(report, self._observer, "gold"):
            state.touched = touched_by(self._engine, refined, everything=state.rebuild)
            if state.backfill is not None:
                state.touched = touched_dates(self._engine, state.backfill)
            latest: date | None = max(self._engine.rows_by_date(silver(ORDERS)), default=None)
            report.as_of = latest and (state.asked_as_of or latest)

    def _rebuild_silver(self, asked: Backfill) -> None:
        for entity in ENTITIES:
            if "date" in entity.partition_by:
                with timed(self._report, self._observer, f"silver {entity.name}"):
                    rebuild_silver(self._engine, entity, asked, self._state.batch_id)

    def _summarise(self) -> None:
        """Bring gold up to date."""
        state, as_of = self._state, self._report.as_of
        summary = Summary(
            self._engine,
            state.stamp,
            as_of,
            state.touched,
            as_of_changed=as_of != state.last_as_of,
        )
        written: list[str] = []
        for table, write in summary.steps():
            with timed(self._report, self._observer, f"gold {table.name}"):
                write()
            written.append(table.path)
        with timed(self._report, self._observer, "gold checks"):
            state.measure(Layer.GOLD, measuring.of_gold(self._engine, state, written))

    def _record(self) -> None:
        """Balance, record, and end the transaction."""
        with timed(self._report, self._observer, "books"):
            self._books.close()
        self._home.remember(describe(TABLES))
        self._home.end()

    def _roll_back(self) -> None:
        """Undo what this run has begun, and keep the account of how it failed."""
        state = self._state
        if not state.began:
            return
        self._engine.close()
        intent = self._home.interrupted()
        if intent is None or intent.run_id != state.run_id:
            return
        undo(self._engine, self._home, intent)
        if self._home.check():
            try:
                self._home.note_undone(state.run_id, account_of(state).document())
            except LakeError as error:
                note_lost_account(state, error)
