"""Every call to AWS that is made on a role's behalf, and what permission it takes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from botocore.client import BaseClient

# Of whoever acts in a thread; threads that it starts do not know it, and boto3 starts some.
_ACTOR: ContextVar[str | None] = ContextVar("actor", default=None)
# What acts in those: one at a time plays, and that is the state machine if nobody else is named.
_PLAYING = ["machine"]
MACHINE = "machine"
NOBODY = "rehearsal"  # Whoever prepares and looks at the account; it is not held to anything.


@dataclass(frozen=True)
class Need:
    """A permission that a call takes.

    Attributes:
        action: As IAM names it.
        resource: ARN of what it is done to.
        context: What conditions may ask, by key; as pairs.
    """

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


@dataclass
class Calls:
    """The calls of a rehearsal.

    Attributes:
        region: Region of the account.
        account: Number of the account.
        made: Permissions needed, by the duty that needed them.
    """

    region: str
    account: str
    made: dict[str, set[Need]] = field(default_factory=dict)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record for as long as the block lasts; the caller itself is nobody."""
        original = BaseClient._make_api_call  # noqa: SLF001 - where all calls come along

        def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            actor = _ACTOR.get() or _PLAYING[-1]
            service = client.meta.service_model.endpoint_prefix
            if actor == MACHINE:
                parameters = translated(client, operation, parameters)
            if actor != NOBODY:
                needs = self.made.setdefault(actor, set())
                needs.update(self.needs(service, operation, parameters))
            said = original(client, operation, parameters)
            return answered(service, said) if actor == MACHINE else said

        with mock.patch.object(BaseClient, "_make_api_call", call), acting(NOBODY):
            yield

    def needs(self, service: str, operation: str, given: Mapping[str, Any]) -> list[Need]:
        """Return the permissions that a call takes.

        Raises:
            KeyError: What the call takes is not known here.
        """
        if service == "s3":
            return list(_s3(operation, given))
        return _OTHERS[f"{service}:{operation}"](self, given)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of the account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Make calls on a duty's behalf for as long as the block lasts."""
    token = _ACTOR.set(actor)
    if actor != NOBODY:
        _PLAYING.append(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)
        if actor != NOBODY:
            _PLAYING.pop()


def translated(client: Any, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a state machine asks for in the words of the service.

    Step Functions writes every name with a capital letter, also those that a service declares with
    a small one, and the time of an execution as a text. moto 5.2.5 leaves the one and takes the
    other for a time.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    members = {name.lower(): name for name in shape.members} if shape else {}
    return {members.get(name.lower(), name): _told(value) for name, value in given.items()}


def answered(service: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a service says in the words of Step Functions; see `translated`."""
    if "Body" in said:
        said = {**said, "Body": said["Body"].read().decode("utf-8")}
    capital = service == "states"
    return {
        name[:1].upper() + name[1:] if capital else name: _told(value)
        for name, value in said.items()
    }


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _told(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_told(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _s3(operation: str, given: Mapping[str, Any]) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{given['Bucket']}"
    key = f"{bucket}/{given.get('Key', '')}"
    if operation in {"ListObjectsV2", "ListObjects"}:
        yield Need("s3:ListBucket", bucket, (("s3:prefix", given.get("Prefix", "")),))
    elif operation == "CopyObject":
        source = given["CopySource"]
        yield Need("s3:GetObject", f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
        yield Need("s3:PutObject", key)
    elif operation == "DeleteObjects":
        for entry in given["Delete"]["Objects"]:
            yield Need("s3:DeleteObject", f"{bucket}/{entry['Key']}")
    elif operation == "HeadBucket":
        yield Need("s3:ListBucket", bucket)
    else:
        yield Need(_OBJECTS[operation], key)


_OBJECTS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
}

_Given = Mapping[str, Any]


def _table(action: str) -> Callable[[Calls, _Given], list[Need]]:
    def needs(calls: Calls, given: _Given) -> list[Need]:
        name = given.get("Name") or given["TableInput"]["Name"]
        database = given["DatabaseName"]
        resources = ("catalog", f"database/{database}", f"table/{database}/{name}")
        return [Need(action, calls.arn("glue", resource)) for resource in resources]

    return needs


def _job(action: str) -> Callable[[Calls, _Given], list[Need]]:
    return lambda calls, given: [Need(action, calls.arn("glue", f"job/{given['JobName']}"))]


def _item(action: str) -> Callable[[Calls, _Given], list[Need]]:
    return lambda calls, given: [Need(action, calls.arn("dynamodb", f"table/{given['TableName']}"))]


_OTHERS: Mapping[str, Callable[[Calls, _Given], list[Need]]] = {
    "dynamodb:GetItem": _item("dynamodb:GetItem"),
    "dynamodb:PutItem": _item("dynamodb:PutItem"),
    "glue:GetTable": _table("glue:GetTable"),
    "glue:UpdateTable": _table("glue:UpdateTable"),
    "glue:StartJobRun": _job("glue:StartJobRun"),
    "glue:GetJobRun": _job("glue:GetJobRun"),
    "lambda:Invoke": lambda _, given: [Need("lambda:InvokeFunction", given["FunctionName"])],
    "sns:Publish": lambda _, given: [Need("sns:Publish", given["TopicArn"])],
    "states:DescribeExecution": lambda _, given: [
        Need("states:DescribeExecution", given["executionArn"])
    ],
}
