"""Errors that only AWS can know of come with what to do."""

import pytest

from infra.advice import ADVICE, advice_for
from infra.config import ROOT

README = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            (
                "creating S3 Bucket (x): operation error S3: CreateBucket, https response error "
                "StatusCode: 409, BucketAlreadyExists: The requested bucket name is not available."
            ),
            "Delete the bucket if it is empty",
        ),
        (
            (
                "creating IAM OIDC Provider: operation error IAM: CreateOpenIDConnectProvider, "
                "EntityAlreadyExists: Provider with url https://x already exists."
            ),
            "create_provider: false",
        ),
        (
            (
                "creating S3 Bucket (x): StatusCode: 400, TooManyBuckets: You have attempted to "
                "create more buckets than allowed"
            ),
            "Service Quotas",
        ),
        (
            (
                "creating Lambda Function (x): StatusCode: 403, AccessDeniedException: User: y is "
                "not authorized to perform: lambda:CreateFunction"
            ),
            "Allow it",
        ),
        ("ExpiredToken: The provided token has expired.", "Sign in again"),
    ],
)
def test_an_error_of_aws_comes_with_advice(message: str, said: str) -> None:
    advice = advice_for(["an earlier try: timeout", message])
    assert advice is not None
    assert said in advice


def test_of_other_errors_nothing_is_said() -> None:
    assert advice_for(["InvalidParameterValue: the memory must be at least 128 MB"]) is None
    assert advice_for([]) is None


def test_the_page_lists_what_the_program_knows() -> None:
    for advice in ADVICE:
        assert any(f"`{sign}" in README for sign in advice.signs), advice.signs
