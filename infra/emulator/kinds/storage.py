"""Buckets, what is set on them, and objects; tables of DynamoDB."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, Recorded, by, is_gone


def content(asset: Mapping[str, Any]) -> bytes:
    """Return the bytes of an asset, or those of a zip file of an archive."""
    if "text" in asset:
        return str(asset["text"]).encode()
    if "assets" in asset:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for name, part in sorted(asset["assets"].items()):
                archive.writestr(zipfile.ZipInfo(name), content(part))
        return held.getvalue()
    path = Path(asset["path"])
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return content(
            {"assets": {str(file.relative_to(path)): {"path": str(file)} for file in files}}
        )
    return path.read_bytes()


def _location(account: Account, given: Properties, request: Properties) -> None:
    del given
    if account.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": account.region}


def _bucket(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    name = inputs["bucket"]
    return {
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{account.region}.amazonaws.com",
        "region": account.region,
    }


@dataclass(frozen=True)
class _Bucket(Called):
    """A bucket; one that may be emptied is, before it goes."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`; tags and the leave to empty it are all that can change."""
        return _bucket(account, inputs, {})

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        if state.get("forceDestroy"):
            _empty(account.client("s3"), state["bucket"])
        super().delete(account, state)


def _empty(client: Any, bucket: str) -> None:
    try:
        pages = [*client.get_paginator("list_object_versions").paginate(Bucket=bucket)]
    except ClientError as error:
        if is_gone(error):
            return
        raise
    for page in pages:
        for held in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            client.delete_object(Bucket=bucket, Key=held["Key"], VersionId=held["VersionId"])


def _locked(account: Account, given: Properties, request: Properties) -> None:
    """Say what the provider proper takes for granted."""
    request["ObjectLockConfiguration"].setdefault("ObjectLockEnabled", "Enabled")


def _setting(
    put: str, member: str, get: str, remove: str | None, *, finish: Any = None, **names: str | None
) -> Called:
    """Return a setting of a bucket: put as a whole, again at every change."""
    return Called(
        service="s3",
        replaced_by=frozenset({"bucket"}),
        make=Call(
            put,
            inside=member,
            keys={"Bucket": "bucket"},
            names={"bucket": None, "expectedBucketOwner": None, **names},
            finish=finish,
        ),
        find=by(get, Bucket="bucket"),
        remove=by(remove or "head_bucket", Bucket="bucket"),
        id="bucket",
    )


def _versioning(account: Account, given: Properties, request: Properties) -> None:
    request["VersioningConfiguration"] = {"Status": given["versioningConfiguration"]["status"]}


def _events(account: Account, given: Properties, request: Properties) -> None:
    if given.get("eventbridge"):
        request["NotificationConfiguration"] = {"EventBridgeConfiguration": {}}


def _put(put: str, get: str, finish: Any, remove: Call) -> Called:
    return Called(
        service="s3",
        replaced_by=frozenset({"bucket"}),
        make=Call(put, only=NO_INPUTS, keys={"Bucket": "bucket"}, finish=finish),
        find=by(get, Bucket="bucket"),
        remove=remove,
        id="bucket",
    )


_STAYS = by("head_bucket", Bucket="bucket")  # It goes with its bucket.


@dataclass(frozen=True)
class _Object(Kind):
    """An object made from an asset or from text."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        added = self.update(account, {}, inputs)
        return str(added["key"]), added

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        try:
            account.client("s3").head_object(Bucket=state["bucket"], Key=state["key"])
        except ClientError as error:
            if is_gone(error):
                return False
            raise
        return True

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        body = (
            content(inputs["source"]) if inputs.get("source") else inputs["content"].encode("utf-8")
        )
        more = {"SSEKMSKeyId": inputs["kmsKeyId"]} if inputs.get("kmsKeyId") else {}
        if more or inputs.get("serverSideEncryption"):
            more["ServerSideEncryption"] = inputs.get("serverSideEncryption", "aws:kms")
        said = account.client("s3").put_object(
            Bucket=inputs["bucket"], Key=inputs["key"], Body=body, **more
        )
        return {
            "arn": f"arn:aws:s3:::{inputs['bucket']}/{inputs['key']}",
            "bucket": inputs["bucket"],
            "key": inputs["key"],
            "etag": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "versionId": said.get("VersionId", "null"),
        }

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`; with all its versions, as the provider proper does when told to."""
        client = account.client("s3")
        found = client.list_object_versions(Bucket=state["bucket"], Prefix=state["key"])
        for held in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            if held["Key"] == state["key"]:
                client.delete_object(
                    Bucket=state["bucket"], Key=held["Key"], VersionId=held["VersionId"]
                )


_TABLE_KEYS = {"hashKey": "HASH", "rangeKey": "RANGE"}
_TABLE_SETTINGS = frozenset({"attributes", "name", "billingMode"})


def _table_keys(account: Account, given: Properties, request: Properties) -> None:
    del account
    request["KeySchema"] = [
        {"AttributeName": given[name], "KeyType": kind}
        for name, kind in _TABLE_KEYS.items()
        if given.get(name)
    ]
    encryption = given.get("serverSideEncryption")
    if encryption:
        request["SSESpecification"] = {"Enabled": encryption["enabled"], "SSEType": "KMS"}
        if encryption.get("kmsKeyArn"):
            request["SSESpecification"]["KMSMasterKeyId"] = encryption["kmsKeyArn"]
    request["DeletionProtectionEnabled"] = bool(given.get("deletionProtectionEnabled"))


def _table(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("dynamodb", f"table/{inputs['name']}")}


@dataclass(frozen=True)
class _Table(Called):
    """A table of DynamoDB; recovery and expiry are operations of their own."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        made = super().create(account, inputs)
        self._settings(account, inputs)
        return made

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        account.client("dynamodb").update_table(
            TableName=inputs["name"],
            DeletionProtectionEnabled=bool(inputs.get("deletionProtectionEnabled")),
        )
        self._settings(account, inputs)
        return {"arn": old["arn"]}

    @staticmethod
    def _settings(account: Account, inputs: Properties) -> None:
        client, name = account.client("dynamodb"), inputs["name"]
        recovery = inputs.get("pointInTimeRecovery")
        if recovery:
            client.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification={
                    "PointInTimeRecoveryEnabled": recovery["enabled"]
                },
            )
        expiry = inputs.get("ttl")
        if expiry:
            client.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={
                    "Enabled": expiry.get("enabled", False),
                    "AttributeName": expiry["attributeName"],
                },
            )


_OBJECT = _Object(service="s3", replaced_by=frozenset({"bucket", "key"}))

KINDS: dict[str, Kind] = {
    "aws:s3/bucket:Bucket": _Bucket(
        service="s3",
        replaced_by=frozenset({"bucket", "objectLockEnabled"}),
        named="bucket",
        make=Call(
            "create_bucket",
            names={
                "forceDestroy": None,
                "bucketPrefix": None,
                "objectLockEnabled": "ObjectLockEnabledForBucket",
            },
            finish=_location,
        ),
        find=by("head_bucket", Bucket="bucket"),
        remove=by("delete_bucket", Bucket="bucket"),
        id="bucket",
        outputs=_bucket,
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _setting(
            "put_bucket_encryption",
            "ServerSideEncryptionConfiguration",
            "get_bucket_encryption",
            "delete_bucket_encryption",
            **{
                "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
                "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "SSEAlgorithm",
            },
        )
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        "get_public_access_block",
        "delete_public_access_block",
        skipDestroy=None,
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "put_bucket_ownership_controls",
        "OwnershipControls",
        "get_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        rule="Rules",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        "get_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        transitionDefaultMinimumObjectSize=None,
        **{"rules.id": "ID"},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _setting(
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
        "get_object_lock_configuration",
        None,
        finish=_locked,
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _put(
        "put_bucket_versioning", "get_bucket_versioning", _versioning, _STAYS
    ),
    "aws:s3/bucketLogging:BucketLogging": Recorded(
        service="s3",
        replaced_by=frozenset({"bucket"}),
        id="bucket",
        token="aws:s3/bucketLogging:BucketLogging",
        why="moto stumbles over a policy of the target bucket with the principal `*`",
    ),
    "aws:s3/bucketNotification:BucketNotification": _put(
        "put_bucket_notification_configuration",
        "get_bucket_notification_configuration",
        _events,
        _STAYS,
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Recorded(
        service="s3",
        replaced_by=frozenset({"bucket"}),
        id="bucket",
        token="aws:s3/bucketPolicy:BucketPolicy",
        why="moto denies everything that a condition speaks of, whether it holds or not",
    ),
    "aws:dynamodb/table:Table": _Table(
        service="dynamodb",
        replaced_by=frozenset({"name", "hashKey", "rangeKey", "attributes"}),
        named="name",
        make=Call(
            "create_table",
            only=_TABLE_SETTINGS,
            names={
                "attributes": "AttributeDefinitions",
                "attributes.name": "AttributeName",
                "attributes.type": "AttributeType",
                "name": "TableName",
            },
            finish=_table_keys,
        ),
        find=by("describe_table", TableName="name"),
        remove=by("delete_table", TableName="name"),
        id="name",
        outputs=_table,
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": _OBJECT,
    "aws:s3/bucketObject:BucketObject": _OBJECT,
}
