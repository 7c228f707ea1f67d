"""Who may deploy: GitHub's roles, bound to one repository and one environment each."""

import json

import pytest

from infra.ci import AUDIENCE, HOST, reading, smoke, trust, writing
from infra.config import Ci, Settings
from infra.deployer import BROAD, deployment
from infra.emulator.permissions import allows
from infra.names import Names
from infra.policies import document

ACCOUNT = "123456789012"
CI = Ci(repository="shop/lakehouse", state_bucket="shop-state")
NAMES = Names(Settings(environment="dev", region="eu-central-1"), ACCOUNT)
TAGS = {"aws:ResourceTag/Environment": "dev", "aws:ResourceTag/Project": "lakehouse"}


def _assumed(subject: str, audience: str = AUDIENCE, wanted: str = "environment:dev") -> bool:
    policy = trust(NAMES, CI.repository, wanted)
    statement = {**policy["Statement"][0], "Resource": "*"}  # type: ignore[index] # a document
    context = {f"{HOST}:sub": subject, f"{HOST}:aud": audience}
    return allows([{"Statement": [statement]}], "sts:AssumeRoleWithWebIdentity", "role", context)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("repo:shop/lakehouse:environment:dev", True),
        ("repo:shop/lakehouse:environment:prod", False),
        ("repo:shop/lakehouse:environment:dev2", False),
        ("repo:shop/lakehouse:pull_request", False),
        ("repo:shop/lakehouse:ref:refs/heads/main", False),
        ("repo:shop/lakehouse-copy:environment:dev", False),
        ("repo:thief/lakehouse:environment:dev", False),
    ],
)
def test_only_one_environment_of_one_repository_deploys(subject: str, *, expected: bool) -> None:
    assert _assumed(subject) is expected
    assert not _assumed(subject, audience="https://github.com/thief")


def test_any_pull_request_of_the_repository_gets_a_preview() -> None:
    assert _assumed("repo:shop/lakehouse:pull_request", wanted="pull_request")
    assert not _assumed("repo:thief/lakehouse:pull_request", wanted="pull_request")


def test_the_preview_reads_state_and_nothing_else() -> None:
    policy = document(*reading(NAMES, CI))
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert actions == {"s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"}
    state = "arn:aws:s3:::shop-state/.pulumi/stacks/lakehouse/{}.json"
    assert allows([policy], "s3:GetObject", state.format("dev"), {})
    assert not allows([policy], "s3:GetObject", state.format("prod"), {})
    assert not allows([policy], "s3:GetObject", f"{NAMES.bucket_arn('lake')}/gold/a", {})


def _deploys(action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    parts = [document(*part) for part in deployment(NAMES)]
    return allows(parts, action, resource, context or {})


HERE = "eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteBucket", "s3:::lakehouse-{}-lake-123456789012-eu-central-1"),
        ("glue:UpdateTable", f"glue:{HERE}:table/lakehouse_{{}}_gold/a"),
        ("glue:DeleteJob", f"glue:{HERE}:job/lakehouse-{{}}-gold"),
        ("iam:DeleteRole", "iam::123456789012:role/lakehouse-{}-engine"),
        ("iam:CreateRole", "iam::123456789012:role/lakehouse-{}-engine"),
        ("lambda:UpdateFunctionCode", f"lambda:{HERE}:function:lakehouse-{{}}-judge"),
        ("states:UpdateStateMachine", f"states:{HERE}:stateMachine:lakehouse-{{}}-run"),
        ("sns:DeleteTopic", f"sns:{HERE}:lakehouse-{{}}-high"),
        ("sqs:DeleteQueue", f"sqs:{HERE}:lakehouse-{{}}-arrivals"),
        ("dynamodb:DeleteTable", f"dynamodb:{HERE}:table/lakehouse-{{}}-turn"),
    ],
)
def test_a_deployment_touches_its_own_stack_only(action: str, resource: str) -> None:
    assert _deploys(action, f"arn:aws:{resource.format('dev')}")
    assert not _deploys(action, f"arn:aws:{resource.format('prod')}")


def test_a_deployment_can_neither_change_itself_nor_hand_on_more_than_it_has() -> None:
    own = NAMES.role_arn("deploy")
    for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
        assert not _deploys(action, own)
        assert not _deploys(action, NAMES.role_arn("preview"))
    assert _deploys("iam:GetRole", own)
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:AttachRolePolicy"):
        assert not _deploys(action, own)
        assert not _deploys(action, NAMES.role_arn("engine"))
    engine = NAMES.role_arn("engine")
    assert _deploys("iam:PassRole", engine, {"iam:PassedToService": "glue.amazonaws.com"})
    assert not _deploys("iam:PassRole", engine, {"iam:PassedToService": "ec2.amazonaws.com"})


def test_a_boundary_bounds_what_a_deployment_makes() -> None:
    bound = "arn:aws:iam::123456789012:policy/bound"
    settings = NAMES.settings.model_copy(update={"permissions_boundary": bound})
    parts = [document(*part) for part in deployment(Names(settings, ACCOUNT))]
    engine = NAMES.role_arn("engine")
    assert not allows(parts, "iam:CreateRole", engine, {})
    assert allows(parts, "iam:CreateRole", engine, {"iam:PermissionsBoundary": bound})


def test_keys_are_told_apart_by_their_tags() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/0"
    assert _deploys("kms:ScheduleKeyDeletion", key, TAGS)
    assert not _deploys(
        "kms:ScheduleKeyDeletion", key, TAGS | {"aws:ResourceTag/Environment": "prod"}
    )
    assert not _deploys("kms:ScheduleKeyDeletion", key)


def test_nothing_is_broad_that_is_not_listed() -> None:
    broad = {entry.sid for entry in BROAD}
    for part in (*deployment(NAMES), reading(NAMES, CI), writing(NAMES, CI), smoke(NAMES)):
        for statement in part:
            assert (statement["Resource"] == ["*"]) == (statement["Sid"] in broad)
            assert not [action for action in statement["Action"] if "*" in action]


def test_policies_are_as_small_as_iam_wants_them() -> None:
    for part in deployment(NAMES):
        text = json.dumps(document(*part), separators=(",", ":"))
        assert len(text) <= 6144
    inline = document(*writing(NAMES, CI), *smoke(NAMES))
    assert len(json.dumps(inline, separators=(",", ":"))) <= 10240
