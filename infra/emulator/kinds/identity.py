"""Roles, policies, and whom they are given to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, by


def _path(inputs: Properties) -> str:
    return str(inputs.get("path") or "/")


def _role(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    arn = f"arn:aws:iam::{account.account_id}:role{_path(inputs)}{inputs['name']}"
    return {"arn": arn}


@dataclass(frozen=True)
class _Role(Called):
    """A role; one that still has policies cannot go, so they are taken off when that is asked."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        client, name = account.client("iam"), inputs["name"]
        client.update_assume_role_policy(RoleName=name, PolicyDocument=inputs["assumeRolePolicy"])
        client.update_role(
            RoleName=name,
            Description=inputs.get("description", ""),
            MaxSessionDuration=int(inputs.get("maxSessionDuration", 3600)),
        )
        if inputs.get("permissionsBoundary"):
            client.put_role_permissions_boundary(
                RoleName=name, PermissionsBoundary=inputs["permissionsBoundary"]
            )
        elif old.get("permissionsBoundary"):
            client.delete_role_permissions_boundary(RoleName=name)
        return {"arn": old["arn"]}

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        client, name = account.client("iam"), state["name"]
        if state.get("forceDetachPolicies"):
            for held in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                client.detach_role_policy(RoleName=name, PolicyArn=held["PolicyArn"])
        super().delete(account, state)


def _policy(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    arn = f"arn:aws:iam::{account.account_id}:policy{_path(inputs)}{inputs['name']}"
    return {"arn": arn, "policyId": said.get("Policy", {}).get("PolicyId", inputs.get("policyId"))}


@dataclass(frozen=True)
class _Policy(Called):
    """A managed policy; a change is a new version of it, and the old one goes."""

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        client, arn = account.client("iam"), old["arn"]
        client.create_policy_version(
            PolicyArn=arn, PolicyDocument=inputs["policy"], SetAsDefault=True
        )
        for version in client.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        return {"arn": arn, "policyId": old["policyId"]}


def _openid(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    host = inputs["url"].removeprefix("https://")
    return {"arn": f"arn:aws:iam::{account.account_id}:oidc-provider/{host}"}


def _inline(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, said
    return {"id": f"{inputs['role']}:{inputs['name']}"}


def _attached(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, said
    return {"id": f"{inputs['role']}/{inputs['policyArn']}"}


_NAMES = {"RoleName": "role", "PolicyName": "name"}

KINDS: dict[str, Kind] = {
    "aws:iam/role:Role": _Role(
        service="iam",
        replaced_by=frozenset({"name", "path"}),
        named="name",
        make=Call(
            "create_role",
            names={
                "name": "RoleName",
                "assumeRolePolicy": "AssumeRolePolicyDocument",
                "forceDetachPolicies": None,
            },
        ),
        find=by("get_role", RoleName="name"),
        remove=by("delete_role", RoleName="name"),
        id="name",
        outputs=_role,
    ),
    "aws:iam/rolePolicy:RolePolicy": Called(
        service="iam",
        replaced_by=frozenset({"name", "role"}),
        named="name",
        make=Call(
            "put_role_policy",
            only=frozenset({"policy"}),
            names={"policy": "PolicyDocument"},
            keys=_NAMES,
        ),
        find=Call("get_role_policy", only=NO_INPUTS, keys=_NAMES),
        remove=Call("delete_role_policy", only=NO_INPUTS, keys=_NAMES),
        id="id",
        outputs=_inline,
    ),
    "aws:iam/policy:Policy": _Policy(
        service="iam",
        replaced_by=frozenset({"name", "path", "description"}),
        named="name",
        make=Call("create_policy", names={"name": "PolicyName", "policy": "PolicyDocument"}),
        find=by("get_policy", PolicyArn="arn"),
        remove=by("delete_policy", PolicyArn="arn"),
        outputs=_policy,
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Called(
        service="iam",
        replaced_by=frozenset({"role", "policyArn"}),
        make=Call("attach_role_policy", names={"role": "RoleName"}),
        find=by("get_role", RoleName="role"),
        remove=by("detach_role_policy", RoleName="role", PolicyArn="policyArn"),
        id="id",
        outputs=_attached,
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Called(
        service="iam",
        replaced_by=frozenset({"url"}),
        make=Call(
            "create_open_id_connect_provider",
            names={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
        ),
        find=by("get_open_id_connect_provider", OpenIDConnectProviderArn="arn"),
        remove=by("delete_open_id_connect_provider", OpenIDConnectProviderArn="arn"),
        outputs=_openid,
    ),
}
