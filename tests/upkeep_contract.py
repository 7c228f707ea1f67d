"""What the engine protocol promises of upkeep: the same tests for every engine."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from pipeline.contracts import ORDER_ITEMS, Table, silver
from pipeline.contracts.gold import DAILY_SALES, PRODUCT_PERFORMANCE
from pipeline.contracts.meta import ROW_ACCOUNTS
from pipeline.engine import Engine
from pipeline.errors import EngineError
from tests.engine_contract import APRIL, MIDNIGHT, NOON, Opening, Row, account

ITEMS = silver(ORDER_ITEMS)
FAR_AHEAD = 4_000_000_000_000  # Milliseconds: in the year 2096, everything is older.
LONG_AGO = 1_000_000_000_000  # In the year 2001, nothing is older.


def item(number: int, day: date) -> Row:
    """Return a row of silver.order_items in the types that transforms use."""
    return {
        "id": number,
        "order_id": number // 2,
        "user_id": 7,
        "days_since_prior_order": None,
        "product_id": 1 + number * 37 % 11,
        "add_to_cart_order": 1,
        "reordered": 0,
        "order_timestamp": datetime(day.year, day.month, day.day, tzinfo=UTC),
        "date": day,
        "source_file": "order_items/a.csv",
        "source_row": number,
        "batch_id": 1,
        "ingestion_timestamp": MIDNIGHT,
    }


def performance(product_id: int, department: str) -> Row:
    """Return a row of gold.product_performance in the types that transforms use."""
    return {
        "product_id": product_id,
        "department": department,
        "product_name": "x",
        "total_quantity": 1,
        "total_sales": 5,
        "order_count": 1,
        "reorder_rate": None,
        "avg_days_between_orders": None,
        "last_updated_timestamp": NOON,
    }


def stored(lake: Path, table: Table) -> dict[str, int]:
    """Return the data files on disk below a table's folder, with their sizes."""
    folder = lake / table.path
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*.parquet")
        if "_delta_log" not in path.parts
    }


def at_rest(lake: Path, table: Table, version: int | None = None) -> list[str]:
    """Return the rows as delta-rs reads them, whoever wrote them."""
    return sorted(map(str, pl.read_delta(str(lake / table.path), version=version).to_dicts()))


class UpkeepContract(Opening):
    """The promises, held against the engine that a subclass opens."""

    def append_days(self, engine: Engine, days: Sequence[date], batch_id: int) -> None:
        """Append one item for each day, in one commit."""
        rows = [item(100 * batch_id + place, day) for place, day in enumerate(days)]
        engine.append(ITEMS, self.frame(rows, ITEMS.columns), batch_id)

    # --- Files -----------------------------------------------------------------------------------

    def test_files_are_told_as_the_disk_has_them(self, engine: Engine, lake: Path) -> None:
        """Place, size and partition of each; awkward names of partitions too."""
        departments = ["MEN'S ÄPFEL / 50% \\", "A"]
        rows = [performance(i, name) for i, name in enumerate(departments, 1)]
        engine.create([PRODUCT_PERFORMANCE, ITEMS])
        engine.append(PRODUCT_PERFORMANCE, self.frame(rows, PRODUCT_PERFORMANCE.columns), 1)
        self.append_days(engine, APRIL[:2], 1)
        files = engine.files(PRODUCT_PERFORMANCE)

        assert {file.path: file.bytes for file in files} == stored(lake, PRODUCT_PERFORMANCE)
        assert {file.partition for file in files} == {(name,) for name in departments}
        assert {file.partition for file in engine.files(ITEMS)} == {
            ("2025-04-01",),
            ("2025-04-02",),
        }
        assert engine.files(ROW_ACCOUNTS) == []
        ages = [datetime.now(UTC).timestamp() - file.written_ms / 1000 for file in files]
        assert all(-5 < age < 600 for age in ages)

    # --- Compaction ------------------------------------------------------------------------------

    def test_compaction_puts_small_files_together(self, engine: Engine, lake: Path) -> None:
        """One file for each partition of several, in one commit; no row changes."""
        engine.create([ITEMS])
        self.append_days(engine, APRIL[:3], 1)
        self.append_days(engine, APRIL[:2], 2)
        self.append_days(engine, APRIL[:1], 3)
        before, version = at_rest(lake, ITEMS), engine.version(ITEMS)
        (alone,) = (file for file in engine.files(ITEMS) if file.partition == (str(APRIL[2]),))
        engine.compact(ITEMS)
        after = engine.files(ITEMS)

        assert version == 3
        assert engine.version(ITEMS) == 4
        assert sorted(file.partition for file in after) == [(str(day),) for day in APRIL[:3]]
        assert alone in after
        assert at_rest(lake, ITEMS) == before
        assert engine.row_count(ITEMS) == 6
        engine.compact(ITEMS)
        assert engine.version(ITEMS) == 4
        self.append_days(engine, APRIL[:1], 4)
        assert engine.row_count(ITEMS) == 7

    def test_compaction_has_nothing_to_do_on_few_files(self, engine: Engine) -> None:
        """An empty table and one of a single file stay on their versions."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        engine.compact(ROW_ACCOUNTS)
        engine.compact(DAILY_SALES)

        assert engine.version(ROW_ACCOUNTS) == 1
        assert engine.version(DAILY_SALES) == 0

    # --- Clustering ------------------------------------------------------------------------------

    def test_clustering_rewrites_the_partitions_that_are_named(
        self, engine: Engine, lake: Path
    ) -> None:
        """The files of the others stay; no row changes; every engine reads the result."""
        engine.create([ITEMS])
        for batch_id in (1, 2):
            self.append_days(engine, APRIL, batch_id)
        before, files = at_rest(lake, ITEMS), engine.files(ITEMS)
        engine.zorder(ITEMS, [(str(day),) for day in APRIL[1:3]])
        after = engine.files(ITEMS)
        others = {
            file for file in files if file.partition not in {("2025-04-02",), ("2025-04-03",)}
        }

        assert engine.version(ITEMS) == 3
        assert others < set(after)
        assert len(set(after) - others) == 2
        assert not {file.path for file in after} & {file.path for file in set(files) - others}
        assert at_rest(lake, ITEMS) == before
        protocol = DeltaTable(lake / ITEMS.path).protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)

    def test_clustering_knows_partitions_by_any_name(self, engine: Engine, lake: Path) -> None:
        """Quotes, umlauts and slashes; no partitions are nothing to do, None is all of them."""
        names = ["MEN'S ÄPFEL / 50% \\", "A"]
        table = PRODUCT_PERFORMANCE
        engine.create([table])
        rows = [performance(i, name) for name in names for i in range(3)]
        engine.append(table, self.frame(rows, table.columns), 1)
        before = at_rest(lake, table)
        files = {file.partition: file.path for file in engine.files(table)}
        engine.zorder(table, [])
        assert engine.version(table) == 1
        engine.zorder(table, [(names[0],)])
        found = {file.partition: file.path for file in engine.files(table)}

        assert engine.version(table) == 2
        assert found[names[0],] != files[names[0],]
        assert found["A",] == files["A",]
        engine.zorder(table, None)
        assert engine.version(table) == 3
        assert not {file.path for file in engine.files(table)} & {*files.values(), *found.values()}
        assert at_rest(lake, table) == before

    # --- Checkpoints -----------------------------------------------------------------------------

    def test_a_checkpoint_of_the_log_is_written_once(self, engine: Engine, lake: Path) -> None:
        """In the classic form, in one file, and no version for it."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        log = lake / ROW_ACCOUNTS.path / "_delta_log"
        told = [engine.write_checkpoint(ROW_ACCOUNTS) for _ in range(2)]
        engine.append_records(ROW_ACCOUNTS, [account(2, "orders", 1)], 2)

        assert told == [True, False]
        assert [path.name for path in log.glob("*.checkpoint*")] == [f"{1:020}.checkpoint.parquet"]
        assert json.loads((log / "_last_checkpoint").read_text())["version"] == 1
        assert self.open(lake).row_count(ROW_ACCOUNTS) == 2
        assert engine.write_checkpoint(ROW_ACCOUNTS)
        assert engine.last_batch([ROW_ACCOUNTS]) == 2
        assert len(at_rest(lake, ROW_ACCOUNTS)) == 2

    # --- Vacuum ----------------------------------------------------------------------------------

    def test_vacuum_keeps_every_version_from_the_one_it_is_given(
        self, engine: Engine, lake: Path
    ) -> None:
        """What only older versions have goes, and what no version has; no version is written."""
        table = PRODUCT_PERFORMANCE
        engine.create([table])
        for batch_id in range(1, 5):
            rows = [performance(batch_id, name) for name in ("MEN'S ÄPFEL / 50% \\", "A")]
            engine.overwrite(table, [self.frame(rows, table.columns)], batch_id)
        folder = lake / table.path
        (folder / "department=LOST").mkdir()
        (folder / "department=LOST/part-0.parquet").write_bytes(b"left by a dead writer")
        (folder / "_index").mkdir()
        (folder / "_index/hidden.parquet").write_bytes(b"not ours")
        rows_before = {v: at_rest(lake, table, v) for v in (2, 3, 4)}
        of_first = stored_of(lake, table, 1)
        files = stored(lake, table)

        assert engine.vacuum(table, 2, LONG_AGO) == []
        told = engine.vacuum(table, 2, FAR_AHEAD, dry_run=True)
        assert stored(lake, table) == files
        removed = engine.vacuum(table, 2, FAR_AHEAD)

        assert {f.path for f in told} == {f.path for f in removed}
        gone = {**of_first, "department=LOST/part-0.parquet": len(b"left by a dead writer")}
        assert {f.path: f.bytes for f in removed} == gone
        assert stored(lake, table) == {k: v for k, v in files.items() if k not in gone}
        assert engine.version(table) == 4
        assert {v: at_rest(lake, table, v) for v in (2, 3, 4)} == rows_before
        assert engine.vacuum(table, 2, FAR_AHEAD) == []
        with pytest.raises(EngineError, match="Reading in"):
            engine.fetch(engine.read(table, 1))

    def test_vacuum_after_compaction_leaves_what_a_restored_version_needs(
        self, engine: Engine, lake: Path
    ) -> None:
        """A version from before a compaction comes back after a vacuum that had to keep it."""
        engine.create([ITEMS])
        for batch_id in (1, 2, 3):
            self.append_days(engine, APRIL[:1], batch_id)
        before = at_rest(lake, ITEMS, 2)
        engine.compact(ITEMS)
        assert engine.vacuum(ITEMS, 2, FAR_AHEAD) == []
        engine.restore(ITEMS, 2)

        assert at_rest(lake, ITEMS) == before
        assert len(before) == 2
        assert engine.vacuum(ITEMS, engine.version(ITEMS) or 0, FAR_AHEAD) != []
        assert at_rest(lake, ITEMS) == before

    # --- Age -------------------------------------------------------------------------------------

    def test_a_table_of_last_year_is_read_and_restored(self, engine: Engine, lake: Path) -> None:
        """Its versions are older than its retention; what lies there is read all the same."""
        for batch_id in (1, 2):
            engine.overwrite(DAILY_SALES, [self.sales(APRIL[:batch_id], batch_id)], batch_id)
        old = lake.parent / "old"
        shutil.copytree(lake, old)
        _age(old / DAILY_SALES.path, timedelta(days=365))
        later = self.open(old)

        assert self.totals(later) == dict.fromkeys(APRIL[:2], 2)
        assert [r["total_sales"] for r in later.fetch(later.read(DAILY_SALES, 1))] == [1]
        later.restore(DAILY_SALES, 1)
        assert self.totals(later) == {APRIL[0]: 1}


def stored_of(lake: Path, table: Table, version: int) -> dict[str, int]:
    """Return the data files of a version, with their sizes."""
    names = {Path(uri).name for uri in DeltaTable(lake / table.path, version=version).file_uris()}
    return {path: size for path, size in stored(lake, table).items() if Path(path).name in names}


def _age(folder: Path, by: timedelta) -> None:
    """Let a table's log be that much older."""
    for path in (folder / "_delta_log").iterdir():
        if path.suffix == ".json":
            text = re.sub(
                r'"timestamp":(\d+)',
                lambda found: f'"timestamp":{int(found[1]) - by // timedelta(milliseconds=1)}',
                path.read_text(),
            )
            path.write_text(text)
        then = path.stat().st_mtime - by.total_seconds()
        os.utime(path, (then, then))
