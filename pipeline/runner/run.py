"""One run: from the files of a landing zone to gold, all of it or nothing of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.engine import Engine
from pipeline.errors import CallError
from pipeline.landing.store import Store
from pipeline.quality.notices import AlertSink, MemorySink
from pipeline.quality.thresholds import Thresholds
from pipeline.runner.control import ControlSteps
from pipeline.runner.doing import BEGIN, Doing, kept_state, one_step
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.request import Observer, RunRequest, Silent
from pipeline.runner.state import RunState
from pipeline.runner.steps import EngineSteps
from pipeline.runner.walk import walk
from pipeline.workflow import Actor, End, Outcome, Step, state_of


@dataclass
class Lakehouse:
    """A lake and the landing zone that feeds it.

    Attributes:
        engine: Engine bound to the lake.
        home: The lake's root.
        store: The landing zone.
        observer: Is told how runs get on.
        thresholds: What the quality checks are held to.
        sink: Where the alerts of a run go, besides its report.
        pause: Waits for some seconds before a step is tried again.
        publish: Tells others of the tables' versions, after the lake's own root.
    """

    engine: Engine
    home: LakeHome
    store: Store
    observer: Observer = field(default_factory=Silent)
    thresholds: Thresholds = field(default_factory=Thresholds)
    sink: AlertSink = field(default_factory=MemorySink)
    pause: Callable[[float], None] = time.sleep
    publish: Callable[[Mapping[str, Any]], None] = lambda _: None

    def run(self, request: RunRequest) -> RunReport:
        """Take in what is new and bring every table up to date.

        Raises:
            LakehouseError: The run failed; unless the error says otherwise, the lake is what it was
                before it.
        """
        doing = self._doing(self._new_state(request))
        try:
            if walk(doing, self.pause) is End.FAILED and doing.error is not None:
                raise doing.error
        finally:
            self.engine.close()
        return doing.state.report

    def begin(self, request: RunRequest) -> tuple[Outcome, RunReport]:
        """Do the first step of a run whose other steps are done one by one.

        Raises:
            LakehouseError: The step failed; `Step.ROLL_BACK` undoes what it began.
        """
        return self._one_step(BEGIN, self._new_state(request))

    def proceed(self, step: Step, request: RunRequest) -> tuple[Outcome, RunReport]:
        """Do a later step of the run that `begin` has begun.

        Args:
            step: The step.
            request: Names the run; what it was asked to do was said when it began.

        Raises:
            CallError: That run is not under way.
            LakehouseError: The step failed. It may be done again; `Step.ROLL_BACK` undoes the run.
        """
        try:
            state = kept_state(self.home, request.run_id)
        except CallError:
            if step is not Step.ROLL_BACK:
                raise
            # A first step that failed early has kept nothing, but may have begun.
            state = self._new_state(request)
            state.began = True
        return self._one_step(step, state)

    def _one_step(self, step: Step, state: RunState) -> tuple[Outcome, RunReport]:
        try:
            return one_step(self._doing(state), step, self.home), state.report
        finally:
            self.engine.close()

    def _new_state(self, request: RunRequest) -> RunState:
        return RunState(
            RunReport(run_time=request.run_time, engine=self.engine.name),
            request.name,
            asked_as_of=request.as_of,
            archive=request.archive,
            rebuild=request.rebuild,
            backfill=request.backfill,
            release=request.release,
            again=tuple(request.again),
        )

    def _doing(self, state: RunState) -> Doing:
        state.note_files()
        by_engine = EngineSteps(
            state,
            self.engine,
            self.home,
            self.store,
            observer=self.observer,
            thresholds=self.thresholds,
        )
        by_control = ControlSteps(
            state,
            self.home,
            self.store,
            thresholds=self.thresholds,
            sink=self.sink,
            publish=self.publish,
        )

        def perform(step: Step) -> Outcome:
            needs_engine = state_of(step).actor in {Actor.ENGINE, Actor.LANDING}
            return by_engine.perform(step) if needs_engine else by_control.perform(step)

        return Doing(state, perform, reset=self.engine.close)


__all__ = ["Lakehouse", "Observer", "RunRequest", "Silent", "Step"]
