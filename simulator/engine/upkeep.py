"""What keeps a local table's files in order: their list, compaction, clustering, vacuum."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable, WriterProperties

from pipeline.contracts.model import Table
from pipeline.engine import DataFile, Partition

_LOG = "_delta_log"


def data_files(delta: DeltaTable, table: Table) -> list[DataFile]:
    """Return the files of a table's version."""
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    return [
        DataFile(
            path=unquote(action["path"]),
            bytes=action["size_bytes"],
            written_ms=action["modification_time"],
            partition=tuple(_text(action[f"partition.{name}"]) for name in table.partition_by),
        )
        for action in actions.to_dicts()
    ]


def _text(value: object) -> str | None:
    """Return a partition's value as Delta's log spells it."""
    return None if value is None else str(value)


def compact(delta: DeltaTable, table: Table, writer: WriterProperties) -> None:
    """See `Engine.compact`."""
    delta.optimize.compact(target_size=table.target_file_mb << 20, writer_properties=writer)


def zorder(
    delta: DeltaTable,
    table: Table,
    partitions: Sequence[Partition] | None,
    writer: WriterProperties,
) -> None:
    """See `Engine.zorder`."""
    filters: Any = None
    if partitions is not None:
        (column,) = table.partition_by
        filters = [(column, "in", [value for (value,) in partitions])]
    delta.optimize.z_order(
        list(table.zorder_by),
        partition_filters=filters,
        target_size=table.target_file_mb << 20,
        writer_properties=writer,
    )


def write_checkpoint(delta: DeltaTable, folder: Path) -> bool:
    """See `Engine.write_checkpoint`."""
    if last_checkpoint(folder) == delta.version():
        return False
    delta.create_checkpoint()
    return True


def last_checkpoint(folder: Path) -> int | None:
    """Return the version of a table's last checkpoint; None without one."""
    try:
        said = json.loads((folder / _LOG / "_last_checkpoint").read_bytes())
        return int(said["version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # The note only helps readers; one that is torn is as good as none.
        return None


def unneeded(folder: Path, files: Sequence[DataFile], since: int, before_ms: int) -> list[DataFile]:
    """Return the files on disk that no version from `since` on has.

    Args:
        folder: The table's folder.
        files: The files of its latest version.
        since: The first version to keep.
        before_ms: Files written later are left out.
    """
    # What a version from `since` on had is there still or was removed by a commit after it.
    needed = {file.path for file in files}
    for removed in removed_since(folder, since):
        needed |= {removed, unquote(removed)}
    stored = stored_files(folder)
    return [file for file in stored if file.path not in needed and file.written_ms < before_ms]


def removed_since(folder: Path, since: int) -> Iterator[str]:
    """Yield the paths of the files that commits after a version have removed, as the log has them.

    The log is read as it is: delta-rs tells what a version has, not what left it.
    """
    for commit in sorted((folder / _LOG).glob("*.json")):
        if commit.stem.isdigit() and int(commit.stem) > since:
            with commit.open("rb") as lines:
                for line in lines:
                    action = json.loads(line)
                    if "remove" in action:
                        yield action["remove"]["path"]


def stored_files(folder: Path) -> list[DataFile]:
    """Return what lies in a table's folder but for its log and what is hidden, as data files."""
    found = []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if not any(part.startswith(("_", ".")) for part in place.parts) and path.is_file():
            status = path.stat()
            found.append(
                DataFile(place.as_posix(), status.st_size, status.st_mtime_ns // 1_000_000)
            )
    return found


def remove(folder: Path, files: Sequence[DataFile]) -> None:
    """Remove files, and the folders of partitions that are empty afterwards."""
    for file in files:
        path = folder / file.path
        path.unlink(missing_ok=True)
        if path.parent != folder and not any(path.parent.iterdir()):
            path.parent.rmdir()
