"""Walks the workflow in one process: each step, its further tries, and what follows."""

from collections.abc import Callable
from typing import Protocol

from pipeline.errors import LakehouseError
from pipeline.workflow import START, End, Outcome, State, Step, Target, state_of


class Steps(Protocol):
    """Does the steps of one run."""

    def perform(self, step: Step) -> Outcome:
        """Do a step and say how it came out."""

    def try_again(self, step: Step, error: LakehouseError) -> None:
        """Make ready for another try of a step that failed for a passing reason."""

    def fail(self, step: Step, error: BaseException) -> None:
        """Note why a step has failed for good."""


def walk(steps: Steps, pause: Callable[[float], None]) -> End:
    """Go from the start of the workflow to one of its ends.

    Args:
        steps: Does the steps.
        pause: Waits for some seconds before a further try.
    """
    target: Target = START
    while not isinstance(target, End):
        target = _follow(state_of(target), steps, pause)
    return target


def _follow(state: State, steps: Steps, pause: Callable[[float], None]) -> Target:
    try:
        outcome = _tried(state, steps, pause)
    except BaseException as error:  # noqa: BLE001 - kept by the steps, and raised at the end
        steps.fail(state.step, error)
        return state.on_failure
    return state.then[outcome]


def _tried(state: State, steps: Steps, pause: Callable[[float], None]) -> Outcome:
    for seconds in state.retry.waits():
        try:
            return steps.perform(state.step)
        except LakehouseError as error:
            if not error.passing:
                raise
            steps.try_again(state.step, error)
        pause(seconds)
    return steps.perform(state.step)
