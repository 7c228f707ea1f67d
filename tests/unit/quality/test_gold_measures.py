"""Gold computed a second time: right tables pass, every planted error is found and shown."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_PRODUCT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.quality.measuring.gold import Written, gold_measures
from simulator.engine.polars_engine import PolarsEngine
from tests.gates import DAYS, INTERIM_PLANTS, PLANTS, Plant, make_lake, measured, written

WHOLE, LAST_DAY = written(), written(dates=DAYS[2:])
scopes = pytest.mark.parametrize("what", [WHOLE, LAST_DAY], ids=["whole", "last day"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lake(tmp_path_factory.mktemp("gates"))


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lake"))


@scopes
def test_right_tables_pass(made: Path, what: Written) -> None:
    found = measured(PolarsEngine(made), what)
    assert [m for m in found.values() if m.measured or m.samples] == []
    bases = {subject: m.base for (check, subject), m in found.items() if check == "completeness"}
    assert bases == {
        "gold/daily_sales": 3,
        "gold/product_performance": 4,
        "gold/department_analytics": 3,
        "gold/customer_insights": 4,
    }
    # 10.00 + 0.05 + 7.77 + 99.99 + 0.01 + 5.00
    assert found["revenue_equation", "gold/product_performance"].base == 12282
    assert found["order_counts", "orders of gold/customer_insights"].base == 6
    assert found["order_counts", "items of gold/product_performance"].base == 13


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_planted_errors_are_found_where_they_are(plant: Plant, lake: Path) -> None:
    plant.into(lake)
    found = measured(PolarsEngine(lake), replace(WHOLE, tables=[plant.table.path]))
    wrong = {key for key, measure in found.items() if measure.measured}
    differing = found["recomputation", plant.table.path]
    # A row under another key is one too many and one too few.
    moved = plant.table.key[0] in plant.change
    assert differing.measured == (2 if moved or plant.copies == 2 else 1)
    assert differing.samples
    complete = plant.copies == 1 and not moved
    assert (("completeness", plant.table.path) in wrong) is not complete


@pytest.mark.parametrize(
    ("plant", "sample"),
    [
        (PLANTS[0], "date 2025-04-02: total_sales is 7.83, silver gives 7.82"),
        (PLANTS[4], "date 2025-04-01: missing in daily_sales"),
        (PLANTS[5], "date 2025-04-01: 2 times in daily_sales"),
        (PLANTS[8], "product_id 4: reorder_rate is 0.0000, silver gives null"),
        (PLANTS[14], "product_id 1: missing in product_performance"),
        (PLANTS[22], "user_id 1: favorite_product_id is 3, silver gives 1"),
        (PLANTS[25], "user_id 1: customer_segment is Active, silver gives Regular"),
    ],
    ids=str,
)
def test_the_first_difference_is_shown(plant: Plant, sample: str, lake: Path) -> None:
    plant.into(lake)
    found = measured(PolarsEngine(lake), replace(WHOLE, tables=[plant.table.path]))
    assert found["recomputation", plant.table.path].samples[0] == sample


@pytest.mark.parametrize("plant", INTERIM_PLANTS, ids=str)
def test_a_day_holds_its_own_daily_sums_against_silver(plant: Plant, lake: Path) -> None:
    plant.into(lake)
    found = measured(PolarsEngine(lake), written(dates=DAYS))
    assert found["recomputation", plant.table.path].measured == 1


def test_a_cent_moved_between_days_is_seen_by_day_only(lake: Path) -> None:
    Plant(DAILY_SALES, DAYS[0], {"total_sales": 1001}).into(lake)
    Plant(DAILY_SALES, DAYS[1], {"total_sales": 781}).into(lake)
    found = measured(PolarsEngine(lake), WHOLE)
    assert found["recomputation", DAILY_SALES.path].measured == 2
    assert found["revenue_equation", PRODUCT_PERFORMANCE.path].measured == 0


def test_a_lost_cent_breaks_the_equation(lake: Path) -> None:
    """Even on a day that the run did not touch."""
    Plant(DAILY_SALES, DAYS[0], {"total_sales": 999}).into(lake)
    found = measured(PolarsEngine(lake), LAST_DAY)
    assert found["recomputation", DAILY_SALES.path].measured == 0
    equation = found["revenue_equation", PRODUCT_PERFORMANCE.path]
    assert (equation.measured, equation.base) == (1, 12281)
    assert equation.samples == ("11782 by product + 500 of orders without items, 12281 by day",)


def test_a_lost_day_breaks_counts_and_completeness_though_untouched(lake: Path) -> None:
    Plant(DAILY_SALES, DAYS[0], {}, copies=0).into(lake)
    found = measured(PolarsEngine(lake), LAST_DAY)
    assert found["completeness", DAILY_SALES.path].samples == (
        "2025-04-01: 0 times in daily_sales",
    )
    assert found["order_counts", "orders of gold/daily_sales"].measured == 1
    assert found["order_counts", "items of gold/daily_sales"].measured == 3


def test_customers_of_other_days_keep_their_favourites_unlooked_at(lake: Path) -> None:
    """Customer 2 ordered on the second day only: her sums are held, her favourites are not."""
    Plant(CUSTOMER_INSIGHTS, 2, {"favorite_product_id": 1}).into(lake)
    what = written(dates=DAYS[2:])
    assert measured(PolarsEngine(lake), what)["recomputation", CUSTOMER_INSIGHTS.path].measured == 0
    left = replace(what, left_users=[2])
    assert measured(PolarsEngine(lake), left)["recomputation", CUSTOMER_INSIGHTS.path].measured == 1


def test_only_what_was_written_is_computed_again(made: Path) -> None:
    assert gold_measures(PolarsEngine(made), replace(WHOLE, tables=())) == []
    seen_from = replace(LAST_DAY, tables=[CUSTOMER_INSIGHTS.path], dates=[])
    found = measured(PolarsEngine(made), seen_from)
    assert {subject for check, subject in found if check == "recomputation"} == {
        CUSTOMER_INSIGHTS.path
    }
    assert not any(measure.measured for measure in found.values())


def test_another_view_date_is_held_too(made: Path) -> None:
    later = written()
    later = Written(
        later.tables, later.dates, all_dates=True, left_users=[], as_of=date(2025, 8, 1)
    )
    found = measured(PolarsEngine(made), later)
    assert found["recomputation", CUSTOMER_INSIGHTS.path].measured == 4


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 13 items 3 at a time make 5 parts."""
    monkeypatch.setattr("pipeline.quality.measuring.sources.ITEMS_LOOKED_AT", 3)


def test_in_a_large_shop_right_tables_pass_in_every_part(made: Path, large: None) -> None:
    for batch in range(1, 6):
        found = measured(PolarsEngine(made), replace(WHOLE, batch_id=batch))
        assert [m for m in found.values() if m.measured] == []
        assert ("recomputation", DAILY_PRODUCT.path) in found


@pytest.mark.parametrize(
    ("plant", "seen"),
    [
        # Customer 3 is in the part of every fifth run.
        (Plant(CUSTOMER_INSIGHTS, 3, {"favorite_department": "BAKERY"}), [0, 0, 1, 0, 0]),
        # The first of three days is that of parts 0 and 1.
        (INTERIM_PLANTS[0], [1, 0, 0, 0, 1]),
        # What can be summed is held in every run; so are sums of daily counts.
        (Plant(PRODUCT_PERFORMANCE, 2, {"order_count": 4}), [1] * 5),
        (Plant(PRODUCT_PERFORMANCE, 2, {"total_sales": 4}), [1] * 5),
        (Plant(DEPARTMENT_ANALYTICS, "BAKERY", {"customer_count": 4}), [1] * 5),
    ],
    ids=str,
)
def test_in_a_large_shop_each_run_looks_at_another_part(
    plant: Plant, seen: list[int], lake: Path, large: None
) -> None:
    plant.into(lake)
    engine = PolarsEngine(lake)
    found = [
        measured(engine, replace(WHOLE, tables=[plant.table.path], batch_id=batch))[
            "recomputation", plant.table.path
        ].measured
        for batch in range(1, 6)
    ]
    assert found == seen
