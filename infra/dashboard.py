"""The dashboard of a stack, as the document that CloudWatch takes."""

from typing import Any

from infra.alarms import QUARANTINE
from infra.names import CONTROL, JOB_STEPS, Names

_WIDTH, _HEIGHT = 8, 6
_DAY = 24 * 3600


def dashboard(names: Names) -> dict[str, Any]:
    """Return the dashboard: runs, jobs, functions, queues, what was asked and what is stored."""
    machine = ["StateMachineArn", names.machine_arn]
    runs = [
        ["AWS/States", f"Executions{end}", *machine]
        for end in ("Succeeded", "Failed", "Aborted", "TimedOut")
    ]
    jobs = [
        [
            "Glue",
            "glue.driver.aggregate.elapsedTime",
            *("JobName", names.job(step), "JobRunId", "ALL", "Type", "count"),
        ]
        for step in JOB_STEPS
    ]
    errors = [["AWS/Lambda", "Errors", "FunctionName", names.of(duty)] for duty in CONTROL]
    queues = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", names.of(queue)]
        for queue in ("arrivals", "undelivered")
    ]
    stored = [
        [
            "AWS/S3",
            "BucketSizeBytes",
            *("BucketName", names.bucket(purpose), "StorageType", "StandardStorage"),
        ]
        for purpose in ("raw", "lake")
    ]
    duration = [["AWS/States", "ExecutionTime", *machine]]
    asked = [["AWS/Athena", "ProcessedBytes", "WorkGroup", names.stem]]
    share = [[names.stem, QUARANTINE]]
    panels: list[tuple[str, list[list[str]], str, int]] = [
        ("Runs", runs, "Sum", 3600),
        ("Longest run (ms)", duration, "Maximum", 3600),
        ("Rows in quarantine (%)", share, "Maximum", 3600),
        ("Work of the jobs (ms)", jobs, "Sum", 3600),
        ("Errors of the functions", errors, "Sum", 3600),
        ("Arrivals that wait, and what got lost", queues, "Maximum", 300),
        ("Read by queries (bytes)", asked, "Sum", 3600),
        ("Stored (bytes)", stored, "Average", _DAY),
    ]
    return {
        "widgets": [
            {
                "type": "metric",
                "x": (number % 3) * _WIDTH,
                "y": (number // 3) * _HEIGHT,
                "width": _WIDTH,
                "height": _HEIGHT,
                "properties": {
                    "title": title,
                    "metrics": metrics,
                    "stat": statistic,
                    "period": seconds,
                    "region": names.settings.region,
                    "view": "timeSeries",
                },
            }
            for number, (title, metrics, statistic, seconds) in enumerate(panels)
        ]
    }
