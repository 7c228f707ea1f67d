"""The duties of the stack, and what each role may do: exact actions on exact resources.

Documents are made of plain names, so that they can be read, linted and tried without a cloud. A duty
is somebody's task: the jobs', a Lambda function's, the state machine's, a person's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.names import JOB_STEPS, LAYERS, SEVERITIES, Names
from infra.policies import (
    Statement,
    allow,
    document,
    trust_of_principals,
    trust_of_service,
    unbounded,
)
from pipeline.workflow import WORKFLOW, Actor, Step

# Which Lambda function does which step. A function has a role of its own, so a step that needs
# other rights than these needs another duty.
CONTROL: Mapping[str, tuple[Step, ...]] = {
    "judge": (Step.VALIDATE_BRONZE, Step.VALIDATE_SILVER, Step.VALIDATE_GOLD),
    "publish": (Step.UPDATE_CATALOG,),
    "file-away": (Step.ARCHIVE, Step.REJECT),
}

_READ = ("s3:GetObject",)
_WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject")
_MOVE = ("s3:GetObjectTagging", "s3:PutObjectTagging")
_USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
# The run's own documents in the lake's root: its notes between steps, its results, the marker.
_NOTES = ("_*", "lakehouse.json")


@dataclass(frozen=True)
class Duty:
    """A role to be: who may take it on, and what it may do.

    Attributes:
        name: Name of the duty.
        does: What it is for.
        trust: Who may take it on.
        statements: What it may do.
    """

    name: str
    does: str
    trust: dict[str, Any]
    statements: tuple[Statement, ...]

    @property
    def policy(self) -> dict[str, Any]:
        """What it may do, as a policy."""
        return document(*self.statements)


def duty_of(step: Step) -> str:
    """Return the Lambda function that does a step.

    Raises:
        KeyError: No duty has it; `CONTROL` has to name one.
    """
    for duty, steps in CONTROL.items():
        if step in steps:
            return duty
    raise KeyError(step)


def duties(names: Names, key: str) -> dict[str, Duty]:
    """Return all duties by name.

    Args:
        names: Names of the stack.
        key: ARN of the stack's KMS key.
    """
    found = (
        _engine(names, key),
        *_control(names, key),
        _machine(names, key),
        _pipe(names, key),
        _scheduler(names, key),
        _analyst(names, key),
        _operator(names, key),
        _producer(names, key),
    )
    return {duty.name: duty for duty in found}


# --- Words that several duties use ---------------------------------------------------------------


def _list(names: Names, sid: str, bucket: str, *prefixes: str) -> Statement:
    """Allow to list what lies below some prefixes of a bucket."""
    conditions = {"StringLike": {"s3:prefix": list(prefixes)}}
    return allow(sid, ["s3:ListBucket"], [names.bucket_arn(bucket)], conditions)


def _locate(names: Names, *buckets: str) -> Statement:
    arns = [names.bucket_arn(bucket) for bucket in buckets]
    return allow("Locate", ["s3:GetBucketLocation"], arns)


def _key(names: Names, key: str, *services: str) -> Statement:
    """Allow to use the key, on behalf of some services only where it can be said."""
    if not services:
        return allow("UseKey", _USE_KEY, [key])
    via = [f"{service}.{names.settings.region}.amazonaws.com" for service in services]
    return allow("UseKey", _USE_KEY, [key], {"StringEquals": {"kms:ViaService": via}})


def _log_groups(names: Names, group: str) -> list[str]:
    return [names.arn("logs", f"log-group:{group}"), names.arn("logs", f"log-group:{group}:*")]


# --- Services ------------------------------------------------------------------------------------


def _engine(names: Names, key: str) -> Duty:
    layers = [pattern for layer in LAYERS for pattern in (f"{layer}/*", f"{layer}_$folder$")]
    tables = names.objects_arn("lake", *layers, *_NOTES)
    code = names.objects_arn("artifacts", "scripts/*", "wheels/*")
    temporary = names.objects_arn("artifacts", "temporary/*", "temporary_$folder$")
    statements = (
        _locate(names, "raw", "lake", "artifacts"),
        _list(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow("ReadDeliveries", _READ, names.objects_arn("raw", "landing/*")),
        allow("ListLake", ["s3:ListBucket"], [names.bucket_arn("lake")]),
        allow("WriteLake", (*_READ, *_WRITE, "s3:ListMultipartUploadParts"), tables),
        allow("ReadCode", _READ, code),
        _list(names, "ListTemporary", "artifacts", "temporary", "temporary*"),
        allow("WriteTemporary", (*_READ, *_WRITE), temporary),
        # The security configuration encrypts under this key without going through a service.
        allow("UseKey", (*_USE_KEY, "kms:DescribeKey", "kms:Encrypt"), [key]),
        allow(
            "WriteLogs",
            (
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ),
            _log_groups(names, f"{names.job_logs}/*"),
        ),
        unbounded("JobMetrics"),
    )
    return Duty(
        "engine",
        "The Glue jobs: read deliveries, write the lake.",
        trust_of_service("glue.amazonaws.com", names.account),
        statements,
    )


def _control(names: Names, key: str) -> tuple[Duty, ...]:
    """Return the duties of the Lambda functions."""
    more: Mapping[str, tuple[str, Callable[[], tuple[Statement, ...]]]] = {
        "judge": ("Judge what the steps measured.", tuple),
        "publish": ("Publish versions to the catalog.", lambda: _catalog_writing(names)),
        "file-away": ("Move decided files.", lambda: _moving(names)),
    }
    return tuple(
        Duty(
            duty,
            f"A Lambda function. {does}",
            trust_of_service("lambda.amazonaws.com", names.account, bound=False),
            (
                _list(names, "ListNotes", "lake", *_NOTES),
                allow("KeepNotes", (*_READ, *_WRITE), names.objects_arn("lake", *_NOTES)),
                *statements(),
                _key(names, key, "s3"),
                allow(
                    "WriteLogs",
                    ("logs:CreateLogStream", "logs:PutLogEvents"),
                    [names.arn("logs", f"log-group:/aws/lambda/{names.of(duty)}:*")],
                ),
                unbounded("Trace"),
            ),
        )
        for duty, (does, statements) in more.items()
    )


def _tables(names: Names, *layers: str) -> list[str]:
    """Return the ARNs of the catalog, some databases and their tables: Glue asks for all three."""
    databases = [names.database(layer) for layer in layers]
    return [
        names.arn("glue", "catalog"),
        *(names.arn("glue", f"database/{database}") for database in databases),
        *(names.arn("glue", f"table/{database}/*") for database in databases),
    ]


def _catalog_writing(names: Names) -> tuple[Statement, ...]:
    logs = [f"{layer}/*/_delta_log/*" for layer in LAYERS]
    return (
        _list(names, "ListLogs", "lake", *(f"{layer}/*" for layer in LAYERS)),
        allow("ReadLogs", _READ, names.objects_arn("lake", *logs)),
        allow(
            "UpdateCatalog",
            ("glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
            _tables(names, *LAYERS),
        ),
    )


def _moving(names: Names) -> tuple[Statement, ...]:
    return (
        _list(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow(
            "MoveDeliveries", (*_READ, *_WRITE, *_MOVE), names.objects_arn("raw", "landing/*")
        ),
    )


def _machine(names: Names, key: str) -> Duty:
    jobs = [names.arn("glue", f"job/{names.job(step)}") for step in JOB_STEPS]
    executions = names.arn("states", f"execution:{names.of('run')}:*")
    run_jobs = ("glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun")
    statements = (
        _list(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow("ReadResults", _READ, names.objects_arn("lake", "_results/*")),
        allow("RunJobs", run_jobs, jobs),
        allow("CallFunctions", ["lambda:InvokeFunction"], map(names.function_arn, CONTROL)),
        allow("Notify", ["sns:Publish"], map(names.topic_arn, SEVERITIES)),
        allow("TakeTurn", ("dynamodb:GetItem", "dynamodb:PutItem"), [names.turn_table_arn]),
        allow("AskOthers", ["states:DescribeExecution"], [executions]),
        _key(names, key),
        unbounded("DeliverLogs"),
        unbounded("Trace"),
    )
    return Duty(
        "machine",
        "The state machine: run jobs and functions, notify.",
        trust_of_service("states.amazonaws.com", names.account),
        statements,
    )


def _pipe(names: Names, key: str) -> Duty:
    take = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    return Duty(
        "pipe",
        "The pipe from arrivals to runs.",
        trust_of_service("pipes.amazonaws.com", names.account),
        (
            allow("TakeArrivals", take, [names.queue_arn("arrivals")]),
            allow("StartRuns", ["states:StartExecution"], [names.machine_arn]),
            _key(names, key),
        ),
    )


def _scheduler(names: Names, key: str) -> Duty:
    return Duty(
        "scheduler",
        "The schedule that starts runs.",
        trust_of_service("scheduler.amazonaws.com", names.account),
        (
            allow("StartRuns", ["states:StartExecution"], [names.machine_arn]),
            allow("KeepUndelivered", ["sqs:SendMessage"], [names.queue_arn("undelivered")]),
            _key(names, key),
        ),
    )


# --- People and other systems --------------------------------------------------------------------


def _people(names: Names, principals: tuple[str, ...]) -> dict[str, Any]:
    root = f"arn:{names.settings.partition}:iam::{names.account}:root"
    return trust_of_principals(principals, root)


def _analyst(names: Names, key: str) -> Duty:
    query = (
        "athena:BatchGetNamedQuery",
        "athena:GetNamedQuery",
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:GetWorkGroup",
        "athena:ListNamedQueries",
        "athena:ListQueryExecutions",
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
    )
    read_catalog = (
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetPartition",
        "glue:GetPartitions",
        "glue:GetTable",
        "glue:GetTables",
    )
    return Duty(
        "analyst",
        "People who ask questions of gold.",
        _people(names, names.settings.access.analysts),
        (
            allow("Query", query, [names.workgroup_arn]),
            allow("ReadCatalog", read_catalog, _tables(names, "gold")),
            _locate(names, "lake", "results"),
            _list(names, "ListGold", "lake", "gold/*"),
            allow("ReadGold", _READ, names.objects_arn("lake", "gold/*")),
            _list(names, "ListAnswers", "results", "answers/*"),
            allow(
                "KeepAnswers",
                ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
                names.objects_arn("results", "answers/*"),
            ),
            _key(names, key, "s3"),
        ),
    )


def _operator(names: Names, key: str) -> Duty:
    executions = names.arn("states", f"execution:{names.of('run')}:*")
    jobs = [names.arn("glue", f"job/{names.job(step)}") for step in JOB_STEPS]
    groups = (
        f"{names.job_logs}/*",
        *(f"/aws/lambda/{names.of(duty)}" for duty in CONTROL),
        f"/aws/vendedlogs/states/{names.of('run')}",
    )
    return Duty(
        "operator",
        "People who run the lakehouse: start and look, change nothing.",
        _people(names, names.settings.access.operators),
        (
            allow(
                "StartRuns",
                ("states:DescribeStateMachine", "states:ListExecutions", "states:StartExecution"),
                [names.machine_arn],
            ),
            allow(
                "FollowRuns",
                (
                    "states:DescribeExecution",
                    "states:GetExecutionHistory",
                    "states:StopExecution",
                ),
                [executions],
            ),
            allow("FollowJobs", ("glue:GetJobRun", "glue:GetJobRuns"), jobs),
            allow(
                "ReadLogs",
                ("logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery"),
                [arn for group in groups for arn in _log_groups(names, group)],
            ),
            _list(names, "ListDeliveries", "raw", "landing", "landing/*"),
            _list(names, "ListResults", "lake", "_results/*"),
            allow(
                "ReadResults",
                _READ,
                [
                    *names.objects_arn("lake", "_results/*"),
                    *names.objects_arn("raw", "landing/rejected/*"),
                ],
            ),
            allow(
                "SeeUndelivered",
                ("sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                [names.queue_arn("undelivered"), names.queue_arn("arrivals")],
            ),
            unbounded("SeeMetrics"),
            _key(names, key, "s3", "sqs"),
        ),
    )


def _producer(names: Names, key: str) -> Duty:
    """Return the duty of those who deliver: they may write files and see nothing."""
    return Duty(
        "producer",
        "Systems that deliver files.",
        _people(names, names.settings.access.producers),
        (
            allow(
                "Deliver",
                ("s3:AbortMultipartUpload", "s3:PutObject"),
                names.objects_arn("raw", "landing/*"),
            ),
            _key(names, key, "s3"),
        ),
    )


def unassigned() -> list[Step]:
    """Return the control steps of the workflow that no function does."""
    assigned = {step for steps in CONTROL.values() for step in steps}
    control = [state.step for state in WORKFLOW if state.actor is Actor.CONTROL]
    return [step for step in control if step not in assigned]
