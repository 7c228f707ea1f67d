"""Both engines measure the same, to the last sample: of right tables, and of wrong ones.

A case is a measure.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.contracts import ENTITIES, ORDER_ITEMS, ORDERS
from pipeline.contracts.gold import CUSTOMER_INSIGHTS, DAILY_PRODUCT, PRODUCT_PERFORMANCE
from pipeline.engine import Engine
from pipeline.landing.stamp import Stamp
from pipeline.quality.measure import Measure
from pipeline.quality.measuring.bronze import bronze_measures
from pipeline.quality.measuring.gold import Written, gold_measures
from pipeline.quality.measuring.silver import FaultyRows, Refinement, silver_measures
from pipeline.runner.report import Balance, EntityAccount
from pipeline.spark.engine import SparkEngine
from simulator.engine.polars_engine import PolarsEngine
from tests.equivalence.recording import Tally
from tests.gates import DAYS, PLANTS, make_lake, written
from tests.lakes import Shop, delivered, run_time

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def wrong_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake with errors of every kind in its gold tables."""
    made = make_lake(tmp_path_factory.mktemp("gates"))
    for place in (0, 2, 5, 6, 8, 12, 13, 16, 19, 21, 23, 25, 29):
        PLANTS[place].into(made)
    return made


def hold(tally: Tally, polars: Iterable[Measure], spark: Iterable[Measure]) -> list[Measure]:
    """Hold the measures of both engines against each other; return them."""
    found = list(polars)
    tally.compared(cases=len(found), rows=sum(measure.base for measure in found))
    assert [m.document() for m in found] == [m.document() for m in spark]
    return found


@pytest.mark.parametrize("scope", [written(), written(dates=DAYS[2:])], ids=["whole", "day"])
def test_gold_is_measured_alike(
    scope: Written, wrong_lake: Path, spark: SparkSession, tally: Tally
) -> None:
    """What is wrong with gold; that nothing is, whole runs say alike (`test_runs`)."""
    engines: list[Engine] = [PolarsEngine(wrong_lake), SparkEngine(spark, str(wrong_lake))]
    found = hold(tally, *(gold_measures(engine, scope) for engine in engines))
    differing = {measure.subject for measure in found if measure.measured}
    assert {PRODUCT_PERFORMANCE.path, CUSTOMER_INSIGHTS.path} <= differing
    assert DAILY_PRODUCT.path not in differing


def test_bronze_and_silver_are_measured_alike(
    tmp_path: Path, spark: SparkSession, tally: Tally
) -> None:
    at, day = "2025-04-01T10:00:00", "2025-04-01"
    shop = Shop(tmp_path)
    keys = [1, "01", "x", "", " 2\t", 3, "3"]
    orders = [(1, key, 1, at, f"{n}.00", day) for n, key in enumerate(keys, 1)]
    item = (1, 1, 9, None, 1, 1, 0, at, day)
    items = [item, (2, 77, *item[2:]), (3, 1, 0, *item[3:])]
    files = [
        delivered("products", "products/p.csv", (1, 1, "A", "Tea"), (2, 1, "", " ")),
        delivered("orders", "orders/o.csv", *orders),
        delivered("order_items", "order_items/i.csv", *items),
    ]
    shop.run(files)
    balance, stamp = Balance(1, 2, 3, 4), Stamp(1, run_time(0))
    engines: list[Engine] = [PolarsEngine(shop.lake), SparkEngine(spark, str(shop.lake))]
    for entity in ENTITIES:
        read = {file.path: len(file.rows) for file in files if file.entity == entity.name}
        bronze = (bronze_measures(engine, entity, stamp, read, {}) for engine in engines)
        missing = {m.check.name: m.measured for m in hold(tally, *bronze)}["required_values"]
        assert missing == {"products": 1, "orders": 1, "order_items": 0}[entity.name]
        account = EntityAccount(rows_read=40, held=1, consistency=1, anomaly=2, deactivated=3)
        refinement = Refinement(FaultyRows(1, 1, 1), 1, balance, active_before=4)
        silver = hold(
            tally,
            *(silver_measures(engine, entity, account, refinement, stamp) for engine in engines),
        )
        samples = {measure.check.name: measure.samples for measure in silver}
        if entity is ORDER_ITEMS:
            assert len(samples["unknown_references"]) == 1
            assert len(samples["consistency"]) == 1
        if entity is ORDERS:
            assert len(samples["missing_or_malformed"]) == 2
            assert len(samples["anomalies"]) == 2
