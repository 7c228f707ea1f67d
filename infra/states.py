"""The state machine of a run, made from `pipeline.workflow`: Amazon States Language as a document.

A state that does a step has the step's name; the states that help it are named `<step>: <what>`.
Before the first step an execution takes its turn, see `infra.turn`. What is passed along:

- `$.failures`: what went wrong, by step, as Step Functions tells it;
- `$.result.document`: what the last step said of itself: `step`, `outcome`, `notices`.
"""

from typing import Any

from infra.names import PUT_ASIDE, Names, duty_of
from infra.turn import FIRST, States, turn
from pipeline.workflow import WORKFLOW, Actor, End, Outcome, State, Step

_RUN_ID = "$$.Execution.Name"
_RUN_TIME = "$$.Execution.StartTime"


def definition(names: Names, workflow: tuple[State, ...] = WORKFLOW) -> dict[str, Any]:
    """Return the state machine of a workflow.

    Args:
        names: Names of the stack that it runs in.
        workflow: The declared workflow.
    """
    states: States = turn(names)
    for state in workflow:
        states |= _RENDER[state.actor](names, state)
    states[str(End.SUCCEEDED)] = {"Type": "Succeed"}
    states[str(End.FAILED)] = {
        "Type": "Fail",
        "Error": "RunFailed",
        "Cause": "The run failed; the alert and the states before this one say why.",
    }
    return {
        "Comment": "A run of the lakehouse, made from pipeline/workflow.py.",
        "StartAt": FIRST,
        "States": states,
    }


def jobs(workflow: tuple[State, ...] = WORKFLOW) -> tuple[State, ...]:
    """Return the steps that Glue jobs do."""
    return tuple(state for state in workflow if state.actor is Actor.ENGINE)


# --- The steps -----------------------------------------------------------------------------------


def _landing(names: Names, state: State) -> States:
    """Ask for the first key after those that are no deliveries, until there is one or none."""
    step = str(state.step)
    bucket = names.bucket("raw")
    prefix = names.landing_prefix
    found, first, skip = f"{step}: found", f"{step}: first", f"{step}: skip"
    task = {
        "Type": "Task",
        "Comment": state.does,
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {
            "Bucket": bucket,
            "Prefix": prefix,
            "MaxKeys": 1,
            "StartAfter.$": "$.after",
        },
        "ResultPath": "$.listing",
        **_endurance(state),
        "Next": found,
    }
    aside = {name: f"{step}: pass over {name}" for name in PUT_ASIDE}
    key = "$.listing.key"
    choices = [
        *(
            {"Variable": key, "StringMatches": f"{prefix}{name}/*", "Next": target}
            for name, target in aside.items()
        ),
        # Folders that a console has made, and names that are no deliveries.
        {
            "Or": [
                {"Variable": key, "StringMatches": pattern} for pattern in ("*/", "*/_*", "*/.*")
            ],
            "Next": skip,
        },
    ]
    return {
        step: task,
        found: {
            "Type": "Choice",
            "Choices": [
                {
                    "Variable": "$.listing.KeyCount",
                    "NumericEquals": 0,
                    "Next": str(state.then[Outcome.NOTHING_NEW]),
                }
            ],
            "Default": first,
        },
        first: {
            "Type": "Pass",
            "InputPath": "$.listing.Contents[0]",
            "Parameters": {"key.$": "$.Key"},
            "ResultPath": "$.listing",
            "Next": f"{step}: delivery",
        },
        f"{step}: delivery": {
            "Type": "Choice",
            "Choices": choices,
            "Default": str(state.then[Outcome.DONE]),
        },
        skip: {"Type": "Pass", "InputPath": key, "ResultPath": "$.after", "Next": step},
        **{
            target: {
                "Comment": "`0` is the character after `/`.",
                "Type": "Pass",
                "Result": f"{prefix}{name}0",
                "ResultPath": "$.after",
                "Next": step,
            }
            for name, target in aside.items()
        },
    }


def _engine(names: Names, state: State) -> States:
    """Run the step's job, then read what it says of itself."""
    step = str(state.step)
    read = f"{step}: result"
    arguments = {
        "--step": step,
        "--landing": names.landing,
        "--lake": names.lake,
        "--run-id.$": _RUN_ID,
        "--run-time.$": _RUN_TIME,
        "--archive": "true",
        "--TempDir": names.temporary,
    }
    return {
        step: {
            "Type": "Task",
            "Comment": state.does,
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": names.job(step), "Arguments": arguments},
            "ResultPath": None,
            **_endurance(state),
            "Next": read,
        },
        read: {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
            "Parameters": {
                "Bucket": names.bucket("lake"),
                "Key.$": f"States.Format('_results/{{}}/{step}.json', {_RUN_ID})",
            },
            "ResultSelector": {"document.$": "States.StringToJson($.Body)"},
            "ResultPath": "$.result",
            "TimeoutSeconds": 60,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3}],
            "Catch": _catch(state),
            **_onwards(state),
        },
        **_fork(state),
    }


def _control(names: Names, state: State) -> States:
    """Call the step's function; its answer is what the step says of itself."""
    step = str(state.step)
    payload = {
        "step": step,
        "landing": names.landing,
        "lake": names.lake,
        "run_id.$": _RUN_ID,
        "run_time.$": _RUN_TIME,
    }
    return {
        step: {
            "Type": "Task",
            "Comment": state.does,
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": names.function_arn(duty_of(state.step)),
                "Payload": payload,
            },
            "ResultSelector": {"document.$": "$.Payload"},
            "ResultPath": "$.result",
            **_endurance(state),
            **_onwards(state),
        },
        **_fork(state),
    }


def _notice(names: Names, state: State) -> States:
    """Send the notices of the last step; where the run failed, also what Step Functions knows."""
    step = str(state.step)
    fails = state.then[Outcome.DONE] is End.FAILED
    tell, known = f"{step}: tell", f"{step}: failures"
    topic = names.topic_arn("{}")
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn.$": f"States.Format('{topic}', $.severity)",
            "Subject.$": "$.subject",
            "Message.$": "States.Format('{} {}', $.message, $.hint)",
        },
        "TimeoutSeconds": state.timeout_minutes * 60,
        "Retry": _retry(state),
        "End": True,
    }
    states: States = {
        step: {
            "Type": "Map",
            "Comment": state.does,
            "ItemsPath": "$.result.document.notices",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": f"{step}: publish",
                "States": {f"{step}: publish": publish},
            },
            "ResultPath": None,
            # On a failed run, a notice that cannot be sent must not keep back the last word.
            "Catch": _catch(state, known if fails else None),
            "Next": known if fails else str(state.then[Outcome.DONE]),
        },
    }
    if not fails:
        return states
    failed = [
        {"Variable": f"$.failures.{place}", "IsPresent": True, "Next": tell}
        for place in ("turn", *(str(other.step) for other in WORKFLOW))
    ]
    states[known] = {"Type": "Choice", "Choices": failed, "Default": str(End.FAILED)}
    states[tell] = {
        **{name: value for name, value in publish.items() if name != "End"},
        "Comment": "A step ended without being able to say why.",
        "Parameters": {
            "TopicArn": names.topic_arn("critical"),
            "Subject": f"{names.stem}: a run failed",
            "Message.$": (
                f"States.Format('Run {{}} failed. What Step Functions knows, by step: {{}} "
                f"Open the execution {{}} to see where.', {_RUN_ID}, "
                "States.JsonToString($.failures), $$.Execution.Id)"
            ),
        },
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.lost", "Next": str(End.FAILED)}],
        "Next": str(End.FAILED),
    }
    return states


_RENDER = {
    Actor.LANDING: _landing,
    Actor.ENGINE: _engine,
    Actor.CONTROL: _control,
    Actor.NOTICE: _notice,
}


# --- What all of them have -----------------------------------------------------------------------


def _endurance(state: State) -> dict[str, Any]:
    """Return how long a step may take, how often it is tried, and what follows its failure."""
    return {
        "TimeoutSeconds": state.timeout_minutes * 60,
        "Retry": _retry(state),
        "Catch": _catch(state),
    }


def _retry(state: State) -> list[dict[str, Any]]:
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": state.retry.wait_seconds,
            "MaxAttempts": state.retry.attempts,
            "BackoffRate": float(state.retry.rate),
        }
    ]


def _catch(state: State, target: str | None = None) -> list[dict[str, Any]]:
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "ResultPath": f"$.failures.{state.step}",
            "Next": target or str(state.on_failure),
        }
    ]


def _onwards(state: State) -> dict[str, Any]:
    """Return where a step leads that has read its result: on, or to the choice of its outcome."""
    if len(state.then) == 1:
        return {"Next": str(state.then[Outcome.DONE])}
    return {"Next": f"{state.step}: outcome"}


def _fork(state: State) -> States:
    """Return the choice by outcome of a step that has more than one.

    An outcome that is not declared is a failure: nothing is known about what to do.
    """
    if len(state.then) == 1:
        return {}
    choices = [
        {
            "Variable": "$.result.document.outcome",
            "StringEquals": str(outcome),
            "Next": str(target),
        }
        for outcome, target in state.then.items()
    ]
    unknown = f"{state.step}: unknown"
    return {
        f"{state.step}: outcome": {
            "Type": "Choice",
            "Choices": choices,
            "Default": unknown,
        },
        unknown: {
            "Type": "Pass",
            "Result": {"Error": "UnknownOutcome", "Cause": "The step's outcome is not declared."},
            "ResultPath": f"$.failures.{state.step}",
            "Next": str(state.on_failure),
        },
    }


def step_of(name: str) -> Step | None:
    """Return the step that a state does; None for states that help."""
    return next((state.step for state in WORKFLOW if str(state.step) == name), None)
