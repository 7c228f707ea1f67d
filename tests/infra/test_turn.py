"""One execution at a time: the states that let executions in, under every interleaving.

The states are taken from the deployed definition and carried out here one by one, against a table
with conditional writes and a Step Functions that may answer late. Hypothesis chooses who moves.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from tests.infra.graph import graph_of

(MACHINE,) = graph_of("dev").of("StateMachine")
DEFINITION: dict[str, Any] = json.loads(MACHINE.inputs["definition"])
STATES: dict[str, dict[str, Any]] = DEFINITION["States"]
INSIDE = "check"

# Who moves, and what befalls it: an answer that is late or lost, or an end of one kind or another.
# Long enough that some get in and others meet them there.
MOVES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([*["on"] * 8, "late", "lost", "end", "abort"])),
    min_size=50,
    max_size=80,
)


@dataclass
class Execution:
    """An execution: where it is and what it knows."""

    name: str
    state: str = DEFINITION["StartAt"]
    data: dict[str, Any] = field(default_factory=dict)
    status: str = "RUNNING"

    @property
    def inside(self) -> bool:
        """Whether it was let in and is at work."""
        return self.state == INSIDE and self.status == "RUNNING"


@dataclass
class World:
    """The turn table, and all executions by name."""

    holder: str | None = None
    executions: dict[str, Execution] = field(default_factory=dict)

    def move(self, execution: Execution, luck: str) -> None:
        """Carry out the state that an execution is in."""
        state = STATES[execution.state]
        match state["Type"]:
            case "Pass":
                _put(execution.data, state.get("ResultPath", "$"), state["Result"])
                execution.state = state["Next"]
            case "Wait":
                execution.state = state["Next"]
            case "Choice":
                execution.state = _choose(state, execution.data)
            case kind:
                assert kind == "Task"
                execution.state = self._task(execution, state, luck)

    def _task(self, execution: Execution, state: dict[str, Any], luck: str) -> str:
        action = state["Resource"].rpartition(":")[2]
        given = state["Parameters"]
        if action == "getItem":
            assert given["ConsistentRead"] is True
            item = {"Item": {"holder": {"S": self.holder}}} if self.holder else {}
            _put(execution.data, state["ResultPath"], item)
        elif action == "describeExecution":
            asked = self.executions[_get(execution.data, given["ExecutionArn.$"])]
            status = "RUNNING" if luck == "late" else asked.status
            _put(execution.data, state["ResultPath"], {"status": status})
        else:
            assert action == "putItem"
            if not self._write(execution, given):
                return str(state["Catch"][0]["Next"])
            # An answer that is lost makes Step Functions try the same again.
            if luck == "lost" and not self._write(execution, given):
                return str(state["Catch"][0]["Next"])
        return str(state["Next"])

    def _write(self, execution: Execution, given: dict[str, Any]) -> bool:
        """Write the item if one of the condition's terms holds."""
        context = {"$$": {"Execution": {"Id": execution.name}}}
        values = {
            name: _get({**execution.data, **context}, value["S.$"])
            for name, value in given["ExpressionAttributeValues"].items()
        }
        terms = {
            "attribute_not_exists(holder)": self.holder is None,
            "holder = :seen": self.holder == values[":seen"],
            "holder = :me": self.holder == values[":me"],
        }
        if any(terms[term] for term in given["ConditionExpression"].split(" OR ")):
            self.holder = _get(context, given["Item"]["holder"]["S.$"])
            return True
        return False


def _get(data: dict[str, Any], path: str) -> Any:
    steps = path.split(".")
    found: Any = data["$$"] if steps[0] == "$$" else data
    for step in steps[1:]:
        found = found[step]
    return found


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    if path == "$":
        data.clear()
        data.update(value)
    else:
        data[path.removeprefix("$.")] = value


def _choose(state: dict[str, Any], data: dict[str, Any]) -> str:
    for rule in state["Choices"]:
        try:
            found = _get(data, rule["Variable"])
        except KeyError:
            continue
        if rule.get("IsPresent") or found == rule.get("StringEquals"):
            return str(rule["Next"])
    return str(state["Default"])


def _many() -> World:
    world = World()
    world.executions = {name: Execution(name) for name in ("a", "b", "c", "d")}
    return world


@given(MOVES)
def test_never_two_at_once(moves: list[tuple[int, str]]) -> None:
    world = _many()
    everybody = [*world.executions.values()]
    for number, luck in moves:
        one = everybody[number]
        if one.inside:
            if luck in {"end", "abort"}:
                one.status = "SUCCEEDED" if luck == "end" else "ABORTED"
        elif one.status == "RUNNING":
            if luck == "abort":
                one.status = "ABORTED"  # While it waits, or between any two of the states.
            else:
                world.move(one, luck)
        assert sum(other.inside for other in everybody) <= 1


@given(MOVES)
def test_everybody_gets_in_once_the_others_have_ended(moves: list[tuple[int, str]]) -> None:
    """Whatever has happened: executions that end, and no luck, good or bad, for a while."""
    world = _many()
    everybody = [*world.executions.values()]
    for number, luck in moves:
        one = everybody[number]
        if one.status == "RUNNING" and not one.inside:
            if luck == "abort":
                one.status = "ABORTED"
            else:
                world.move(one, luck)
    been_in = set()
    for _ in range(200):
        for one in everybody:
            if one.inside:
                been_in.add(one.name)
                one.status = "FAILED"  # No release on any path: to end is to give back the turn.
            elif one.status == "RUNNING":
                world.move(one, "on")
    assert been_in == {one.name for one in everybody if one.status != "ABORTED"}


def test_an_empty_table_lets_one_in() -> None:
    world = _many()
    one = world.executions["a"]
    for _ in range(10):
        if not one.inside:
            world.move(one, "on")
    assert one.inside
    assert world.holder == "a"
