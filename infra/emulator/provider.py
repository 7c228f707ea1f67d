"""The Pulumi provider for the emulated account, in the place of the plugin for AWS.

The engine, which is the real one, attaches to it by its port (`PULUMI_DEBUG_PROVIDERS`) and speaks
the protocol that it speaks with every provider. Checks are those of the installed SDK's
declarations; a difference is one between the old inputs and the new ones; `read` tells whether a
resource is still there, not whether somebody has changed it.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.emulator import schema
from infra.emulator.account import Account, Properties
from infra.emulator.kinds import KINDS, LOOKUPS
from infra.emulator.kinds.kind import Kind


@dataclass(frozen=True)
class Done:
    """A change that was carried out: `create`, `update` or `delete` of a resource."""

    operation: str
    token: str
    name: str


@dataclass
class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Carries out on an emulated account what the engine asks.

    Attributes:
        account: The account.
        done: Every change, in its order.
        before: Is told of every change before it is carried out; one that raises ValueError
            makes it fail.
        tags: The provider's default tags.
    """

    account: Account
    done: list[Done] = field(default_factory=list)
    before: Callable[[Done], None] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    # The engine asks for several things at once; neither moto nor boto3's session minds threads.
    _turn: threading.Lock = field(default_factory=threading.Lock)

    # --- The provider itself

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Say which version this would be."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def Handshake(self, request: Any, context: Any) -> Any:
        """Greet the engine: secrets arrive as plain values, and outputs once they are known."""
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:
        """Accept the engine that has found us."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing: calls to the emulator end at once."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Take the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Let no change of configuration replace resources."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        """Refuse a wrong account or region, as the provider proper does."""
        said = _plain(request.args)
        allowed = _document(said.get("allowedAccountIds")) or [self.account.account_id]
        if self.account.account_id not in allowed:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"AWS account ID not allowed: {self.account.account_id}",
            )
        region = said.get("region")
        if region and region != self.account.region:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"the emulated account is in {self.account.region}, not in {region}",
            )
        tags = _document(said.get("defaultTags")) or {}
        self.tags = dict(tags.get("tags") or {})
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    # --- Its resources

    def Check(self, request: Any, context: Any) -> Any:
        """Hold inputs against the SDK's declarations, and name what has no name."""
        kind = self._kind(request.type, context)
        inputs = _plain(request.news)
        failures = [
            provider_pb2.CheckFailure(property=path, reason=reason)
            for path, reason in schema.faults(request.type, inputs)
        ]
        old = _plain(request.olds)
        if kind.named and inputs.get(kind.named) is None:
            made = f"{request.name}-{hashlib.sha256(request.randomSeed).hexdigest()[:7]}"
            inputs[kind.named] = old.get(kind.named, made)
        return provider_pb2.CheckResponse(inputs=_struct(inputs), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare inputs, one by one."""
        kind = self._kind(request.type, context)
        old, new = _plain(request.old_inputs), _plain(request.news)
        changed = sorted(
            name
            for name in {*old, *new} - set(request.ignoreChanges)
            if old.get(name) != new.get(name)
        )
        answer = provider_pb2.DiffResponse
        return answer(
            changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
            diffs=changed,
            replaces=[name for name in changed if name in kind.replaced_by],
            # A name is taken as long as the old one is there.
            deleteBeforeReplace=any(name in kind.replaced_by for name in changed)
            and (kind.named is None or old.get(kind.named) == new.get(kind.named)),
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource; in a preview, tell what is known of it already."""
        kind = self._kind(request.type, context)
        inputs = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct(inputs))
        with self._carried_out(context, "create", request):
            key, added = kind.create(self.account, self._tagged(inputs))
        return provider_pb2.CreateResponse(id=key, properties=_struct({**inputs, **added}))

    def Read(self, request: Any, context: Any) -> Any:
        """Tell whether a resource is still there."""
        kind = self._kind(request.type, context)
        with _told(context, "read", request), self._turn:
            found = kind.exists(self.account, _plain(request.properties))
        if not found:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource in its place."""
        kind = self._kind(request.type, context)
        inputs = _plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct(inputs))
        with self._carried_out(context, "update", request):
            added = kind.update(self.account, _plain(request.olds), self._tagged(inputs))
        return provider_pb2.UpdateResponse(properties=_struct({**added, **inputs}))

    def Delete(self, request: Any, context: Any) -> Any:
        """Take a resource away."""
        kind = self._kind(request.type, context)
        with self._carried_out(context, "delete", request):
            kind.delete(self.account, _plain(request.properties))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a lookup of the program."""
        if request.tok not in LOOKUPS:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                f"the emulator has no lookup {request.tok}: add it to infra/emulator/kinds",
            )
        with self._turn:
            found = LOOKUPS[request.tok](self.account, _plain(request.args))
        return provider_pb2.InvokeResponse(**{"return": _struct(found)})

    def _kind(self, token: str, context: Any) -> Kind:
        if token not in KINDS:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                f"the emulator has no resources {token}: add them to infra/emulator/kinds",
            )
        return KINDS[token]

    @contextmanager
    def _carried_out(self, context: Any, operation: str, request: Any) -> Iterator[None]:
        change = Done(operation, request.type, request.name)
        with _told(context, operation, request):
            if self.before:
                self.before(change)
            with self._turn:
                yield
        self.done.append(change)

    def _tagged(self, inputs: Properties) -> Properties:
        """Add the provider's default tags, which a resource's own ones override."""
        return {**inputs, "tagsAll": {**self.tags, **(inputs.get("tags") or {})}}


@contextmanager
def served(provider: Provider) -> Iterator[int]:
    """Have the provider listen for as long as the block lasts; its port is the system's choice."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


@contextmanager
def _told(context: Any, doing: str, request: Any) -> Iterator[None]:
    """Turn an error of AWS into one of the engine, in the words that AWS has for it."""
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{doing} {request.type} {request.name}: {error}")


def _plain(struct: Any) -> Properties:
    """Return the values of a message; assets and unknown values stay as the engine has them."""
    found: Properties = json_format.MessageToDict(struct)
    return found


def _struct(properties: Mapping[str, Any]) -> Any:
    made = struct_pb2.Struct()
    made.update({name: value for name, value in properties.items() if value is not None})
    return made


def _document(value: Any) -> Any:
    """Return a value of the provider's configuration, which arrives as JSON."""
    return json.loads(value) if isinstance(value, str) else value
