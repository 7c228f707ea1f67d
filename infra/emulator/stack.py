"""A stack on an emulated account, driven as a person drives it: preview, up, destroy."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from infra.emulator.account import Account
from infra.emulator.provider import Done, Provider, served

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "lakehouse"


def configuration(stack: str) -> dict[str, str]:
    """Return what the project's files say of a stack, by full key, as the engine hands it on."""
    found: dict[str, str] = {}
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        document = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
        for key, value in document["config"].items():
            said = value["value"] if name == "Pulumi.yaml" else value
            found[key] = said if isinstance(said, str) else json.dumps(said)
    return found


def has_engine() -> bool:
    """Tell whether the `pulumi` command is on PATH."""
    return shutil.which("pulumi") is not None


@dataclass
class Engine:
    """The engine, which deploys into the account that a provider stands for.

    Attributes:
        home: Folder of the engine's own files and of every stack's state.
        port: Where the provider listens.
    """

    home: Path
    port: int

    def stack(
        self, name: str, program: Callable[[], None], config: Mapping[str, str]
    ) -> automation.Stack:
        """Return the stack of this name, a new one when there is none.

        Args:
            name: Name of the stack, an environment.
            program: Declares the resources.
            config: Configuration, by its full names (`aws:region`).
        """
        options = automation.LocalWorkspaceOptions(
            env_vars=self.environment(), work_dir=str(self._folder(name))
        )
        stack = automation.create_or_select_stack(name, PROJECT, program, opts=options)
        stack.set_all_config({key: automation.ConfigValue(value) for key, value in config.items()})
        return stack

    def environment(self) -> dict[str, str]:
        """Return the variables that keep the engine in its folder and offline."""
        return {
            "PULUMI_BACKEND_URL": f"file://{self.home}",
            "PULUMI_HOME": str(self.home / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "emulated",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{self.port}",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
        }

    def _folder(self, name: str) -> Path:
        folder = self.home / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass
class Deployment(Engine):
    """An emulated account and the engine that deploys into it.

    Attributes:
        account: The account.
        provider: What carries out the engine's wishes.
    """

    account: Account
    provider: Provider

    def changes(self, action: Callable[[], Any]) -> list[Done]:
        """Return what an action, an up or a destroy, has changed in the account."""
        before = len(self.provider.done)
        action()
        return self.provider.done[before:]


@contextmanager
def deployment(account: Account, home: Path) -> Iterator[Deployment]:
    """Have a provider for this account for as long as the block lasts."""
    provider = Provider(account)
    with served(provider) as port:
        yield Deployment(home, port, account, provider)
