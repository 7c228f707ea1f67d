"""`lakehouse workflow`: the declared workflow of a run, for people and for documents."""

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.workflow import WORKFLOW, Actor, End, State, Target
from simulator.cli import console
from simulator.cli.options import AsJson

_ACTORS = {
    Actor.LANDING: "S3 listing",
    Actor.ENGINE: "Glue job",
    Actor.CONTROL: "Lambda function",
    Actor.NOTICE: "SNS message",
}


class Form(StrEnum):
    """How the workflow is shown."""

    TABLE = "table"
    MERMAID = "mermaid"


def workflow(
    *,
    form: Annotated[Form, typer.Option("--format", help="table: in words; mermaid: a diagram.")] = (
        Form.TABLE
    ),
    as_json: AsJson = False,
) -> None:
    """Show the steps of a run: what each does, who does it in AWS, what follows, how often tried.

    The run on this machine, the Step Functions state machine and the diagram in the documents are
    made from this one declaration.
    """
    if as_json:
        console.document({"states": [_document(state) for state in WORKFLOW]})
        return
    if form is Form.MERMAID:
        console.say(mermaid())
        return
    columns = ("step", "what it does", "in AWS", "then", "on failure", "tries")
    console.table(columns, [_row(state) for state in WORKFLOW], right=("tries",))


def mermaid() -> str:
    """Return the workflow as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {WORKFLOW[0].step}"]
    for state in WORKFLOW:
        lines += [
            f"    {state.step} --> {_place(target)}"
            + ("" if outcome == "done" else f": {outcome.replace('_', ' ')}")
            for outcome, target in state.then.items()
        ]
        if state.on_failure not in state.then.values():
            lines.append(f"    {state.step} --> {_place(state.on_failure)}: failed")
    lines += [f"    {end} --> [*]" for end in End]
    return "\n".join(lines)


def _place(target: Target) -> str:
    return target.value


def _row(state: State) -> list[str]:
    others = [f"{o.replace('_', ' ')}: {t}" for o, t in state.then.items() if o != "done"]
    then = "; ".join([state.then[next(iter(state.then))].value, *others])
    tries = str(1 + state.retry.attempts)
    return [state.step, state.does, _ACTORS[state.actor], then, state.on_failure.value, tries]


def _document(state: State) -> dict[str, object]:
    return {
        "step": state.step.value,
        "does": state.does,
        "actor": state.actor.value,
        "then": {outcome.value: target.value for outcome, target in state.then.items()},
        "on_failure": state.on_failure.value,
        "retry": {
            "attempts": state.retry.attempts,
            "wait_seconds": state.retry.wait_seconds,
            "rate": state.retry.rate,
        },
        "timeout_minutes": state.timeout_minutes,
    }
