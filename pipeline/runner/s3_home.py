"""The root of a lake under a prefix of an S3 bucket."""

from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.landing.s3 import bucket_and_prefix, s3_client, told
from pipeline.runner.home import LakeHome, is_foreign


class S3LakeHome(LakeHome):
    """Does for `s3://bucket/prefix` what `LakeHome` does for a folder.

    An object is written whole or not at all, and there is no disk to fill, so nothing is reserved.

    Args:
        address: The prefix.
    """

    def __init__(self, address: str) -> None:
        super().__init__(Path())
        self._address = address.rstrip("/")
        self._bucket, self._prefix = bucket_and_prefix(address)

    @property
    def address(self) -> str:
        """The root as users know it."""
        return self._address

    @cached_property
    def _client(self) -> Any:
        return s3_client()

    def _is_free(self) -> bool:
        with told(f"listing {self._address}"):
            found = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, MaxKeys=100
            )
        names = [entry["Key"].removeprefix(self._prefix) for entry in found.get("Contents", ())]
        return not any(is_foreign(name) for name in names if name)

    def _prepare(self) -> None:
        """Do nothing: a prefix needs no making."""

    def abandon(self) -> None:
        """See `LakeHome.abandon`; what lies under a prefix goes with its last object."""
        self.end()
        self._remove("_catalog.json")
        self._remove("lakehouse.json")

    def _names(self, folder: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}{folder}/"
        )
        with told(f"listing {self._address}/{folder}"):
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return [key.removeprefix(self._prefix) for key in keys]

    def _read(self, name: str) -> bytes | None:
        with told(f"reading {self._address}/{name}"):
            try:
                said = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except self._client.exceptions.NoSuchKey:
                return None
            content: bytes = said["Body"].read()
        return content

    def _write(self, name: str, text: str) -> None:
        with told(f"writing {self._address}/{name}"):
            self._client.put_object(
                Bucket=self._bucket, Key=self._prefix + name, Body=text.encode()
            )

    def _remove(self, name: str) -> None:
        with told(f"removing {self._address}/{name}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
