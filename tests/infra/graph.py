"""What the Pulumi program declares for a stack, without a cloud: every resource with its inputs."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.settings import get_root_resource

from infra.__main__ import wire

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
ENVIRONMENTS = ("dev", "test", "prod", "local")
# What the files leave to those who deploy.
GIVEN = {
    "prod": {
        "lakehouse:account": ACCOUNT,
        "lakehouse:alerts": json.dumps({"critical": ["on-call@example.com"]}),
    }
}


@dataclass(frozen=True)
class Made:
    """A resource that the program asked the engine for.

    Attributes:
        type: Type token, e.g. `aws:s3/bucket:Bucket`.
        name: Its name in the program.
        inputs: Its properties, as the provider gets them.
        protect: Whether the engine refuses to delete it.
        retain: Whether it stays in the cloud when it leaves the stack.
        provider: Reference of the provider that makes it.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    protect: bool
    retain: bool
    provider: str


@dataclass
class Graph:
    """What a stack is made of, and what it tells at the end."""

    made: list[Made] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Made]:
        """Return the resources of a type, named by the last part of its token."""
        return [made for made in self.made if made.type.rpartition(":")[2] == kind]

    def one(self, kind: str, name: str) -> Made:
        """Return the resource of a type and name."""
        (found,) = [made for made in self.of(kind) if made.name == name]
        return found


class _Cloud(mocks.Mocks):
    """Answers as AWS would, as far as the program asks."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        service = args.typ.split(":")[1].split("/")[0]
        arn = KEY if args.typ == "aws:kms/key:Key" else f"arn:{service}:{args.name}"
        return f"{args.name}-id", {"arn": arn, "url": f"https://{args.name}", **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> Any:
        assert args.token == "aws:index/getCallerIdentity:getCallerIdentity"  # noqa: S105 - a name
        return {"accountId": ACCOUNT, "arn": "arn:me", "userId": "me", "id": ACCOUNT}


class _Monitor(mocks.MockMonitor):
    """Notes what the program asks for."""

    def __init__(self, graph: Graph, cloud: mocks.Mocks) -> None:
        super().__init__(cloud)
        self._graph = graph
        self._loops: dict[int, asyncio.AbstractEventLoop] = {}

    def close(self) -> None:
        """Close the event loops of the threads that asked: the SDK leaves them open."""
        for loop in self._loops.values():
            loop.close()

    def _keep_loop(self) -> None:
        """Give this thread an event loop that is closed in the end."""
        thread = threading.get_ident()
        if thread not in self._loops:
            self._loops[thread] = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loops[thread])

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's own name
        self._keep_loop()
        return super().Invoke(request)  # type: ignore[no-untyped-call]  # the SDK's own

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - as above
        self._keep_loop()
        made = Made(
            request.type,
            request.name,
            rpc.deserialize_properties(request.object),
            request.protect,
            request.retainOnDelete,
            request.provider,
        )
        self._graph.made.append(made)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # as above


def values(environment: str) -> dict[str, str]:
    """Return the configuration of a stack as Pulumi hands it over: text, or JSON."""
    text = (ROOT / f"Pulumi.{environment}.yaml").read_text("utf-8")
    found = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in yaml.safe_load(text)["config"].items()
    }
    return found | GIVEN.get(environment, {})


def declare(
    stack_name: str,
    configuration: Mapping[str, str],
    cloud: mocks.Mocks | None = None,
) -> Graph:
    """Run the program for a stack and return what it declared.

    Args:
        stack_name: Name of the stack.
        configuration: Its configuration.
        cloud: What answers; unset: a cloud where all goes well.
    """
    graph = Graph()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    cloud = cloud or _Cloud()
    monitor = _Monitor(graph, cloud)
    try:
        mocks.set_mocks(cloud, "lakehouse", stack_name, preview=False, monitor=monitor)
        pulumi.runtime.set_all_config(dict(configuration))
        loop.run_until_complete(stack.run_pulumi_func(wire))
        root = get_root_resource()
        assert isinstance(root, stack.Stack)
        graph.outputs = loop.run_until_complete(_known(pulumi.Output.all(**root.outputs)))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
        monitor.close()
    return graph


async def _known(output: pulumi.Output[dict[str, Any]]) -> dict[str, Any]:
    return await output.future() or {}


@cache
def graph_of(environment: str) -> Graph:
    """Return what the program declares for a stack with the configuration that stands here."""
    return declare(environment, values(environment))
