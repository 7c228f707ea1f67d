"""A landing zone under a prefix of an S3 bucket."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

from pipeline.errors import CallError, LakehouseError
from pipeline.landing.store import StoredFile

_IN_MEMORY_BYTES = 64 << 20


class S3Store:
    """Fulfils `pipeline.landing.store.Store` for `s3://bucket/prefix`.

    It may be sent to other processes; each has a client of its own.

    Args:
        address: The prefix.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._bucket, self._prefix = bucket_and_prefix(address)

    @cached_property
    def _client(self) -> Any:
        return s3_client()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the client behind."""
        return {name: value for name, value in vars(self).items() if name != "_client"}

    def list(self) -> list[StoredFile]:
        """See `Store.list`; S3 lists keys in the order of their bytes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        with told(f"listing {self.address}"):
            return [
                StoredFile(
                    path=entry["Key"].removeprefix(self._prefix),
                    size=entry["Size"],
                    fingerprint=_fingerprint(entry["ETag"], entry["Size"], entry["LastModified"]),
                )
                for page in pages
                for entry in page.get("Contents", ())
                if not entry["Key"].endswith("/")
            ]

    def open(self, path: str) -> BinaryIO:
        """See `Store.open`; the file is fetched, since checking goes to and fro in it."""
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
        try:
            with told(f"reading {self.address}/{path}", OSError):
                self._client.download_fileobj(self._bucket, self._prefix + path, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file  # type: ignore[return-value]

    def fingerprint(self, path: str) -> str:
        """See `Store.fingerprint`."""
        with told(f"looking at {self.address}/{path}"):
            said = self._client.head_object(Bucket=self._bucket, Key=self._prefix + path)
        return _fingerprint(said["ETag"], said["ContentLength"], said["LastModified"])

    def move(self, path: str, target: str) -> str:
        """See `Store.move`; a taken name gets a number before its extension."""
        with told(f"moving {self.address}/{path}"):
            goal = self._free(target)
            source = {"Bucket": self._bucket, "Key": self._prefix + path}
            self._client.copy(source, self._bucket, self._prefix + goal)
            self._client.delete_object(**source)
        return goal

    def _free(self, target: str) -> str:
        folder, _, name = target.rpartition("/")
        stem, dot, extension = name.partition(".")
        number, goal = 1, target
        while self._has(goal):
            number += 1
            goal = f"{folder}/{stem}-{number}{dot}{extension}"
        return goal

    def _has(self, path: str) -> bool:
        key = self._prefix + path
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in found.get("Contents", ()))

    def write_text(self, path: str, text: str) -> None:
        """See `Store.write_text`."""
        with told(f"writing {self.address}/{path}"):
            self._client.put_object(
                Bucket=self._bucket, Key=self._prefix + path, Body=text.encode()
            )


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """Return the bucket of an `s3://` address, and its prefix: empty or ending in `/`.

    Raises:
        CallError: It is no such address.
    """
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not address.startswith("s3://") or not bucket:
        raise CallError(f"{address!r} is no address in S3.", "Expected s3://bucket/prefix.")
    return bucket, f"{prefix}/" if prefix else ""


def s3_client() -> Any:
    """Return a client of S3 with the process's own credentials, region and endpoint."""
    import boto3

    return boto3.client("s3")


@contextmanager
def told(doing: str, kind: type[Exception] = LakehouseError) -> Iterator[None]:
    """Turn a failure of S3 into an error that says what was done.

    Args:
        doing: What was tried, with the address.
        kind: Kind of error to raise; an OSError lets the landing zone refuse a single file.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        msg = f"{doing.capitalize()} failed: {error}."
        if kind is LakehouseError:
            raise LakehouseError(msg, "Look at the permissions of the role.") from error
        raise kind(msg) from error


def _fingerprint(etag: str, size: int, changed: Any) -> str:
    tag = etag.strip('"')
    return f"{size}-{tag}-{int(changed.timestamp())}"
