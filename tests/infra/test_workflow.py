"""What starts runs, who is told what, and what is asked: the parts fit each other."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.config import ROOT
from infra.names import Names
from infra.queries import in_stack, queries
from infra.reading import read
from pipeline.contracts import TABLES
from pipeline.contracts.checks import Severity
from pipeline.control import quarantine_percent
from pipeline.runner.report import EntityAccount, RunReport
from tests.infra.graph import ACCOUNT, ENVIRONMENTS, Graph, declare, graph_of, values

NAMES = Names(read({"lakehouse:region": "eu-central-1"}, "dev"), ACCOUNT)
HERE = f"eu-central-1:{ACCOUNT}"

# --- What starts a run ---------------------------------------------------------------------------


def test_arrivals_become_one_run_after_another_way(graph: Graph) -> None:
    """From S3 through EventBridge, queue and pipe to the state machine; each hop names the next."""
    notification = graph.one("BucketNotification", "raw-events")
    assert notification.inputs["eventbridge"] is True
    target = graph.one("EventTarget", "arrivals-target").inputs
    assert target["arn"] == "arn:sqs:queue-arrivals"
    assert target["rule"] == graph.one("EventRule", "arrivals").inputs["name"]
    assert target["deadLetterConfig"] == {"arn": "arn:sqs:queue-undelivered"}
    (pipe,) = graph.of("Pipe")
    assert pipe.inputs["source"] == "arn:sqs:queue-arrivals"
    assert pipe.inputs["target"] == "arn:sfn:machine"
    start = pipe.inputs["targetParameters"]["stepFunctionStateMachineParameters"]
    assert start == {"invocationType": "FIRE_AND_FORGET"}
    queue = graph.one("Queue", "queue-arrivals").inputs
    redrive = json.loads(queue["redrivePolicy"])
    assert redrive == {"deadLetterTargetArn": "arn:sqs:queue-undelivered", "maxReceiveCount": 5}
    # A full batch fits into the input of an execution, 256 KiB.
    taken = pipe.inputs["sourceParameters"]["sqsQueueParameters"]
    input_bytes = len(pipe.inputs["targetParameters"]["inputTemplate"]) + 1
    assert taken["batchSize"] * input_bytes < 256 * 1024
    # What waits for its batch does not come back meanwhile, to be taken a second time.
    assert queue["visibilityTimeoutSeconds"] >= taken["maximumBatchingWindowInSeconds"] + 60
    assert taken["maximumBatchingWindowInSeconds"] >= 1  # Else batches have ten messages at most.


def test_the_window_and_the_schedule_are_as_configured() -> None:
    window = {
        name: graph_of(name)
        .of("Pipe")[0]
        .inputs["sourceParameters"]["sqsQueueParameters"]["maximumBatchingWindowInSeconds"]
        for name in ENVIRONMENTS
    }
    assert window == {"dev": 60, "test": 120, "prod": 300, "local": 120}
    schedule = {name: graph_of(name).of("Schedule")[0].inputs for name in ENVIRONMENTS}
    states = {name: inputs["state"] for name, inputs in schedule.items()}
    assert states == dict.fromkeys(("dev", "local"), "DISABLED") | dict.fromkeys(
        ("test", "prod"), "ENABLED"
    )
    prod = schedule["prod"]
    assert (prod["scheduleExpression"], prod["scheduleExpressionTimezone"]) == (
        "cron(0 5 * * ? *)",
        "Europe/Berlin",
    )
    assert prod["target"]["arn"] == "arn:sfn:machine"
    assert prod["target"]["deadLetterConfig"] == {"arn": "arn:sqs:queue-undelivered"}


def test_without_arrivals_nothing_is_taken_from_the_queue() -> None:
    graph = declare("dev", {**values("dev"), "lakehouse:arrivals": '{"enabled": false}'})
    assert graph.one("EventRule", "arrivals").inputs["state"] == "DISABLED"
    assert graph.of("Pipe")[0].inputs["desiredState"] == "STOPPED"


def matches(pattern: Any, event: Any) -> bool:
    """Return whether an event fits a pattern, as EventBridge defines it for the words used here."""
    if isinstance(pattern, dict):
        return all(key in event and matches(value, event[key]) for key, value in pattern.items())
    return any(_fits(choice, event) for choice in pattern)


def _fits(choice: Any, value: str) -> bool:
    if isinstance(choice, str):
        return choice == value
    ((word, refused),) = choice["anything-but"].items()
    assert word == "wildcard"
    shapes = (".*".join(map(re.escape, entry.split("*"))) for entry in refused)
    return not any(re.fullmatch(shape, value) for shape in shapes)


@pytest.mark.parametrize(
    ("key", "begins"),
    [
        ("landing/orders/2025-04-01.csv", True),
        ("landing/orders.csv", True),
        ("landing/archive/orders/2025-04-01/x.csv", False),
        ("landing/rejected/orders/x.csv", False),
        ("landing/rejected/orders/x.csv.reason.json", False),
    ],
)
def test_moved_files_begin_no_run(key: str, begins: bool) -> None:  # noqa: FBT001 - a case
    pattern = json.loads(graph_of("dev").one("EventRule", "arrivals").inputs["eventPattern"])
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": f"lakehouse-dev-raw-{ACCOUNT}-eu-central-1"},
            "object": {"key": key},
        },
    }
    assert matches(pattern, event) is begins
    event["detail"]["bucket"]["name"] = "another"  # type: ignore[index]  # a literal of mixed types
    assert not matches(pattern, event)


# --- Who is told ---------------------------------------------------------------------------------


def test_there_is_a_topic_for_every_severity_of_the_pipeline() -> None:
    topics = {made.inputs["name"] for made in graph_of("dev").of("Topic")}
    assert topics == {f"lakehouse-dev-{severity.value}" for severity in Severity}


def test_alarms_are_such_as_cloudwatch_takes(graph: Graph) -> None:
    """Periods, and how long they may be together; each goes to a topic and says what to do."""
    for alarm in graph.of("MetricAlarm"):
        inputs = alarm.inputs
        seconds = inputs["period"] * inputs["evaluationPeriods"]
        assert inputs["period"] % 60 == 0
        assert seconds <= (7 * 86400 if inputs["period"] >= 3600 else 86400)
        assert inputs["datapointsToAlarm"] <= inputs["evaluationPeriods"]
        assert len(inputs["alarmActions"]) == 1
        assert inputs["alarmActions"][0].startswith("arn:sns:topic-")
        assert len(inputs["alarmDescription"]) > 40


def test_what_has_to_raise_an_alarm_does() -> None:
    alarms = {m.name: m.inputs for m in graph_of("prod").of("MetricAlarm")}
    assert set(alarms) == {
        f"alarm-{name}"
        for name in (
            *("run-failed", "run-aborted", "run-slow", "run-missing", "quarantine"),
            *("undelivered", "arrivals-stuck"),
            *("function-judge", "function-publish", "function-file-away"),
        )
    }
    failed = alarms["alarm-run-failed"]
    assert (failed["namespace"], failed["metricName"]) == ("AWS/States", "ExecutionsFailed")
    assert failed["dimensions"] == {
        "StateMachineArn": f"arn:aws:states:{HERE}:stateMachine:lakehouse-prod-run"
    }
    assert failed["alarmActions"] == failed["okActions"] == ["arn:sns:topic-critical"]
    missing = alarms["alarm-run-missing"]
    assert missing["treatMissingData"] == "breaching"
    assert missing["comparisonOperator"] == "LessThanThreshold"
    assert missing["period"] * missing["evaluationPeriods"] == 26 * 3600
    assert alarms["alarm-run-slow"]["threshold"] == 90 * 60 * 1000
    assert alarms["alarm-quarantine"]["threshold"] == 5
    lost = alarms["alarm-undelivered"]
    assert lost["dimensions"] == {"QueueName": "lakehouse-prod-undelivered"}
    assert (lost["threshold"], lost["comparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    # Without a schedule nobody has promised a run.
    assert not [m for m in graph_of("dev").of("MetricAlarm") if m.name == "alarm-run-missing"]


def test_failing_jobs_are_told(graph: Graph) -> None:
    rule = json.loads(graph.one("EventRule", "job-failed").inputs["eventPattern"])
    assert set(rule["detail"]["jobName"]) == {job.inputs["name"] for job in graph.of("Job")}
    target = graph.one("EventTarget", "job-failed-target").inputs
    assert target["arn"] == "arn:sns:topic-high"
    transform = target["inputTransformer"]
    assert set(re.findall("<([a-z]+)>", transform["inputTemplate"])) == set(transform["inputPaths"])


def test_the_quarantine_alarm_watches_what_the_filter_measures() -> None:
    graph = graph_of("prod")
    (found,) = graph.of("LogMetricFilter")
    alarm = graph.one("MetricAlarm", "alarm-quarantine").inputs
    measured = found.inputs["metricTransformation"]
    assert found.inputs["logGroupName"] == "/aws/lambda/lakehouse-prod-judge"
    assert (alarm["namespace"], alarm["metricName"]) == (measured["namespace"], measured["name"])
    assert measured["namespace"] == "lakehouse-prod"
    assert measured["value"] == "$.quarantine_percent"
    assert found.inputs["pattern"] == "{ $.quarantine_percent = * }"


def test_the_share_in_quarantine_is_of_all_rows() -> None:
    report = RunReport(run_time=datetime(2025, 4, 1, tzinfo=UTC), engine="spark")
    assert quarantine_percent(report) == 0
    report.entities["orders"] = EntityAccount(rows_read=300, held=5, rejected=4)
    report.entities["products"] = EntityAccount(rows_read=100, rejected=1)
    assert quarantine_percent(report) == 2.5


def test_those_who_are_configured_are_told() -> None:
    alerts = {
        "high": ["a@example.com"],
        "critical": ["a@example.com", "https://example.com/alerts"],
    }
    graph = declare("dev", {**values("dev"), "lakehouse:alerts": json.dumps(alerts)})
    told = {
        (m.inputs["topic"], m.inputs["protocol"], m.inputs["endpoint"])
        for m in graph.of("TopicSubscription")
    }
    assert told == {
        ("arn:sns:topic-high", "email", "a@example.com"),
        ("arn:sns:topic-critical", "email", "a@example.com"),
        ("arn:sns:topic-critical", "https", "https://example.com/alerts"),
    }


def test_the_budget_is_the_configured_one() -> None:
    (budget,) = graph_of("prod").of("Budget")
    assert (budget.inputs["limitAmount"], budget.inputs["timeUnit"]) == ("1000", "MONTHLY")
    assert budget.inputs["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:Environment$prod"]}
    ]
    assert not graph_of("local").of("Budget")


def test_the_dashboard_shows_what_there_is(graph: Graph) -> None:
    (made,) = graph.of("Dashboard")
    widgets = json.loads(made.inputs["dashboardBody"])["widgets"]
    shown = {word for w in widgets for m in w["properties"]["metrics"] for word in m}
    for kind in ("Job", "Function", "Queue"):
        assert {other.inputs["name"] for other in graph.of(kind)} <= shown
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places) == 8
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)


# --- What is asked -------------------------------------------------------------------------------


def test_the_workgroup_cannot_be_talked_out_of_its_settings() -> None:
    (workgroup,) = graph_of("prod").of("Workgroup")
    settings = workgroup.inputs["configuration"]
    assert settings["enforceWorkgroupConfiguration"] is True
    assert settings["bytesScannedCutoffPerQuery"] == 1024 * 1024**3
    assert settings["engineVersion"]["selectedEngineVersion"] == "Athena engine version 3"
    result = settings["resultConfiguration"]
    assert result["expectedBucketOwner"] == ACCOUNT
    assert result["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"


def test_every_query_file_becomes_a_named_query() -> None:
    files = {path.stem for path in (ROOT / "pipeline" / "queries").glob("*.sql")}
    made = {m.inputs["name"]: m.inputs for m in graph_of("prod").of("NamedQuery")}
    assert set(made) == files
    for query in made.values():
        assert query["database"] == "lakehouse_prod_gold"
        assert query["workgroup"] == "lakehouse-prod"
        assert len(query["description"]) <= 1024


def test_a_saved_query_asks_the_stack_and_says_what_it_answers() -> None:
    saved = {query.name: query.sql for query in queries(NAMES)}["customer_segments"]
    lines = saved.splitlines()
    comments = [line for line in lines if line.startswith("--")]
    assert comments[0] == "-- Customers by segment"
    assert any(line.startswith("--   customer_segment: ") for line in comments)
    assert lines[: len(comments)] == comments
    assert "FROM lakehouse_dev_gold.customer_insights" in saved


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.path)
def test_every_table_is_found_in_the_stack(table: Any) -> None:
    statement = f"FROM {table.layer}.{table.name}"
    expected = f"FROM lakehouse_dev_{table.layer}.{table.name}"
    assert in_stack(NAMES, statement) == expected
    assert in_stack(NAMES, f"{statement}_more") == f"{statement}_more"
