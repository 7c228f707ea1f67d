"""However a lake came about, it is the one that a fresh build of the same files makes."""

import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipeline.contracts import TABLES
from pipeline.engine import Engine
from pipeline.landing.store import NoDeliveries
from pipeline.runner.home import LakeHome
from pipeline.runner.maintenance import maintain
from pipeline.runner.request import Backfill
from pipeline.runner.rollback import KEPT_RUNS, needed_versions, roll_back
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine
from tests.crashes import WRITES, Watched
from tests.lakes import OPEN, deliver, run, run_time
from tests.strategies import Deliveries, deliveries

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = st.none() | st.sampled_from([date(2025, 4, day) for day in (1, 2, 3)])


class _DeathError(Exception):
    """The process is gone."""


class Histories(RuleBasedStateMachine):
    """Deliveries, deaths, rollbacks, backfills, releases and upkeep, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="lakehouse-"))
        self._landing, self._lake = self._folder / "landing", self._folder / "lake"
        self._waiting: Deliveries = []
        self._runs = 0
        self._batches: list[int] = []

    def _request(self) -> int:
        self._runs += 1
        return self._runs

    def _run(self) -> None:
        report = run(self._landing, self._lake, self._request())
        if report.batch_id is not None:
            self._batches.append(report.batch_id)

    def _deliver(self, count: int) -> None:
        files, self._waiting = self._waiting[:count], self._waiting[count:]
        deliver(self._landing, files)

    @initialize(made=deliveries(min_files=8, max_files=12))
    def begin(self, made: Deliveries) -> None:
        self._waiting = list(made)
        self._deliver(3)
        self._run()

    @precondition(lambda self: self._waiting)
    @rule(count=st.integers(1, 4))
    def take_in(self, count: int) -> None:
        self._deliver(count)
        self._run()

    @precondition(lambda self: self._waiting)
    @rule(count=st.integers(1, 3), place=st.integers(1, 25))
    def die(self, count: int, place: int) -> None:
        """Come to an end in the midst of a run: nothing is put back."""
        self._deliver(count)

        def fall(number: int) -> None:
            if number >= place:
                raise _DeathError

        engine = Watched(PolarsEngine(self._lake), (*WRITES, "restore"), fall)
        try:
            run(self._landing, self._lake, self._request(), engine=cast("Engine", engine))
        except _DeathError:
            return
        self._batches.append(max(self._batches) + 1)

    @precondition(lambda self: len(self._batches) > 1)
    @rule(back=st.integers(1, 2))
    def undo(self, back: int) -> None:
        self._run()  # What died is put back, and what it had begun comes in.
        number = self._batches[-min(back, len(self._batches) - 1, KEPT_RUNS)]
        home = LakeHome(self._lake)
        engine = PolarsEngine(self._lake)
        done = roll_back(engine, home, None, number, with_later=True, now=NOW)
        engine.close()
        self._batches = [batch for batch in self._batches if batch not in done.batch_ids]

    @rule(first=DAYS, last=DAYS, silver=st.booleans())
    def compute_anew(self, first: date | None, last: date | None, *, silver: bool) -> None:
        self._on_the_lake(backfill=Backfill(first, last, silver))

    @rule()
    def release(self) -> None:
        self._on_the_lake(release=True)

    def _on_the_lake(self, **asked: object) -> None:
        lakehouse = Lakehouse(
            PolarsEngine(self._lake), LakeHome(self._lake), NoDeliveries(), thresholds=OPEN
        )
        request = RunRequest(run_time(self._request()), **asked)  # type: ignore[arg-type] # by name
        report = lakehouse.run(request)
        if report.batch_id is not None:
            self._batches.append(report.batch_id)

    @rule()
    def keep_up(self) -> None:
        if LakeHome(self._lake).interrupted() is not None:
            return
        engine = PolarsEngine(self._lake)
        for _ in maintain(engine, TABLES, NOW, needed_versions(engine)):
            pass
        engine.close()

    def teardown(self) -> None:
        """Deliver the rest; then the lake is the one that a single run makes of all the files."""
        try:
            if self._runs:
                self._deliver(len(self._waiting))
                self._run()
                run(self._landing, self._folder / "fresh", 0)
                found = compare(self._lake, self._folder / "fresh")
                assert found.equal, str(found)
        finally:
            shutil.rmtree(self._folder)


@pytest.mark.heavy
def test_any_history_ends_as_a_fresh_build() -> None:
    derandomized = settings().derandomize
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=4 if derandomized else 60,
            stateful_step_count=7 if derandomized else 15,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
