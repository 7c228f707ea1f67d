"""The summed tables of gold and below it, each held against another computation."""

from collections.abc import Callable, Mapping
from functools import cached_property

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDERS, PRODUCTS, Table, silver
from pipeline.contracts.gold import (
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_PRODUCT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.portable import Frame
from pipeline.quality.measuring import recomputing
from pipeline.quality.measuring.comparing import Comparison, Quotient, Rule, Same, compare
from pipeline.quality.measuring.counting import count_rows
from pipeline.quality.measuring.sources import Sources

_COUNT = nw.len().cast(nw.Int64)


class SummedTables:
    """Holds what a run wrote of each table against silver.

    Args:
        sources: Silver, and what the run wrote.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._engine = sources.engine
        self._written = sources.written

    def holders(self) -> Mapping[str, Callable[[], Comparison]]:
        """Return what holds each table, by its path, in the order of computation."""
        return {
            DAILY_PRODUCT.path: self.daily_product,
            DAILY_CUSTOMER_DEPARTMENT.path: self.daily_customer_department,
            DAILY_SALES.path: self.daily_sales,
            PRODUCT_PERFORMANCE.path: self.product_performance,
            DEPARTMENT_ANALYTICS.path: self.department_analytics,
        }

    def _compare(self, table: Table, rows: Frame, wanted: Frame, rules: list[Rule]) -> Comparison:
        return compare(self._engine, table, rows, wanted, rules)

    def daily_product(self) -> Comparison:
        """Hold the touched partitions against silver; the others are as earlier runs left them."""
        orders = self._sources.sold.group_by("date", "product_id").agg(
            nw.col("order_id").n_unique().cast(nw.Int64).alias("orders")
        )
        sums = recomputing.sums_by(self._sources.sold, "date", "product_id").join(
            orders, ["date", "product_id"]
        )
        wanted = sums.select(
            "date",
            "product_id",
            "items",
            "orders",
            nw.col(recomputing.SHARE).alias("revenue_cents"),
            nw.col("reordered").alias("reordered_items"),
            "known_days",
            "sum_days",
        )
        names = ("items", "orders", "revenue_cents", "reordered_items", "known_days", "sum_days")
        return self._compare(
            DAILY_PRODUCT, self._touched(DAILY_PRODUCT), wanted, [Same(name) for name in names]
        )

    def daily_customer_department(self) -> Comparison:
        """Hold the touched partitions against silver, as those of daily_product."""
        by = ("date", "user_id", "department_no")
        sums = self._sources.sold.group_by(*by).agg(
            nw.len().cast(nw.Int64).alias("items"),
            nw.col("order_id").n_unique().cast(nw.Int64).alias("orders"),
            nw.col(recomputing.SHARE).sum().alias("revenue_cents"),
        )
        wanted = sums.join(self._sources.departments, "department_no").select(
            "date", "user_id", "department", "items", "orders", "revenue_cents"
        )
        return self._compare(
            DAILY_CUSTOMER_DEPARTMENT,
            self._touched(DAILY_CUSTOMER_DEPARTMENT),
            wanted,
            [Same(name) for name in ("items", "orders", "revenue_cents")],
        )

    def _touched(self, table: Table) -> Frame:
        rows = self._engine.read(table)
        if self._written.all_dates:
            return rows
        return rows.filter(nw.col("date").is_in(list(self._written.dates)))

    def daily_sales(self) -> Comparison:
        """Hold the touched dates against silver."""
        return self._compare(
            DAILY_SALES,
            self._touched(DAILY_SALES),
            recomputing.days_of(self._sources.counted),
            [
                *map(Same, ("total_sales", "order_count", "unique_customers", "total_items")),
                Quotient("avg_order_value", "total_sales", "order_count"),
                Quotient("avg_items_per_order", "total_items", "order_count", scale=2),
            ],
        )

    @cached_property
    def _product_sums(self) -> Frame:
        """Sum items by product: of silver alone, or of daily sums whose new ones were held too."""
        if not self._written.everything:
            daily = self._engine.read(DAILY_PRODUCT)
            return daily.group_by("product_id").agg(
                nw.col("items").sum(),
                nw.col("orders").sum().alias("order_count"),
                nw.col("revenue_cents").sum().alias(recomputing.SHARE),
                nw.col("reordered_items").sum().alias("reordered"),
                nw.col("known_days").sum(),
                nw.col("sum_days").sum(),
            )
        sums = recomputing.sums_by(self._sources.sold, "product_id")
        return self._engine.checkpoint(sums.join(self._product_orders(), "product_id"))

    def _product_orders(self) -> Frame:
        """Count each product's different orders: of silver, or where that is much, by day."""
        if self._sources.parts > 1:
            daily = self._engine.read(DAILY_PRODUCT).group_by("product_id")
            return daily.agg(nw.col("orders").sum().alias("order_count"))
        sources, bounds = self._sources, self._engine.bounds(silver(PRODUCTS), PRODUCTS.key)
        packable = None if bounds is None else sources.packable(ORDERS, ORDERS.key, bounds[1] + 1)
        pairs = recomputing.pairs(sources.items, "order_id", "product_id", packable=packable)
        return pairs.group_by("product_id").agg(_COUNT.alias("order_count"))

    def product_performance(self) -> Comparison:
        """Hold every product's row against its sums."""
        names = ("items", recomputing.SHARE, "order_count", "reordered", "known_days", "sum_days")
        every = self._sources.products.select("product_id", "department", "product_name").join(
            self._product_sums, "product_id", "left"
        )
        wanted = recomputing.filled(every, names).rename(
            {"items": "total_quantity", recomputing.SHARE: "total_sales"}
        )
        same = ("department", "product_name", "total_quantity", "total_sales", "order_count")
        return self._compare(
            PRODUCT_PERFORMANCE,
            self._engine.read(PRODUCT_PERFORMANCE),
            wanted,
            [
                *map(Same, same),
                Quotient("reorder_rate", "reordered", "total_quantity", scale=4),
                Quotient("avg_days_between_orders", "sum_days", "known_days", scale=2),
            ],
        )

    def _department_sales(self) -> Frame:
        """Sum revenue by department: of silver, or of daily sums; see `_product_sums`."""
        if not self._written.everything:
            daily = self._engine.read(DAILY_CUSTOMER_DEPARTMENT).group_by("department")
            return daily.agg(nw.col("revenue_cents").sum().alias("total_sales"))
        named = self._sources.products.select("product_id", "department")
        revenue = self._product_sums.join(named, "product_id").group_by("department")
        return revenue.agg(nw.col(recomputing.SHARE).sum().alias("total_sales"))

    def _department_counts(self) -> Frame:
        """Count each department's different orders and customers: of silver, or by day."""
        sources, by = self._sources, "department_no"
        names = sources.departments.select(by, "department")
        number = count_rows(self._engine, names)
        packable = sources.packable(ORDERS, "user_id", number)
        if self._written.everything and sources.parts == 1:
            bought, owners = sources.bought(), sources.counted.select("order_id", "user_id")
            ordered = recomputing.pairs(
                bought, "order_id", by, packable=sources.packable(ORDERS, ORDERS.key, number)
            )
            buyers = recomputing.pairs(
                bought.join(owners, "order_id"), "user_id", by, packable=packable
            )
            orders = ordered.group_by(by).agg(_COUNT.alias("order_count"))
            customers = buyers.group_by(by).agg(_COUNT.alias("customer_count"))
            counts = orders.join(customers, by)
        else:
            daily = self._engine.read(DAILY_CUSTOMER_DEPARTMENT)
            rows = daily.select("department", "user_id", "orders").join(names, "department")
            buyers = recomputing.pairs(rows, "user_id", by, packable=packable, summed=["orders"])
            counts = buyers.group_by(by).agg(
                nw.col("orders").sum().alias("order_count"), _COUNT.alias("customer_count")
            )
        return names.join(counts, by).drop(by)

    def department_analytics(self) -> Comparison:
        """Hold every department's row against its sums."""
        every = self._sources.departments.join(
            self._department_sales().join(self._department_counts(), "department"),
            "department",
            "left",
        )
        names = ("total_sales", "order_count", "customer_count")
        return self._compare(
            DEPARTMENT_ANALYTICS,
            self._engine.read(DEPARTMENT_ANALYTICS),
            recomputing.filled(every, names).select("department", "product_count", *names),
            [
                *map(Same, ("product_count", *names)),
                Quotient("avg_order_value", "total_sales", "order_count"),
            ],
        )
