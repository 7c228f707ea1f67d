"""The workflow of a run as a state diagram and as a table, from its declaration."""

from collections.abc import Callable, Iterator
from itertools import groupby

from docs.generate.markdown import mermaid, table
from pipeline.workflow import START, WORKFLOW, End, Outcome, State, Target


def diagram() -> str:
    """Return the state machine; neighbours that fail alike stand in a box with one way out."""
    lines = ["stateDiagram-v2", f"    [*] --> {START}"]
    for number, group in enumerate(_alike(), 1):
        lines += _box(group, f"stage_{number}") if len(group) > 1 else _alone(group[0])
    return mermaid([*lines, *(f"    {end} --> [*]" for end in End)])


def _alike() -> Iterator[list[State]]:
    """Yield runs of neighbours that share one way of failing, each as long as possible."""
    for failure, group in groupby(WORKFLOW, key=lambda state: state.on_failure):
        states = list(group)
        # One that goes the same way in any case has no failure to show.
        if all(failure in state.then.values() for state in states):
            yield from ([state] for state in states)
        else:
            yield states


def _box(states: list[State], name: str) -> Iterator[str]:
    failure, within = states[0].on_failure, {state.step for state in states}
    yield f'    state "{_words(states[0].step)} to {_words(states[-1].step)}" as {name} {{'
    yield from (f"    {way}" for way in _ways(states, lambda target: target in within))
    yield "    }"
    yield from _ways(states, lambda target: target not in {failure, *within})
    outcomes = {o: None for s in states for o, target in s.then.items() if target is failure}
    yield f"    {name} --> {failure}: {' or '.join(['failed', *map(_words, outcomes)])}"


def _alone(state: State) -> Iterator[str]:
    yield from _ways([state], lambda _: True)
    if state.on_failure not in state.then.values():
        yield f"    {state.step} --> {state.on_failure}: failed"


def _ways(states: list[State], chosen: Callable[[Target], bool]) -> Iterator[str]:
    """Yield one arrow for each step and target, whatever the outcomes that lead there."""
    for state in states:
        for target in dict.fromkeys(filter(chosen, state.then.values())):
            outcomes = [outcome for outcome, to in state.then.items() if to is target]
            said = [_words(outcome) for outcome in outcomes if outcome is not Outcome.DONE]
            yield f"    {state.step} --> {target}{': ' if said else ''}{' or '.join(said)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def steps() -> str:
    """Return every step: what it does, who does it, how often it is tried, what follows."""
    return table(
        ("step", "does", "by", "tries", "then", "when it fails"),
        [
            (
                f"`{state.step}`",
                state.does,
                str(state.actor),
                _tries(state),
                "<br>".join(_follows(outcome, target) for outcome, target in state.then.items()),
                _name(state.on_failure),
            )
            for state in WORKFLOW
        ],
    )


def _tries(state: State) -> str:
    waits = ", ".join(f"{wait:g}" for wait in state.retry.waits())
    return f"{1 + state.retry.attempts}, after {waits} s; {state.timeout_minutes} min each"


def _follows(outcome: Outcome, target: Target) -> str:
    name = _name(target)
    return name if outcome is Outcome.DONE else f"{_words(outcome)}: {name}"


def _name(target: Target) -> str:
    return f"**{target}**" if isinstance(target, End) else f"`{target}`"
