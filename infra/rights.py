"""Duties, and the rights that several of them have: statements on the names of a stack."""

from dataclasses import dataclass
from typing import Any

from infra.names import Names
from infra.policies import Statement, allow, document

READ = ("s3:GetObject",)
WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject")
USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True)
class Duty:
    """A role to be: who may take it on, and what it may do.

    Attributes:
        name: Name of the duty.
        does: What it is for.
        trust: Who may take it on.
        statements: What it may do.
    """

    name: str
    does: str
    trust: dict[str, Any]
    statements: tuple[Statement, ...]

    @property
    def policy(self) -> dict[str, Any]:
        """What it may do, as a policy."""
        return document(*self.statements)


def list_below(names: Names, sid: str, bucket: str, *prefixes: str) -> Statement:
    """Allow to list what lies below some prefixes of a bucket."""
    conditions = {"StringLike": {"s3:prefix": list(prefixes)}}
    return allow(sid, ["s3:ListBucket"], [names.bucket_arn(bucket)], conditions)


def locate(names: Names, *buckets: str) -> Statement:
    """Allow to ask for the region of some buckets."""
    arns = [names.bucket_arn(bucket) for bucket in buckets]
    return allow("Locate", ["s3:GetBucketLocation"], arns)


def use_key(names: Names, key: str, *services: str) -> Statement:
    """Allow to use the key, on behalf of some services only where it can be said."""
    if not services:
        return allow("UseKey", USE_KEY, [key])
    via = [f"{service}.{names.settings.region}.amazonaws.com" for service in services]
    return allow("UseKey", USE_KEY, [key], {"StringEquals": {"kms:ViaService": via}})


def log_groups(names: Names, group: str) -> list[str]:
    """Return the ARNs of log groups, and of the streams in them."""
    return [names.arn("logs", f"log-group:{group}"), names.arn("logs", f"log-group:{group}:*")]


def catalog_of(names: Names, *layers: str) -> list[str]:
    """Return the ARNs of the catalog, some databases and their tables: Glue asks for all three."""
    databases = [names.database(layer) for layer in layers]
    return [
        names.arn("glue", "catalog"),
        *(names.arn("glue", f"database/{database}") for database in databases),
        *(names.arn("glue", f"table/{database}/*") for database in databases),
    ]
