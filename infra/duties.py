"""The duties of the stack, and what each role may do: exact actions on exact resources.

Documents are made of plain names, so that they can be read, linted and tried without a cloud. A
duty is somebody's task: the jobs', a Lambda function's, the state machine's, a person's.
"""

from collections.abc import Callable, Mapping

from infra.names import CONTROL, JOB_STEPS, LAYERS, SEVERITIES, Names
from infra.people import people
from infra.policies import Statement, allow, trust_of_service, unbounded
from infra.rights import (
    READ,
    USE_KEY,
    WRITE,
    Duty,
    catalog_of,
    list_below,
    locate,
    log_groups,
    use_key,
)

_MOVE = ("s3:GetObjectTagging", "s3:PutObjectTagging")
# The run's own documents in the lake's root: its notes between steps, its results, the marker.
_NOTES = ("_*", "lakehouse.json")


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
        *people(names, key),
    )
    return {duty.name: duty for duty in found}


# --- Services ------------------------------------------------------------------------------------


def _engine(names: Names, key: str) -> Duty:
    layers = [pattern for layer in LAYERS for pattern in (f"{layer}/*", f"{layer}_$folder$")]
    tables = names.objects_arn("lake", *layers, *_NOTES)
    code = names.objects_arn("artifacts", "scripts/*", "wheels/*")
    temporary = names.objects_arn("artifacts", "temporary/*", "temporary_$folder$")
    statements = (
        locate(names, "raw", "lake", "artifacts"),
        list_below(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow("ReadDeliveries", READ, names.objects_arn("raw", "landing/*")),
        allow("ListLake", ["s3:ListBucket"], [names.bucket_arn("lake")]),
        allow("WriteLake", (*READ, *WRITE, "s3:ListMultipartUploadParts"), tables),
        allow("ReadCode", READ, code),
        list_below(names, "ListTemporary", "artifacts", "temporary", "temporary*"),
        allow("WriteTemporary", (*READ, *WRITE), temporary),
        # The security configuration encrypts under this key without going through a service.
        allow("UseKey", (*USE_KEY, "kms:DescribeKey", "kms:Encrypt"), [key]),
        allow(
            "WriteLogs",
            (
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ),
            log_groups(names, f"{names.job_logs}/*"),
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
                list_below(names, "ListNotes", "lake", *_NOTES),
                allow("KeepNotes", (*READ, *WRITE), names.objects_arn("lake", *_NOTES)),
                *statements(),
                # Lambda reads the function's environment in its name.
                use_key(names, key, "lambda", "s3"),
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


def _catalog_writing(names: Names) -> tuple[Statement, ...]:
    logs = [f"{layer}/*/_delta_log/*" for layer in LAYERS]
    return (
        list_below(names, "ListLogs", "lake", *(f"{layer}/*" for layer in LAYERS)),
        allow("ReadLogs", READ, names.objects_arn("lake", *logs)),
        allow(
            "UpdateCatalog",
            ("glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
            catalog_of(names, *LAYERS),
        ),
    )


def _moving(names: Names) -> tuple[Statement, ...]:
    return (
        list_below(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow("MoveDeliveries", (*READ, *WRITE, *_MOVE), names.objects_arn("raw", "landing/*")),
    )


def _machine(names: Names, key: str) -> Duty:
    jobs = [names.arn("glue", f"job/{names.job(step)}") for step in JOB_STEPS]
    executions = names.arn("states", f"execution:{names.of('run')}:*")
    run_jobs = ("glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun")
    statements = (
        list_below(names, "ListDeliveries", "raw", "landing", "landing/*"),
        allow("ReadResults", READ, names.objects_arn("lake", "_results/*")),
        allow("RunJobs", run_jobs, jobs),
        allow("CallFunctions", ["lambda:InvokeFunction"], map(names.function_arn, CONTROL)),
        allow("Notify", ["sns:Publish"], map(names.topic_arn, SEVERITIES)),
        allow("TakeTurn", ("dynamodb:GetItem", "dynamodb:PutItem"), [names.turn_table_arn]),
        allow("AskOthers", ["states:DescribeExecution"], [executions]),
        use_key(names, key),
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
            use_key(names, key),
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
            use_key(names, key),
        ),
    )
