"""What there is in an account, asked from the services themselves and not from the deployment."""

from collections.abc import Iterator
from typing import Any

from infra.emulator.account import Account


def inventory(account: Account) -> set[str]:
    """Return everything in the account, as `kind name`.

    Keys that wait for their deletion are left out, as is what AWS puts into every account.
    """
    return {f"{kind} {name}" for kind, name in _found(account)}


def _found(account: Account) -> Iterator[tuple[str, str]]:
    for kind, service, operation, member, name in _LISTS:
        client = account.client(service)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate()
        else:
            pages = [getattr(client, operation)()]
        for page in pages:
            for entry in page.get(member) or ():
                if name is None or not entry[name].startswith(_OF_AWS):
                    yield kind, str(entry if name is None else entry[name])
    yield from _nested(account)
    for kind, records in account.records.items():
        for key, inputs in records.items():
            yield kind, str(inputs.get("name", key))


_OF_AWS = ("AwsDataCatalog", "alias/aws/", "default", "primary")
_LISTS: tuple[tuple[str, str, str, str, str | None], ...] = (
    ("bucket", "s3", "list_buckets", "Buckets", "Name"),
    ("role", "iam", "list_roles", "Roles", "RoleName"),
    ("openid", "iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ("database", "glue", "get_databases", "DatabaseList", "Name"),
    ("job", "glue", "get_jobs", "Jobs", "Name"),
    ("encryption", "glue", "get_security_configurations", "SecurityConfigurations", "Name"),
    ("function", "lambda", "list_functions", "Functions", "FunctionName"),
    ("machine", "stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("group of schedules", "scheduler", "list_schedule_groups", "ScheduleGroups", "Name"),
    ("schedule", "scheduler", "list_schedules", "Schedules", "Name"),
    ("pipe", "pipes", "list_pipes", "Pipes", "Name"),
    ("rule", "events", "list_rules", "Rules", "Name"),
    ("topic", "sns", "list_topics", "Topics", "TopicArn"),
    ("subscription", "sns", "list_subscriptions", "Subscriptions", "Endpoint"),
    ("queue", "sqs", "list_queues", "QueueUrls", None),
    ("table of DynamoDB", "dynamodb", "list_tables", "TableNames", None),
    ("group of logs", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("alarm", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("dashboard", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("workgroup", "athena", "list_work_groups", "WorkGroups", "Name"),
    ("alias", "kms", "list_aliases", "Aliases", "AliasName"),
)


def _nested(account: Account) -> Iterator[tuple[str, str]]:
    glue, keys, buckets = (account.client(name) for name in ("glue", "kms", "s3"))
    for database in glue.get_databases()["DatabaseList"]:
        for table in glue.get_tables(DatabaseName=database["Name"])["TableList"]:
            yield "table", f"{database['Name']}.{table['Name']}"
    for key in keys.list_keys()["Keys"]:
        described: Any = keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if described["KeyState"] != "PendingDeletion" and described["KeyManager"] == "CUSTOMER":
            yield "key", described["Description"]
    for bucket in buckets.list_buckets()["Buckets"]:
        for entry in buckets.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            yield "object", f"{bucket['Name']}/{entry['Key']}"
