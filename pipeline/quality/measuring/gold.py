"""What the gold checks measure: every table that the run wrote, computed a second time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS, Entity, Table, silver
from pipeline.contracts.checks import (
    COMPLETENESS,
    ORDER_COUNTS,
    RECOMPUTATION,
    REVENUE_EQUATION,
    TREND,
    Check,
)
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_PRODUCT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.engine import Engine
from pipeline.portable import Frame, with_days_until
from pipeline.quality.measure import Measure, first_samples
from pipeline.quality.measuring import recomputing
from pipeline.quality.measuring.comparing import (
    Comparison,
    Quotient,
    Rule,
    Same,
    compare,
    expected,
)
from pipeline.quality.measuring.counting import count_rows
from pipeline.quality.measuring.segments import SegmentRule
from pipeline.quality.trend import judged_days, unusual_days

# Floor division is exact on every engine below this; pairs are packed by multiplication.
_PACKABLE = 2**52
# Favourites cannot be summed: in a larger shop a run looks at the customers of about so many items.
_ITEMS_LOOKED_AT = 1_000_000


@dataclass(frozen=True)
class Written:
    """What a run has written to gold.

    Attributes:
        tables: Paths of the tables that it wrote, interim ones among them.
        dates: Order dates whose orders or items changed.
        all_dates: Whether that is every date there is.
        left_users: Customers who lost an order to another customer.
        as_of: The date that customers are seen from; None without orders.
        batch_id: Number of the run; it chooses whose favourites are looked at where not all are.
    """

    tables: Collection[str]
    dates: Sequence[date]
    all_dates: bool
    left_users: Sequence[int]
    as_of: date | None
    batch_id: int = 0


def gold_measures(engine: Engine, written: Written) -> list[Measure]:
    """Measure all gold checks of a run that wrote to gold; nothing when it did not.

    Scratch frames stay until `Engine.close`.
    """
    if not written.tables:
        return []
    tables = _Recomputation(engine, written)
    return [
        *tables.measures(),
        *_cross_measures(engine, tables.itemless_total()),
        _trend(engine, written),
    ]


class _Recomputation:
    """The tables of one run, each held against another computation."""

    def __init__(self, engine: Engine, written: Written) -> None:
        self._engine = engine
        self._written = written

    def measures(self) -> list[Measure]:
        """Return recomputation and completeness of every table that was written."""
        computed = (
            (DAILY_PRODUCT, self._daily_product),
            (DAILY_CUSTOMER_DEPARTMENT, self._daily_customer_department),
            (DAILY_SALES, self._daily_sales),
            (PRODUCT_PERFORMANCE, self._product_performance),
            (DEPARTMENT_ANALYTICS, self._department_analytics),
            (CUSTOMER_INSIGHTS, self._customer_insights),
        )
        found: list[Measure] = []
        for table, holds in computed:
            is_interim = table.layer != "gold"
            if table.path not in self._written.tables or (is_interim and self._is_whole):
                continue
            comparison = holds()
            found.append(
                Measure(
                    RECOMPUTATION,
                    table.path,
                    comparison.differing,
                    comparison.rows,
                    comparison.samples,
                )
            )
            if not is_interim:
                found.append(self._completeness(table, comparison))
        return found

    def itemless_total(self) -> int:
        """Sum the totals of all orders that have no silver item, in cents."""
        if self._is_whole:
            itemless = self._counted.filter(nw.col(recomputing.ITEMS) == 0)
        else:
            with_items = self._engine.read(silver(ORDER_ITEMS)).select("order_id").unique()
            orders = self._engine.read(silver(ORDERS))
            itemless = orders.join(with_items, "order_id", "anti")
        total = itemless.select(nw.col("total_amount").sum().alias("cents"))
        return int(self._engine.fetch(total)[0]["cents"] or 0)

    @property
    def _is_whole(self) -> bool:
        """Whether everything was computed anew from silver, so that nothing has to be trusted."""
        return self._written.all_dates and bool(self._written.dates)

    def _completeness(self, table: Table, comparison: Comparison) -> Measure:
        if table is DAILY_SALES:
            return _complete_dates(self._engine)
        wrong = comparison.missing + comparison.extra + comparison.doubled
        samples = comparison.samples if wrong else ()
        return Measure(COMPLETENESS, table.path, wrong, comparison.keys, samples)

    # --- Sources ---

    @cached_property
    def _products(self) -> Frame:
        """Every product with the number of its department."""
        products = self._engine.read(silver(PRODUCTS))
        return self._engine.checkpoint(
            products.select("product_id", "product_name", "is_active", "department").join(
                recomputing.numbered_departments(products), "department"
            )
        )

    @cached_property
    def _departments(self) -> Frame:
        return self._products.group_by("department_no").agg(
            nw.col("department").min(),
            nw.col("is_active").cast(nw.Int64).sum().alias("product_count"),
        )

    @cached_property
    def _orders(self) -> Frame:
        """The orders of the touched dates."""
        orders = self._engine.read(silver(ORDERS))
        if self._written.all_dates:
            return orders
        return orders.filter(nw.col("date").is_in(list(self._written.dates)))

    @cached_property
    def _items(self) -> Frame:
        """The items of those orders, and perhaps others."""
        items, order_id = self._engine.read(silver(ORDER_ITEMS)), nw.col("order_id")
        if self._written.all_dates:
            return items
        span = self._engine.fetch(
            self._orders.select(order_id.min().alias("low"), order_id.max().alias("high"))
        )[0]
        if span["low"] is None:
            return items.filter(nw.lit(value=False))
        # An item's own date may differ from its order's; its order_id lets files be skipped.
        return items.filter(order_id >= span["low"], order_id <= span["high"])

    @cached_property
    def _counted(self) -> Frame:
        return self._engine.checkpoint(recomputing.counted_orders(self._orders, self._items))

    @cached_property
    def _sold(self) -> Frame:
        """Every item of those orders with its share; of a few days it is evaluated once."""
        engine, counted = self._engine, self._counted
        others = counted.filter(~nw.col(recomputing.NUMBERED))
        all_numbered = count_rows(engine, others) == 0
        sold = recomputing.sold_items(counted, self._items, all_numbered=all_numbered)
        if self._is_whole:
            return sold
        return engine.checkpoint(
            sold.join(self._products.select("product_id", "department_no"), "product_id")
        )

    def _bought(self) -> Frame:
        """Return order_id, product_id and department_no of the items of those orders."""
        return self._items.select("order_id", "product_id").join(
            self._products.select("product_id", "department_no"), "product_id"
        )

    def _packable(self, entity: Entity, column: str, base: int) -> int | None:
        """Return `base` if the column and a number below it fit one integer; see `pairs`."""
        bounds = self._engine.bounds(silver(entity), column)
        return base if bounds is not None and (bounds[1] + 1) * base < _PACKABLE else None

    # --- Tables ---

    def _compare(self, table: Table, rows: Frame, wanted: Frame, rules: list[Rule]) -> Comparison:
        return compare(self._engine, table, rows, wanted, rules)

    def _daily_product(self) -> Comparison:
        """Hold the touched partitions against silver; the others are as earlier runs left them."""
        orders = self._sold.group_by("date", "product_id").agg(
            nw.col("order_id").n_unique().cast(nw.Int64).alias("orders")
        )
        sums = recomputing.sums_by(self._sold, "date", "product_id").join(
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

    def _daily_customer_department(self) -> Comparison:
        by = ("date", "user_id", "department_no")
        sums = self._sold.group_by(*by).agg(
            nw.len().cast(nw.Int64).alias("items"),
            nw.col("order_id").n_unique().cast(nw.Int64).alias("orders"),
            nw.col(recomputing.SHARE).sum().alias("revenue_cents"),
        )
        wanted = sums.join(self._departments, "department_no").select(
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

    def _daily_sales(self) -> Comparison:
        return self._compare(
            DAILY_SALES,
            self._touched(DAILY_SALES),
            recomputing.days_of(self._counted),
            [
                *map(Same, ("total_sales", "order_count", "unique_customers", "total_items")),
                Quotient("avg_order_value", "total_sales", "order_count"),
                Quotient("avg_items_per_order", "total_items", "order_count", scale=2),
            ],
        )

    @cached_property
    def _product_sums(self) -> Frame:
        """Sum items by product: of silver alone, or of daily sums whose new ones were held too."""
        if not self._is_whole:
            daily = self._engine.read(DAILY_PRODUCT)
            return daily.group_by("product_id").agg(
                nw.col("items").sum(),
                nw.col("orders").sum().alias("order_count"),
                nw.col("revenue_cents").sum().alias(recomputing.SHARE),
                nw.col("reordered_items").sum().alias("reordered"),
                nw.col("known_days").sum(),
                nw.col("sum_days").sum(),
            )
        bounds = self._engine.bounds(silver(PRODUCTS), PRODUCTS.key)
        packable = None if bounds is None else self._packable(ORDERS, ORDERS.key, bounds[1] + 1)
        pairs = recomputing.pairs(self._items, "order_id", "product_id", packable=packable)
        orders = pairs.group_by("product_id").agg(nw.len().cast(nw.Int64).alias("order_count"))
        return self._engine.checkpoint(
            recomputing.sums_by(self._sold, "product_id").join(orders, "product_id")
        )

    def _product_performance(self) -> Comparison:
        names = ("items", recomputing.SHARE, "order_count", "reordered", "known_days", "sum_days")
        every = self._products.select("product_id", "department", "product_name").join(
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

    def _department_sums(self) -> Frame:
        """Sum items by department: of silver alone, or of daily sums; see `_product_sums`."""
        count = nw.len().cast(nw.Int64)
        if not self._is_whole:
            daily = self._engine.read(DAILY_CUSTOMER_DEPARTMENT)
            sums = daily.group_by("department").agg(
                nw.col("revenue_cents").sum().alias("total_sales"),
                nw.col("orders").sum().alias("order_count"),
            )
            bought = daily.select("department", "user_id").unique()
            customers = bought.group_by("department").agg(count.alias("customer_count"))
            return sums.join(customers, "department")
        by = "department_no"
        number = count_rows(self._engine, self._departments)
        bought, owners = self._bought(), self._counted.select("order_id", "user_id")
        orders = recomputing.pairs(
            bought, "order_id", by, packable=self._packable(ORDERS, ORDERS.key, number)
        )
        customers = recomputing.pairs(
            bought.join(owners, "order_id"),
            "user_id",
            by,
            packable=self._packable(ORDERS, "user_id", number),
        )
        revenue = self._product_sums.join(self._products.select("product_id", by), "product_id")
        sums = revenue.group_by(by).agg(nw.col(recomputing.SHARE).sum().alias("total_sales"))
        order_counts = orders.group_by(by).agg(count.alias("order_count"))
        customer_counts = customers.group_by(by).agg(count.alias("customer_count"))
        summed = sums.join(order_counts, by).join(customer_counts, by)
        return summed.join(self._departments.select(by, "department"), by).drop(by)

    def _department_analytics(self) -> Comparison:
        every = self._departments.join(self._department_sums(), "department", "left")
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

    def _customer_insights(self) -> Comparison:
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
        return self._compare(
            CUSTOMER_INSIGHTS,
            engine.read(CUSTOMER_INSIGHTS),
            wanted,
            [
                *map(Same, (*names, "days_since_last_order")),
                Quotient("avg_order_value", "total_spend", "total_orders"),
                SegmentRule(),
                _Favorite("favorite_department"),
                _Favorite("favorite_product_id"),
            ],
        )

    def _favorites(self, orders: Frame) -> Frame:
        """Find the favourites of the customers who ordered on touched dates; the others kept them.

        Grain: one row per customer looked at; `is_looked_at` is true.
        """
        users = self._engine.checkpoint(self._watched_users(orders))
        theirs = orders.join(users, "user_id", "semi").select("order_id", "user_id")
        bought = self._engine.checkpoint(
            self._engine.read(silver(ORDER_ITEMS))
            .select("order_id", "product_id")
            .join(theirs, "order_id")
        )
        products = self._engine.checkpoint(
            recomputing.pairs(bought, "user_id", "product_id", packable=None)
        )
        numbers = self._products.select("product_id", "department_no")
        departments = (
            products.join(numbers, "product_id")
            .group_by("user_id", "department_no")
            .agg(nw.col("times").sum())
        )
        product = recomputing.most_often(products, "user_id", "product_id")
        department = recomputing.most_often(departments, "user_id", "department_no").join(
            self._departments.select("department_no", "department"), "department_no"
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
        if self._is_whole:
            parts = 1 + self._engine.row_count(silver(ORDER_ITEMS)) // _ITEMS_LOOKED_AT
            users = orders.select("user_id").unique()
            return users if parts == 1 else users.filter(user % parts == written.batch_id % parts)
        ordered = nw.col("date").is_in(list(written.dates))
        if written.left_users:
            ordered = ordered | user.is_in(list(written.left_users))
        return orders.filter(ordered).select("user_id").unique()


@dataclass(frozen=True)
class _Favorite:
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


def _complete_dates(engine: Engine) -> Measure:
    """Hold the dates of daily_sales against the partitions of silver.orders."""
    days = {day for day, rows in engine.rows_by_date(silver(ORDERS)).items() if rows}
    found = engine.fetch(
        engine.read(DAILY_SALES).group_by("date").agg(nw.len().cast(nw.Int64).alias("rows"))
    )
    times = {row["date"]: int(row["rows"]) for row in found}
    wrong = sorted((days ^ set(times)) | {day for day, count in times.items() if count > 1})
    samples = first_samples(f"{day}: {times.get(day, 0)} times in daily_sales" for day in wrong)
    return Measure(COMPLETENESS, DAILY_SALES.path, len(wrong), len(days), samples)


def _total(engine: Engine, table: Table, *names: str) -> list[int]:
    columns = [nw.col(name).sum().alias(name) for name in names]
    row = engine.fetch(engine.read(table).select(*columns))[0]
    return [int(row[name] or 0) for name in names]


def _cross_measures(engine: Engine, itemless: int) -> list[Measure]:
    """Hold the sums of the tables against each other and against silver."""
    sales, orders, items = _total(engine, DAILY_SALES, "total_sales", "order_count", "total_items")
    by_product, quantity = _total(engine, PRODUCT_PERFORMANCE, "total_sales", "total_quantity")
    (by_department,) = _total(engine, DEPARTMENT_ANALYTICS, "total_sales")
    spent, placed = _total(engine, CUSTOMER_INSIGHTS, "total_spend", "total_orders")
    in_orders, in_items = (engine.row_count(silver(entity)) for entity in (ORDERS, ORDER_ITEMS))
    without = f"{itemless} of orders without items"
    revenue = (
        (PRODUCT_PERFORMANCE, by_product + itemless, f"{by_product} by product + {without}"),
        (DEPARTMENT_ANALYTICS, by_department + itemless, f"{by_department} there + {without}"),
        (CUSTOMER_INSIGHTS, spent, f"{spent} by customer"),
    )
    counts = (
        (DAILY_SALES, "orders", orders, in_orders),
        (CUSTOMER_INSIGHTS, "orders", placed, in_orders),
        (DAILY_SALES, "items", items, in_items),
        (PRODUCT_PERFORMANCE, "items", quantity, in_items),
    )
    return [
        *(
            _difference(REVENUE_EQUATION, table.path, total, sales, f"{said}, {sales} by day")
            for table, total, said in revenue
        ),
        *(
            _difference(
                ORDER_COUNTS,
                f"{what} of {table.path}",
                count,
                known,
                f"{count} {what} in {table.name}, {known} in silver",
            )
            for table, what, count, known in counts
        ),
    ]


def _difference(check: Check, subject: str, found: int, known: int, said: str) -> Measure:
    off = abs(found - known)
    return Measure(check, subject, off, known, (said,) if off else ())


def _trend(engine: Engine, written: Written) -> Measure:
    """Look for days whose sales are unlike those before among the days that were written."""
    days = engine.fetch(engine.read(DAILY_SALES).select("date", "total_sales"))
    totals = {row["date"]: int(row["total_sales"]) for row in days}
    unusual = unusual_days(totals, set(written.dates))
    base = len(judged_days(totals, set(written.dates)))
    samples = first_samples(f"{day}: {Decimal(totals[day]).scaleb(-2)}" for day in unusual)
    return Measure(TREND, DAILY_SALES.path, len(unusual), base, samples)
