"""Everything that a report tells, gathered from one lake."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.engine import Engine
from simulator.report.books import Books, gather_books
from simulator.report.quality import Quality, gather_quality
from simulator.report.quarantine import Quarantine, gather_quarantine
from simulator.report.shop import Shop, gather_shop
from simulator.report.storage import StoredTable, stored_tables


@dataclass(frozen=True)
class Facts:
    """What the report of a lake tells.

    Attributes:
        lake: The lake as its user named it.
        made_at: When the report was made, UTC.
        shop: What gold and silver say of the shop.
        books: What came in, where every row went, and the runs.
        quarantine: What silver could not take.
        quality: Scores and checks of the runs; None when no run has measured yet.
        tables: The tables as they lie on the disk.
    """

    lake: str
    made_at: datetime
    shop: Shop
    books: Books
    quarantine: Quarantine
    quality: Quality | None
    tables: tuple[StoredTable, ...]


def gather(engine: Engine, lake: Path, made_at: datetime) -> Facts:
    """Read what a report needs; only sums and a few examples are held in memory.

    Args:
        engine: Engine bound to the lake.
        lake: Folder of the lake.
        made_at: The time that the report bears, UTC.

    Raises:
        LakehouseError: The lake cannot be read.
    """
    books = gather_books(engine, lake)
    return Facts(
        lake=str(lake),
        made_at=made_at,
        shop=gather_shop(engine),
        books=books,
        quarantine=gather_quarantine(engine),
        quality=gather_quality(engine),
        tables=stored_tables(engine, lake),
    )
