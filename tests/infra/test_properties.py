"""What holds for every resource of every environment: nothing is made that is not held to it."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from infra.emulator import schema
from tests.infra.graph import ACCOUNT, ENVIRONMENTS, KEY, Graph, Made, declare, graph_of, values

REQUIRED_TAGS = {"Project", "Environment", "Owner", "CostCenter", "ManagedBy"}

# Where each kind says that it is encrypted under the stack's key. A kind that is in neither list
# fails the test: whoever adds one has to say which it is.
ENCRYPTED = {
    "BucketServerSideEncryptionConfiguration": (
        "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId"
    ),
    "Function": "kmsKeyArn",
    "LogGroup": "kmsKeyId",
    "Queue": "kmsMasterKeyId",
    "Schedule": "kmsKeyArn",
    "SecurityConfiguration": "encryptionConfiguration.s3Encryption.kmsKeyArn",
    "StateMachine": "encryptionConfiguration.kmsKeyId",
    "Table": "serverSideEncryption.kmsKeyArn",
    "Topic": "kmsMasterKeyId",
    "Workgroup": "configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn",
}
HOLDS_NO_DATA = {
    # Settings of a bucket, which is encrypted by its own resource; objects follow the bucket.
    *("Bucket", "BucketLifecycleConfiguration", "BucketLogging", "BucketNotification"),
    *("BucketObjectLockConfiguration", "BucketObjectv2", "BucketOwnershipControls"),
    *("BucketPolicy", "BucketPublicAccessBlock", "BucketVersioning"),
    # The key itself, and who may do what.
    *("Alias", "Key", "QueuePolicy", "Role", "RolePolicy", "TopicPolicy", "TopicSubscription"),
    # Declarations without data of their own; jobs are held to the security configuration below.
    *("Budget", "CatalogDatabase", "CatalogTable", "Dashboard", "EventRule", "EventTarget", "Job"),
    *("LogMetricFilter", "MetricAlarm", "NamedQuery", "Pipe", "ScheduleGroup"),
}


def at(made: Made, path: str) -> Any:
    """Return what stands at a place of a resource's inputs; None where nothing does."""
    found: Any = made.inputs
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else (found or {}).get(part)
    return found


def cloud(graph: Graph) -> Iterator[Made]:
    """Yield the resources that are made in AWS."""
    return (made for made in graph.made if made.type.startswith("aws:"))


def kind(made: Made) -> str:
    """Return the last part of a type token."""
    return made.type.rpartition(":")[2]


def test_every_kind_that_holds_data_is_encrypted_under_the_key_of_the_stack(graph: Graph) -> None:
    for made in cloud(graph):
        assert (kind(made) in ENCRYPTED) != (kind(made) in HOLDS_NO_DATA), made.type
        if made.name == "logs-encryption":
            # S3 delivers access logs to no bucket that is encrypted otherwise.
            by = at(made, "rules.0.applyServerSideEncryptionByDefault")
            assert by == {"sseAlgorithm": "AES256"}
        elif kind(made) in ENCRYPTED:
            key = at(made, ENCRYPTED[kind(made)])
            assert key in {KEY, "key-id"}, f"{made.name}: {key}"
    for job in graph.of("Job"):
        assert job.inputs["securityConfiguration"] == f"lakehouse-{environment(graph)}"
    (security,) = graph.of("SecurityConfiguration")
    parts = security.inputs["encryptionConfiguration"].values()
    assert [part["kmsKeyArn"] for part in parts] == [KEY] * 3


def environment(graph: Graph) -> str:
    """Return the environment that a graph is of."""
    (key,) = graph.of("Key")
    return str(key.inputs["tags"]["Environment"])


def test_the_key_is_rotated_and_deleted_late(graph: Graph) -> None:
    (key,) = graph.of("Key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == (30 if environment(graph) == "prod" else 7)


def test_every_bucket_is_closed_versioned_and_tidied(graph: Graph) -> None:
    """For each bucket: each of its settings is there, and says what it has to."""
    buckets = graph.of("Bucket")
    assert {made.name for made in buckets} == {"raw", "lake", "artifacts", "results", "logs"}
    for bucket in buckets:
        name, purpose = bucket.inputs["bucket"], bucket.name
        expected = f"lakehouse-{environment(graph)}-{purpose}-{ACCOUNT}-eu-central-1"
        assert name == expected
        assert len(name) <= 63

        def setting(kind: str, name: str = name) -> dict[str, Any]:
            (found,) = [made for made in graph.of(kind) if made.inputs["bucket"] == name]
            return found.inputs

        closed = setting("BucketPublicAccessBlock")
        assert {closed[key] for key in closed if key != "bucket"} == {True}
        assert len(closed) == 5
        assert setting("BucketOwnershipControls")["rule"] == {
            "objectOwnership": "BucketOwnerEnforced"
        }
        assert setting("BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
        encryption = setting("BucketServerSideEncryptionConfiguration")["rules"][0]
        assert encryption["bucketKeyEnabled"] is (purpose != "logs")
        rules = setting("BucketLifecycleConfiguration")["rules"]
        assert all(rule["status"] == "Enabled" for rule in rules)
        everything = [rule for rule in rules if rule["filter"]["prefix"] == ""]
        assert any("noncurrentVersionExpiration" in rule for rule in everything)
        assert any("abortIncompleteMultipartUpload" in rule for rule in everything)
        if purpose == "logs":
            assert any(rule.get("expiration", {}).get("days") for rule in everything)
        else:
            logging = setting("BucketLogging")
            assert logging["targetBucket"] == name.replace(f"-{purpose}-", "-logs-")
            assert logging["targetPrefix"] == f"{purpose}/"


def test_nobody_is_heard_without_tls(graph: Graph) -> None:
    """Buckets, queues and topics refuse it themselves, whatever a role may do."""
    policies = {
        "s3:*": graph.of("BucketPolicy"),
        "sqs:*": graph.of("QueuePolicy"),
        "sns:Publish": graph.of("TopicPolicy"),
    }
    assert [len(found) for found in policies.values()] == [5, 2, 4]
    for action, found in policies.items():
        for made in found:
            statements = json.loads(made.inputs["policy"])["Statement"]
            refusal = {"Bool": {"aws:SecureTransport": "false"}}
            (denied,) = [s for s in statements if s.get("Condition") == refusal]
            assert denied["Effect"] == "Deny"
            assert denied["Principal"] == "*"
            assert denied["Action"] == action
    for made in policies["s3:*"]:
        old = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
        statements = json.loads(made.inputs["policy"])["Statement"]
        (denied,) = [s for s in statements if s.get("Condition") == old]
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
        bucket = f"arn:aws:s3:::{made.inputs['bucket']}"
        assert denied["Resource"] == [bucket, f"{bucket}/*"]


def test_everything_that_can_have_tags_has_them(graph: Graph) -> None:
    for made in cloud(graph):
        if "tags" in schema._declared(schema._arguments(made.type)):
            tags = made.inputs.get("tags", {})
            assert set(tags) >= REQUIRED_TAGS, made.name
            assert tags["Environment"] == environment(graph)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_logs_are_kept_as_long_as_configured(name: str) -> None:
    days = json.loads(values(name).get("lakehouse:monitoring", "{}")).get("log_days", 30)
    groups = graph_of(name).of("LogGroup")
    assert len(groups) == 8
    assert {group.inputs["retentionInDays"] for group in groups} == {days}


def test_whatever_writes_logs_has_a_group_for_them(graph: Graph) -> None:
    """A group that AWS makes by itself keeps logs for ever and encrypts them with its own key."""
    groups = {group.inputs["name"] for group in graph.of("LogGroup")}
    stem = f"lakehouse-{environment(graph)}"
    for function in graph.of("Function"):
        assert function.inputs["loggingConfig"]["logGroup"] in groups
        assert function.inputs["tracingConfig"] == {"mode": "Active"}
        assert function.inputs["architectures"] == ["arm64"]
    (machine,) = graph.of("StateMachine")
    assert f"/aws/vendedlogs/states/{machine.inputs['name']}" in groups
    assert machine.inputs["tracingConfiguration"] == {"enabled": True}
    assert machine.inputs["loggingConfiguration"]["level"] == "ALL"
    for job in graph.of("Job"):
        prefix = job.inputs["defaultArguments"]["--custom-logGroup-prefix"]
        for log in ("error", "output"):
            assert {f"{prefix}/{log}", f"{prefix}/{log}-{stem}"} <= groups


def test_everything_goes_through_the_provider_of_the_stack(graph: Graph) -> None:
    (provider,) = [made for made in graph.made if made.type == "pulumi:providers:aws"]
    assert provider.inputs["region"] == "eu-central-1"
    (reference,) = {made.provider for made in cloud(graph)}
    assert "pulumi:providers:aws::aws::" in reference


def test_the_provider_refuses_other_accounts_where_one_is_named() -> None:
    (provider,) = [m for m in graph_of("prod").made if m.type == "pulumi:providers:aws"]
    # A provider's values reach it as text.
    assert json.loads(provider.inputs["allowedAccountIds"]) == [ACCOUNT]


def test_names_are_the_stack_s_own(graph: Graph) -> None:
    """So environments can share an account: nothing has a name that another one might have."""
    stem = f"lakehouse-{environment(graph)}"
    for made in cloud(graph):
        name = made.inputs.get("name")
        shared = {"CatalogTable", "NamedQuery", "RolePolicy"}  # Names below one of the stack's own.
        if name is not None and kind(made) not in shared:
            assert stem in name.replace("_", "-"), made.name
            assert len(name) <= 64 or kind(made) == "LogGroup", made.name


def test_properties_are_those_of_the_installed_sdk(graph: Graph) -> None:
    """Names at every depth, types, and what has to be given."""
    for made in cloud(graph):
        given = {
            name: value
            for name, value in made.inputs.items()
            if not isinstance(value, pulumi.Asset | pulumi.Archive)
        }
        assert not list(schema.faults(made.type, given)), made.name


# --- Retention -----------------------------------------------------------------------------------


def test_prod_refuses_to_delete_data() -> None:
    """The engine refuses, S3 refuses, and what leaves the stack stays in the cloud."""
    graph = graph_of("prod")
    kept = {made.name for made in cloud(graph) if made.protect}
    settings = ("encryption", "lifecycle", "logging", "ownership", "policy", "public", "versioning")
    assert kept == {
        "key",
        *("raw", "lake", "raw-events", "raw-lock"),
        *(f"{bucket}-{setting}" for bucket in ("raw", "lake") for setting in settings),
    }
    assert {made.name for made in cloud(graph) if made.retain} == kept
    for purpose in ("raw", "lake"):
        assert graph.one("Bucket", purpose).inputs["forceDestroy"] is False
        policy = json.loads(graph.one("BucketPolicy", f"{purpose}-policy").inputs["policy"])
        (denied,) = [s for s in policy["Statement"] if s["Sid"] == "NobodyDestroysData"]
        assert denied["Effect"] == "Deny"
        assert denied["Action"] == ["s3:DeleteBucket", "s3:DeleteObjectVersion"]
        assert "Condition" not in denied
    assert graph.one("Bucket", "raw").inputs["objectLockEnabled"] is True
    lock = graph.one("BucketObjectLockConfiguration", "raw-lock").inputs["rule"]
    assert lock == {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}


@pytest.mark.parametrize("name", ["dev", "test", "local"])
def test_the_others_leave_nothing_behind(name: str) -> None:
    graph = graph_of(name)
    assert not [made.name for made in graph.made if made.protect or made.retain]
    assert {made.inputs["forceDestroy"] for made in graph.of("Bucket")} == {True}
    assert not graph.of("BucketObjectLockConfiguration")


def test_the_archive_gets_cold_and_the_rest_goes() -> None:
    rules = {
        (made.inputs["bucket"].split("-")[2], rule["id"]): rule
        for made in graph_of("prod").of("BucketLifecycleConfiguration")
        for rule in made.inputs["rules"]
    }
    archive = rules["raw", "archive-gets-cold"]
    assert archive["filter"] == {"prefix": "landing/archive/"}
    assert archive["transitions"] == [
        {"days": 30, "storageClass": "STANDARD_IA"},
        {"days": 180, "storageClass": "GLACIER"},
    ]
    assert "expiration" not in archive
    assert rules["results", "answers-go"]["expiration"] == {"days": 30}
    assert rules["logs", "logs-go"]["expiration"] == {"days": 365}
    old = [rule for (_, name), rule in rules.items() if name == "old-versions-go"]
    assert [rule["noncurrentVersionExpiration"] for rule in old] == [{"noncurrentDays": 90}] * 5


def test_a_permissions_boundary_bounds_every_role() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    graph = declare("dev", {**values("dev"), "lakehouse:permissions_boundary": boundary})
    assert {role.inputs["permissionsBoundary"] for role in graph.of("Role")} == {boundary}
    assert not any("permissionsBoundary" in role.inputs for role in graph_of("dev").of("Role"))
