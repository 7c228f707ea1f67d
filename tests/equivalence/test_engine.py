"""The Spark engine keeps what the engine protocol promises: the same tests as for Polars."""

from collections.abc import Sequence
from pathlib import Path

import narwhals.stable.v2 as nw
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts.model import Column
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.portable.spark import type_at_rest
from pipeline.spark.engine import SparkEngine
from tests.engine_contract import EngineContract, Row, other_time_zone
from tests.upkeep_contract import UpkeepContract

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


def _drawn(_: int) -> float:
    import random

    return random.SystemRandom().random()
