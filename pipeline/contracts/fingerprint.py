"""What of the contracts is cast in a lake's tables, and what a change of it means for them.

A lake keeps the description of the contracts that wrote it. A run compares it with its own before
it writes anything: what is only new is added, what rows at rest cannot follow is refused.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.contracts.model import Table

# Values that JSON knows: path of a table to its columns, key and partitions.
Description = dict[str, Any]

_NEW_LAKE = "build a new lake from the same files"


def describe(tables: Iterable[Table]) -> Description:
    """Return what rows at rest depend on, as a document: types, required columns, keys, partitions.

    Meanings, rules, clustering, file sizes and retention may change freely and are left out.
    """
    return {
        table.path: {
            "columns": [
                {"name": column.name, "type": column.type.storage, "required": column.required}
                for column in table.columns
            ],
            "key": list(table.key),
            "partition_by": list(table.partition_by),
        }
        for table in tables
    }


def fingerprint(description: Mapping[str, Any]) -> str:
    """Return what two descriptions have in common only if they are equal: SHA-256, hexadecimal."""
    canonical = json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Change:
    """One difference between the contracts that wrote a lake and those at hand.

    Attributes:
        table: Path of the table.
        column: The column; empty where the change is one of the whole table.
        was: What the lake has; empty for nothing.
        now: What the contract says; empty for nothing.
        way_out: What to do instead; empty for a change that a run makes by itself.
        with_rows: Whether the change is refused only where the table has rows.
    """

    table: str
    column: str
    was: str
    now: str
    way_out: str = ""
    with_rows: bool = False

    @property
    def is_breaking(self) -> bool:
        """Whether rows at rest cannot follow."""
        return bool(self.way_out)

    @property
    def sentence(self) -> str:
        """What has changed, in one sentence."""
        subject = f"Column {self.column} of {self.table}" if self.column else f"Table {self.table}"
        was, now = self.was or "not there", self.now or "not there"
        return f"{subject} is {was} in the lake, and {now} in the contract."


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return what has changed from one description to another, table by table.

    Args:
        old: The description that a lake remembers.
        new: The description of the contracts at hand.

    Raises:
        KeyError, TypeError: `old` is no description.
    """
    changes: list[Change] = []
    for path, table in old.items():
        if path in new:
            changes += _of_table(path, table, new[path])
        else:
            way_out = f"Leave it in the contracts, or {_NEW_LAKE}."
            changes.append(Change(path, "", "there", "", way_out))
    changes += [Change(path, "", "", "new") for path in new if path not in old]
    return changes


def _of_table(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before = {column["name"]: column for column in old["columns"]}
    after = {column["name"]: column for column in new["columns"]}
    for name, column in before.items():
        if name not in after:
            way_out = (
                "Leave it in the contract, not required; to rename it, add the new name beside it; "
                f"or {_NEW_LAKE}."
            )
            yield Change(path, name, _told(column), "", way_out)
        else:
            yield from _of_column(path, name, column, after[name])
    for name in after.keys() - before.keys():
        column = after[name]
        way_out = f"Declare it with required=False, or {_NEW_LAKE}." if column["required"] else ""
        yield Change(path, name, "", _told(column), way_out, with_rows=True)
    for what, word in (("key", "identified"), ("partition_by", "partitioned")):
        if list(old[what]) != list(new[what]):
            way_out = f"Keep what it is {word} by, or {_NEW_LAKE}."
            yield Change(path, "", _by(word, old[what]), _by(word, new[what]), way_out)


def _of_column(
    path: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    if old["type"] != new["type"]:
        way_out = f"Add a column of another name with the new type, or {_NEW_LAKE}."
        yield Change(path, name, old["type"], new["type"], way_out)
    elif old["required"] != new["required"]:
        way_out = f"Leave it with required=False, or {_NEW_LAKE}." if new["required"] else ""
        yield Change(path, name, _told(old), _told(new), way_out, with_rows=True)


def _told(column: Mapping[str, Any]) -> str:
    return f"{'required' if column['required'] else 'optional'} {column['type']}"


def _by(word: str, columns: list[str]) -> str:
    return f"{word} by {', '.join(columns) or 'nothing'}"
