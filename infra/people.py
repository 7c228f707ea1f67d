"""The duties of people and of other systems."""

from typing import Any

from infra.names import CONTROL, JOB_STEPS, PUT_ASIDE, Names
from infra.policies import allow, deny, trust_of_principals, unbounded
from infra.rights import (
    READ,
    Duty,
    catalog_of,
    list_below,
    locate,
    log_groups,
    use_key,
)


def people(names: Names, key: str) -> tuple[Duty, ...]:
    """Return the duties of people and of other systems.

    Args:
        names: Names of the stack.
        key: ARN of the stack's KMS key.
    """
    return _analyst(names, key), _operator(names, key), _producer(names, key)


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
            allow("ReadCatalog", read_catalog, catalog_of(names, "gold")),
            locate(names, "lake", "results"),
            list_below(names, "ListGold", "lake", "gold/*"),
            allow("ReadGold", READ, names.objects_arn("lake", "gold/*")),
            list_below(names, "ListAnswers", "results", "answers/*"),
            allow(
                "KeepAnswers",
                (
                    "s3:AbortMultipartUpload",
                    "s3:GetObject",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ),
                names.objects_arn("results", "answers/*"),
            ),
            use_key(names, key, "s3"),
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
                ("logs:FilterLogEvents", "logs:GetLogEvents"),
                [arn for group in groups for arn in log_groups(names, group)],
            ),
            list_below(names, "ListDeliveries", "raw", "landing", "landing/*"),
            list_below(names, "ListResults", "lake", "_results/*"),
            allow(
                "ReadResults",
                READ,
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
            use_key(names, key, "s3", "sqs", "states"),
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
            deny(
                "LeaveArchiveAlone",
                ["s3:PutObject"],
                names.objects_arn("raw", *(f"landing/{name}/*" for name in PUT_ASIDE)),
            ),
            use_key(names, key, "s3"),
        ),
    )
