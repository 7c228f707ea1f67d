"""Upkeep of a lake: small files put together, rows clustered, old files removed.

No row changes. Every rewrite is one commit of its table, and what is removed no version needs any
more, so upkeep that is ended half-way leaves the lake whole, and doing it again goes on from there.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.contracts.model import Table
from pipeline.engine import Commit, DataFile, Engine, Partition
from pipeline.errors import EngineError

# Versions of each table that a rollback needs, by path.
Needed = Mapping[str, Collection[int]]

# What both engines call the commits that this module asks of them, and those of a rollback.
_OPTIMIZE = "OPTIMIZE"
_RESTORE = "RESTORE"


@dataclass(frozen=True)
class Holding:
    """What a table consists of.

    Attributes:
        version: Number of the version.
        files: Number of its data files.
        bytes: Their size together.
    """

    version: int
    files: int
    bytes: int


@dataclass(frozen=True)
class TableUpkeep:
    """What was done to a table, or with a dry run what would be.

    Attributes:
        table: Path of the table.
        before: What it consisted of.
        after: What it consists of now.
        compacted: Files that were put together.
        clustered: Partitions whose rows were clustered anew.
        checkpoint: Whether the log got a checkpoint.
        removed_files: Files that no kept version had.
        removed_bytes: Their size together.
        kept_from: The first version that is sure to be readable.
        problem: Why it could not be done; empty when it could.
    """

    table: str
    before: Holding
    after: Holding
    compacted: int = 0
    clustered: int = 0
    checkpoint: bool = False
    removed_files: int = 0
    removed_bytes: int = 0
    kept_from: int = 0
    problem: str = ""

    @property
    def did_something(self) -> bool:
        """Whether there was anything to gain."""
        return bool(self.compacted or self.clustered or self.checkpoint or self.removed_files)


def maintain(
    engine: Engine,
    tables: Iterable[Table],
    now: datetime,
    needed: Needed,
    *,
    dry_run: bool = False,
    begins: Callable[[Table], None] = lambda _: None,
) -> list[TableUpkeep]:
    """Compact, cluster, checkpoint and vacuum tables, each only where there is something to gain.

    Whoever calls holds the lake's lock, and no run waits to be undone.

    Args:
        engine: The engine of the lake.
        tables: Tables to keep up; those that the lake does not have are passed over.
        now: The time from which retention counts back.
        needed: Versions that must stay readable whatever their age, see `rollback.needed_versions`.
        dry_run: Whether to tell only what would be done.
        begins: Is told of each table before its turn.

    Returns:
        What was done, table by table. A table that the engine cannot rewrite is told as a problem
        and keeps its files; the others go on.
    """
    done = []
    for table in tables:
        if engine.exists(table):
            begins(table)
            done.append(_Upkeep(engine, table, now, needed.get(table.path, ())).run(dry_run))
    return done


class _Upkeep:
    """The upkeep of one table."""

    def __init__(
        self, engine: Engine, table: Table, now: datetime, needed: Collection[int]
    ) -> None:
        self._engine = engine
        self._table = table
        self._before = engine.files(table)
        self._history = engine.history(table)
        cutoff = now - timedelta(days=table.retention_days)
        self._before_ms = int(cutoff.timestamp() * 1000)
        self._since = first_kept(self._history, self._before_ms, needed)

    def run(self, dry_run: bool) -> TableUpkeep:  # noqa: FBT001 - its only choice
        engine, table = self._engine, self._table
        before = _holding(engine, table, self._before)
        compacted, stale, problem = 0, self._stale_partitions(), ""
        if not table.zorder_by:
            compacted = mergeable_files(self._before, table.target_file_mb << 20)
        after, checkpoint = before, False
        if not dry_run:
            try:
                self._rewrite(stale, compacted)
            except EngineError as error:
                compacted, stale, problem = 0, frozenset(), str(error)
            after = _holding(engine, table, engine.files(table))
            if after.version == before.version:  # The engine saw nothing to gain.
                compacted, stale = 0, frozenset()
            # The log of a table that nobody has written since it was made is one short file.
            checkpoint = after.version > 0 and engine.write_checkpoint(table)
        removed = engine.vacuum(table, self._since, self._before_ms, dry_run=dry_run)
        return TableUpkeep(
            table=table.path,
            before=before,
            after=after,
            compacted=compacted,
            clustered=len(stale),
            checkpoint=checkpoint,
            removed_files=len(removed),
            removed_bytes=sum(file.bytes for file in removed),
            kept_from=self._since,
            problem=problem,
        )

    def _stale_partitions(self) -> frozenset[Partition]:
        """Return the partitions of a clustered table that were written since it was clustered."""
        if not self._table.zorder_by:
            return frozenset()
        marks = (c for c in self._history if c.operation in {_OPTIMIZE, _RESTORE})
        last = next(marks, None)
        if last is None or last.operation == _RESTORE:  # Restored files are as old as they were.
            return frozenset(file.partition for file in self._before)
        return frozenset(f.partition for f in self._before if f.written_ms > last.timestamp_ms)

    def _rewrite(self, stale: frozenset[Partition], compacted: int) -> None:
        if stale:
            everything = stale == {file.partition for file in self._before}
            nameless = any(None in partition for partition in stale)
            chosen = None if everything or nameless else sorted(stale, key=str)
            self._engine.zorder(self._table, chosen)
        elif compacted:
            self._engine.compact(self._table)


def _holding(engine: Engine, table: Table, files: Sequence[DataFile]) -> Holding:
    return Holding(engine.version(table) or 0, len(files), sum(file.bytes for file in files))


def mergeable_files(files: Iterable[DataFile], target: int) -> int:
    """Return how many files are small enough to be put together with another of their partition.

    Args:
        files: A table's files.
        target: The size to aim at, in bytes.
    """
    sizes: dict[Partition, list[int]] = {}
    for file in files:
        sizes.setdefault(file.partition, []).append(file.bytes)
    found = 0
    for of_partition in map(sorted, sizes.values()):
        small = [size for size in of_partition if size + of_partition[0] <= target]
        found += len(small) if len(small) > 1 else 0
    return found


def first_kept(history: Sequence[Commit], before_ms: int, needed: Collection[int]) -> int:
    """Return the first version whose files, and those of all later ones, must stay.

    It is the one that was the latest at the end of the retention, or an older one that is needed.

    Args:
        history: The versions, latest first.
        before_ms: The end of the retention, milliseconds since 1970 UTC.
        needed: Versions that must stay whatever their age.
    """
    current = next((c.version for c in history if c.timestamp_ms <= before_ms), None)
    kept = history[-1].version if current is None else current
    return min([kept, *needed])
