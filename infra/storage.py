"""Where data lies: the key of the stack, and its buckets."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.guards import LOGS, PRECIOUS, bucket_policy, key_policy
from infra.names import BUCKETS, PUT_ASIDE, Names
from infra.policies import text

_TEMPORARY_DAYS = 7


@dataclass(frozen=True)
class Held:
    """A bucket, and the resource after which it is ready to be used."""

    bucket: aws.s3.Bucket
    ready: pulumi.Resource


class Storage(pulumi.ComponentResource):
    """The key that encrypts everything of the stack, and the buckets.

    Attributes:
        key: The key.
        buckets: Buckets by purpose.
    """

    def __init__(self, names: Names, opts: pulumi.ResourceOptions) -> None:
        super().__init__("lakehouse:infra:Storage", "storage", None, opts)
        self._names = names
        self._storage = names.settings.storage
        self.key = self._key()
        self.buckets = {LOGS: self._bucket(LOGS)}
        for purpose in BUCKETS:
            if purpose != LOGS:
                self.buckets[purpose] = self._bucket(purpose)
        self.register_outputs({name: held.bucket.bucket for name, held in self.buckets.items()})

    def _options(self, *, keep: bool = False) -> pulumi.ResourceOptions:
        """Return the options of a resource; `keep` for what must outlive the stack."""
        keep = keep and self._storage.protect
        return pulumi.ResourceOptions(parent=self, protect=keep, retain_on_delete=keep)

    # --- The key ---------------------------------------------------------------------------------

    def _key(self) -> aws.kms.Key:
        names = self._names
        key = aws.kms.Key(
            "key",
            description=f"Everything of {names.stem}.",
            enable_key_rotation=True,
            deletion_window_in_days=30 if self._storage.protect else 7,
            policy=text(key_policy(names)),
            tags=names.settings.tags,
            opts=self._options(keep=True),
        )
        aws.kms.Alias(
            "key-alias",
            name=f"alias/{names.stem}",
            target_key_id=key.id,
            opts=self._options(),
        )
        return key

    # --- Buckets ---------------------------------------------------------------------------------

    def _bucket(self, purpose: str) -> Held:
        names, storage = self._names, self._storage
        keep = purpose in PRECIOUS
        bucket = aws.s3.Bucket(
            purpose,
            bucket=names.bucket(purpose),
            force_destroy=not (keep and storage.protect),
            object_lock_enabled=purpose == "raw" and storage.protect,
            tags={**names.settings.tags, "Purpose": purpose},
            opts=self._options(keep=keep),
        )
        # What guards data is kept with it.
        options = self._options(keep=keep)
        aws.s3.BucketOwnershipControls(
            f"{purpose}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=options,
        )
        public = aws.s3.BucketPublicAccessBlock(
            f"{purpose}-public",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=options,
        )
        self._encrypt(purpose, bucket)
        versioning = aws.s3.BucketVersioning(
            f"{purpose}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=options,
        )
        after = pulumi.ResourceOptions.merge(
            options, pulumi.ResourceOptions(depends_on=[versioning])
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{purpose}-lifecycle",
            bucket=bucket.bucket,
            rules=self._lifecycle(purpose),
            opts=after,
        )
        if purpose == "raw":
            self._of_raw(bucket, after)
        if purpose != LOGS:
            aws.s3.BucketLogging(
                f"{purpose}-logging",
                bucket=bucket.bucket,
                target_bucket=self._logs_bucket(),
                target_prefix=f"{purpose}/",
                opts=options,
            )
        # S3 answers conflicting changes of a bucket with an error, so the policy comes last.
        policy = aws.s3.BucketPolicy(
            f"{purpose}-policy",
            bucket=bucket.bucket,
            policy=text(bucket_policy(names, purpose)),
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[public])),
        )
        return Held(bucket, policy)

    def _logs_bucket(self) -> pulumi.Output[str]:
        """Return the bucket of the access logs, once it lets them in."""
        held = self.buckets[LOGS]
        return pulumi.Output.all(held.bucket.bucket, held.ready.urn).apply(lambda found: found[0])

    def _encrypt(self, purpose: str, bucket: aws.s3.Bucket) -> None:
        """Encrypt under the key; access logs by S3 itself, which can write them no other way."""
        if purpose == LOGS:
            by: dict[str, pulumi.Input[str]] = {"sse_algorithm": "AES256"}
        else:
            by = {"sse_algorithm": "aws:kms", "kms_master_key_id": self.key.arn}
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{purpose}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": by,
                    "bucket_key_enabled": purpose != LOGS,
                }
            ],
            opts=self._options(keep=purpose in PRECIOUS),
        )

    def _of_raw(self, bucket: aws.s3.Bucket, options: pulumi.ResourceOptions) -> None:
        """Tell EventBridge of arrivals; where data is protected, lock deliveries for a while."""
        aws.s3.BucketNotification(
            "raw-events", bucket=bucket.bucket, eventbridge=True, opts=options
        )
        if self._storage.protect:
            retention = {"mode": "GOVERNANCE", "days": self._storage.locked_days}
            aws.s3.BucketObjectLockConfiguration(
                "raw-lock",
                bucket=bucket.bucket,
                rule={"default_retention": retention},
                opts=options,
            )

    def _lifecycle(self, purpose: str) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
        storage, prefix = self._storage, self._names.landing_prefix
        archive, rejected = (f"{prefix}{name}/" for name in PUT_ASIDE)
        frozen = [
            (storage.archive_cold_days, "STANDARD_IA"),
            (storage.archive_frozen_days, "GLACIER"),
        ]
        rules = {
            "raw": [
                _rule("archive-gets-cold", archive, moves=frozen),
                _rule("rejected-gets-cold", rejected, moves=frozen[:1]),
            ],
            "lake": [],
            "artifacts": [_rule("temporary-goes", "temporary/", days=_TEMPORARY_DAYS)],
            "results": [_rule("answers-go", "answers/", days=storage.results_days)],
            LOGS: [_rule("logs-go", "", days=storage.access_log_days)],
        }[purpose]
        return [*rules, _rule("old-versions-go", "", noncurrent=storage.noncurrent_days)]


def _rule(
    name: str,
    prefix: str,
    *,
    days: int = 0,
    moves: list[tuple[int, str]] | None = None,
    noncurrent: int = 0,
) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """Return a rule for what lies below a prefix.

    Args:
        name: Name of the rule.
        prefix: Beginning of the keys that it is for; empty for all.
        days: Days after which objects go; 0: never.
        moves: Days after which objects move to a storage class, and that class.
        noncurrent: Days after which overwritten and deleted objects go; 0: this rule is not about
            them. With it go the parts of uploads that were given up, and leftover delete markers.
    """
    rules = aws.s3
    return rules.BucketLifecycleConfigurationRuleArgs(
        id=name,
        status="Enabled",
        filter=rules.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
        expiration=_expiration(days, markers=bool(noncurrent)),
        transitions=[
            rules.BucketLifecycleConfigurationRuleTransitionArgs(days=after, storage_class=kind)
            for after, kind in moves or ()
        ]
        or None,
        noncurrent_version_expiration=(
            rules.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=noncurrent
            )
            if noncurrent
            else None
        ),
        abort_incomplete_multipart_upload=(
            rules.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=_TEMPORARY_DAYS
            )
            if noncurrent
            else None
        ),
    )


def _expiration(
    days: int, *, markers: bool
) -> aws.s3.BucketLifecycleConfigurationRuleExpirationArgs | None:
    if days:
        return aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days)
    if markers:
        return aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
            expired_object_delete_marker=True
        )
    return None
