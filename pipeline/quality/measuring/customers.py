"""The gold table of customers, held against another computation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDER_ITEMS, ORDERS, silver
from pipeline.contracts.gold import CUSTOMER_INSIGHTS
from pipeline.portable import Frame, with_days_until
from pipeline.quality.measuring import recomputing
from pipeline.quality.measuring.comparing import (
    Comparison,
    Quotient,
    Same,
    compare,
    expected,
)
from pipeline.quality.measuring.segments import SegmentRule
from pipeline.quality.measuring.sources import Sources


@dataclass(frozen=True)
class Favorite:
    """A favourite, judged for the customers whose items were looked at.

    Attributes:
        column: The column of the table.
    """

    column: str

    def holds(self) -> nw.Expr:
        """See `Rule.holds`."""
        return Same(self.column).holds() | nw.col(expected("is_looked_at")).is_null()

    def wanted(self, row: Mapping[str, Any]) -> Any:
        """See `Rule.wanted`."""
        return row[expected(self.column) if row[expected("is_looked_at")] else self.column]


class CustomerTable:
    """Holds customer_insights against silver.

    Args:
        sources: Silver, and what the run wrote.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._engine = sources.engine
        self._written = sources.written

    def holds(self) -> Comparison:
        """Hold all customers' sums, and the favourites of those who are looked at."""
        engine, as_of = self._engine, self._written.as_of
        orders = engine.read(silver(ORDERS))
        sums = recomputing.customers_of(orders)
        if as_of is not None:
            sums = with_days_until(sums, as_of, "last_order_date", "days_since")
        since = nw.col("days_since")
        wanted = sums.with_columns(
            nw.when(since < 0).then(0).otherwise(since).alias("days_since_last_order")
        ).join(self._favorites(orders), "user_id", "left")
        names = ("total_orders", "total_spend", "first_order_date", "last_order_date")
        return compare(
            engine,
            CUSTOMER_INSIGHTS,
            engine.read(CUSTOMER_INSIGHTS),
            wanted,
            [
                *map(Same, (*names, "days_since_last_order")),
                Quotient("avg_order_value", "total_spend", "total_orders"),
                SegmentRule(),
                Favorite("favorite_department"),
                Favorite("favorite_product_id"),
            ],
        )

    def _favorites(self, orders: Frame) -> Frame:
        """Find the favourites of the customers who ordered on touched dates; the others kept them.

        Grain: one row per customer looked at; `is_looked_at` is true.
        """
        users = self._engine.checkpoint(self._watched_users(orders))
        theirs = orders.join(users, "user_id", "semi").select("order_id", "user_id")
        bought = (
            self._engine.read(silver(ORDER_ITEMS))
            .select("order_id", "product_id")
            .join(theirs, "order_id")
        )
        products = self._engine.checkpoint(
            recomputing.pairs(bought, "user_id", "product_id", packable=None)
        )
        numbers = self._sources.products.select("product_id", "department_no")
        departments = (
            products.join(numbers, "product_id")
            .group_by("user_id", "department_no")
            .agg(nw.col("times").sum())
        )
        product = recomputing.most_often(products, "user_id", "product_id")
        department = recomputing.most_often(departments, "user_id", "department_no").join(
            self._sources.departments.select("department_no", "department"), "department_no"
        )
        both = product.join(department, "user_id").select(
            "user_id",
            nw.col("product_id").alias("favorite_product_id"),
            nw.col("department").alias("favorite_department"),
        )
        return users.join(both, "user_id", "left").with_columns(
            nw.lit(value=True).alias("is_looked_at")
        )

    def _watched_users(self, orders: Frame) -> Frame:
        """Return the customers whose favourites are computed again. Key: user_id.

        Those whose orders changed; of everybody's, one part in a large shop, another in every run.
        """
        written, user = self._written, nw.col("user_id")
        if written.everything:
            parts, users = self._sources.parts, orders.select("user_id").unique()
            return users if parts == 1 else users.filter(user % parts == written.batch_id % parts)
        ordered = nw.col("date").is_in(list(written.dates))
        if written.left_users:
            ordered = ordered | user.is_in(list(written.left_users))
        return orders.filter(ordered).select("user_id").unique()
