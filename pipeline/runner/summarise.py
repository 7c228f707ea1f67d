"""Gold after a batch: only the dates, products and customers that the batch has touched."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, partial
from typing import cast

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS, Table, silver
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_PRODUCT,
    DAILY_SALES,
    LAST_UPDATED,
)
from pipeline.engine import Engine
from pipeline.landing.stamp import Stamp
from pipeline.portable import Frame
from pipeline.quality.measuring.counting import count_rows
from pipeline.runner.refine import Refined
from pipeline.runner.request import Backfill
from pipeline.runner.touched import Touched
from pipeline.transforms.gold import customers, revenue, tables
from pipeline.transforms.gold.derivations import DERIVATIONS, Derivation
from pipeline.transforms.silver.arrival import CHANGE, UPDATE, before
from pipeline.transforms.silver.rows import changed_rows

Dates = list[date]


def touched_by(engine: Engine, refined: Mapping[str, Refined], *, everything: bool) -> Touched:
    """Find what a batch has changed, or call everything touched."""
    every = set(engine.rows_by_date(silver(ORDERS))) | set(engine.rows_by_date(DAILY_SALES))
    products = refined[PRODUCTS.name].account
    if everything or _department_changed(engine, refined[PRODUCTS.name]):
        dates = every
    else:
        dates = _order_dates(engine, refined[ORDERS.name])
        if not dates >= every:
            dates |= _item_dates(engine, refined[ORDER_ITEMS.name])
    return Touched(
        dates=sorted(dates),
        all_dates=dates >= every,
        products=everything
        or any((products.inserted, products.updated, products.activated, products.deactivated)),
        left_users=_left_users(engine, refined[ORDERS.name]),
    )


def touched_dates(engine: Engine, asked: Backfill) -> Touched:
    """Call some dates touched, and all products."""
    every = set(engine.rows_by_date(silver(ORDERS))) | set(engine.rows_by_date(DAILY_SALES))
    dates = {day for day in every if asked.holds(day)}
    return Touched(sorted(dates), all_dates=dates >= every, products=True, left_users=[])


def _department_changed(engine: Engine, products: Refined) -> bool:
    if products.changes is None or not products.compared:
        return False
    moved = products.changes.filter(
        nw.col(CHANGE) == UPDATE, nw.col("department") != nw.col(before("department"))
    )
    return count_rows(engine, moved) > 0


def _values(engine: Engine, frame: Frame, value: nw.Expr) -> set[date]:
    found = frame.select(value.alias("value")).unique()
    return {row["value"] for row in engine.fetch(found) if row["value"] is not None}


def _order_dates(engine: Engine, orders: Refined) -> set[date]:
    if orders.changes is None:
        return set()
    changed = changed_rows(orders.changes)
    dates = _values(engine, changed, nw.col("date"))
    if orders.compared:
        dates |= _values(engine, changed, nw.col(before("date")))
    return dates


def _item_dates(engine: Engine, items: Refined) -> set[date]:
    """Return the dates of the orders that changed items belong to, or belonged to before."""
    if items.changes is None:
        return set()
    changed = changed_rows(items.changes)
    dates = _dates_of_orders(engine, changed.select("order_id"))
    if items.compared:
        earlier = changed.select(nw.col(before("order_id")).alias("order_id"))
        dates |= _dates_of_orders(engine, earlier)
    return dates


def _dates_of_orders(engine: Engine, order_ids: Frame) -> set[date]:
    orders = engine.read(silver(ORDERS)).join(order_ids.unique(), "order_id", "semi")
    return _values(engine, orders, nw.col("date"))


def _left_users(engine: Engine, orders: Refined) -> list[int]:
    if orders.changes is None or not orders.compared:
        return []
    user = nw.col(before("user_id"))
    moved = orders.changes.filter(nw.col(CHANGE) == UPDATE, user != nw.col("user_id"))
    return [row["user"] for row in engine.fetch(moved.select(user.alias("user")).unique())]


class Summary:
    """Brings gold up to date with silver.

    Args:
        engine: The engine of the lake.
        stamp: Number and time of the run; the number is 0 when no file came in.
        as_of: The date that customers are seen from; None without orders.
        touched: What the batch has changed.
        as_of_changed: Whether customers were seen from another date before.
    """

    def __init__(
        self,
        engine: Engine,
        stamp: Stamp,
        as_of: date | None,
        touched: Touched,
        *,
        as_of_changed: bool,
    ) -> None:
        self._engine = engine
        self._batch_id = stamp.batch_id
        self._run_time = stamp.run_time
        self._as_of = as_of
        self._touched = touched
        self._as_of_changed = as_of_changed

    def steps(self) -> Iterator[tuple[Table, Callable[[], None]]]:
        """Yield the tables that have to be written, in order, each with what writes it."""
        for derivation in DERIVATIONS:
            if self._is_stale(derivation):
                yield derivation.table, partial(self._write, derivation)

    def _is_stale(self, derivation: Derivation) -> bool:
        if derivation.uses_as_of and self._as_of is None:
            return False
        return (
            bool(self._touched.dates)
            or (derivation.on_products and self._touched.products)
            or (derivation.uses_as_of and self._as_of_changed)
        )

    def _write(self, derivation: Derivation) -> None:
        table, dates = derivation.table, self._dates(derivation)
        quicker: Callable[[], Iterable[Frame]] | None = {
            DAILY_PRODUCT.path: self._daily_product,
            DAILY_CUSTOMER_DEPARTMENT.path: self._daily_customer_department,
            CUSTOMER_INSIGHTS.path: self._customer_insights,
        }.get(table.path)
        frames = quicker() if quicker else [self._computed(derivation, dates)]
        if LAST_UPDATED in table.columns:
            frames = (tables.stamped(frame, self._run_time) for frame in frames)
        self._engine.overwrite(table, frames, self._batch_id, dates=dates)

    def _dates(self, derivation: Derivation) -> Dates | None:
        """Return the partitions to compute; None for the whole table."""
        touched = self._touched
        whole = touched.all_dates or (derivation.on_products and touched.products)
        return None if whole or not derivation.by_date else touched.dates

    def _computed(self, derivation: Derivation, dates: Dates | None) -> Frame:
        """Compute a table as it is declared."""
        sources = []
        for table in derivation.sources:
            source = self._engine.read(table)
            if dates is not None and table in derivation.by_date:
                source = source.filter(nw.col("date").is_in(dates))
            sources.append(source)
        return derivation.rows(sources, self._as_of)

    # Three tables are computed in a quicker way than they are declared, to the same result.

    @cached_property
    def _shares(self) -> list[Frame]:
        """The revenue of the touched dates, shared once for all three and chunk by chunk."""
        return [self._share(chunk) for chunk in self._chunks()]

    def _daily_product(self) -> Iterator[Frame]:
        return (revenue.daily_product(share) for share in self._shares)

    def _daily_customer_department(self) -> Iterator[Frame]:
        products = self._engine.read(silver(PRODUCTS))
        return (revenue.daily_customer_department(share, products) for share in self._shares)

    def _chunks(self) -> Iterator[Dates]:
        """Split the touched dates so that each part has no more items than the engine wants.

        That bounds memory, and not the result.
        """
        most = self._engine.rows_at_once
        if most is None:
            yield from [self._touched.dates] if self._touched.dates else []
            return
        rows = self._engine.rows_by_date(silver(ORDER_ITEMS))
        chunk: Dates = []
        size = 0
        for day in self._touched.dates:
            if chunk and size + rows.get(day, 0) > most:
                yield chunk
                chunk, size = [], 0
            chunk.append(day)
            size += rows.get(day, 0)
        if chunk:
            yield chunk

    def _share(self, dates: Dates) -> Frame:
        """Share the revenue of the orders of some dates among their items, wherever these lie."""
        engine = self._engine
        orders, items = engine.read(silver(ORDERS)), engine.read(silver(ORDER_ITEMS))
        is_everything = self._touched.all_dates and dates == self._touched.dates
        if not is_everything:
            orders = orders.filter(nw.col("date").is_in(dates))
            items = self._within(items, orders)
        return engine.checkpoint(revenue.shared_revenue(orders, items))

    def _within(self, items: Frame, orders: Frame) -> Frame:
        """Leave out items that cannot be of these orders, so that their files are skipped."""
        order_id = nw.col("order_id")
        span = self._engine.fetch(
            orders.select(order_id.min().alias("low"), order_id.max().alias("high"))
        )[0]
        if span["low"] is None:
            return items
        # An item's own date may differ from its order's.
        return items.filter(order_id >= span["low"], order_id <= span["high"])

    def _customer_insights(self) -> list[Frame]:
        """Find the favourites of the customers whose orders changed; keep those of the others."""
        orders = self._engine.read(silver(ORDERS))
        # A table that needs as_of is not stale without it.
        as_of = cast("date", self._as_of)
        return [customers.customer_insights(orders, self._favorites(orders), as_of)]

    def _favorites(self, orders: Frame) -> Frame:
        engine, touched = self._engine, self._touched
        products = engine.read(silver(PRODUCTS))
        if touched.all_dates and self._shares:
            bought = nw.concat([share.select("user_id", "product_id") for share in self._shares])
            return customers.favorites(bought, products)
        users = engine.checkpoint(customers.users_of(orders, touched.dates, touched.left_users))
        items = engine.read(silver(ORDER_ITEMS))
        bought = customers.bought_products(items, orders.join(users, "user_id", "semi"))
        found = customers.favorites(bought, products)
        kept = customers.kept_favorites(engine.read(CUSTOMER_INSIGHTS), users)
        return nw.concat([found, kept])
