"""The tables of a lake as they lie on the disk."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.contracts import TABLES
from pipeline.engine import Engine
from pipeline.errors import engine_error
from simulator.engine.tables import LocalTable


@dataclass(frozen=True)
class StoredTable:
    """A table on the disk.

    Attributes:
        path: Its place below the lake's root.
        layer: Its layer.
        holds: What it holds, in a sentence.
        rows: Its rows.
        files: Data files of its latest version.
        size: Their size, bytes.
        version: Number of its latest version.
        written_at: When that was written, UTC.
        batch_id: Number of the run that wrote it; None when it was no run with a number.
        retention_days: Days for which old versions stay readable.
    """

    path: str
    layer: str
    holds: str
    rows: int
    files: int
    size: int
    version: int
    written_at: datetime
    batch_id: int | None
    retention_days: int


def stored_tables(engine: Engine, lake: Path) -> tuple[StoredTable, ...]:
    """Return the tables that the lake has, layer by layer.

    Raises:
        EngineError: A table cannot be read.
    """
    found = []
    for table in TABLES:
        if not engine.exists(table):
            continue
        version = engine.version(table)
        latest = engine.history(table)[0]
        files, size = _files(lake / table.path)
        found.append(
            StoredTable(
                path=table.path,
                layer=table.layer,
                holds=table.description.partition(". ")[0].rstrip(".") + ".",
                rows=engine.row_count(table),
                files=files,
                size=size,
                version=latest.version if version is None else version,
                written_at=datetime.fromtimestamp(latest.timestamp_ms / 1000, UTC),
                batch_id=latest.batch_id,
                retention_days=table.retention_days,
            )
        )
    return tuple(found)


def _files(folder: Path) -> tuple[int, int]:
    """Return the number and the size of the data files of a table's latest version."""
    try:
        actions = LocalTable(folder).get_add_actions()
        sizes = actions.column("size_bytes").to_pylist()
    except Exception as error:
        raise engine_error(f"reading the log of {folder.name}", str(folder), str(error)) from error
    return len(sizes), sum(sizes)
