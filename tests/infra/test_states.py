"""The state machine is the declared workflow: walked here from its document alone, and linted."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from statelint.config import Config
from statelint.linter import Linter

from infra.names import unassigned
from pipeline.contracts.checks import Severity
from pipeline.landing.naming import is_delivery
from pipeline.quality.notices import Notice
from pipeline.workflow import START, WORKFLOW, Actor, End, State, Step
from tests.infra.graph import ACCOUNT, ENVIRONMENTS, graph_of

Document = dict[str, Any]

LINT = Config([], yaml=False, evaluate_jsonata=False)
OUTCOME = "$.result.document.outcome"


def machine(environment: str = "prod") -> Document:
    """Return the deployed definition."""
    (made,) = graph_of(environment).of("StateMachine")
    document: Document = json.loads(made.inputs["definition"])
    return document


STATES: dict[str, Document] = machine()["States"]
DECLARED = {str(state.step): state for state in WORKFLOW}
BY_ACTOR = {actor: [s for s in WORKFLOW if s.actor is actor] for actor in Actor}


def nexts(state: Document) -> Iterator[str]:
    """Yield every state that may follow one, failures included."""
    yield from [state["Next"]] if "Next" in state else []
    yield from [state["Default"]] if "Default" in state else []
    for rule in (*state.get("Choices", []), *state.get("Catch", [])):
        yield rule["Next"]


def is_goal(name: str) -> bool:
    """Return whether a state is a step of the workflow, or its end."""
    return name in DECLARED or name in set(End)


def goals(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the steps and ends that a state leads to through states that only help."""
    if is_goal(name):
        return {name}
    if name in seen:
        return set()
    return {g for other in nexts(STATES[name]) for g in goals(other, seen | {name})}


def test_the_linter_finds_nothing() -> None:
    for environment in ENVIRONMENTS:
        assert Linter.validate(json.dumps(machine(environment)), LINT) == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("Next", "nowhere", 'No state found named "nowhere"'),
        ("Resource", None, "Resource"),
        ("Retry", [{"ErrorEquals": "all"}], "ErrorEquals"),
    ],
)
def test_the_linter_would_find_something(field: str, value: object, said: str) -> None:
    broken = machine()
    broken["States"]["bronze"][field] = value
    found = Linter.validate(json.dumps(broken), LINT)
    assert any(said in problem for problem in found), found


def test_a_run_begins_with_the_first_step_once_it_is_its_turn() -> None:
    assert goals(machine()["StartAt"]) == {str(START), str(Step.NOTIFY_FAILURE)}


def test_there_is_a_state_for_every_step_and_every_end() -> None:
    assert {name for name in STATES if ":" not in name} == {*DECLARED, *map(str, End)}
    assert STATES["succeeded"]["Type"] == "Succeed"
    assert STATES["failed"]["Type"] == "Fail"
    ends = [name for name, state in STATES.items() if not [*nexts(state)]]
    assert set(ends) == {"succeeded", "failed"}


def test_every_state_can_be_reached() -> None:
    found, open_ = set(), [machine()["StartAt"]]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += nexts(STATES[name])
    assert found == set(STATES)


def _successes(name: str) -> set[str]:
    """Return where a step leads when nothing fails: catches left out."""
    state = {key: value for key, value in STATES[name].items() if key != "Catch"}
    return {
        goal
        for other in nexts(state)
        for goal in ({other} if is_goal(other) else _successes(other))
        if not other.endswith(": unknown")
    }


@pytest.mark.parametrize("state", WORKFLOW, ids=lambda state: str(state.step))
def test_a_step_leads_where_it_is_declared_to_lead(state: State) -> None:
    """Successes by outcome; failures from the step and from all its helpers."""
    step = str(state.step)
    declared = {str(target) for target in state.then.values()}
    if state.actor is Actor.LANDING:
        # It looks on behind what is no delivery, and so comes back to itself.
        assert _successes_of_landing() == declared
    elif step == "notify_failure":
        assert {g for other in nexts(STATES[step]) for g in goals(other)} == {"failed"}
    else:
        assert _successes(step) == declared
    for name, found in STATES.items():
        if name.partition(":")[0] == step and step != "notify_failure":
            for catch in found.get("Catch", []):
                assert catch["Next"] == str(state.on_failure), name
                assert catch["ErrorEquals"] == ["States.ALL"]
                assert catch["ResultPath"] == f"$.failures.{step}"


def _successes_of_landing() -> set[str]:
    helpers = [name for name in STATES if name.startswith("check:")]
    return {n for name in helpers for n in nexts(STATES[name]) if is_goal(n)} - {"check"}


@pytest.mark.parametrize("state", WORKFLOW, ids=lambda state: str(state.step))
def test_a_step_is_tried_as_often_as_declared(state: State) -> None:
    task = STATES[str(state.step)]
    if state.actor is Actor.NOTICE:
        (task,) = task["ItemProcessor"]["States"].values()
    assert task["TimeoutSeconds"] == state.timeout_minutes * 60
    assert task["Retry"] == [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": state.retry.wait_seconds,
            "MaxAttempts": state.retry.attempts,
            "BackoffRate": state.retry.rate,
        }
    ]


@pytest.mark.parametrize("state", WORKFLOW, ids=lambda state: str(state.step))
def test_outcomes_are_told_apart_only_where_there_are_several(state: State) -> None:
    choices = STATES.get(f"{state.step}: outcome")
    if len(state.then) == 1 or state.actor is Actor.LANDING:
        assert choices is None
        return
    assert choices is not None
    assert {rule["StringEquals"]: rule["Next"] for rule in choices["Choices"]} == {
        str(outcome): str(target) for outcome, target in state.then.items()
    }
    assert {rule["Variable"] for rule in choices["Choices"]} == {OUTCOME}
    unknown = STATES[choices["Default"]]
    assert unknown["Next"] == str(state.on_failure)
    assert unknown["ResultPath"] == f"$.failures.{state.step}"


def test_every_task_has_a_timeout_a_retry_and_a_way_out() -> None:
    tasks = {name: state for name, state in STATES.items() if state["Type"] in {"Task", "Map"}}
    assert len(tasks) > 20
    for name, task in tasks.items():
        inner = [*task["ItemProcessor"]["States"].values()] if task["Type"] == "Map" else [task]
        assert all(state["TimeoutSeconds"] and state["Retry"] for state in inner), name
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_failures_end_as_failed() -> None:
    """From every catch, whatever happens then, no way leads to success."""
    for name, state in STATES.items():
        for catch in state.get("Catch", []):
            if catch["ErrorEquals"] != ["States.ALL"]:
                continue
            assert not _reaches_success(catch["Next"], name), name


def _reaches_success(start: str, _from: str) -> bool:
    found, open_ = set(), [start]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += nexts(STATES[name])
    return "succeeded" in found


@pytest.mark.parametrize("state", BY_ACTOR[Actor.ENGINE], ids=lambda state: str(state.step))
def test_a_job_is_told_all_it_needs_and_says_what_it_did(state: State) -> None:
    step = str(state.step)
    task, read = STATES[step], STATES[f"{step}: result"]
    assert task["Resource"] == "arn:aws:states:::glue:startJobRun.sync"
    name = task["Parameters"]["JobName"]
    (job,) = [m for m in graph_of("prod").of("Job") if m.inputs["name"] == name]
    assert job.inputs["timeout"] == state.timeout_minutes
    assert job.inputs["maxRetries"] == 0
    raw = f"lakehouse-prod-raw-{ACCOUNT}-eu-central-1"
    lake = f"lakehouse-prod-lake-{ACCOUNT}-eu-central-1"
    assert task["Parameters"]["Arguments"] == {
        "--step": step,
        "--landing": f"s3://{raw}/landing",
        "--lake": f"s3://{lake}",
        "--run-id.$": "$$.Execution.Name",
        "--run-time.$": "$$.Execution.StartTime",
        "--archive": "true",
        "--TempDir": f"s3://lakehouse-prod-artifacts-{ACCOUNT}-eu-central-1/temporary",
    }
    assert read["Resource"] == "arn:aws:states:::aws-sdk:s3:getObject"
    assert read["Parameters"] == {
        "Bucket": lake,
        "Key.$": f"States.Format('_results/{{}}/{step}.json', $$.Execution.Name)",
    }
    assert read["ResultSelector"] == {"document.$": "States.StringToJson($.Body)"}
    assert read["ResultPath"] == "$.result"


@pytest.mark.parametrize("state", BY_ACTOR[Actor.CONTROL], ids=lambda state: str(state.step))
def test_a_function_is_told_all_it_needs(state: State) -> None:
    task = STATES[str(state.step)]
    assert task["Resource"] == "arn:aws:states:::lambda:invoke"
    functions = {m.inputs["name"]: m for m in graph_of("prod").of("Function")}
    called = functions[task["Parameters"]["FunctionName"].rpartition(":")[2]]
    assert str(state.step) in called.inputs["description"]
    assert called.inputs["timeout"] >= state.timeout_minutes * 60
    assert task["Parameters"]["Payload"] == {
        "step": str(state.step),
        "landing": f"s3://lakehouse-prod-raw-{ACCOUNT}-eu-central-1/landing",
        "lake": f"s3://lakehouse-prod-lake-{ACCOUNT}-eu-central-1",
        "run_id.$": "$$.Execution.Name",
        "run_time.$": "$$.Execution.StartTime",
    }
    assert task["ResultSelector"] == {"document.$": "$.Payload"}
    assert task["ResultPath"] == "$.result"


@pytest.mark.parametrize("step", ["notify", "notify_failure"])
def test_notices_go_to_the_topic_of_their_severity(step: str) -> None:
    sends = STATES[step]
    assert sends["ItemsPath"] == "$.result.document.notices"
    (publish,) = sends["ItemProcessor"]["States"].values()
    fields = {"severity", "subject", "message", "hint"}
    used = set(re.findall(r"\$\.([a-z_]+)", json.dumps(publish["Parameters"])))
    assert used == fields <= set(Notice(Severity.LOW, "about", "what").document())
    found = re.fullmatch(
        r"States\.Format\('(.*)', \$\.severity\)", publish["Parameters"]["TopicArn.$"]
    )
    assert found is not None
    topics = {
        f"arn:aws:sns:eu-central-1:{ACCOUNT}:{made.inputs['name']}"
        for made in graph_of("prod").of("Topic")
    }
    severities = ("low", "medium", "high", "critical")
    assert {found[1].replace("{}", severity) for severity in severities} == topics


def test_a_failure_that_no_step_could_tell_is_told_as_it_is() -> None:
    known = STATES["notify_failure: failures"]
    places = {rule["Variable"].removeprefix("$.failures.") for rule in known["Choices"]}
    assert places == {"turn", *DECLARED}
    tell = STATES["notify_failure: tell"]
    assert tell["Parameters"]["TopicArn"].endswith("lakehouse-prod-critical")
    assert "$.failures" in tell["Parameters"]["Message.$"]
    assert len(tell["Parameters"]["Subject"]) <= 100
    assert tell["Next"] == "failed"
    # Notices that could not be sent do not keep it back.
    assert STATES["notify_failure"]["Catch"][0]["Next"] == "notify_failure: failures"


# --- The turn, and the look at the landing zone --------------------------------------------------


def matches(pattern: str, text: str) -> bool:
    """Return what `StringMatches` says, as the language defines it."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


@pytest.mark.parametrize(
    ("path", "looks_on"),
    [
        ("orders/2025-04-01.csv", False),
        ("orders_2025.csv", False),
        ("nonsense.txt", False),  # It has to be refused, so it has to be seen.
        ("archives/x.csv", False),
        ("archive/orders/2025-04-01/x.csv", True),
        ("rejected/orders/x.csv", True),
        ("orders/.hidden.csv", True),
        ("_temporary/x.csv", True),
        ("orders/_SUCCESS", True),
        ("orders/", True),
    ],
)
def test_only_deliveries_begin_the_work(path: str, looks_on: bool) -> None:  # noqa: FBT001 - a case
    """The choice agrees with what the pipeline takes for a delivery; folders are none either."""
    key = f"landing/{path}"
    rules = [
        other["StringMatches"]
        for rule in STATES["check: delivery"]["Choices"]
        for other in rule.get("Or", [rule])
    ]
    assert any(matches(rule, key) for rule in rules) is looks_on
    if not path.endswith("/"):
        assert is_delivery(path) is not looks_on


def test_the_turn_is_taken_only_by_who_saw_it_free() -> None:
    take = STATES["turn: take"]
    assert take["Resource"] == "arn:aws:states:::dynamodb:putItem"
    condition = take["Parameters"]["ConditionExpression"]
    assert condition == "attribute_not_exists(holder) OR holder = :seen OR holder = :me"
    seen = take["Parameters"]["ExpressionAttributeValues"]
    assert seen == {
        ":seen": {"S.$": "$.turn.Item.holder.S"},
        ":me": {"S.$": "$$.Execution.Id"},
    }
    assert take["Catch"][0]["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert take["Catch"][0]["Next"] == "turn: wait"
    assert take["Retry"][0]["MaxAttempts"] == 0
    assert STATES["turn: wait"]["Next"] == "turn: read"
    assert STATES["turn: read"]["Parameters"]["ConsistentRead"] is True
    # Every way to the first step leads through taking the turn.
    assert [
        n for n, s in STATES.items() if "check" in nexts(s) and ":" in n and n[:4] == "turn"
    ] == ["turn: take"]


def test_every_control_step_has_a_function() -> None:
    assert not unassigned()
    assert unassigned((*BY_ACTOR[Actor.CONTROL], DECLARED["bronze"])) == []
    strange = replace(DECLARED["archive"], step=Step.BRONZE)
    assert unassigned((strange,)) == [Step.BRONZE]
