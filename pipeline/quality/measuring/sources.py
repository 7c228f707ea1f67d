"""What gold is computed from a second time: frames of silver, each evaluated at most once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS, Entity, silver
from pipeline.contracts.gold import DAILY_SALES
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.quality.measuring import recomputing
from pipeline.quality.measuring.counting import count_rows

# Floor division is exact on every engine below this; pairs are packed by multiplication.
_PACKABLE = 2**52
# What cannot be summed is computed again from about so many items a run.
ITEMS_LOOKED_AT = 250_000


@dataclass(frozen=True)
class Written:
    """What a run has written to gold.

    Attributes:
        tables: Paths of the tables that it wrote, interim ones among them.
        dates: Order dates whose orders or items changed.
        all_dates: Whether that is every date there is.
        left_users: Customers who lost an order to another customer.
        as_of: The date that customers are seen from; None without orders.
        batch_id: Number of the run; it chooses the part that is looked at where not all is.
    """

    tables: Collection[str]
    dates: Sequence[date]
    all_dates: bool
    left_users: Sequence[int]
    as_of: date | None
    batch_id: int = 0

    @property
    def everything(self) -> bool:
        """Whether gold was computed anew from silver, so that nothing has to be trusted."""
        return self.all_dates and bool(self.dates)


class Sources:
    """Silver, as far as a run's gold has to be held against it.

    Args:
        engine: The engine of the lake.
        written: What the run wrote.
    """

    def __init__(self, engine: Engine, written: Written) -> None:
        self.engine = engine
        self.written = written

    @cached_property
    def parts(self) -> int:
        """In how many runs what cannot be summed is looked at; 1 unless a large shop is computed.

        A run looks at the part of number `batch_id % parts`.
        """
        if not self.written.everything:
            return 1
        return 1 + self.engine.row_count(silver(ORDER_ITEMS)) // ITEMS_LOOKED_AT

    def of_some_days(self) -> "Sources":
        """Return the sources of the days that this run looks at; they follow one another."""
        days, part = sorted(self.written.dates), self.written.batch_id % self.parts
        first = part * len(days) // self.parts
        end = max(first + 1, (part + 1) * len(days) // self.parts)
        return Sources(self.engine, replace(self.written, dates=days[first:end], all_dates=False))

    @cached_property
    def days(self) -> list[Mapping[str, Any]]:
        """Every row of daily_sales, as far as its sums are held against others."""
        sales = self.engine.read(DAILY_SALES)
        names = ("date", "total_sales", "order_count", "total_items")
        return list(self.engine.fetch(sales.select(*names)))

    @cached_property
    def products(self) -> Frame:
        """Every product with the number of its department."""
        products = self.engine.read(silver(PRODUCTS))
        return self.engine.checkpoint(
            products.select("product_id", "product_name", "is_active", "department").join(
                recomputing.numbered_departments(products), "department"
            )
        )

    @cached_property
    def departments(self) -> Frame:
        """Every department with its number and its active products. Key: department_no."""
        return self.products.group_by("department_no").agg(
            nw.col("department").min(),
            nw.col("is_active").cast(nw.Int64).sum().alias("product_count"),
        )

    @cached_property
    def orders(self) -> Frame:
        """The orders of the touched dates."""
        orders = self.engine.read(silver(ORDERS))
        if self.written.all_dates:
            return orders
        return orders.filter(nw.col("date").is_in(list(self.written.dates)))

    @cached_property
    def items(self) -> Frame:
        """The items of those orders, and perhaps others."""
        items, order_id = self.engine.read(silver(ORDER_ITEMS)), nw.col("order_id")
        if self.written.all_dates:
            return items
        span = self.engine.fetch(
            self.orders.select(order_id.min().alias("low"), order_id.max().alias("high"))
        )[0]
        if span["low"] is None:
            return items.filter(nw.lit(value=False))
        # An item's own date may differ from its order's; its order_id lets files be skipped.
        return items.filter(order_id >= span["low"], order_id <= span["high"])

    @cached_property
    def counted(self) -> Frame:
        """Those orders with the number of their items; see `counted_orders`."""
        return self.engine.checkpoint(recomputing.counted_orders(self.orders, self.items))

    @cached_property
    def sold(self) -> Frame:
        """Every item of those orders with its share; of a few days it is evaluated once."""
        engine, counted = self.engine, self.counted
        others = counted.filter(~nw.col(recomputing.NUMBERED))
        all_numbered = count_rows(engine, others) == 0
        sold = recomputing.sold_items(counted, self.items, all_numbered=all_numbered)
        if self.written.everything:
            return sold
        return engine.checkpoint(
            sold.join(self.products.select("product_id", "department_no"), "product_id")
        )

    def bought(self) -> Frame:
        """Return order_id, product_id and department_no of the items of those orders."""
        return self.items.select("order_id", "product_id").join(
            self.products.select("product_id", "department_no"), "product_id"
        )

    def packable(self, entity: Entity, column: str, base: int) -> int | None:
        """Return `base` if the column and a number below it fit one integer; see `pairs`."""
        bounds = self.engine.bounds(silver(entity), column)
        return base if bounds is not None and (bounds[1] + 1) * base < _PACKABLE else None

    def itemless(self) -> Frame:
        """Return all orders that have no silver item."""
        if self.written.everything:
            return self.counted.filter(nw.col(recomputing.ITEMS) == 0)
        with_items = self.engine.read(silver(ORDER_ITEMS)).select("order_id").unique()
        return self.engine.read(silver(ORDERS)).join(with_items, "order_id", "anti")
