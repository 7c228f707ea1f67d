"""What the engine protocol promises, held by the Polars engine."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from deltalake import DeltaTable

from pipeline.contracts import TABLES, Table
from pipeline.contracts.gold import DAILY_SALES
from pipeline.contracts.meta import FILES, ROW_ACCOUNTS
from pipeline.contracts.model import Column
from pipeline.contracts.types import COUNT
from pipeline.errors import AmountOverflowError, EngineError
from pipeline.portable import Frame
from simulator.engine.polars_engine import PolarsEngine

_APRIL = [dt.date(2025, 4, day) for day in range(1, 5)]
_NOON = dt.datetime(2025, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[PolarsEngine]:
    """Return an engine on a new lake with all tables."""
    engine = PolarsEngine(tmp_path / "lake")
    engine.create(TABLES)
    yield engine
    engine.close()


def _account(batch_id: int, entity: str, rows: int) -> dict[str, Any]:
    others = [column.name for column in ROW_ACCOUNTS.columns[3:]]
    return {
        "batch_id": batch_id,
        "entity": entity,
        "rows_read": rows,
        **dict.fromkeys(others, 0),
    }


def _sales(days: list[dt.date], cents: int) -> Frame:
    rows = [
        {
            "date": day,
            "total_sales": cents,
            "order_count": 1,
            "avg_order_value": 5,
            "unique_customers": 1,
            "total_items": 1,
            "avg_items_per_order": 100,
            "last_updated_timestamp": _NOON,
        }
        for day in days
    ]
    frame: Frame = nw.from_native(pl.LazyFrame(rows))
    return frame


def _by(engine: PolarsEngine, table: Table, key: str, value: str) -> dict[Any, Any]:
    return {row[key]: row[value] for row in engine.fetch(engine.read(table))}


def test_tables_need_no_more_than_reader_1_and_writer_2(
    engine: PolarsEngine, tmp_path: Path
) -> None:
    """Every table of the lake is one that all engines read."""
    del engine
    protocols = [DeltaTable(tmp_path / "lake" / table.path).protocol() for table in TABLES]

    assert {(p.min_reader_version, p.min_writer_version) for p in protocols} == {(1, 2)}
    assert {p.reader_features for p in protocols} == {None}


def test_columns_and_partitions_are_the_contracts(engine: PolarsEngine, tmp_path: Path) -> None:
    """A table at rest has the contract's columns, in its order, and its partitions."""
    del engine
    for table in TABLES:
        delta = DeltaTable(tmp_path / "lake" / table.path)

        assert tuple(field.name for field in delta.schema().fields) == table.column_names
        assert tuple(delta.metadata().partition_columns) == table.partition_by


def test_a_frame_stays_on_the_version_it_was_read_from(engine: PolarsEngine) -> None:
    """What is written after a read is not in the frame, though it is evaluated later."""
    engine.append_records(ROW_ACCOUNTS, [_account(1, "orders", 1)], 1)
    before = engine.read(ROW_ACCOUNTS)
    engine.append_records(ROW_ACCOUNTS, [_account(2, "orders", 2)], 2)

    assert [row["batch_id"] for row in engine.fetch(before)] == [1]
    assert len(engine.fetch(engine.read(ROW_ACCOUNTS))) == 2


def test_appending_for_the_same_batch_again_changes_nothing(engine: PolarsEngine) -> None:
    """A retried append is recognised by its batch, also by another process's engine."""
    engine.append_records(ROW_ACCOUNTS, [_account(7, "orders", 1)], 7)
    version = engine.version(ROW_ACCOUNTS)
    engine.append_records(ROW_ACCOUNTS, [_account(7, "orders", 1)], 7)
    engine.close()
    engine.append_records(ROW_ACCOUNTS, [_account(7, "orders", 1)], 7)

    assert engine.version(ROW_ACCOUNTS) == version
    assert engine.row_count(ROW_ACCOUNTS) == 1
    assert engine.last_batch(TABLES) == 7


def test_merge_replaces_known_keys_and_inserts_the_others(engine: PolarsEngine) -> None:
    """The key of row_accounts is (batch_id, entity): both parts count."""
    engine.append_records(ROW_ACCOUNTS, [_account(1, "orders", 1), _account(1, "products", 2)], 1)
    changes: Frame = nw.from_native(
        pl.LazyFrame([_account(1, "products", 20), _account(2, "orders", 30)])
    )
    engine.merge(ROW_ACCOUNTS, changes, 2)

    found = {
        (r["batch_id"], r["entity"]): r["rows_read"]
        for r in engine.fetch(engine.read(ROW_ACCOUNTS))
    }
    assert found == {(1, "orders"): 1, (1, "products"): 20, (2, "orders"): 30}


def test_overwriting_dates_leaves_the_others_and_removes_what_has_no_rows(
    engine: PolarsEngine,
) -> None:
    """Of four dates two are overwritten, one of them by nothing."""
    engine.overwrite(DAILY_SALES, [_sales(_APRIL, 100)], 1)
    engine.overwrite(DAILY_SALES, [_sales(_APRIL[:1], 250)], 2, dates=_APRIL[:2])

    assert _by(engine, DAILY_SALES, "date", "total_sales") == {
        _APRIL[0]: 250,
        _APRIL[2]: 100,
        _APRIL[3]: 100,
    }
    assert engine.rows_by_date(DAILY_SALES) == {_APRIL[0]: 1, _APRIL[2]: 1, _APRIL[3]: 1}


def test_overwriting_no_dates_writes_nothing(engine: PolarsEngine) -> None:
    """An empty list of dates is not the whole table."""
    engine.overwrite(DAILY_SALES, [_sales(_APRIL, 100)], 1)
    version = engine.version(DAILY_SALES)
    engine.overwrite(DAILY_SALES, [_sales([], 0)], 2, dates=[])

    assert engine.version(DAILY_SALES) == version
    assert engine.row_count(DAILY_SALES) == 4


def test_frames_are_written_together_in_one_commit(engine: PolarsEngine) -> None:
    """Chunks of one table become one version."""
    before = engine.version(DAILY_SALES) or 0
    engine.overwrite(DAILY_SALES, (_sales([day], 1) for day in _APRIL), 1)

    assert engine.version(DAILY_SALES) == before + 1
    assert engine.row_count(DAILY_SALES) == 4


def test_restore_brings_rows_and_absence_back(engine: PolarsEngine) -> None:
    """A table becomes what it was; one that was not there goes."""
    engine.overwrite(DAILY_SALES, [_sales(_APRIL, 100)], 1)
    version = engine.version(DAILY_SALES)
    engine.overwrite(DAILY_SALES, [_sales(_APRIL[:1], 5)], 2)
    engine.restore(DAILY_SALES, version)
    engine.restore(FILES, None)

    assert _by(engine, DAILY_SALES, "date", "total_sales") == dict.fromkeys(_APRIL, 100)
    assert not engine.exists(FILES)
    assert engine.version(FILES) is None


def test_a_table_gains_the_columns_that_its_contract_gains(engine: PolarsEngine) -> None:
    """Rows from before have null there; doing it again writes no version."""
    engine.overwrite(DAILY_SALES, [_sales(_APRIL[:1], 100)], 1)
    wider = replace(
        DAILY_SALES, columns=(*DAILY_SALES.columns, Column("returns", COUNT, "Returned orders."))
    )
    engine.create([wider])
    version = engine.version(wider)
    engine.create([wider])

    assert _by(engine, wider, "date", "returns") == {_APRIL[0]: None}
    assert engine.version(wider) == version


def test_bounds_hold_every_value_and_tell_an_empty_table(engine: PolarsEngine) -> None:
    """Bounds over several files; none without rows."""
    assert engine.bounds(ROW_ACCOUNTS, "rows_read") is None
    engine.append_records(ROW_ACCOUNTS, [_account(1, "orders", 40)], 1)
    engine.append_records(ROW_ACCOUNTS, [_account(2, "orders", -3)], 2)

    assert engine.bounds(ROW_ACCOUNTS, "rows_read") == (-3, 40)


def test_money_is_cents_inside_and_a_decimal_at_rest(engine: PolarsEngine, tmp_path: Path) -> None:
    """One cent less than ten to the thirteenth fits DECIMAL(15,2); one more does not."""
    greatest = 10**15 - 1
    engine.overwrite(DAILY_SALES, [_sales(_APRIL[:1], greatest)], 1)
    at_rest = pl.read_delta(str(tmp_path / "lake" / DAILY_SALES.path))

    assert _by(engine, DAILY_SALES, "date", "total_sales") == {_APRIL[0]: greatest}
    assert at_rest["total_sales"].dtype == pl.Decimal(15, 2)
    assert str(at_rest["total_sales"][0]) == "9999999999999.99"
    with pytest.raises(AmountOverflowError, match="gold/daily_sales"):
        engine.overwrite(DAILY_SALES, [_sales(_APRIL[:1], greatest + 1)], 2)
    assert _by(engine, DAILY_SALES, "date", "total_sales") == {_APRIL[0]: greatest}


def test_a_checkpoint_is_evaluated_once(engine: PolarsEngine) -> None:
    """What is read from a checkpoint does not evaluate the frame again."""
    evaluations: list[int] = []

    def noted(values: pl.Series) -> pl.Series:
        evaluations.append(len(values))
        return values

    native = pl.LazyFrame({"a": [1, 2, 3]}).with_columns(
        pl.col("a").map_batches(noted, return_dtype=pl.Int64)
    )
    frame: Frame = nw.from_native(native)
    checkpoint = engine.checkpoint(frame)

    assert [row["a"] for row in engine.fetch(checkpoint)] == [1, 2, 3]
    assert engine.fetch(checkpoint.select(nw.col("a").sum())) == [{"a": 6}]
    assert len(evaluations) == 1


def test_a_missing_table_is_said_by_name(tmp_path: Path) -> None:
    """Reading a table that is not there is an error of the engine, not of a library."""
    with pytest.raises(EngineError, match="gold/daily_sales"):
        PolarsEngine(tmp_path / "nothing").read(DAILY_SALES)


def test_history_tells_the_run_that_wrote(engine: PolarsEngine) -> None:
    """Latest first, with the number of the run; creating a table was no run."""
    engine.append_records(ROW_ACCOUNTS, [_account(3, "orders", 1)], 3)

    commits = engine.history(ROW_ACCOUNTS)

    assert [(c.version, c.batch_id) for c in commits] == [(1, 3), (0, None)]
