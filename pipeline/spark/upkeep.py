"""What keeps a table's files in order on Spark: their list, compaction, clustering, vacuum."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from pipeline.contracts.model import Table
from pipeline.engine import DataFile, Partition
from pipeline.spark.delta_log import DeltaLogs, StoredFile

_SIZES = (
    "spark.databricks.delta.optimize.minFileSize",
    "spark.databricks.delta.optimize.maxFileSize",
)


class Upkeep:
    """The calls of the engine protocol that change no row.

    Args:
        session: Spark session with Delta Lake.
        logs: The logs of the lake's tables.
    """

    def __init__(self, session: SparkSession, logs: DeltaLogs) -> None:
        self._session = session
        self._logs = logs

    def files(self, table: Table, address: str) -> list[DataFile]:
        """See `Engine.files`."""
        told = self._logs.files(address).select(
            "path", "size", "modificationTime", "partitionValues"
        )
        return [
            DataFile(
                path=unquote(path),
                bytes=size,
                written_ms=written,
                partition=tuple(partition.get(name) for name in table.partition_by),
            )
            for path, size, written, partition in told.collect()
        ]

    def compact(self, table: Table, address: str) -> None:
        """See `Engine.compact`."""
        with self._target_size(table):
            DeltaTable.forPath(self._session, address).optimize().executeCompaction()

    def zorder(self, table: Table, address: str, partitions: Sequence[Partition] | None) -> None:
        """See `Engine.zorder`."""
        optimize = DeltaTable.forPath(self._session, address).optimize()
        if partitions is not None:
            optimize = optimize.where(_within(table, partitions))
        with self._target_size(table):
            optimize.executeZOrderBy(*table.zorder_by)

    def unneeded(self, table: Table, address: str, since: int, before_ms: int) -> list[DataFile]:
        """Return the files in the table's folder that no version from `since` on has.

        Files written after `before_ms` are left out.
        """
        # What a version from `since` on had is there still or was removed by a commit after it.
        needed = {file.path for file in self.files(table, address)}
        stored = self._logs.stored(address)
        for removed in self._removed_since(address, stored, since):
            needed |= {removed, unquote(removed)}
        return [
            DataFile(place, size, written)
            for place, size, written in sorted(stored)
            if place not in needed and written < before_ms and not _is_hidden(place)
        ]

    def _removed_since(
        self, address: str, stored: Sequence[StoredFile], since: int
    ) -> Iterator[str]:
        """Yield the paths of the files that commits after a version have removed.

        The commits are read as they are: Delta Lake forgets what was removed long ago.
        """
        for place, _, _ in stored:
            version = _version_of(place)
            if version is not None and version > since:
                for line in self._logs.text(address, place).splitlines():
                    action = json.loads(line)
                    if "remove" in action:
                        yield action["remove"]["path"]

    @contextmanager
    def _target_size(self, table: Table) -> Iterator[None]:
        """Let what is optimized aim at the contract's file size."""
        for name in _SIZES:
            self._session.conf.set(name, str(table.target_file_mb << 20))
        try:
            yield
        finally:
            for name in _SIZES:
                self._session.conf.unset(name)


def _version_of(place: str) -> int | None:
    """Return the version that a file of the log is the commit of; None for any other file."""
    folder, _, name = place.rpartition("/")
    stem = name.removesuffix(".json")
    return int(stem) if folder == "_delta_log" and name != stem and stem.isdigit() else None


def _is_hidden(place: str) -> bool:
    return any(part.startswith(("_", ".")) for part in place.split("/"))


def _within(table: Table, partitions: Sequence[Partition]) -> str:
    """Return the condition of SQL that the rows of some partitions meet."""
    (name,) = table.partition_by
    kind = next(column.type.storage for column in table.columns if column.name == name)
    values = [_literal(value or "") for (value,) in partitions]
    return f"{name} IN ({', '.join(f'CAST({value} AS {kind})' for value in values)})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
