"""Keys for encryption."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.emulator.account import Account, Properties
from infra.emulator.kinds.kind import NO_INPUTS, Call, Called, Kind, by

_OWN = frozenset({"description", "policy", "keyUsage", "customerMasterKeySpec", "multiRegion"})


def _key(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del account, inputs
    return {"arn": said["KeyMetadata"]["Arn"], "keyId": said["KeyMetadata"]["KeyId"]}


@dataclass(frozen=True)
class _Key(Called):
    """A key; its rotation is an operation of its own, and it goes after a while only."""

    def create(self, account: Account, inputs: Properties) -> tuple[str, Properties]:
        """See `Kind.create`."""
        key, added = super().create(account, inputs)
        self._rotate(account, key, inputs)
        return key, added

    def exists(self, account: Account, state: Properties) -> bool:
        """See `Kind.exists`."""
        said = account.client("kms").describe_key(KeyId=state["keyId"])
        return str(said["KeyMetadata"]["KeyState"]) != "PendingDeletion"

    def update(self, account: Account, old: Properties, inputs: Properties) -> Properties:
        """See `Kind.update`."""
        client, key = account.client("kms"), old["keyId"]
        if inputs.get("description"):
            client.update_key_description(KeyId=key, Description=inputs["description"])
        if inputs.get("policy"):
            client.put_key_policy(KeyId=key, PolicyName="default", Policy=inputs["policy"])
        self._rotate(account, key, inputs)
        return {"arn": old["arn"], "keyId": key}

    def delete(self, account: Account, state: Properties) -> None:
        """See `Kind.delete`."""
        account.client("kms").schedule_key_deletion(
            KeyId=state["keyId"], PendingWindowInDays=int(state.get("deletionWindowInDays", 30))
        )

    @staticmethod
    def _rotate(account: Account, key: str, inputs: Properties) -> None:
        client = account.client("kms")
        if inputs.get("enableKeyRotation"):
            client.enable_key_rotation(KeyId=key)
        else:
            client.disable_key_rotation(KeyId=key)


def _alias(account: Account, inputs: Properties, said: Mapping[str, Any]) -> Properties:
    del said
    key = inputs["targetKeyId"].rsplit("/", maxsplit=1)[-1]
    return {
        "arn": account.arn("kms", inputs["name"]),
        "targetKeyArn": account.arn("kms", f"key/{key}"),
    }


_NAMES = {"AliasName": "name", "TargetKeyId": "targetKeyId"}

KINDS: dict[str, Kind] = {
    "aws:kms/key:Key": _Key(
        service="kms",
        replaced_by=frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion"}),
        make=Call("create_key", only=_OWN),
        id="keyId",
        outputs=_key,
    ),
    "aws:kms/keyPolicy:KeyPolicy": Called(
        service="kms",
        replaced_by=frozenset({"keyId"}),
        make=Call(
            "put_key_policy",
            only=frozenset({"policy"}),
            keys={"KeyId": "keyId"},
            fixed={"PolicyName": "default"},
        ),
        find=by("describe_key", KeyId="keyId"),
        remove=by("describe_key", KeyId="keyId"),  # A key always has a policy.
        id="keyId",
    ),
    "aws:kms/alias:Alias": Called(
        service="kms",
        replaced_by=frozenset({"name"}),
        named="name",
        make=Call("create_alias", only=NO_INPUTS, keys=_NAMES),
        find=by("list_aliases", KeyId="targetKeyId"),
        change=Call("update_alias", only=NO_INPUTS, keys=_NAMES),
        remove=by("delete_alias", AliasName="name"),
        id="name",
        outputs=_alias,
    ),
}
