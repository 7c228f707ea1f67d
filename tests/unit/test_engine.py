"""The Polars engine keeps what the engine protocol promises."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import narwhals.stable.v2 as nw
import polars as pl

from pipeline.contracts.model import Column
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.portable.polars import type_at_rest
from simulator.engine.polars_engine import PolarsEngine
from tests.engine_contract import EngineContract, Row, other_time_zone
from tests.upkeep_contract import UpkeepContract

__all__ = ["other_time_zone"]


class TestPolarsEngine(UpkeepContract, EngineContract):
    """See `EngineContract` and `UpkeepContract`."""

    def open(self, lake: Path) -> Engine:
        """See `EngineContract.open`."""
        return PolarsEngine(lake)

    def frame(self, rows: Sequence[Row], columns: Sequence[Column]) -> Frame:
        """See `EngineContract.frame`."""
        schema = {c.name: pl.Int64() if c.type.is_decimal else type_at_rest(c) for c in columns}
        return nw.from_native(pl.LazyFrame(list(rows), schema=schema))

    def noise(self) -> Frame:
        """See `EngineContract.noise`."""
        chance = Random()  # noqa: S311 - a test's noise

        def drawn(values: pl.Series) -> pl.Series:
            return pl.Series([chance.random() for _ in values])

        number = pl.col("noise").map_batches(drawn, return_dtype=pl.Float64)
        return nw.from_native(pl.LazyFrame({"noise": [0.0] * 3}).with_columns(number))
