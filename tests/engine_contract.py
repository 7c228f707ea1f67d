"""What the engine protocol promises: one body of tests that every engine has to pass.

A test module subclasses `EngineContract` and says how to open its engine and how to make a frame.
"""

import datetime as dt
import gzip
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from deltalake import DeltaTable

from pipeline.contracts import ORDERS, TABLES, Table, bronze, silver
from pipeline.contracts.gold import DAILY_SALES
from pipeline.contracts.meta import FILES, ROW_ACCOUNTS
from pipeline.contracts.model import Column
from pipeline.contracts.types import COUNT, TEXT
from pipeline.engine import Engine
from pipeline.errors import AmountOverflowError, EngineError, LakehouseError
from pipeline.landing.delivery import Delivery
from pipeline.landing.inspection import inspect
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import LocalStore
from pipeline.portable import Frame

Row = dict[str, Any]

APRIL = [dt.date(2025, 4, day) for day in range(1, 5)]
NOON = dt.datetime(2025, 5, 1, 12, tzinfo=dt.UTC)
MIDNIGHT = dt.datetime(2026, 3, 1, 23, 30, 0, 1, tzinfo=dt.UTC)


def account(batch_id: int, entity: str, rows: int) -> Row:
    """Return a row of meta.row_accounts."""
    others = [column.name for column in ROW_ACCOUNTS.columns[3:]]
    return {"batch_id": batch_id, "entity": entity, "rows_read": rows, **dict.fromkeys(others, 0)}


def sales(days: Sequence[dt.date], cents: int) -> list[Row]:
    """Return rows of gold.daily_sales in the types that transforms use."""
    return [
        {
            "date": day,
            "total_sales": cents,
            "order_count": 1,
            "avg_order_value": 5,
            "unique_customers": 1,
            "total_items": 1,
            "avg_items_per_order": 100,
            "last_updated_timestamp": NOON,
        }
        for day in days
    ]


def order(order_id: int, placed: dt.datetime, cents: int) -> Row:
    """Return a row of silver.orders in the types that transforms use."""
    return {
        "order_num": 1,
        "order_id": order_id,
        "user_id": 7,
        "order_timestamp": placed,
        "total_amount": cents,
        "date": placed.date(),
        "day_of_week": 1,
        "hour_of_day": 1,
        "source_file": "orders/a.csv",
        "source_row": order_id,
        "batch_id": 1,
        "ingestion_timestamp": MIDNIGHT,
    }


def live_files(lake: Path, table: Table) -> list[Path]:
    """Return the data files of the latest version."""
    return [Path(uri.removeprefix("file://")) for uri in DeltaTable(lake / table.path).file_uris()]


@pytest.fixture
def other_time_zone() -> Iterator[None]:
    """Let this process live in New York."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


class Opening:
    """What the tests of every promise need: the engine that a subclass opens, and its frames."""

    def open(self, lake: Path) -> Engine:
        """Return a new engine on a lake, as another process would have it."""
        raise NotImplementedError

    def frame(self, rows: Sequence[Row], columns: Sequence[Column]) -> Frame:
        """Return rows as the engine's frame, in the types that transforms use."""
        raise NotImplementedError

    def noise(self) -> Frame:
        """Return a frame whose column `noise` is another one each time it is evaluated."""
        raise NotImplementedError

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Path:
        """Return the folder of the lake."""
        return tmp_path / "lake"

    @pytest.fixture
    def engine(self, lake: Path) -> Iterator[Engine]:
        """Return an engine on a new lake with the tables that these tests use."""
        engine = self.open(lake)
        engine.create([DAILY_SALES, ROW_ACCOUNTS, silver(ORDERS), bronze(ORDERS)])
        yield engine
        engine.close()

    def sales(self, days: Sequence[dt.date], cents: int) -> Frame:
        """Return a frame of gold.daily_sales."""
        return self.frame(sales(days, cents), DAILY_SALES.columns)

    def totals(self, engine: Engine) -> dict[dt.date, int]:
        """Return the total of each date of gold.daily_sales."""
        return {row["date"]: row["total_sales"] for row in engine.fetch(engine.read(DAILY_SALES))}


class EngineContract(Opening):
    """The promises, held against the engine that a subclass opens."""

    # --- Tables ----------------------------------------------------------------------------------

    def test_every_table_is_one_that_all_engines_read(self, lake: Path) -> None:
        """Reader 1, writer 2, no features; the contract's columns and partitions, its retention."""
        engine = self.open(lake)
        engine.create(TABLES)
        for table in TABLES:
            delta = DeltaTable(lake / table.path)
            protocol, settings = delta.protocol(), delta.metadata().configuration
            assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
            assert protocol.reader_features is None
            assert tuple(field.name for field in delta.schema().fields) == table.column_names
            assert all(field.nullable for field in delta.schema().fields)
            assert tuple(delta.metadata().partition_columns) == table.partition_by
            assert delta.metadata().description == table.description
            kept = f"interval {table.retention_days} days"
            assert settings["delta.deletedFileRetentionDuration"] == kept
            assert settings["delta.logRetentionDuration"] == "interval 400 days"
            assert settings.get("delta.enableDeletionVectors", "false") == "false"
            types = [field.type.type for field in delta.schema().fields]
            assert [t.replace(" ", "") for t in types] == [self.told(c) for c in table.columns]

    @staticmethod
    def told(column: Column) -> str:
        """Return Delta's word for a contract's type at rest."""
        return {"bigint": "long", "int": "integer"}.get(column.type.storage, column.type.storage)

    def test_creating_again_writes_nothing(self, engine: Engine) -> None:
        """A table that exists as its contract says is left alone."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        engine.create([ROW_ACCOUNTS])

        assert engine.version(ROW_ACCOUNTS) == 1
        assert engine.row_count(ROW_ACCOUNTS) == 1

    def test_a_table_gains_the_columns_that_its_contract_gains(self, engine: Engine) -> None:
        """Rows from before have null there; doing it again writes no version."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 100)], 1)
        returns = Column("returns", COUNT, "Returned orders.")
        wider = replace(DAILY_SALES, columns=(*DAILY_SALES.columns, returns))
        engine.create([wider])
        version = engine.version(wider)
        engine.create([wider])

        assert [row["returns"] for row in engine.fetch(engine.read(wider))] == [None]
        assert engine.version(wider) == version

    def test_a_column_may_be_gained_anywhere(self, engine: Engine) -> None:
        """Old rows and new ones are written together, by every call; a restore takes it back."""
        engine.append(
            silver(ORDERS), self.frame([order(1, NOON, 1)], silver(ORDERS).columns), batch_id=1
        )
        coupon = Column("coupon", TEXT, "Code of the voucher.", required=False)
        columns = (*silver(ORDERS).columns[:3], coupon, *silver(ORDERS).columns[3:])
        wider = replace(silver(ORDERS), columns=columns)

        def with_coupons(*coupons: str | None) -> Frame:
            rows = [{**order(i, NOON, i), "coupon": c} for i, c in enumerate(coupons, 1)]
            return self.frame(rows, columns)

        def found() -> list[tuple[int, str | None]]:
            rows = engine.fetch(engine.read(wider).select("order_id", "coupon"))
            return sorted((row["order_id"], row["coupon"]) for row in rows)

        engine.create([wider])
        engine.append(wider, with_coupons(None, "A").filter(nw.col("order_id") == 2), 2)
        assert found() == [(1, None), (2, "A")]
        engine.merge(wider, with_coupons("B", None, "C"), 3)
        assert found() == [(1, "B"), (2, None), (3, "C")]
        engine.overwrite(wider, [with_coupons("D")], 4, dates=[NOON.date()])
        assert found() == [(1, "D")]
        engine.restore(wider, 1)
        assert "coupon" not in engine.read(wider).collect_schema().names()
        engine.create([wider])
        assert found() == [(1, None)]

    def test_a_missing_table_is_said_by_name(self, tmp_path: Path) -> None:
        """Reading a table that is not there is an error of the engine, not of a library."""
        engine = self.open(tmp_path / "nothing")

        assert not engine.exists(DAILY_SALES)
        assert engine.version(DAILY_SALES) is None
        with pytest.raises(EngineError, match="gold/daily_sales"):
            engine.fetch(engine.read(DAILY_SALES))

    # --- Appending -------------------------------------------------------------------------------

    def test_a_frame_stays_on_the_version_it_was_read_from(self, engine: Engine) -> None:
        """What is written after a read is not in the frame, though it is evaluated later."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        before = engine.read(ROW_ACCOUNTS)
        engine.append_records(ROW_ACCOUNTS, [account(2, "orders", 2)], 2)

        assert [row["batch_id"] for row in engine.fetch(before)] == [1]
        assert len(engine.fetch(engine.read(ROW_ACCOUNTS))) == 2

    def test_a_version_is_read_as_it_was(self, engine: Engine) -> None:
        """Rows and columns of then, while the table goes on; one that never was is said."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        before = set(engine.read(ROW_ACCOUNTS).collect_schema().names())
        note = Column("note", TEXT, "What was noted.", required=False)
        wider = replace(ROW_ACCOUNTS, columns=(*ROW_ACCOUNTS.columns, note))
        engine.create([wider])
        engine.append_records(wider, [{**account(2, "orders", 2), "note": "new"}], 2)
        batches = [
            [row["batch_id"] for row in engine.fetch(engine.read(wider, version))]
            for version in (0, 1, 2)
        ]

        assert batches == [[], [1], [1]]
        assert set(engine.read(wider, 1).collect_schema().names()) == before
        assert len(engine.fetch(engine.read(wider, 3))) == 2
        assert len(engine.fetch(engine.read(wider))) == 2
        with pytest.raises(EngineError, match="version 9 of meta/row_accounts"):
            engine.fetch(engine.read(wider, 9))

    def test_appending_for_the_same_batch_again_changes_nothing(
        self, engine: Engine, lake: Path
    ) -> None:
        """A retried append is recognised by its batch, also by another process's engine."""
        rows = self.frame([account(7, "orders", 1)], ROW_ACCOUNTS.columns)
        engine.append(ROW_ACCOUNTS, rows, 7)
        version = engine.version(ROW_ACCOUNTS)
        engine.append(ROW_ACCOUNTS, rows, 7)
        other = self.open(lake)
        other.append_records(ROW_ACCOUNTS, [account(7, "orders", 1)], 7)

        assert other.version(ROW_ACCOUNTS) == version
        assert other.row_count(ROW_ACCOUNTS) == 1
        assert other.last_batch([ROW_ACCOUNTS, DAILY_SALES, FILES]) == 7

    @pytest.mark.usefixtures("other_time_zone")
    def test_records_are_given_in_the_types_that_transforms_use(
        self, engine: Engine, lake: Path
    ) -> None:
        """Money as cents, instants in UTC; at rest a decimal, and the same instant anywhere."""
        engine.append_records(DAILY_SALES, sales(APRIL[:1], 1_205), 1)
        at_rest = pl.read_delta(str(lake / DAILY_SALES.path))

        assert engine.fetch(engine.read(DAILY_SALES)) == sales(APRIL[:1], 1_205)
        assert at_rest["total_sales"].to_list() == [Decimal("12.05")]
        assert at_rest["last_updated_timestamp"].to_list() == [NOON]

    def test_every_value_comes_back_as_it_was_written(self, engine: Engine, lake: Path) -> None:
        """Extremes of every type, nulls, and text that is awkward to write."""
        edges = [
            order(
                2**63 - 1, dt.datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC), 10**10 - 1
            ),
            order(-(2**63), dt.datetime(2000, 1, 1, tzinfo=dt.UTC), -(10**10) + 1),
            {
                **order(1, MIDNIGHT, 1),
                "source_file": "o/ \t\n\"',\\ e\u0301 \u00e9 \ufb01 漢 😀 %20=/.csv",
            },
            {**dict.fromkeys(order(1, MIDNIGHT, 1)), "order_id": 5, "date": dt.date(2024, 2, 29)},
        ]
        table = silver(ORDERS)
        engine.append(table, self.frame(edges, table.columns), 1)
        found = engine.fetch(engine.read(table))

        assert sorted(found, key=lambda row: int(row["order_id"])) == sorted(
            edges, key=lambda row: int(row["order_id"])
        )
        assert pl.read_delta(str(lake / table.path)).height == len(edges)

    def test_instants_at_rest_are_microseconds_and_no_int96(
        self, engine: Engine, lake: Path
    ) -> None:
        """Every reader takes INT64 microseconds in UTC; INT96 and local times are none of ours."""
        table = silver(ORDERS)
        engine.append(table, self.frame([order(1, MIDNIGHT, 1)], table.columns), 1)
        schema = pq.ParquetFile(live_files(lake, table)[0]).schema
        instant = next(
            c for c in map(schema.column, range(len(schema.names))) if c.name == "order_timestamp"
        )

        assert instant.physical_type == "INT64"
        assert '"timeUnit": "microseconds"' in instant.logical_type.to_json().replace('":"', '": "')
        assert 'isAdjustedToUTC": true' in instant.logical_type.to_json().replace('":t', '": t')

    # --- Merging ---------------------------------------------------------------------------------

    def test_merge_replaces_known_keys_and_inserts_the_others(self, engine: Engine) -> None:
        """The key of row_accounts is (batch_id, entity): both parts count."""
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1), account(1, "products", 2)], 1)
        changes = [account(1, "products", 20), account(2, "orders", 30)]
        engine.merge(ROW_ACCOUNTS, self.frame(changes, ROW_ACCOUNTS.columns), 2)

        found = {
            (r["batch_id"], r["entity"]): r["rows_read"]
            for r in engine.fetch(engine.read(ROW_ACCOUNTS))
        }
        assert found == {(1, "orders"): 1, (1, "products"): 20, (2, "orders"): 30}

    def test_merging_for_the_same_batch_again_changes_nothing(
        self, engine: Engine, lake: Path
    ) -> None:
        """A retried merge is recognised by its batch, also by another process's engine."""
        first, second = (
            self.frame([account(3, "orders", rows)], ROW_ACCOUNTS.columns) for rows in (1, 2)
        )
        engine.merge(ROW_ACCOUNTS, first, 3)
        version = engine.version(ROW_ACCOUNTS)
        engine.merge(ROW_ACCOUNTS, second, 3)
        other = self.open(lake)
        other.merge(ROW_ACCOUNTS, second, 3)

        assert other.version(ROW_ACCOUNTS) == version
        assert [row["rows_read"] for row in other.fetch(other.read(ROW_ACCOUNTS))] == [1]
        assert other.last_batch([ROW_ACCOUNTS, DAILY_SALES]) == 3
        other.merge(ROW_ACCOUNTS, second, 4)
        assert [row["rows_read"] for row in other.fetch(other.read(ROW_ACCOUNTS))] == [2]

    def test_a_batch_may_append_merge_and_overwrite(self, engine: Engine) -> None:
        """Each of them is done, once; none is taken for another."""
        one, two, three = (
            self.frame([account(1, name, 1)], ROW_ACCOUNTS.columns)
            for name in ("orders", "products", "order_items")
        )
        for _ in range(2):
            engine.append(ROW_ACCOUNTS, one, 1)
            engine.merge(ROW_ACCOUNTS, two, 1)
        assert engine.row_count(ROW_ACCOUNTS) == 2
        for _ in range(2):
            engine.overwrite(ROW_ACCOUNTS, [three], 1)

        assert [r["entity"] for r in engine.fetch(engine.read(ROW_ACCOUNTS))] == ["order_items"]
        assert engine.version(ROW_ACCOUNTS) == 3

    def test_a_merge_moves_rows_to_another_partition(self, engine: Engine) -> None:
        """A row whose date changes leaves the partition it was in."""
        table = silver(ORDERS)
        engine.append(table, self.frame([order(1, MIDNIGHT, 1)], table.columns), 1)
        moved = self.frame([order(1, NOON, 2), order(2, NOON, 3)], table.columns)
        engine.merge(table, moved, 2)

        assert sorted(row["total_amount"] for row in engine.fetch(engine.read(table))) == [2, 3]
        assert engine.rows_by_date(table) == {NOON.date(): 2}

    def test_merging_nothing_writes_nothing(self, engine: Engine) -> None:
        """An empty frame leaves the version as it is."""
        version = engine.version(ROW_ACCOUNTS)
        engine.merge(ROW_ACCOUNTS, self.frame([], ROW_ACCOUNTS.columns), 2)

        assert engine.version(ROW_ACCOUNTS) == version

    # --- Overwriting -----------------------------------------------------------------------------

    def test_overwriting_dates_leaves_the_others_and_removes_what_has_no_rows(
        self, engine: Engine
    ) -> None:
        """Of four dates two are overwritten, one of them by nothing."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 250)], 2, dates=APRIL[:2])

        assert self.totals(engine) == {APRIL[0]: 250, APRIL[2]: 100, APRIL[3]: 100}
        assert engine.rows_by_date(DAILY_SALES) == {APRIL[0]: 1, APRIL[2]: 1, APRIL[3]: 1}

    def test_overwriting_for_the_same_batch_again_changes_nothing(
        self, engine: Engine, lake: Path
    ) -> None:
        """A retried overwrite is recognised by its batch; one without a batch is always done."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        version = engine.version(DAILY_SALES)
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 7)], 1)
        other = self.open(lake)
        other.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 7)], 1, dates=APRIL[:1])

        assert other.version(DAILY_SALES) == version
        assert self.totals(other) == dict.fromkeys(APRIL, 100)
        assert other.last_batch([ROW_ACCOUNTS, DAILY_SALES]) == 1
        for cents in (7, 8):
            other.overwrite(DAILY_SALES, [self.sales(APRIL[:1], cents)], None)
        assert self.totals(other) == {APRIL[0]: 8}

    def test_overwriting_no_dates_writes_nothing(self, engine: Engine) -> None:
        """An empty list of dates is not the whole table."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        version = engine.version(DAILY_SALES)
        engine.overwrite(DAILY_SALES, [self.sales([], 0)], 2, dates=[])

        assert engine.version(DAILY_SALES) == version
        assert engine.row_count(DAILY_SALES) == 4

    def test_overwriting_with_nothing_empties_the_table(self, engine: Engine) -> None:
        """No frames, or frames without rows, are a table without rows."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        engine.overwrite(DAILY_SALES, [], 2)

        assert engine.row_count(DAILY_SALES) == 0
        assert engine.rows_by_date(DAILY_SALES) == {}

    def test_frames_are_written_together_in_one_commit(self, engine: Engine) -> None:
        """Chunks of one table become one version."""
        before = engine.version(DAILY_SALES) or 0
        engine.overwrite(DAILY_SALES, (self.sales([day], 1) for day in APRIL), 1)

        assert engine.version(DAILY_SALES) == before + 1
        assert engine.row_count(DAILY_SALES) == 4

    def test_a_table_may_be_overwritten_by_what_is_read_from_it(self, engine: Engine) -> None:
        """The rows come from the version before."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        doubled = engine.read(DAILY_SALES).with_columns(nw.col("total_sales") * 2)
        engine.overwrite(DAILY_SALES, [doubled], 2)

        assert self.totals(engine) == dict.fromkeys(APRIL, 200)

    def test_an_amount_that_does_not_fit_fails_and_changes_nothing(
        self, engine: Engine, lake: Path
    ) -> None:
        """One cent less than ten to the thirteenth fits DECIMAL(15,2); one more does not."""
        greatest = 10**15 - 1
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], greatest)], 1)
        at_rest = pl.read_delta(str(lake / DAILY_SALES.path))

        assert str(at_rest["total_sales"][0]) == "9999999999999.99"
        with pytest.raises(AmountOverflowError, match="gold/daily_sales"):
            engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], greatest + 1)], 2)
        assert self.totals(engine) == {APRIL[0]: greatest}

    # --- Versions --------------------------------------------------------------------------------

    def test_restore_brings_rows_and_absence_back(self, engine: Engine) -> None:
        """A table becomes what it was; one that was not there goes, and may come again."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        version = engine.version(DAILY_SALES)
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 5)], 2)
        assert self.totals(engine) == {APRIL[0]: 5}
        engine.restore(DAILY_SALES, version)
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        engine.restore(ROW_ACCOUNTS, None)

        assert self.totals(engine) == dict.fromkeys(APRIL, 100)
        assert not engine.exists(ROW_ACCOUNTS)
        assert engine.version(ROW_ACCOUNTS) is None
        engine.create([ROW_ACCOUNTS])
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 1)], 1)
        assert engine.row_count(ROW_ACCOUNTS) == 1

    def test_a_table_that_went_and_came_again_is_read_anew(self, engine: Engine) -> None:
        """The numbers of its versions come again as well, with other rows."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        assert self.totals(engine) == dict.fromkeys(APRIL, 100)
        engine.restore(DAILY_SALES, None)
        engine.create([DAILY_SALES])
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 5)], 2)

        assert engine.version(DAILY_SALES) == 1
        assert engine.row_count(DAILY_SALES) == len(APRIL)
        assert self.totals(engine) == dict.fromkeys(APRIL, 5)

    def test_restoring_the_latest_version_writes_nothing(self, engine: Engine) -> None:
        """A table that a run has not touched stays on its version."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        engine.restore(DAILY_SALES, 1)

        assert engine.version(DAILY_SALES) == 1

    def test_a_batch_that_was_undone_keeps_its_number(self, engine: Engine) -> None:
        """Restoring takes the rows back, and the number stays used up."""
        engine.append_records(ROW_ACCOUNTS, [account(4, "orders", 1)], 4)
        engine.restore(ROW_ACCOUNTS, 0)
        engine.append_records(ROW_ACCOUNTS, [account(5, "orders", 1)], 5)

        assert engine.last_batch([ROW_ACCOUNTS]) == 5
        assert [row["batch_id"] for row in engine.fetch(engine.read(ROW_ACCOUNTS))] == [5]

    def test_history_tells_the_run_that_wrote(self, engine: Engine) -> None:
        """Latest first, with the number of the run; creating a table was no run."""
        engine.append_records(ROW_ACCOUNTS, [account(3, "orders", 1)], 3)
        changes = self.frame([account(3, "orders", 2)], ROW_ACCOUNTS.columns)
        engine.merge(ROW_ACCOUNTS, changes, 4)
        engine.overwrite(ROW_ACCOUNTS, [changes], None)
        commits = engine.history(ROW_ACCOUNTS)

        assert [(c.version, c.batch_id) for c in commits] == [(3, None), (2, 4), (1, 3), (0, None)]
        assert all(c.timestamp_ms > 1_700_000_000_000 for c in commits)
        assert all(c.operation for c in commits)

    # --- Looking ---------------------------------------------------------------------------------

    def test_bounds_hold_every_value_and_tell_an_empty_table(self, engine: Engine) -> None:
        """Bounds over several files; none without rows."""
        assert engine.bounds(ROW_ACCOUNTS, "rows_read") is None
        engine.append_records(ROW_ACCOUNTS, [account(1, "orders", 40)], 1)
        engine.append_records(ROW_ACCOUNTS, [account(2, "orders", -3)], 2)

        assert engine.bounds(ROW_ACCOUNTS, "rows_read") == (-3, 40)

    def test_a_checkpoint_is_evaluated_once(self, engine: Engine) -> None:
        """What is read from a checkpoint does not evaluate the frame again."""
        frame = self.noise()
        kept = engine.checkpoint(frame)

        assert engine.fetch(frame) != engine.fetch(frame)
        assert engine.fetch(kept) == engine.fetch(kept)
        assert engine.fetch(kept.select("noise")) == engine.fetch(kept)

    def test_a_checkpoint_outlives_what_it_was_read_from(self, engine: Engine) -> None:
        """The rows of a table that is overwritten meanwhile are still those of before."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 1)
        kept = engine.checkpoint(engine.read(DAILY_SALES))
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 5)], 2)

        assert {row["total_sales"] for row in engine.fetch(kept)} == {100}

    # --- Taking files in -------------------------------------------------------------------------

    def test_every_row_of_every_format_is_taken_in(self, engine: Engine, tmp_path: Path) -> None:
        """Plain, packed and workbook; rows that are none with their text; columns that are new."""
        header = ",".join(ORDERS.column_names)
        good = ["1,10,7,2025-04-01T10:00,9.50,2025-04-01", "2,11, 7 ,x,,"]
        landing = tmp_path / "landing"
        _write(landing / "orders/a.csv", "\n".join([header, *good, "only,three,fields"]).encode())
        noted = [f"{header},Größe", f'{good[0]},"a ""b"""']
        _write(landing / "orders/b.csv.gz", gzip.compress("\n".join(noted).encode()))
        _workbook(landing / "orders/c.xlsx", [header.split(","), good[0].split(",")])
        found = self.ingest(engine, landing, 1)
        rows = {
            (row["source_file"], row["source_row"]): row
            for row in engine.fetch(engine.read(bronze(ORDERS)))
        }

        assert found == {"orders/a.csv": 3, "orders/b.csv.gz": 1, "orders/c.xlsx": 1}
        values = [
            [row[name] for name in ORDERS.column_names]
            for row in map(rows.get, sorted(rows))
            if row
        ]
        assert values == [
            good[0].split(","),
            good[1].split(","),
            [None] * 6,
            good[0].split(","),
            good[0].split(","),
        ]
        malformed, packed = rows["orders/a.csv", 3], rows["orders/b.csv.gz", 1]
        assert malformed["raw_record"] == "only,three,fields"
        assert packed["extra_columns"] == '{"Größe": "a \\"b\\""}'
        assert {row["batch_id"] for row in rows.values()} == {1}
        assert {row["ingestion_timestamp"] for row in rows.values()} == {MIDNIGHT}
        assert {row["ingestion_date"] for row in rows.values()} == {dt.date(2026, 3, 1)}

    def test_taking_the_same_batch_in_again_appends_nothing(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        """A retried ingestion says the same rows and writes no version."""
        landing = tmp_path / "landing"
        text = ",".join(ORDERS.column_names) + "\n1,10,7,x,9.50,y\n"
        _write(landing / "orders/a.csv", text.encode())
        first = self.ingest(engine, landing, 1)
        version = engine.version(bronze(ORDERS))

        assert self.ingest(engine, landing, 1) == first == {"orders/a.csv": 1}
        assert engine.version(bronze(ORDERS)) == version

    def test_a_file_that_changes_while_it_is_taken_in_fails_by_name(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        """What was checked is what must be read; the table stays as it was."""
        landing = tmp_path / "landing"
        text = ",".join(ORDERS.column_names) + "\n1,10,7,x,9.50,y\n"
        _write(landing / "orders/a.csv", text.encode())
        store = LocalStore(landing)
        deliveries = _deliveries(store)
        _write(landing / "orders/a.csv", f"{text}2,11,7,x,9.50,y\n".encode())

        with pytest.raises(
            LakehouseError, match=r"orders/a\.csv was changed while it was taken in"
        ):
            engine.ingest(ORDERS, store, deliveries, Stamp(1, MIDNIGHT))
        assert engine.row_count(bronze(ORDERS)) == 0

    def ingest(self, engine: Engine, landing: Path, batch_id: int) -> dict[str, int]:
        """Take all files of a landing zone in."""
        store = LocalStore(landing)
        return dict(engine.ingest(ORDERS, store, _deliveries(store), Stamp(batch_id, MIDNIGHT)))


def _deliveries(store: LocalStore) -> list[Delivery]:
    outcomes = [inspect(store, file) for file in store.list()]
    assert all(isinstance(outcome, Delivery) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Delivery)]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _workbook(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
