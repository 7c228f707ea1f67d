"""What a stack consists of: the Pulumi program, run against mocks, as a list of resources.

    python -m docs.generate.stack     prints the list as JSON

In a process of its own, since Pulumi's runtime is one for a whole process.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import yaml

from docs.generate.pages import ROOT, PageError

ENVIRONMENT = "prod"
# An account that nobody has; the documents show no names.
ACCOUNT = "123456789012"
# What Pulumi.prod.yaml leaves to those who deploy, and what is optional.
_GIVEN: dict[str, Any] = {
    "lakehouse:account": ACCOUNT,
    "lakehouse:alerts": {"critical": ["on-call@example.com"]},
    "lakehouse:ci": {"repository": "owner/name", "state_bucket": "state"},
}


def config() -> dict[str, str]:
    """Return the configuration of a prod stack as Pulumi hands it to the program."""
    text = (ROOT / f"Pulumi.{ENVIRONMENT}.yaml").read_text(encoding="utf-8")
    said = {**yaml.safe_load(text)["config"], **_GIVEN}
    return {key: v if isinstance(v, str) else json.dumps(v) for key, v in said.items()}


@dataclass(frozen=True)
class Resource:
    """A resource of the stack.

    Attributes:
        urn: Its name for Pulumi.
        type: Its type, e.g. `aws:s3/bucket:Bucket`, or of a component `lakehouse:infra:Storage`.
        parent: URN of what it belongs to; empty for the stack.
        needs: URNs of what it has to know of.
    """

    urn: str
    type: str
    parent: str
    needs: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its type in one word, e.g. `Bucket`."""
        return self.type.rpartition(":")[2]


@cache
def resources() -> tuple[Resource, ...]:
    """Return every resource of a prod stack, by URN: in which order they are made is chance.

    Raises:
        PageError: The program failed.
    """
    words = [sys.executable, "-P", "-m", "docs.generate.stack"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise PageError(f"The Pulumi program cannot be run for the documents: {last}")
    found = json.loads(done.stdout)
    made = (Resource(**{**one, "needs": tuple(sorted(one["needs"]))}) for one in found)
    return tuple(sorted(made, key=lambda one: one.urn))


def _declared() -> list[Resource]:
    import pulumi
    from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

    found: list[Resource] = []

    class Cloud(Mocks):
        def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            """Make whatever is asked for, under an ARN of its own."""
            return f"{args.name}-id", {"arn": f"arn:aws:mock:::{args.name}", **args.inputs}

        def call(self, _: MockCallArgs) -> Any:
            """Tell the account, whatever is asked."""
            return {"accountId": ACCOUNT, "id": ACCOUNT, "json": "{}"}

    class Monitor(MockMonitor):
        def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
            """Note the resource on the way."""
            answer = super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's
            needs = tuple(request.dependencies)
            found.append(Resource(answer.urn, request.type, request.parent, needs))
            return answer

    mocks = Cloud()
    pulumi.runtime.set_mocks(mocks, project="lakehouse", stack=ENVIRONMENT, monitor=Monitor(mocks))
    pulumi.runtime.set_all_config(config())

    from infra.__main__ import deploy

    pulumi.runtime.test(deploy)()  # type: ignore[no-untyped-call] # Pulumi's
    return found


if __name__ == "__main__":
    json.dump([asdict(resource) for resource in _declared()], sys.stdout)
