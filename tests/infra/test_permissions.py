"""The evaluation of policies, held against decisions that IAM's documentation gives."""

from typing import Any

import pytest

from infra.emulator.permissions import UnknownRuleError, allows

ARN = "arn:aws:s3:::lake/gold/a"


def _policy(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    made = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **s} for s in statements]
    return [{"Version": "2012-10-17", "Statement": made}]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, True),
        ({"Action": "s3:getobject"}, True),
        ({"Action": ["s3:Put*", "s3:Get*"]}, True),
        ({"Action": "s3:GetObjectVersion"}, False),
        ({"Action": "s3:Get?bject"}, True),
        ({"Resource": "arn:aws:s3:::lake/gold/*"}, True),
        ({"Resource": "arn:aws:s3:::lake/Gold/*"}, False),
        ({"Resource": "arn:aws:s3:::lake"}, False),
        ({"Resource": "arn:aws:s3:::lake/[g]old/*"}, False),
        ({"Condition": {"StringEquals": {"aws:tag": "x"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:Tag": "x"}}}, True),
        ({"Condition": {"StringEquals": {"aws:tag": ["y", "x"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:tag": "X"}}}, False),
        ({"Condition": {"StringEquals": {"aws:other": "x"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:other": "x"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:tag": "x"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:other": "x"}}}, True),
        ({"Condition": {"StringLike": {"aws:tag": "*"}, "Bool": {"aws:tls": "true"}}}, False),
        ({"Condition": {"Bool": {"aws:tag": "X"}}}, True),
        ({"Condition": {"Null": {"aws:other": "true"}}}, True),
        ({"Condition": {"Null": {"aws:tag": "true"}}}, False),
    ],
)
def test_a_statement_concerns_a_call_or_does_not(
    statement: dict[str, Any], *, expected: bool
) -> None:
    context = {"aws:tag": "x"}
    assert allows(_policy(statement), "s3:GetObject", ARN, context) is expected
    # What allows a call denies it when it says so, and what is no concern of it does neither.
    denied = _policy({}, {**statement, "Effect": "Deny"})
    assert allows(denied, "s3:GetObject", ARN, context) is not expected


def test_what_nobody_allows_is_denied() -> None:
    assert not allows([], "s3:GetObject", ARN, {})


def test_a_denial_in_another_policy_wins() -> None:
    policies = [*_policy({}), *_policy({"Effect": "Deny", "Resource": ARN})]
    assert not allows(policies, "s3:GetObject", ARN, {})
    assert allows(policies, "s3:GetObject", ARN + "b", {})


@pytest.mark.parametrize(
    "statement",
    [
        {"NotAction": "s3:*"},
        {"Effect": "Perhaps"},
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}},
    ],
)
def test_a_rule_that_is_not_known_is_never_decided(statement: dict[str, Any]) -> None:
    with pytest.raises(UnknownRuleError):
        allows(_policy(statement), "s3:GetObject", ARN, {"aws:CurrentTime": "2029-01-01"})
