"""The emulated account: moto's services in this process, and a record of what moto lacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

Properties = dict[str, Any]

# Machines are interpreted; a function is carried out by whoever rehearses, not by a container.
_SERVICES: Any = {  # moto's own type for it cannot be imported.
    "stepfunctions": {"execute_state_machine": True},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}


@dataclass
class Account:
    """An account of AWS in one region.

    Attributes:
        region: The region.
        account_id: Number of the account.
        records: What is kept here since moto has no such resource: its inputs, by kind and id.
    """

    region: str = "eu-central-1"
    account_id: str = DEFAULT_ACCOUNT_ID
    records: dict[str, dict[str, Properties]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep one client for each service."""
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the name that AWS gives a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


@contextmanager
def emulated(region: str = "eu-central-1") -> Iterator[Account]:
    """Have an empty account for as long as the block lasts."""
    with mock_aws(config=_SERVICES):
        yield Account(region)
