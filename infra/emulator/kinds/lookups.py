"""Lookups of a program: what it asks the provider without making anything."""

from collections.abc import Callable

from infra.emulator.account import Account, Properties

Lookup = Callable[[Account, Properties], Properties]


def _identity(account: Account, asked: Properties) -> Properties:
    del asked
    said = account.client("sts").get_caller_identity()
    return {
        "accountId": said["Account"],
        "arn": said["Arn"],
        "userId": said["UserId"],
        "id": said["Account"],
    }


def _region(account: Account, asked: Properties) -> Properties:
    name = asked.get("region") or asked.get("name") or account.region
    return {"region": name, "name": name, "id": name, "description": name, "endpoint": ""}


def _partition(account: Account, asked: Properties) -> Properties:
    del account, asked
    return {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
        "id": "aws",
    }


LOOKUPS: dict[str, Lookup] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}
