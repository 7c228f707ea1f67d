"""The emulator holds inputs to the SDK's declarations, and requests to those of AWS."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from pulumi.runtime.proto import provider_pb2

from infra.emulator import provider
from infra.emulator.account import Account, Properties
from infra.emulator.fitting import MisfitError, fitted
from infra.emulator.kinds import KINDS
from infra.emulator.kinds.kind import Kind
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


@dataclass(frozen=True)
class Meeting(Kind):
    """A kind whose creation waits a moment for another one to be under way with it."""

    service: str = "s3"
    together: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=0.3))
    met: list[str] = field(default_factory=list)

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        del account
        try:
            self.together.wait()
            self.met.append(inputs["name"])
        except threading.BrokenBarrierError:
            self.together.reset()
        return inputs["name"], {}


def test_what_the_engine_asks_for_at_once_is_done_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither moto nor boto3 minds threads: a role was looked for while another was made."""
    kind = Meeting()
    monkeypatch.setitem(KINDS, "meeting", kind)
    served = provider.Provider(Account())

    def create(name: str) -> str:
        request = provider_pb2.CreateRequest(type="meeting", name=name)
        request.properties.update({"name": name})
        made: str = served.Create(request, SimpleNamespace()).id
        return made

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(create, "abcd")) == ["a", "b", "c", "d"]
    assert kind.met == []
    assert sorted(change.name for change in served.done) == ["a", "b", "c", "d"]
