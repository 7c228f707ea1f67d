"""Doing steps of a run, in one go or one by one: what came of each is noted."""

import time
from collections.abc import Callable

from pipeline.errors import CallError, LakeError, LakehouseError
from pipeline.runner.failing import failure_of, note_failure
from pipeline.runner.home import LakeHome
from pipeline.runner.report import StepNote
from pipeline.runner.state import RunState, state_from
from pipeline.workflow import Actor, Outcome, Step, state_of

FAILED = "failed"
TRIED = "tried"

BEGIN = Step.VALIDATE_RAW


class Doing:
    """Does the steps of one run, whoever carries them out.

    Args:
        state: The run.
        perform: Carries a step out.
        reset: Makes ready for another try.

    Attributes:
        error: What the run has failed with; None while it has not.
    """

    def __init__(
        self,
        state: RunState,
        perform: Callable[[Step], Outcome],
        reset: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = state
        self.error: BaseException | None = None
        self._perform = perform
        self._reset = reset
        self._began = 0.0

    def perform(self, step: Step) -> Outcome:
        """See `walk.Steps.perform`."""
        self._began = time.perf_counter()
        outcome = self._perform(step)
        self._note(step, outcome)
        error = failure_of(outcome, self.state)
        if error is not None:
            self._keep(step, error)
        return outcome

    def try_again(self, step: Step, error: LakehouseError) -> None:
        """See `walk.Steps.try_again`."""
        del error
        self._note(step, TRIED)
        self._reset()

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
        seconds = round(time.perf_counter() - self._began, 3)
        self.state.report.trace.append(StepNote(step.value, outcome, seconds))


def one_step(doing: Doing, step: Step, home: LakeHome) -> Outcome:
    """Do one step of a run whose other steps other processes do.

    Args:
        doing: Does it.
        step: The step.
        home: The lake's root, where the run is kept between its steps.

    Raises:
        LakehouseError: The step failed. It may be done again; `Step.ROLL_BACK` undoes the run.
    """
    state = doing.state
    try:
        outcome = doing.perform(step)
    except BaseException as error:
        doing.fail(step, error)
        if state.began and step is not Step.ROLL_BACK:
            home.keep_state(state.document())
        raise
    target = state_of(step).then[outcome]
    if isinstance(target, Step) and state_of(target).actor is not Actor.NOTICE:
        home.keep_state(state.document())
    else:
        home.forget_state()
    return outcome


def kept_state(home: LakeHome, run_id: str) -> RunState:
    """Return the run that is kept between two steps.

    Args:
        home: The lake's root.
        run_id: Name of the run that is meant; empty for whichever is under way.

    Raises:
        CallError: No run is under way, or another one.
        LakeError: What is kept cannot be understood.
    """
    document = home.kept_state()
    if document is None:
        raise CallError(f"No run is under way in {home.address}.", f"Begin one with {BEGIN}.")
    try:
        state = state_from(document)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"The state of the run in {home.address} cannot be understood: {error!r}."
        raise LakeError(msg, f"Begin another run with the step {BEGIN}.") from error
    if run_id and state.run_id != run_id:
        msg = f"The run under way in {home.address} is {state.run_id}, not {run_id}."
        raise CallError(msg, "Go on with that one, or begin another.")
    return state
