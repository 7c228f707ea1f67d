"""How a kind of resource is made, found, changed and taken away."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from infra.emulator.account import Account, Properties
from infra.emulator.fitting import fitted

Names = Mapping[str, str | None]
Outputs = Callable[[Account, Properties, Mapping[str, Any]], Properties]

_GONE = ("NotFound", "NoSuch", "404", "DoesNotExist", "NonExistent", "EntityNotFound")


def is_gone(error: ClientError) -> bool:
    """Tell whether AWS says that there is no such thing."""
    code = error.response["Error"]["Code"]
    text = f"{code} {error.response['Error'].get('Message', '')}"
    return any(word in text for word in (*_GONE, "not found", "does not exist"))


@dataclass(frozen=True)
class Kind:
    """A kind of resource, however its operations are called.

    Attributes:
        service: Service that boto3 has it in.
        replaced_by: Inputs that cannot be changed: another value is another resource.
        named: Input that holds its name; when it is not given, one is made as the provider does it.
    """

    service: str
    replaced_by: frozenset[str] = frozenset()
    named: str | None = None

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """Make it, and return its id and the properties that AWS adds."""
        raise NotImplementedError

    def exists(self, account: Account, state: Properties) -> bool:
        """Tell whether it is there."""
        raise NotImplementedError

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """Change it to these inputs, and return the properties that AWS adds."""
        raise NotImplementedError

    def delete(self, account: Account, state: Properties) -> None:
        """Take it away."""
        raise NotImplementedError


def _nothing(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, inputs, said
    return {}


@dataclass(frozen=True)
class Call:
    """An operation of AWS and how the properties go into its request.

    Attributes:
        method: Its name in boto3.
        names: Members for properties that have another name there; see `fitted`.
        inside: Member that takes all properties, when they are not the request itself.
        keys: Members that name the resource, each with the property (of inputs or outputs) it is.
        only: Properties to hand over; None for all of them.
        fixed: Members that are always the same.
        finish: Last changes to the request, where names do not say it all.
    """

    method: str
    names: Names = field(default_factory=dict)
    inside: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    finish: Callable[[Account, Properties, Properties], None] | None = None

    def __call__(self, service: str, account: Account, given: Properties) -> dict[str, Any]:
        """Carry it out with these properties (inputs and outputs), and return what AWS says."""
        client = account.client(service)
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[self.method]
        ).input_shape
        inputs = {
            name: value
            for name, value in given.items()
            if name not in {"region", "tags", "tagsAll"}
            and (self.only is None or name in self.only)
        }
        request: dict[str, Any] = {}
        if inputs and self.inside:
            request[self.inside] = fitted(shape.members[self.inside], inputs, self.names)
        elif inputs:
            request = fitted(shape, inputs, self.names)
        for member, name in self.keys.items():
            request[member] = given[name]
        request.update(_tags(shape, given.get("tagsAll") or {}))
        request.update(self.fixed)
        if self.finish:
            self.finish(account, given, request)
        said: dict[str, Any] = getattr(client, self.method)(**request)
        return said


def _tags(shape: Any, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the request's member for tags, if any; a later change of tags is only recorded."""
    for name in ("Tags", "tags", "TagList"):
        if tags and name in shape.members:
            member = shape.members[name]
            if member.type_name == "map":
                return {name: dict(tags)}
            key, value = sorted(member.member.members)[:2]
            return {name: [{key: k, value: v} for k, v in sorted(tags.items())]}
    return {}


NO_INPUTS: frozenset[str] = frozenset()


def by(method: str, **keys: str) -> Call:
    """Return an operation that takes nothing but what names the resource."""
    return Call(method, keys=keys, only=NO_INPUTS)


@dataclass(frozen=True)
class Called(Kind):
    """A kind with one operation for each of its turns.

    Attributes:
        make: Creates it.
        find: Describes it.
        change: Updates it; None when it cannot be, or `make` does that, too.
        remove: Deletes it.
        id: Property (of inputs or outputs) that is its id.
        outputs: What AWS adds to the inputs, from the account, the inputs and its answer.
    """

    make: Call = Call("")
    find: Call = Call("")
    change: Call | None = None
    remove: Call = Call("")
    id: str = "arn"
    outputs: Outputs = _nothing

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        said = self.make(self.service, account, inputs)
        added = self.outputs(account, inputs, said)
        return str({**inputs, **added}[self.id]), added

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        try:
            self.find(self.service, account, state)
        except ClientError as error:
            if is_gone(error):
                return False
            raise
        return True

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        added = {name: value for name, value in old.items() if name not in inputs}
        said = (self.change or self.make)(self.service, account, {**added, **inputs})
        return {**added, **self.outputs(account, {**added, **inputs}, said)}

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        try:
            self.remove(self.service, account, state)
        except ClientError as error:
            if not is_gone(error):
                raise


@dataclass(frozen=True)
class Recorded(Kind):
    """A kind that moto has no working service for: its inputs are kept, and that is all.

    Attributes:
        why: What moto lacks.
        arn: Resource part of its ARN, with properties in braces; empty when it has none.
        id: Property that is its id; a made-up one when it is empty.
    """

    why: str = ""
    arn: str = ""
    id: str = ""
    token: str = ""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        added = {}
        if self.arn:
            added["arn"] = account.arn(self.service, self.arn.format(**inputs))
        key = str({**inputs, **added}[self.id]) if self.id else str(uuid.uuid4())
        added["id"] = key
        kept = account.records.setdefault(self.token, {})
        if key in kept:
            raise ValueError(f"There is a {self.token} {key} already.")
        kept[key] = inputs
        return key, added

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        return state["id"] in account.records.get(self.token, {})

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        account.records[self.token][old["id"]] = inputs
        return {name: value for name, value in old.items() if name not in inputs}

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        account.records[self.token].pop(state["id"], None)
