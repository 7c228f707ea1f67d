"""One run: from the files of a landing zone to gold, all of it or nothing of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.engine import Engine
from pipeline.errors import CallError, LakeError, LakehouseError
from pipeline.landing.store import Store
from pipeline.quality.notices import AlertSink, NoSink
from pipeline.quality.thresholds import Thresholds
from pipeline.runner.control import ControlSteps
from pipeline.runner.failing import failure_of, note_failure
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport, StepNote
from pipeline.runner.request import Observer, RunRequest, Silent
from pipeline.runner.state import RunState, state_from
from pipeline.runner.steps import EngineSteps
from pipeline.runner.walk import walk
from pipeline.workflow import Actor, End, Outcome, Step, state_of

FAILED = "failed"
TRIED = "tried"


@dataclass
class Lakehouse:
    """A lake and the landing zone that feeds it.

    Attributes:
        engine: Engine bound to the lake.
        home: The lake's root.
        store: The landing zone.
        observer: Is told how runs get on.
        thresholds: What the quality checks are held to.
        sink: Where the alerts of a run go.
        pause: Waits for some seconds before a step is tried again.
        publish: Tells others of the tables' versions, after the lake's own root.
    """

    engine: Engine
    home: LakeHome
    store: Store
    observer: Observer = field(default_factory=Silent)
    thresholds: Thresholds = field(default_factory=Thresholds)
    sink: AlertSink = field(default_factory=NoSink)
    pause: Callable[[float], None] = time.sleep
    publish: Callable[[Mapping[str, Any]], None] = lambda _: None

    def run(self, request: RunRequest) -> RunReport:
        """Take in what is new and bring every table up to date.

        Raises:
            LakehouseError: The run failed; unless the error says otherwise, the lake is what it was
                before it.
        """
        run = _Run(self, self._new_state(request))
        try:
            if walk(run, self.pause) is End.FAILED and run.error is not None:
                raise run.error
        finally:
            self.engine.close()
        return run.state.report

    def begin(self, request: RunRequest) -> tuple[Outcome, RunReport]:
        """Do the first step with an engine of a run whose other steps are done one by one.

        Raises:
            LakehouseError: The step failed; `Step.ROLL_BACK` undoes what it began.
        """
        return self._one_step(Step.VALIDATE_RAW, self._new_state(request))

    def proceed(self, step: Step, run_id: str) -> tuple[Outcome, RunReport]:
        """Do a later step of the run that `begin` has begun.

        Args:
            step: The step.
            run_id: Name of the run.

        Raises:
            CallError: That run is not under way.
            LakehouseError: The step failed. It may be done again; `Step.ROLL_BACK` undoes the run.
        """
        return self._one_step(step, self._kept_state(step, run_id))

    def _one_step(self, step: Step, state: RunState) -> tuple[Outcome, RunReport]:
        run = _Run(self, state)
        try:
            try:
                outcome = run.perform(step)
            except BaseException as error:
                run.fail(step, error)
                if state.began and step is not Step.ROLL_BACK:
                    self.home.keep_state(state.document())
                raise
            if step is Step.ROLL_BACK or state_of(step).then[outcome] is End.SUCCEEDED:
                self.home.forget_state()
            elif state.began:
                self.home.keep_state(state.document())
        finally:
            self.engine.close()
        return outcome, state.report

    def _new_state(self, request: RunRequest) -> RunState:
        return RunState(
            RunReport(run_time=request.run_time, engine=self.engine.name),
            request.name,
            asked_as_of=request.as_of,
            archive=request.archive,
            rebuild=request.rebuild,
            again=tuple(request.again),
        )

    def _kept_state(self, step: Step, run_id: str) -> RunState:
        document = self.home.kept_state()
        try:
            state = None if document is None else state_from(document)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"The state of the run in {self.home.address} cannot be understood: {error!r}."
            raise LakeError(msg, f"Begin another run with the step {Step.VALIDATE_RAW}.") from error
        if state is None or (run_id and state.run_id != run_id):
            msg = f"No run{f' {run_id}' if run_id else ''} is under way in {self.home.address}."
            raise CallError(msg, f"Begin one with the step {Step.VALIDATE_RAW}.")
        return state


class _Run:
    """The steps of one run, whoever does them."""

    def __init__(self, lakehouse: Lakehouse, state: RunState) -> None:
        self.state = state
        self.error: BaseException | None = None
        self._engine = lakehouse.engine
        self._by_engine = EngineSteps(
            state, lakehouse.engine, lakehouse.home, lakehouse.store, lakehouse.observer
        )
        self._by_control = ControlSteps(
            state,
            lakehouse.home,
            lakehouse.store,
            thresholds=lakehouse.thresholds,
            sink=lakehouse.sink,
            publish=lakehouse.publish,
        )
        self._began = 0.0
        state.note_files()

    def perform(self, step: Step) -> Outcome:
        """See `walk.Steps.perform`."""
        self._began = time.perf_counter()
        by_engine = state_of(step).actor in {Actor.ENGINE, Actor.LANDING}
        outcome = (self._by_engine if by_engine else self._by_control).perform(step)
        self._note(step, outcome)
        error = failure_of(outcome, self.state)
        if error is not None:
            self._keep(step, error)
        return outcome

    def try_again(self, step: Step, error: LakehouseError) -> None:
        """See `walk.Steps.try_again`."""
        del error
        self._note(step, TRIED)
        self._engine.close()

    def fail(self, step: Step, error: BaseException) -> None:
        """See `walk.Steps.fail`."""
        self._note(step, FAILED)
        if self.error is None:
            self._keep(step, error)
        elif step is Step.ROLL_BACK and isinstance(error, LakehouseError):
            msg = f"{self.error} The lake could not be put back at once: {error.what}"
            said = LakehouseError(msg, "The next run puts it back before it begins.")
            said.__cause__ = self.error
            self._keep(step, said)

    def _keep(self, step: Step, error: BaseException) -> None:
        self.error = error
        note_failure(self.state, step, error)

    def _note(self, step: Step, outcome: str) -> None:
        seconds = time.perf_counter() - self._began
        self.state.report.trace.append(StepNote(step, outcome, round(seconds, 3)))


__all__ = ["Lakehouse", "Observer", "RunRequest", "Silent", "Step"]
