"""What an engine must be able to do, and what each call guarantees.

Tables are named by their contract; an engine is bound to one lake. Every write is one Delta commit:
a reader sees all of it or nothing. A failure is an `EngineError` that names the table; a full disk
or a missing permission is said as such.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
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
        """Append rows. Appending to the same table for the same batch again changes nothing."""

    def merge(self, table: Table, frame: Frame, batch_id: int) -> None:
        """Replace the rows whose key the frame has, insert the others; keys occur once in it."""

    def overwrite(
        self,
        table: Table,
        frames: Iterable[Frame],
        batch_id: int | None,
        *,
        dates: Sequence[date] | None = None,
    ) -> None:
        """Replace the table, or only the given `date` partitions, by the frames' rows together."""

    def append_records(
        self, table: Table, records: Sequence[Mapping[str, Any]], batch_id: int | None
    ) -> None:
        """Append a few rows given as dictionaries, in the types that transforms use."""

    def checkpoint(self, frame: Frame) -> Frame:
        """Evaluate a frame once; what is read from the result evaluates nothing of it again."""

    def fetch(self, frame: Frame) -> list[dict[str, Any]]:
        """Return a small frame's rows."""

    def version(self, table: Table) -> int | None:
        """Return the number of the latest version; None when the table does not exist."""

    def restore(self, table: Table, version: int | None) -> None:
        """Make the table what it was at that version; None removes it."""

    def last_batch(self, tables: Sequence[Table]) -> int:
        """Return the highest batch number appended to any of the tables, undone runs included."""

    def history(self, table: Table) -> list[Commit]:
        """Return the versions, latest first."""

    def close(self) -> None:
        """Free what the engine holds on disk and in memory for the run."""
