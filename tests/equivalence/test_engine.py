"""The Spark engine keeps what the engine protocol promises: the same tests as for Polars."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts import ORDERS, silver
from pipeline.contracts.gold import DAILY_SALES
from pipeline.contracts.meta import ROW_ACCOUNTS
from pipeline.contracts.model import Column, Table
from pipeline.engine import Engine
from pipeline.errors import EngineError
from pipeline.portable import Frame
from pipeline.portable.spark import type_at_rest
from pipeline.spark.engine import SparkEngine
from tests.engine_contract import APRIL, EngineContract, Row, account, other_time_zone
from tests.upkeep_contract import UpkeepContract, stored

__all__ = ["other_time_zone"]


class TestSparkEngine(UpkeepContract, EngineContract):
    """See `EngineContract` and `UpkeepContract`."""

    @pytest.fixture(autouse=True)
    def session(self, spark: SparkSession) -> None:
        """Keep the session."""
        self.spark = spark

    def open(self, lake: Path) -> Engine:
        """See `EngineContract.open`."""
        return SparkEngine(self.spark, str(lake))

    def frame(self, rows: Sequence[Row], columns: Sequence[Column]) -> Frame:
        """See `EngineContract.frame`."""
        fields = [
            st.StructField(c.name, st.LongType() if c.type.is_decimal else type_at_rest(c))
            for c in columns
        ]
        values = [tuple(row[column.name] for column in columns) for row in rows]
        frame: Frame = nw.from_native(self.spark.createDataFrame(values, st.StructType(fields)))
        return frame

    def noise(self) -> Frame:
        """See `EngineContract.noise`."""
        drawn = sf.udf(_drawn, st.DoubleType(), useArrow=False).asNondeterministic()
        noisy: Frame = nw.from_native(self.spark.range(3).select(drawn("id").alias("noise")))
        return noisy

    def test_a_small_table_is_read_from_its_files_once(self, engine: Engine, lake: Path) -> None:
        """What was read stays in memory, until the run ends or the table is written; no books."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 3)
        engine.append_records(ROW_ACCOUNTS, [account(3, "orders", 7)], 3)
        first = {table: engine.fetch(engine.read(table)) for table in (DAILY_SALES, ROW_ACCOUNTS)}
        remove_data_files(lake, DAILY_SALES, ROW_ACCOUNTS)

        assert engine.fetch(engine.read(DAILY_SALES)) == first[DAILY_SALES]
        with pytest.raises(EngineError):
            engine.fetch(engine.read(ROW_ACCOUNTS))
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 5)], 4)
        assert self.totals(engine) == {APRIL[0]: 5}
        remove_data_files(lake, DAILY_SALES)
        engine.close()
        with pytest.raises(EngineError):
            engine.fetch(engine.read(DAILY_SALES))

    def test_nothing_is_kept_where_workers_may_be_lost(
        self, engine: Engine, lake: Path, tmp_path: Path
    ) -> None:
        """With a checkpoint directory, as in Glue, even a small table is read from its files."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 3)
        with checkpoints_in(self.spark, tmp_path / "checkpoints"):
            assert self.totals(engine) == dict.fromkeys(APRIL, 100)
            remove_data_files(lake, DAILY_SALES)
            with pytest.raises(EngineError):
                self.totals(engine)

    @pytest.mark.parametrize("left", ["all", "half", "none"])
    def test_a_log_tells_the_same_with_and_without_its_checksum_file(
        self, engine: Engine, lake: Path, left: str
    ) -> None:
        """Other writers write none, and one that was killed may leave half of it."""
        engine.overwrite(DAILY_SALES, [self.sales(APRIL, 100)], 3)
        engine.overwrite(DAILY_SALES, [self.sales(APRIL[:1], 50)], 4, dates=APRIL[:2])
        accounts = [account(5, "orders", 7), account(6, "orders", 7)]
        engine.append_records(ROW_ACCOUNTS, accounts, 5)
        files = list(lake.rglob("_delta_log/*.crc"))
        assert files
        for file in files:
            if left == "half":
                file.write_text(file.read_text()[:200])
            elif left == "none":
                file.unlink()
        other = self.open(lake)

        assert other.row_count(DAILY_SALES) == 3
        assert other.rows_by_date(DAILY_SALES) == {day: 1 for day in APRIL if day != APRIL[1]}
        assert other.bounds(ROW_ACCOUNTS, "batch_id") == (5, 6)
        assert other.last_batch([DAILY_SALES]) == 4
        assert other.last_batch([DAILY_SALES, ROW_ACCOUNTS]) == 5
        assert other.row_count(silver(ORDERS)) == 0
        assert other.rows_by_date(silver(ORDERS)) == {}
        assert other.bounds(silver(ORDERS), "order_id") is None


def remove_data_files(lake: Path, *tables: Table) -> None:
    """Take away every file that tables have beside their logs."""
    for table in tables:
        places = stored(lake, table)
        assert places
        for place in places:
            (lake / table.path / place).unlink()


@contextmanager
def checkpoints_in(session: SparkSession, folder: Path) -> Iterator[None]:
    """Give a session a directory that outlives its workers; it cannot be taken back in Python."""
    session.sparkContext.setCheckpointDir(str(folder))
    jvm: Any = session._jvm
    try:
        yield
    finally:
        spark: Any = session.sparkContext._jsc.sc()
        getattr(spark, "checkpointDir_$eq")(jvm.scala.Option.empty())


def _drawn(_: int) -> float:
    import random

    return random.SystemRandom().random()
