"""What an engine must be able to do, and what each call guarantees.

Tables are named by their contract; an engine is bound to one lake. Every write is one Delta commit:
a reader sees all of it or nothing. A failure is an `EngineError` that names the table; a full disk
or a missing permission is said as such.

A batch appends to a table at most once, merges into it at most once and overwrites it at most
once; it may do all three. Doing the same for the same batch again changes nothing and writes no
version, also after the batch was undone: its number is used up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from pipeline.contracts.model import Entity, Table
from pipeline.landing.delivery import Delivery
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store
from pipeline.portable import Frame


@dataclass(frozen=True)
class Commit:
    """One version of a table, as `history` tells it.

    Attributes:
        version: Number of the version.
        timestamp_ms: When it was written, milliseconds since 1970 UTC.
        operation: Delta's word for what was done.
        batch_id: Number of the run that wrote it; None when it was no run.
    """

    version: int
    timestamp_ms: int
    operation: str
    batch_id: int | None


# What a partition's files have in common: its values by the contract's `partition_by`, as text.
Partition = tuple[str | None, ...]


@dataclass(frozen=True)
class DataFile:
    """A data file of a table.

    Attributes:
        path: Place below the table's folder, as the disk has it.
        bytes: Size.
        written_ms: When it was written, milliseconds since 1970 UTC.
        partition: The partition that it belongs to; empty for a table without partitions, and for a
            file that no version of the table names.
    """

    path: str
    bytes: int
    written_ms: int
    partition: Partition = ()


class Operation(StrEnum):
    """The writes that a batch does at most once to a table, each noted in the log by this name.

    Delta Lake notes the batch number as a transaction of the application that this names, so that
    a retried write is recognised by every engine.
    """

    APPEND = "lakehouse/append"
    MERGE = "lakehouse/merge"
    OVERWRITE = "lakehouse/overwrite"


def run_metadata(batch_id: int) -> str:
    """Return what a commit's user metadata says of the run that made it, alike on all engines."""
    return json.dumps({"batch_id": batch_id})


def run_of(user_metadata: str | None) -> int | None:
    """Return the number of the run that a commit's user metadata names; None when it names none."""
    try:
        said = json.loads(user_metadata or "{}")
    except ValueError:  # A commit of somebody else.
        return None
    batch_id = said.get("batch_id") if isinstance(said, dict) else None
    return batch_id if isinstance(batch_id, int) else None


class Engine(Protocol):
    """Reads and writes the tables of one lake."""

    @property
    def name(self) -> str:
        """Name of the engine, as users choose it."""

    @property
    def rows_at_once(self) -> int | None:
        """Rows that are best gone through at once, for the sake of memory; None for any number."""

    def create(self, tables: Sequence[Table]) -> None:
        """Create the tables that do not exist, empty, as their contracts say.

        An existing table gets the columns that its contract has gained, null in its rows.
        """

    def exists(self, table: Table) -> bool:
        """Return whether the table exists."""

    def read(self, table: Table, version: int | None = None) -> Frame:
        """Return a version lazily, by default the latest, in the types that transforms use.

        The frame stays on that version, whatever is written afterwards. It has the columns that
        the table had then. A version that is not there any more is an `EngineError`.
        """

    def row_count(self, table: Table) -> int:
        """Return the number of rows, from the log where it tells."""

    def bounds(self, table: Table, column: str) -> tuple[int, int] | None:
        """Return an interval that holds every value of an integer column; None without rows."""

    def rows_by_date(self, table: Table) -> Mapping[date, int]:
        """Return the rows of every partition of a table that is partitioned by `date`."""

    def ingest(
        self, entity: Entity, store: Store, deliveries: Sequence[Delivery], stamp: Stamp
    ) -> Mapping[str, int]:
        """Append every row of the files to bronze in one commit; return the rows by path.

        Ingesting the same batch again appends nothing.
        """

    def append(self, table: Table, frame: Frame, batch_id: int) -> None:
        """Append rows, once for each batch."""

    def merge(self, table: Table, frame: Frame, batch_id: int) -> None:
        """Replace the rows whose key the frame has, insert the others, once for each batch.

        Keys occur once in the frame. Without rows nothing is written.
        """

    def overwrite(
        self,
        table: Table,
        frames: Iterable[Frame],
        batch_id: int | None,
        *,
        dates: Sequence[date] | None = None,
    ) -> None:
        """Replace the table, or only the given `date` partitions, by the frames' rows together.

        Once for each batch; without a batch number every time. No dates are nothing to write.
        """

    def append_records(
        self, table: Table, records: Sequence[Mapping[str, Any]], batch_id: int | None
    ) -> None:
        """Append a few rows given as dictionaries, in the types that transforms use.

        Once for each batch; without a batch number every time.
        """

    def checkpoint(self, frame: Frame) -> Frame:
        """Evaluate a frame once; what is read from the result evaluates nothing of it again."""

    def fetch(self, frame: Frame) -> list[dict[str, Any]]:
        """Return a small frame's rows."""

    def version(self, table: Table) -> int | None:
        """Return the number of the latest version; None when the table does not exist."""

    def restore(self, table: Table, version: int | None) -> None:
        """Make the table what it was at that version; None removes it."""

    def last_batch(self, tables: Sequence[Table]) -> int:
        """Return the highest batch number that wrote any of the tables, undone runs included."""

    def history(self, table: Table) -> list[Commit]:
        """Return the versions, latest first."""

    def files(self, table: Table) -> list[DataFile]:
        """Return the data files of the latest version."""

    def compact(self, table: Table) -> None:
        """Put small files of a partition together, up to the contract's target size.

        One commit that changes no row; none where nothing can be put together.
        """

    def zorder(self, table: Table, partitions: Sequence[Partition] | None) -> None:
        """Sort the rows of some partitions along the contract's `zorder_by`, in its target size.

        One commit that changes no row; None for the whole table, none for no partitions.
        """

    def write_checkpoint(self, table: Table) -> bool:
        """Write the latest version's state in one file, so that nobody has to replay the log.

        Return whether there was any need: not when the last checkpoint is of that version.
        """

    def vacuum(
        self, table: Table, since: int, before_ms: int, *, dry_run: bool = False
    ) -> list[DataFile]:
        """Remove the data files that no version from `since` on has; return them.

        Files written after `before_ms` stay, whoever wrote them. Every version from `since` on
        stays readable. The log is not touched, so no version is written; ended half-way, it can be
        done again. With `dry_run` nothing is removed.
        """

    def close(self) -> None:
        """Free what the engine holds on disk and in memory for the run."""
