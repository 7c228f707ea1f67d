"""Glue: databases, tables, jobs and how they encrypt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import Call, Called, Kind, by

_JOB_NAMES = {"roleArn": "Role", "connections": None}
_TABLE_APART = {"databaseName": None, "catalogId": None}
_TABLE_NAMES = {
    **_TABLE_APART,
    "openTableFormatInput": None,
    "partitionIndices": None,
}


def _database(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {
        "arn": account.arn("glue", f"database/{inputs['name']}"),
        "catalogId": account.account_id,
        "id": f"{account.account_id}:{inputs['name']}",
    }


def _table(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    path = f"{inputs['databaseName']}/{inputs['name']}"
    return {
        "arn": account.arn("glue", f"table/{path}"),
        "catalogId": account.account_id,
        "id": f"{account.account_id}:{path.replace('/', ':')}",
    }


def _job(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("glue", f"job/{inputs['name']}")}


@dataclass(frozen=True)
class _Job(Called):
    """A job. moto cannot update one, so it is made again under its name."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        self.delete(account, inputs)
        return self.create(account, inputs)[1]


KINDS: dict[str, Kind] = {
    "aws:glue/catalogDatabase:CatalogDatabase": Called(
        service="glue",
        replaced_by=frozenset({"name", "catalogId"}),
        named="name",
        make=Call("create_database", inside="DatabaseInput", names={"catalogId": None}),
        change=Call(
            "update_database",
            inside="DatabaseInput",
            names={"catalogId": None, "arn": None, "id": None},
            keys={"Name": "name"},
        ),
        find=by("get_database", Name="name"),
        remove=by("delete_database", Name="name"),
        id="id",
        outputs=_database,
    ),
    "aws:glue/catalogTable:CatalogTable": Called(
        service="glue",
        replaced_by=frozenset({"name", "databaseName", "catalogId"}),
        named="name",
        make=Call(
            "create_table",
            inside="TableInput",
            names=_TABLE_NAMES,
            keys={"DatabaseName": "databaseName"},
        ),
        change=Call(
            "update_table",
            inside="TableInput",
            names={**_TABLE_NAMES, "arn": None, "id": None},
            keys={"DatabaseName": "databaseName"},
        ),
        find=by("get_table", DatabaseName="databaseName", Name="name"),
        remove=by("delete_table", DatabaseName="databaseName", Name="name"),
        id="id",
        outputs=_table,
    ),
    "aws:glue/securityConfiguration:SecurityConfiguration": Called(
        service="glue",
        replaced_by=frozenset({"name", "encryptionConfiguration"}),
        named="name",
        make=Call("create_security_configuration"),
        find=by("get_security_configuration", Name="name"),
        remove=by("delete_security_configuration", Name="name"),
        id="name",
    ),
    "aws:glue/job:Job": _Job(
        service="glue",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call("create_job", names=_JOB_NAMES),
        find=by("get_job", JobName="name"),
        remove=by("delete_job", JobName="name"),
        id="name",
        outputs=_job,
    ),
}
