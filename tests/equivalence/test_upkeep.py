"""Upkeep by either engine: the same rows, and a lake that the other one goes on with."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from pipeline.contracts import TABLES
from pipeline.engine import Engine
from pipeline.runner.maintenance import maintain
from pipeline.runner.rollback import needed_versions
from pipeline.spark.engine import SparkEngine
from simulator.engine.polars_engine import PolarsEngine
from tests.equivalence.recording import Tally
from tests.lakes import Shop, delivered, everything, state
from tests.reference import DeliveredFile

LATER = timedelta(days=365)


def opened(name: str, lake: Path, session: SparkSession) -> Engine:
    """Open an engine as another process would: with nothing in mind of the lake."""
    if name == "polars":
        return PolarsEngine(lake)
    jvm: Any = session._jvm
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    return SparkEngine(session, str(lake))


def day(number: int) -> list[DeliveredFile]:
    """Return a day's deliveries: a new order, one that changes, their items."""
    date = f"2025-04-{number:02}"
    placed = f"{date}T08:00"
    orders = [(n, n, 7, placed, f"{number}.00", date) for n in (1, 10 + number)]
    items = [(n, n, 7, None, 1 + n % 2, 1, 0, placed, date) for n in (1, 10 + number)]
    return [
        delivered("products", f"products/{date}.csv", (1, 1, "a", "Tea"), (2, 1, "b", date)),
        delivered("orders", f"orders/{date}.csv", *orders),
        delivered("order_items", f"order_items/{date}.csv", *items),
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["spark", "polars"])
def test_a_lake_kept_up_by_one_engine_is_gone_on_with_by_the_other(
    name: str, spark: SparkSession, tally: Tally, tmp_path: Path
) -> None:
    """No row changes; what a rollback needs is there; the next run makes the same lake."""
    plain = Shop(tmp_path / "plain")
    for number in (1, 2, 3):
        plain.run(day(number))
    shutil.copytree(plain.folder, tmp_path / "kept")
    other = "polars" if name == "spark" else "spark"
    kept = Shop(tmp_path / "kept", lambda lake: opened(other, lake, spark), runs=plain.runs)
    before = everything(kept.lake)

    engine = opened(name, kept.lake, spark)
    needed = needed_versions(engine, 1)
    now = datetime.now(UTC) + LATER
    done = maintain(engine, TABLES, now, needed)
    again = maintain(engine, TABLES, now, needed)
    engine.close()

    assert everything(kept.lake) == before
    assert sum(table.compacted for table in done) > 0
    assert sum(table.clustered for table in done) > 0
    assert sum(table.removed_files for table in done) > 0
    assert not any(table.did_something for table in again), again
    kept.run(day(4))
    plain.run(day(4))
    assert state(kept.lake) == state(plain.lake)
    tally.compared(cases=len(done), rows=sum(len(rows) for rows in before.values()))

    engine = opened(other, kept.lake, spark)
    # Nightly all of it; by default the oldest versions, which are the first to be lost.
    is_short = settings().derandomize
    for table in (t for t in TABLES if t.layer in {"silver", "gold"} or not is_short):
        for version in sorted(needed[table.path])[: 1 if is_short else None]:
            assert engine.fetch(engine.read(table, version)) is not None
            engine.restore(table, version)
            assert engine.row_count(table) <= len(before[table.path])
    engine.close()
