"""What the roles may do: exact actions and resources, linted, and `*` only where AWS forces it."""

import json
from collections.abc import Iterator
from typing import Any

import parliament
import pytest

from infra.policies import OF_THE_RESOURCE, UNBOUNDED
from tests.infra.graph import ACCOUNT, ENVIRONMENTS, Graph, Made, graph_of

Statement = dict[str, Any]

# Findings that are wrong, with the reason.
WRONG_FINDINGS = {
    # Its data asks for a resource of every kind that an action may be about; one is enough.
    ("RESOURCE_MISMATCH", "states:DescribeExecution"),
    ("RESOURCE_MISMATCH", "states:ListExecutions"),
}
SERVICES = {
    "engine": "glue.amazonaws.com",
    "judge": "lambda.amazonaws.com",
    "publish": "lambda.amazonaws.com",
    "file-away": "lambda.amazonaws.com",
    "machine": "states.amazonaws.com",
    "pipe": "pipes.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}
PEOPLE = ("analyst", "operator", "producer")


def listed(value: str | list[str]) -> list[str]:
    """Return one or several words as a list."""
    return [value] if isinstance(value, str) else value


def policies(graph: Graph) -> Iterator[tuple[Made, list[Statement]]]:
    """Yield every resource that carries a policy of any kind, with its statements."""
    for made in graph.made:
        if "policy" in made.inputs:
            yield made, json.loads(made.inputs["policy"])["Statement"]


def of_role(graph: Graph, duty: str) -> list[Statement]:
    """Return what a duty's role may do."""
    made = graph.one("RolePolicy", f"policy-{duty}")
    statements: list[Statement] = json.loads(made.inputs["policy"])["Statement"]
    return statements


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_there_is_a_role_for_every_duty(environment: str) -> None:
    roles = {made.name.removeprefix("role-"): made for made in graph_of(environment).of("Role")}
    ci = {name for name in roles if name.startswith("ci-")}
    assert set(roles) - ci == {*SERVICES, *PEOPLE}
    policies = {
        made.name.removeprefix("policy-") for made in graph_of(environment).of("RolePolicy")
    }
    assert policies - ci == {*SERVICES, *PEOPLE}
    for duty, service in SERVICES.items():
        (trust,) = json.loads(roles[duty].inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": service}
        if duty not in {"judge", "publish", "file-away"}:  # Lambda does not say for whom it acts.
            assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    for duty in PEOPLE:
        (trust,) = json.loads(roles[duty].inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}


def test_no_wildcard_outside_the_list(graph: Graph) -> None:
    """No action has one; `*` as a resource stands in the list with exactly these actions."""
    known = {entry.sid: set(entry.actions) for entry in UNBOUNDED}
    for made, statements in policies(graph):
        for statement in statements:
            if statement["Effect"] == "Deny":
                continue
            where = f"{made.name}: {statement['Sid']}"
            actions, resources = listed(statement["Action"]), listed(statement["Resource"])
            if statement["Sid"] in OF_THE_RESOURCE:
                assert made.type == "aws:kms/key:Key", where
                continue
            assert not any("*" in action for action in actions), where
            if "*" in resources:
                assert set(actions) == known[statement["Sid"]], where
            for resource in set(resources) - {"*"}:
                service, account, name = (resource.split(":")[n] for n in (2, 4, 5))
                assert service, where
                assert account == ("" if service in {"s3", "iam"} else ACCOUNT), where
                # A pattern goes on from a name of the stack's own.
                assert "lakehouse" in name or service in {"kms", "glue"} or "lakehouse" in resource
                assert not name.startswith("*"), where


def test_every_entry_of_the_list_is_needed_and_has_no_finer_resource() -> None:
    """Held against the service definitions that AWS publishes."""
    used = {
        statement["Sid"]
        for _, statements in policies(graph_of("prod"))
        for statement in statements
        if "*" in listed(statement.get("Resource", []))
    }
    assert used == {entry.sid for entry in UNBOUNDED} | set(OF_THE_RESOURCE)
    kinds = {
        f"{service['prefix']}:{privilege['privilege']}": privilege["resource_types"]
        for service in parliament.iam_definition
        for privilege in service["privileges"]
    }
    for entry in UNBOUNDED:
        assert entry.reason.endswith(".")
        for action in entry.actions:
            assert {kind["resource_type"] for kind in kinds[action]} == {""}, action


@pytest.mark.parametrize("duty", [*SERVICES, *PEOPLE])
def test_the_linter_finds_nothing(duty: str) -> None:
    """Actions exist, resources fit them, conditions are known to them."""
    policy = graph_of("prod").one("RolePolicy", f"policy-{duty}").inputs["policy"]
    found = [
        finding
        for finding in parliament.analyze_policy_string(policy).findings
        if not _is_wrong(finding)
    ]
    assert not found, "\n".join(map(str, found))


def _is_wrong(finding: Any) -> bool:
    details = finding.detail if isinstance(finding.detail, list) else []
    actions = [detail["action"] for detail in details if isinstance(detail, dict)]
    return bool(actions) and all((finding.issue, action) in WRONG_FINDINGS for action in actions)


def test_the_linter_would_find_something() -> None:
    wrong = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": ["glue:StartJobbRun"],
            "Resource": "arn:aws:glue:eu-central-1:123456789012:jobs/x",
        },
    }
    issues = {f.issue for f in parliament.analyze_policy_string(json.dumps(wrong)).findings}
    assert issues == {"UNKNOWN_ACTION"}
    wrong["Statement"]["Action"] = "glue:StartJobRun"  # type: ignore[index]  # a literal of mixed types
    issues = {f.issue for f in parliament.analyze_policy_string(json.dumps(wrong)).findings}
    assert issues == {"RESOURCE_MISMATCH"}


def test_rights_on_objects_name_objects_and_rights_on_buckets_name_buckets(graph: Graph) -> None:
    """The linter does not tell these two apart."""
    of_buckets = {"s3:ListBucket", "s3:GetBucketLocation", "s3:DeleteBucket"}
    for made, statements in policies(graph):
        for statement in statements:
            actions = {a for a in listed(statement["Action"]) if a.startswith("s3:")}
            if statement["Effect"] == "Allow" and actions:
                arns = {resource.partition(":::")[2] for resource in listed(statement["Resource"])}
                assert {"/" in arn for arn in arns} == {not actions & of_buckets}, made.name


def test_resource_policies_are_linted_too() -> None:
    """What they allow; what they deny to all is held word by word in test_properties."""
    seen = 0
    for made, statements in policies(graph_of("prod")):
        allowed = [s for s in statements if s["Effect"] == "Allow" and "Principal" in s]
        if not allowed or made.type == "aws:kms/key:Key":
            continue
        document = {"Version": "2012-10-17", "Statement": allowed}
        findings = parliament.analyze_policy_string(json.dumps(document)).findings
        assert not findings, f"{made.name}: {findings}"
        seen += 1
    assert seen == 7  # Access logs, two queues, four topics.


def test_the_key_serves_the_account_and_four_services() -> None:
    (key,) = graph_of("prod").of("Key")
    root, services, logs = json.loads(key.inputs["policy"])["Statement"]
    assert root["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}
    assert services["Principal"]["Service"] == [
        *("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"),
    ]
    assert services["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert services["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert logs["Principal"] == {"Service": ["logs.eu-central-1.amazonaws.com"]}
    context = "kms:EncryptionContext:aws:logs:arn"
    pattern = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:*"
    assert logs["Condition"] == {"ArnLike": {context: pattern}}


# --- Who may touch what --------------------------------------------------------------------------


def touching(statements: list[Statement], action: str) -> set[str]:
    """Return the resources on which an action is allowed."""
    return {
        resource
        for statement in statements
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def test_only_the_engine_writes_tables() -> None:
    graph = graph_of("prod")
    lake = f"arn:aws:s3:::lakehouse-prod-lake-{ACCOUNT}-eu-central-1/"
    for duty in (*SERVICES, *PEOPLE):
        written = {
            resource.removeprefix(lake)
            for resource in touching(of_role(graph, duty), "s3:PutObject")
            if resource.startswith(lake)
        }
        if duty == "engine":
            assert {
                "bronze/*",
                "silver/*",
                "quarantine/*",
                "interim/*",
                "gold/*",
                "meta/*",
            } <= written
        elif duty in {"judge", "publish", "file-away"}:
            assert written == {"_*", "lakehouse.json"}
        else:
            assert not written


def test_only_who_files_away_deletes_deliveries() -> None:
    raw = f"arn:aws:s3:::lakehouse-prod-raw-{ACCOUNT}-eu-central-1/"
    deleting = {
        duty
        for duty in (*SERVICES, *PEOPLE)
        if any(
            r.startswith(raw) for r in touching(of_role(graph_of("prod"), duty), "s3:DeleteObject")
        )
    }
    assert deleting == {"file-away"}


def test_an_analyst_reads_gold_and_nothing_else() -> None:
    statements = of_role(graph_of("prod"), "analyst")
    bucket = f"arn:aws:s3:::lakehouse-prod-{{}}-{ACCOUNT}-eu-central-1/"
    assert touching(statements, "s3:GetObject") == {
        bucket.format("lake") + "gold/*",
        bucket.format("results") + "answers/*",
    }
    assert touching(statements, "s3:PutObject") == {bucket.format("results") + "answers/*"}
    where = f"arn:aws:glue:eu-central-1:{ACCOUNT}:"
    assert touching(statements, "glue:GetTable") == {
        f"{where}catalog",
        f"{where}database/lakehouse_prod_gold",
        f"{where}table/lakehouse_prod_gold/*",
    }
    verbs = {a.partition(":")[2] for s in statements for a in listed(s["Action"])}
    assert not [v for v in verbs if v.startswith(("Create", "Delete", "Update"))]


def test_nobody_creates_keys_users_or_roles() -> None:
    """No long-lived keys: no user is made, and no role of the stack can make one."""
    graph = graph_of("prod")
    assert not [made for made in graph.made if made.type == "aws:iam/user:User"]
    assert not [made for made in graph.made if "accessKey" in made.type]
    duties = (*SERVICES, *PEOPLE)
    actions = {a for d in duties for s in of_role(graph, d) for a in listed(s["Action"])}
    assert not [action for action in actions if action.startswith(("iam:", "sts:"))]
