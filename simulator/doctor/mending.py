"""What may be mended without asking: what dead runs have left, and what no version needs."""

import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.contracts import TABLES
from pipeline.runner.maintenance import first_kept
from pipeline.runner.rollback import needed_versions
from simulator.cli.text import count, size
from simulator.engine.polars_engine import PolarsEngine


def remove_leftovers(paths: Iterable[Path]) -> Iterator[str]:
    """Remove what dead runs have left, and say so."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        yield f"Removed {path.name}, left by a run that was killed."


def remove_unneeded(root: Path, now: datetime) -> Iterator[str]:
    """Remove the files that no kept version of their table has, and say so.

    A file stays for its table's retention after it was written, and for as long as a rollback may
    need it. Whoever calls holds the lake's lock, and nothing in the lake is broken.
    """
    engine = PolarsEngine(root)
    try:
        needed = needed_versions(engine)
        for table in filter(engine.exists, TABLES):
            before_ms = int((now - timedelta(days=table.retention_days)).timestamp() * 1000)
            since = first_kept(engine.history(table), before_ms, needed.get(table.path, ()))
            if gone := engine.vacuum(table, since, before_ms):
                freed = size(sum(file.bytes for file in gone))
                yield f"Removed {count(len(gone), 'file')} ({freed}) that {table.path} needs not."
    finally:
        engine.close()
