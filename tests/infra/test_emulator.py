"""The emulator holds inputs to the SDK's declarations, and requests to those of AWS."""

from typing import Any

import boto3
import pytest

from infra.emulator.fitting import MisfitError, fitted
from infra.emulator.schema import faults

JOB = "aws:glue/job:Job"
GOOD = {"command": {"scriptLocation": "s3://a/b"}, "roleArn": "arn:aws:iam::1:role/a"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rolArn": "x"}, "There is no property rolArn"),
        ({"command": {"scriptLocation": "s", "pythonVersoin": "3"}}, "pythonVersoin"),
        ({"command": {}}, "scriptLocation is missing"),
        ({"timeout": "an hour"}, "'an hour' is not what timeout takes: int"),
        ({"timeout": True}, "timeout takes: int"),
        ({"tags": {"a": 1}}, "tags.a takes: str"),
        ({"connections": "a"}, "is not what connections takes"),
    ],
)
def test_an_input_that_the_sdk_does_not_know_is_told(change: dict[str, Any], said: str) -> None:
    assert said in " ".join(text for _, text in faults(JOB, GOOD | change))


def test_inputs_that_are_right_are_not_told() -> None:
    assert list(faults(JOB, {**GOOD, "timeout": 60.0, "tags": {"a": "b"}})) == []
    # Where a type of the service has the usual name, the class of inputs has another one.
    wanted = {"bucket": "a", "versioningConfiguration": {"status": "Enabled"}}
    assert list(faults("aws:s3/bucketVersioning:BucketVersioning", wanted)) == []


def _shape(service: str, operation: str) -> Any:
    client = boto3.client(service, region_name="eu-central-1")
    return client.meta.service_model.operation_model(operation).input_shape


def test_properties_find_their_place_in_a_request() -> None:
    given = {
        "name": "job",
        "roleArn": "arn",
        "executionProperty": {"maxConcurrentRuns": 1.0},
        "timeout": 60.0,
    }
    assert fitted(_shape("glue", "CreateJob"), given, {"roleArn": "Role"}) == {
        "Name": "job",
        "Role": "arn",
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "Timeout": 60,
    }


def test_a_property_without_a_place_is_no_silent_loss() -> None:
    with pytest.raises(MisfitError, match=r"executionProperty\.maxRuns has no place"):
        fitted(_shape("glue", "CreateJob"), {"executionProperty": {"maxRuns": 1}}, {})
