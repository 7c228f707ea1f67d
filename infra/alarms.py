"""The alarms of a stack, as data: what is measured, when it is too much, who is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.names import CONTROL, Names

# What the pipeline measures itself: the function that judges silver writes it into its log.
QUARANTINE = "QuarantinePercent"
# A line of the log that is JSON and has this field.
QUARANTINE_FIELD = "quarantine_percent"

_MINUTE, _HOUR = 60, 3600
_STATES, _SQS, _LAMBDA = "AWS/States", "AWS/SQS", "AWS/Lambda"


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Attributes:
        name: Name of the alarm.
        means: What it means, and what to do.
        severity: Topic that it goes to.
        namespace: Namespace of the metric.
        metric: Name of the metric.
        statistic: What is taken of the metric's values.
        threshold: Bound.
        dimensions: Dimensions of the metric.
        below: Whether it is too little rather than too much.
        seconds: Length of a period.
        periods: Periods in a row that have to be out of bounds.
        silence: What no data means: `notBreaching`, or `breaching`.
    """

    name: str
    means: str
    severity: str
    namespace: str
    metric: str
    statistic: str
    threshold: float
    dimensions: Mapping[str, str] = field(default_factory=dict)
    below: bool = False
    seconds: int = 5 * _MINUTE
    periods: int = 1
    silence: str = "notBreaching"


def alarms(names: Names) -> tuple[Alarm, ...]:
    """Return the alarms of a stack.

    That runs are missing is an alarm only where a schedule makes them; else silence is no fault.
    """
    return (
        *_of_runs(names),
        *(_missing(names) if names.settings.schedule.enabled else ()),
        *_of_queues(names),
        *_of_functions(names),
        Alarm(
            "quarantine",
            "More rows than usual went to quarantine: see the query quarantine_by_reason.",
            "medium",
            names.stem,
            QUARANTINE,
            "Maximum",
            names.settings.monitoring.quarantine_percent,
        ),
    )


def _machine(names: Names) -> dict[str, str]:
    return {"StateMachineArn": names.machine_arn}


def _of_runs(names: Names) -> tuple[Alarm, ...]:
    machine, minutes = _machine(names), names.settings.monitoring.run_minutes
    return (
        Alarm(
            "run-failed",
            "A run failed and was undone: the alert of the run says why.",
            "critical",
            _STATES,
            "ExecutionsFailed",
            "Sum",
            1,
            machine,
        ),
        Alarm(
            "run-aborted",
            "Somebody stopped a run: the next one undoes it first.",
            "high",
            _STATES,
            "ExecutionsAborted",
            "Sum",
            1,
            machine,
        ),
        Alarm(
            "run-slow",
            f"A run took longer than {minutes} minutes, its wait for its turn included.",
            "medium",
            _STATES,
            "ExecutionTime",
            "Maximum",
            minutes * _MINUTE * 1000,
            machine,
        ),
    )


def _missing(names: Names) -> tuple[Alarm, ...]:
    hours = names.settings.monitoring.success_hours
    return (
        Alarm(
            "run-missing",
            f"No run succeeded for {hours} hours: see the schedule, and runs that failed.",
            "critical",
            _STATES,
            "ExecutionsSucceeded",
            "Sum",
            1,
            _machine(names),
            below=True,
            seconds=_HOUR,
            periods=hours,
            silence="breaching",
        ),
    )


def _of_queues(names: Names) -> tuple[Alarm, ...]:
    return (
        Alarm(
            "undelivered",
            "An arrival or a scheduled start got lost: read the queue, then start a run by hand.",
            "critical",
            _SQS,
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            1,
            {"QueueName": names.of("undelivered")},
        ),
        Alarm(
            "arrivals-stuck",
            "Arrivals wait and begin no run: see whether the pipe runs.",
            "high",
            _SQS,
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            30 * _MINUTE,
            {"QueueName": names.of("arrivals")},
        ),
    )


def _of_functions(names: Names) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(
            f"function-{duty}",
            f"The function {names.of(duty)} failed; the workflow tries again. See its log.",
            "low",
            _LAMBDA,
            "Errors",
            "Sum",
            1,
            {"FunctionName": names.of(duty)},
        )
        for duty in CONTROL
    )
