"""Policy documents: their words, and the list of everything that they cannot narrow down.

A statement names its actions in full and its resources by ARN. Where AWS knows no finer resource
than `*`, the statement is in `UNBOUNDED` with the reason; the tests hold every policy to that list.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]
Conditions = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True)
class Unbounded:
    """A permission on `*`, because AWS offers nothing finer.

    Attributes:
        sid: Name of the statement, the same wherever it stands.
        actions: Its actions.
        reason: Why `*`.
        conditions: What narrows it all the same.
    """

    sid: str
    actions: tuple[str, ...]
    reason: str
    conditions: tuple[tuple[str, str, str], ...] = ()


UNBOUNDED = (
    Unbounded(
        "Trace",
        (
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ),
        "X-Ray has no resource for traces.",
    ),
    Unbounded(
        "DeliverLogs",
        (
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ),
        "Step Functions logs through log deliveries, which have no resource of their own.",
    ),
    Unbounded(
        "JobMetrics",
        ("cloudwatch:PutMetricData",),
        "CloudWatch has no resource for metrics; the namespace narrows it.",
        (("StringEquals", "cloudwatch:namespace", "Glue"),),
    ),
    Unbounded(
        "SeeMetrics",
        ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics"),
        "CloudWatch has no resource for metrics.",
    ),
)

# Statements of resource policies whose `*` means the resource that they are attached to, or that
# forbid something to everybody.
OF_THE_RESOURCE = {
    "AccountAdministersKey": "In a key policy `*` is the key itself.",
    "ServicesUseKey": "In a key policy `*` is the key itself.",
    "LogsUseKey": "In a key policy `*` is the key itself.",
}


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Iterable[str],
    conditions: Conditions | None = None,
) -> Statement:
    """Return a statement that allows actions on resources."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(resources),
    }
    if conditions:
        statement["Condition"] = {kind: dict(found) for kind, found in conditions.items()}
    return statement


def deny(sid: str, actions: Sequence[str], resources: Iterable[str]) -> Statement:
    """Return a statement that takes back what another one allows."""
    return {**allow(sid, actions, resources), "Effect": "Deny"}


def unbounded(sid: str) -> Statement:
    """Return the statement of `UNBOUNDED` with this name."""
    entry = next(entry for entry in UNBOUNDED if entry.sid == sid)
    conditions: dict[str, dict[str, str | list[str]]] = {}
    for kind, key, value in entry.conditions:
        conditions.setdefault(kind, {})[key] = value
    return allow(sid, entry.actions, ["*"], conditions)


def document(*statements: Statement) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def text(policy: Mapping[str, Any]) -> str:
    """Return a policy as AWS takes it."""
    return json.dumps(policy, sort_keys=True)


def trust_of_service(service: str, account: str, *, bound: bool = True) -> dict[str, Any]:
    """Return who may take on a role: a service of AWS, acting for this account.

    Args:
        service: Principal of the service.
        account: This account.
        bound: Whether the service tells for which account it acts; Lambda does not.
    """
    statement: Statement = {
        "Sid": "Service",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if bound:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return document(statement)


def trust_of_principals(principals: Sequence[str], root: str) -> dict[str, Any]:
    """Return who may take on a role: these principals, or whom the account's own policies let.

    Args:
        principals: ARNs of IAM principals.
        root: ARN of the account's root, which stands for the account's own policies.
    """
    return document(
        {
            "Sid": "People",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(principals) or [root]},
            "Action": "sts:AssumeRole",
        }
    )


def tls_only(service: str, resources: Sequence[str]) -> Statement:
    """Return a statement of a resource policy that forbids calls without TLS."""
    return {
        "Sid": "OnlyWithTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def from_service(
    sid: str,
    services: Sequence[str],
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Conditions,
) -> Statement:
    """Return a statement of a resource policy that lets services of AWS in."""
    return {
        **allow(sid, actions, resources, conditions),
        "Principal": {"Service": sorted(services)},
    }
