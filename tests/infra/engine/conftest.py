"""The program, deployed by the real engine into an emulated account. One account for all tests."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi import automation

from infra.__main__ import deploy
from infra.emulator.account import Account, emulated
from infra.emulator.provider import Done
from infra.emulator.stack import ROOT, Deployment, configuration, deployment, has_engine
from tests.infra.inventory import inventory

# What prod wants to be told before it is deployed for the first time.
PROD = {
    "lakehouse:account": "123456789012",
    "lakehouse:alerts": '{"critical": ["on-call@example.com"]}',
    "lakehouse:ci": '{"repository": "shop/lakehouse", "state_bucket": "shop-state"}',
}
INTERRUPTED_AT = 60  # The number of the change at which somebody interrupts the up.
WITHOUT = "there is no `pulumi` command on PATH: the engine does not deploy the program"


@dataclass(frozen=True)
class World:
    """One account with three environments in it, and how they came to be.

    Attributes:
        deployment: The account and its engine.
        stacks: Stacks by environment.
        planned: What the preview of dev announced, by operation.
        untouched: What was in the account after the preview.
        made: What the first up of dev made.
        again: What dev's second up changed.
        at_interruption: What was changed before and after the up of test was interrupted.
        continued: What the up after that changed.
        test_again: What test's third up changed.
    """

    deployment: Deployment
    stacks: Mapping[str, automation.Stack]
    planned: Mapping[str, int]
    untouched: set[str]
    made: list[Done]
    again: list[Done]
    at_interruption: list[Done]
    continued: list[Done]
    test_again: list[Done]

    @property
    def account(self) -> Account:
        """The account."""
        return self.deployment.account


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Deploy dev, test with an interruption, and prod, side by side."""
    if not has_engine():
        pytest.skip(WITHOUT)
    home: Path = tmp_path_factory.mktemp("engine")
    with emulated() as account, deployment(account, home) as deployed:
        more = {"prod": PROD}
        stacks = {
            name: deployed.stack(name, deploy, {**configuration(name), **more.get(name, {})})
            for name in ("dev", "test", "prod")
        }
        planned = stacks["dev"].preview().change_summary
        untouched = inventory(account)
        made = deployed.changes(stacks["dev"].up)
        again = deployed.changes(stacks["dev"].up)
        at_interruption = deployed.changes(lambda: _interrupted(deployed, "test"))
        continued = deployed.changes(stacks["test"].up)
        test_again = deployed.changes(stacks["test"].up)
        stacks["prod"].up()
        yield World(
            deployed,
            stacks,
            # They are plain text, whatever their annotation says.
            {str(operation): count for operation, count in planned.items()},
            untouched,
            made,
            again,
            at_interruption,
            continued,
            test_again,
        )


def _interrupted(deployed: Deployment, name: str) -> None:
    """Interrupt an up in the middle, as Ctrl-C does, or a workflow that is cancelled."""
    words = [sys.executable, "-P", "-m", "tests.infra.engine.up", name]
    words += [str(deployed.home), str(deployed.port)]
    started = threading.Event()
    running: list[subprocess.Popen[bytes]] = []
    seen: list[Done] = []

    def interrupt(change: Done) -> None:
        seen.append(change)
        if len(seen) == INTERRUPTED_AT:
            started.wait()
            os.killpg(running[0].pid, signal.SIGINT)

    deployed.provider.before = interrupt
    try:
        with subprocess.Popen(
            words, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL
        ) as process:
            running.append(process)
            started.set()
        assert process.returncode != 0
    finally:
        deployed.provider.before = None
