"""Athena, parameters and groups of resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, Recorded, by


def _workgroup(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("athena", f"workgroup/{inputs['name']}")}


@dataclass(frozen=True)
class _Workgroup(Called):
    """A workgroup; moto answers for one that is not there with nothing."""

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        said = account.client("athena").list_work_groups()["WorkGroups"]
        return any(group["Name"] == state["name"] for group in said)

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`; made again under its name, since updates have a form of their own."""
        self.delete(account, inputs)
        return self.create(account, inputs)[1]


_WORKGROUP_NAMES: dict[str, str | None] = {
    "state": None,
    "forceDestroy": None,
    "configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn": "KmsKey",
    "configuration.publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
}


def _parameter(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    return {"arn": account.arn("ssm", f"parameter/{inputs['name'].removeprefix('/')}")}


KINDS: dict[str, Kind] = {
    "aws:athena/workgroup:Workgroup": _Workgroup(
        service="athena",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call("create_work_group", names=_WORKGROUP_NAMES),
        remove=Call(
            "delete_work_group",
            only=NO_INPUTS,
            keys={"WorkGroup": "name"},
            fixed={"RecursiveDeleteOption": True},
        ),
        id="name",
        outputs=_workgroup,
    ),
    "aws:athena/namedQuery:NamedQuery": Recorded(
        service="athena",
        replaced_by=frozenset({"name", "database", "query", "description", "workgroup"}),
        named="name",
        token="aws:athena/namedQuery:NamedQuery",
        why="moto cannot delete a named query",
    ),
    "aws:ssm/parameter:Parameter": Called(
        service="ssm",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call("put_parameter", names={"arn": None, "version": None, "overwrite": None}),
        change=Call(
            "put_parameter",
            only=frozenset({"name", "value", "type", "description", "keyId", "tier"}),
            fixed={"Overwrite": True},
            finish=lambda _, __, request: request.pop("Tags", None) and None,
        ),
        find=by("get_parameter", Name="name"),
        remove=by("delete_parameter", Name="name"),
        id="name",
        outputs=_parameter,
    ),
    "aws:resourcegroups/group:Group": Recorded(
        service="resource-groups",
        replaced_by=frozenset({"name"}),
        named="name",
        arn="group/{name}",
        token="aws:resourcegroups/group:Group",
        why="moto's groups know no query for tags",
    ),
}
