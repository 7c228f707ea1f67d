"""The declared workflow, and what walks it: laws of the declaration, and what follows each step."""

from collections.abc import Callable, Iterator

import pytest

from pipeline.errors import LakeError, LakehouseError, PassingError
from pipeline.runner.walk import walk
from pipeline.workflow import START, WORKFLOW, Actor, End, Outcome, Step, Target, state_of
from simulator.cli.workflow import mermaid

GOOD = [
    *("check", "validate_raw", "bronze", "validate_bronze", "silver", "validate_silver"),
    *("gold", "validate_gold", "record", "update_catalog", "archive", "notify"),
]
# From here on the books are closed: what fails then is told, and not undone.
FINAL = {Step.UPDATE_CATALOG, Step.ARCHIVE, Step.NOTIFY}


def following(step: Step) -> set[Target]:
    """Return all that may follow a step."""
    state = state_of(step)
    return {*state.then.values(), state.on_failure}


def ends_of(target: Target) -> Iterator[tuple[Target, ...]]:
    """Return every way from a step to an end."""
    if isinstance(target, End):
        yield (target,)
        return
    for after in following(target):
        for rest in ends_of(after):
            yield (target, *rest)


# --- The declaration -----------------------------------------------------------------------------


def test_every_step_is_declared_once_and_reached() -> None:
    assert sorted(state.step for state in WORKFLOW) == sorted(Step)
    reached = {step for way in ends_of(START) for step in way}
    assert reached == {*Step, *End}


def test_every_way_ends() -> None:
    """Law: no step is done twice on a way, so that each comes to an end."""
    for way in ends_of(START):
        assert len(set(way)) == len(way), way


def test_every_failure_ends_as_failed() -> None:
    """Law: after a failed, blocked or rejected step there is no way to success."""
    for state in WORKFLOW:
        bad = {outcome for outcome in state.then if outcome in {Outcome.BLOCKED, Outcome.REJECTED}}
        targets = {state.on_failure, *(state.then[outcome] for outcome in bad)}
        for target in targets:
            assert {way[-1] for way in ends_of(target)} == {End.FAILED}, state.step


def test_what_may_have_written_is_rolled_back() -> None:
    """Law: a step between the first write and the end of the transaction fails into a rollback."""
    began = GOOD.index("validate_raw")
    for name in GOOD[began:]:
        state = state_of(Step(name))
        assert (state.on_failure is Step.ROLL_BACK) == (state.step not in FINAL), name
        if Outcome.BLOCKED in state.then and name != "validate_raw":
            assert state.then[Outcome.BLOCKED] is Step.ROLL_BACK


def test_every_failure_is_told_of() -> None:
    """Law: a way to failure passes the message, unless it is the message that fails."""
    for way in ends_of(START):
        if way[-1] is End.FAILED:
            assert Step.NOTIFY_FAILURE in way or way[-2] is Step.NOTIFY


def test_each_layer_is_judged_before_the_next_begins() -> None:
    """The engine measures, plain Python decides, and only then the next layer is written."""
    for layer in ("bronze", "silver", "gold"):
        judged = GOOD.index(f"validate_{layer}")
        assert GOOD[judged - 1] == layer
        assert state_of(Step(GOOD[judged])).actor is Actor.CONTROL
        assert state_of(Step(layer)).actor is Actor.ENGINE


def test_the_diagram_has_every_transition() -> None:
    lines = {line.strip() for line in mermaid().splitlines()}
    for state in WORKFLOW:
        for outcome, target in state.then.items():
            said = "" if outcome is Outcome.DONE else f": {outcome.replace('_', ' ')}"
            assert f"{state.step} --> {target}{said}" in lines
        ways = [line for line in lines if line.startswith(f"{state.step} --> ")]
        assert any(f"--> {state.on_failure}" in line for line in ways)
    assert f"[*] --> {START}" in lines


# --- The walk ------------------------------------------------------------------------------------

Act = Callable[[], Outcome]


class Recorded:
    """Does steps as a test says, and remembers in what order."""

    def __init__(self, **acts: Act | list[Act]) -> None:
        self.done: list[str] = []
        self.failed: list[tuple[str, BaseException]] = []
        self.tried: list[str] = []
        self._acts = acts

    def perform(self, step: Step) -> Outcome:
        """See `walk.Steps.perform`."""
        self.done.append(step.value)
        act = self._acts.get(step.value, lambda: Outcome.DONE)
        if isinstance(act, list):
            act = act.pop(0)
        return act()

    def try_again(self, step: Step, error: LakehouseError) -> None:
        """See `walk.Steps.try_again`."""
        assert error.passing
        self.tried.append(step.value)

    def fail(self, step: Step, error: BaseException) -> None:
        """See `walk.Steps.fail`."""
        self.failed.append((step.value, error))


def raising(error: BaseException) -> Act:
    def act() -> Outcome:
        raise error

    return act


def comes_out(outcome: Outcome) -> Act:
    return lambda: outcome


def no_pause(seconds: float) -> None:
    pytest.fail(f"nothing is tried again here, so nobody waits {seconds} s")


def test_a_good_run_goes_from_the_first_step_to_the_last() -> None:
    steps = Recorded()
    assert walk(steps, no_pause) is End.SUCCEEDED
    assert steps.done == GOOD
    assert steps.failed == []


@pytest.mark.parametrize(
    ("step", "done"),
    [("check", ["check"]), ("validate_raw", ["check", "validate_raw", "archive", "notify"])],
)
def test_a_run_that_finds_nothing_new_has_succeeded(step: str, done: list[str]) -> None:
    """Known files that an earlier run has left behind still leave the landing zone."""
    steps = Recorded(**{step: comes_out(Outcome.NOTHING_NEW)})
    assert walk(steps, no_pause) is End.SUCCEEDED
    assert steps.done == done


@pytest.mark.parametrize("layer", ["bronze", "silver", "gold"])
def test_a_blocked_layer_is_rolled_back_and_told_of(layer: str) -> None:
    steps = Recorded(**{f"validate_{layer}": comes_out(Outcome.BLOCKED)})
    assert walk(steps, no_pause) is End.FAILED
    came = GOOD[: GOOD.index(f"validate_{layer}") + 1]
    assert steps.done == [*came, "roll_back", "notify_failure"]


def test_a_delivery_without_a_good_file_is_put_aside_and_told_of() -> None:
    steps = Recorded(validate_raw=comes_out(Outcome.REJECTED))
    assert walk(steps, no_pause) is End.FAILED
    assert steps.done == ["check", "validate_raw", "reject", "notify_failure"]


@pytest.mark.parametrize("error", [LakeError("x"), ValueError("x"), KeyboardInterrupt()])
def test_what_will_not_pass_is_not_tried_again(error: BaseException) -> None:
    steps = Recorded(silver=raising(error))
    assert walk(steps, no_pause) is End.FAILED
    assert steps.done[-3:] == ["silver", "roll_back", "notify_failure"]
    assert steps.failed == [("silver", error)]


def test_what_may_pass_is_tried_again_after_growing_waits() -> None:
    """Two further tries of a job, after 30 and 60 seconds; then it is over."""
    error = PassingError("the disk said no")
    waits: list[float] = []
    steps = Recorded(bronze=[raising(error), raising(error), comes_out(Outcome.DONE)])
    assert walk(steps, waits.append) is End.SUCCEEDED
    assert steps.done.count("bronze") == 3
    assert steps.tried == ["bronze", "bronze"]
    assert waits == [30, 60]

    waits.clear()
    steps = Recorded(bronze=raising(error))
    assert walk(steps, waits.append) is End.FAILED
    assert steps.done[-5:] == ["bronze", "bronze", "bronze", "roll_back", "notify_failure"]
    assert steps.failed == [("bronze", error)]
    assert waits == [30, 60]


def test_a_rollback_that_fails_is_told_of_all_the_same() -> None:
    first, second = LakeError("first"), LakeError("second")
    steps = Recorded(gold=raising(first), roll_back=raising(second))
    assert walk(steps, no_pause) is End.FAILED
    assert steps.done[-3:] == ["gold", "roll_back", "notify_failure"]
    assert steps.failed == [("gold", first), ("roll_back", second)]
