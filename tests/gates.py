"""A small lake whose gold every gate knows, and errors to plant in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from pipeline.contracts import GOLD, INTERIM, Table
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_PRODUCT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.engine import Engine
from pipeline.quality.measure import Measure
from pipeline.quality.measuring.gold import Written, gold_measures
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import deliver, delivered, run

DAYS = [date(2025, 4, day) for day in (1, 2, 3)]

_PRODUCTS = [
    (1, 1, "Dairy", "Milk"),
    (2, 1, "Dairy", "Cream"),
    (3, 2, "Bakery", "Bread"),
    (4, 3, "Unsold", "Spoon"),
]
# order, customer, day, total.
_ORDERS = [
    (10, 1, 1, "10.00"),
    (11, 1, 2, "0.05"),
    (12, 2, 2, "7.77"),
    (13, 3, 3, "99.99"),
    (14, 1, 3, "0.01"),
    (15, 4, 3, "5.00"),  # Without items.
]
# item, order, days since the last, product, place, reordered. Order 11 and 13 have places that do
# not number their items: doubled ones, and gaps; in 12 a product comes twice.
_ITEMS = [
    (1, 10, None, 1, 1, 0),
    (2, 10, None, 2, 2, 0),
    (3, 10, None, 3, 3, 0),
    (4, 11, 1, 3, 5, 1),
    (5, 11, 1, 1, 5, 1),
    (6, 12, None, 2, 2, 0),
    (7, 12, None, 2, 1, 1),
    (8, 12, 9, 3, 3, 0),
    (9, 13, None, 3, 1, 0),
    (10, 13, None, 1, 7, 0),
    (11, 13, 0, 2, 90, 1),
    (12, 14, 1, 1, 2, 1),
    (13, 14, 1, 3, 1, 1),
]


def make_lake(folder: Path) -> Path:
    """Run the deliveries into a lake."""
    day_of = {order: day for order, _, day, _ in _ORDERS}
    user_of = {order: user for order, user, _, _ in _ORDERS}

    def time(order: int) -> str:
        return f"2025-04-0{day_of[order]}T10:00:00"

    orders = [
        (order, order, user, time(order), total, f"2025-04-0{day}")
        for order, user, day, total in _ORDERS
    ]
    items = [
        (item, order, user_of[order], days, product, place, again, time(order), time(order)[:10])
        for item, order, days, product, place, again in _ITEMS
    ]
    deliver(
        folder / "landing",
        [
            delivered("products", "products/p.csv", *_PRODUCTS),
            delivered("orders", "orders/o.csv", *orders),
            delivered("order_items", "order_items/i.csv", *items),
        ],
    )
    run(folder / "landing", folder / "lake")
    return folder / "lake"


def written(*, dates: list[date] | None = None) -> Written:
    """Return what a run wrote that touched these dates; None is all of them."""
    return Written(
        tables=[table.path for table in (*INTERIM, *GOLD)],
        dates=DAYS if dates is None else dates,
        all_dates=dates is None,
        left_users=[],
        as_of=DAYS[-1],
    )


def measured(engine: Engine, what: Written) -> dict[tuple[str, str], Measure]:
    """Return the measures of gold by check and subject."""
    found = gold_measures(engine, what)
    by_name = {(measure.check.name, measure.subject): measure for measure in found}
    assert len(by_name) == len(found)
    return by_name


@dataclass(frozen=True)
class Plant:
    """An error in one table.

    Attributes:
        table: The table.
        key: The row.
        change: What stands there instead, by column; empty for a lost row.
        copies: How often the row is there.
    """

    table: Table
    key: Any
    change: Mapping[str, Any]
    copies: int = 1

    def __str__(self) -> str:
        """Name the error."""
        what = ",".join(self.change) or {0: "lost", 2: "doubled"}[self.copies]
        return f"{self.table.name}-{what}"

    def into(self, lake: Path) -> None:
        """Plant it."""
        engine, column = PolarsEngine(lake), self.table.key[-1]
        rows = engine.fetch(engine.read(self.table).sort(*self.table.key))
        chosen = [row for row in rows if row[column] == self.key][:1]
        assert chosen, f"{self.table.path} has no {self.key}"
        others = [row for row in rows if row is not chosen[0]]
        planted = [{**chosen[0], **self.change}] * self.copies
        schema = engine.read(self.table).to_native().collect_schema()
        frame = nw.from_native(pl.DataFrame([*others, *planted], schema=schema).lazy())
        engine.overwrite(self.table, [frame], None)
        engine.close()


PLANTS = (
    Plant(DAILY_SALES, DAYS[1], {"total_sales": 783}),
    Plant(DAILY_SALES, DAYS[1], {"avg_order_value": 390}),
    Plant(DAILY_SALES, DAYS[2], {"unique_customers": 2}),
    Plant(DAILY_SALES, DAYS[0], {"avg_items_per_order": 299}),
    Plant(DAILY_SALES, DAYS[0], {}, copies=0),
    Plant(DAILY_SALES, DAYS[0], {}, copies=2),
    Plant(PRODUCT_PERFORMANCE, 1, {"total_sales": 3668}),
    Plant(PRODUCT_PERFORMANCE, 2, {"order_count": 4}),
    Plant(PRODUCT_PERFORMANCE, 4, {"reorder_rate": 0}),
    Plant(PRODUCT_PERFORMANCE, 3, {"reorder_rate": 4001}),
    Plant(PRODUCT_PERFORMANCE, 1, {"avg_days_between_orders": None}),
    Plant(PRODUCT_PERFORMANCE, 3, {"product_name": "Bred"}),
    Plant(PRODUCT_PERFORMANCE, 4, {}, copies=0),
    Plant(PRODUCT_PERFORMANCE, 1, {}, copies=2),
    Plant(PRODUCT_PERFORMANCE, 1, {"product_id": 99}),
    Plant(DEPARTMENT_ANALYTICS, "DAIRY", {"total_sales": 1}),
    Plant(DEPARTMENT_ANALYTICS, "DAIRY", {"order_count": 6}),
    Plant(DEPARTMENT_ANALYTICS, "BAKERY", {"customer_count": 4}),
    Plant(DEPARTMENT_ANALYTICS, "UNSOLD", {"avg_order_value": 0}),
    Plant(DEPARTMENT_ANALYTICS, "UNSOLD", {}, copies=0),
    Plant(DEPARTMENT_ANALYTICS, "DAIRY", {}, copies=2),
    Plant(CUSTOMER_INSIGHTS, 1, {"total_spend": 1007}),
    Plant(CUSTOMER_INSIGHTS, 1, {"favorite_product_id": 3}),
    Plant(CUSTOMER_INSIGHTS, 3, {"favorite_department": "BAKERY"}),
    Plant(CUSTOMER_INSIGHTS, 4, {"favorite_product_id": 1}),
    Plant(CUSTOMER_INSIGHTS, 1, {"customer_segment": "Active"}),
    Plant(CUSTOMER_INSIGHTS, 4, {"last_order_date": DAYS[1]}),
    Plant(CUSTOMER_INSIGHTS, 2, {"days_since_last_order": 0}),
    Plant(CUSTOMER_INSIGHTS, 4, {}, copies=0),
    Plant(CUSTOMER_INSIGHTS, 4, {}, copies=2),
)
# Seen when only the last day is looked at, whose orders are 13, 14 and 15.
INTERIM_PLANTS = (
    Plant(DAILY_PRODUCT, 1, {"revenue_cents": 1}),
    Plant(DAILY_CUSTOMER_DEPARTMENT, "DAIRY", {"orders": 9}),
)
