"""What the key and the buckets allow and forbid by themselves, whoever asks."""

from infra.names import BUCKETS, Names
from infra.policies import (
    OF_THE_RESOURCE,
    Statement,
    allow,
    document,
    from_service,
    tls_only,
)

# Buckets whose loss is loss of data.
PRECIOUS = ("raw", "lake")
# The bucket of the access logs.
LOGS = "logs"


def bucket_policy(names: Names, purpose: str) -> dict[str, object]:
    """Return what a bucket allows and forbids by itself."""
    arn = names.bucket_arn(purpose)
    everything = [arn, f"{arn}/*"]
    statements: list[Statement] = [
        tls_only("s3", everything),
        {
            "Sid": "OnlyWithModernTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
    ]
    if names.settings.storage.protect and purpose in PRECIOUS:
        # What is overwritten or deleted stays for `noncurrent_days`; only the lifecycle ends it.
        statements.append(
            {
                "Sid": "NobodyDestroysData",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
                "Resource": everything,
            }
        )
    if purpose == LOGS:
        sources = [names.bucket_arn(other) for other in BUCKETS if other != LOGS]
        statements.append(
            from_service(
                "AccessLogs",
                ["logging.s3.amazonaws.com"],
                ["s3:PutObject"],
                [f"{arn}/*"],
                {
                    "ArnLike": {"aws:SourceArn": sources},
                    "StringEquals": {"aws:SourceAccount": names.account},
                },
            )
        )
    return document(*statements)


def key_policy(names: Names) -> dict[str, object]:
    """Return who may use the key: the account by its own policies, and some services for it."""
    settings, account = names.settings, names.account
    ours = {"StringEquals": {"aws:SourceAccount": account}}
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": names.arn("logs", "log-group:*")}}
    administers, services, writes_logs = OF_THE_RESOURCE
    root = f"arn:{settings.partition}:iam::{account}:root"
    return document(
        {**allow(administers, ["kms:*"], ["*"]), "Principal": {"AWS": [root]}},
        # EventBridge writes to the encrypted queues; alarms, rules and budgets to the topics.
        from_service(
            services,
            ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"],
            use,
            ["*"],
            ours,
        ),
        from_service(
            writes_logs,
            [f"logs.{settings.region}.amazonaws.com"],
            [*use, "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
            ["*"],
            logs,
        ),
    )
