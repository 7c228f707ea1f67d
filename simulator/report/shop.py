"""What gold and silver say of the shop: sales over time, by hour, department, product, segment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals.stable.v2 as nw

from pipeline.contracts import ORDERS, silver
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.engine import Engine
from simulator.report.reading import days_between, frame_of, half_up, rows_in

SEGMENTS = ("Loyal", "Active", "Regular", "New", "Lapsed")
TOP_PRODUCTS = 15
TOP_DEPARTMENTS = 12
# Longer histories are told by week or by month, so that a picture has at most some 1,200 points.
_MOST_DAYS = 1_200
_MOST_WEEKS = 1_200 * 7
_WEEK = 7
_TREND_DAYS = 28


@dataclass(frozen=True)
class Period:
    """A day, or a week or month where the history is long; money in cents.

    Attributes:
        start: Its first day.
        sales: Sum of the orders' totals.
        orders: Number of orders.
        items: Number of their items.
    """

    start: date
    sales: int = 0
    orders: int = 0
    items: int = 0

    @property
    def per_order(self) -> int | None:
        """Mean total of an order in cents, rounded half away from zero; None without orders."""
        return half_up(self.sales, self.orders) if self.orders else None


@dataclass(frozen=True)
class Change:
    """Sales of the last seven days beside those of the seven before, in cents."""

    last: int
    before: int

    @property
    def share(self) -> float | None:
        """By which share they have grown; None when there is nothing to compare with."""
        return (self.last - self.before) / self.before if self.before else None


@dataclass(frozen=True)
class Department:
    """A row of gold.department_analytics, with its latest sales; money in cents.

    Attributes:
        name: Name of the department.
        sales: Revenue of its items.
        products: Active products.
        orders: Orders with an item of it.
        customers: Customers of those orders.
        change: Its last seven days beside the seven before; None when the shop is younger.
        trend: Its revenue on each of the last 28 days.
    """

    name: str
    sales: int
    products: int
    orders: int
    customers: int
    change: Change | None
    trend: tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """A row of gold.product_performance; money in cents, the rate in ten-thousandths."""

    product_id: int
    name: str
    department: str
    items: int
    orders: int
    sales: int
    reorder_rate: int | None


@dataclass(frozen=True)
class Segment:
    """The customers of a segment and what they have spent, in cents."""

    name: str
    customers: int
    spend: int


@dataclass(frozen=True)
class Shop:
    """The shop.

    Attributes:
        periods: Its history without gaps, in order of time.
        unit: What a period is: `day`, `week` or `month`.
        first: Date of the first order; None without orders.
        last: Date of the last order; None without orders.
        change: The last seven days beside the seven before; None when the shop is younger.
        hours: Orders by ISO weekday (1 = Monday) and hour, UTC; without those that have none.
        departments: The departments with most sales, and `more_departments` of them besides.
        products: The products with most sales.
        segments: The customers by segment.
        catalogue: Number of products.
        customers: Number of customers.
    """

    periods: tuple[Period, ...]
    unit: str
    first: date | None
    last: date | None
    change: Change | None
    hours: dict[tuple[int, int], int]
    departments: tuple[Department, ...]
    more_departments: int
    products: tuple[Product, ...]
    segments: tuple[Segment, ...]
    catalogue: int
    customers: int

    @property
    def whole(self) -> Period:
        """All of the history as one period; it starts with the first order."""
        return _together(self.first or date.min, self.periods)

    @property
    def grown(self) -> Department | None:
        """The department whose sales of a week have grown most by share; None without any."""
        known = [
            (each.change.share, each)
            for each in self.departments
            if each.change is not None and each.change.share is not None
        ]
        return max(known, key=lambda one: one[0])[1] if known else None

    @property
    def best(self) -> Period | None:
        """The first of the periods with most sales; None without orders."""
        return max(self.periods, key=lambda period: period.sales, default=None)

    @property
    def busiest(self) -> tuple[int, int] | None:
        """Weekday and hour with most orders, the first of several; None without orders."""
        return min(self.hours, key=lambda hour: (-self.hours[hour], hour), default=None)


def gather_shop(engine: Engine) -> Shop:
    """Read what gold and silver say of the shop."""
    days = _days(engine)
    first, last = (days[0].start, days[-1].start) if days else (None, None)
    periods, unit = periods_of(days)
    departments = _departments(engine, first, last)
    return Shop(
        periods=periods,
        unit=unit,
        first=first,
        last=last,
        change=_change({day.start: day.sales for day in days}, first, last),
        hours=_hours(engine),
        departments=tuple(departments[:TOP_DEPARTMENTS]),
        more_departments=max(0, len(departments) - TOP_DEPARTMENTS),
        products=_products(engine),
        segments=_segments(engine),
        catalogue=rows_in(engine, PRODUCT_PERFORMANCE),
        customers=rows_in(engine, CUSTOMER_INSIGHTS),
    )


def _days(engine: Engine) -> list[Period]:
    frame = frame_of(engine, DAILY_SALES)
    if frame is None:
        return []
    wanted = frame.select("date", "total_sales", "order_count", "total_items").sort("date")
    return [
        Period(row["date"], row["total_sales"], row["order_count"], row["total_items"])
        for row in engine.fetch(wanted)
    ]


def periods_of(days: Sequence[Period]) -> tuple[tuple[Period, ...], str]:
    """Return the days without gaps, or the weeks or months that they lie in."""
    if not days:
        return (), "day"
    first, last = days[0].start, days[-1].start
    span = (last - first).days + 1
    if span <= _MOST_DAYS:
        return _filled(days, list(days_between(first, last)), lambda day: day), "day"
    if span <= _MOST_WEEKS:
        monday = _monday(first)
        starts = [monday + timedelta(days=n) for n in range(0, (last - monday).days + 1, _WEEK)]
        return _filled(days, starts, _monday), "week"
    months = [
        date(month // 12, month % 12 + 1, 1)
        for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ]
    return _filled(days, months, lambda day: day.replace(day=1)), "month"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _filled(
    days: Sequence[Period], starts: Sequence[date], start_of: Callable[[date], date]
) -> tuple[Period, ...]:
    within: dict[date, list[Period]] = {start: [] for start in starts}
    for day in days:
        within[start_of(day.start)].append(day)
    return tuple(_together(start, parts) for start, parts in within.items())


def _together(start: date, parts: Sequence[Period]) -> Period:
    return Period(
        start,
        sum(part.sales for part in parts),
        sum(part.orders for part in parts),
        sum(part.items for part in parts),
    )


def _change(sales: dict[date, int], first: date | None, last: date | None) -> Change | None:
    """Compare the last seven days with the seven before, provided that these are all in."""
    if first is None or last is None or (last - first).days < 2 * _WEEK - 1:
        return None
    recent = [sales.get(last - timedelta(days=ago), 0) for ago in range(2 * _WEEK)]
    return Change(last=sum(recent[:_WEEK]), before=sum(recent[_WEEK:]))


def _hours(engine: Engine) -> dict[tuple[int, int], int]:
    frame = frame_of(engine, silver(ORDERS))
    if frame is None:
        return {}
    groups = frame.group_by("day_of_week", "hour_of_day").agg(nw.len().alias("orders"))
    return {
        (row["day_of_week"], row["hour_of_day"]): int(row["orders"]) for row in engine.fetch(groups)
    }


def _departments(engine: Engine, first: date | None, last: date | None) -> list[Department]:
    frame = frame_of(engine, DEPARTMENT_ANALYTICS)
    if frame is None:
        return []
    ranked = frame.sort("total_sales", "department", descending=[True, False])
    recent = _recent_sales(engine, last) if last is not None else {}
    found = []
    for row in engine.fetch(ranked):
        by_day = recent.get(row["department"], {})
        days = (
            [last - timedelta(days=ago) for ago in reversed(range(_TREND_DAYS))]
            if last is not None
            else []
        )
        found.append(
            Department(
                name=row["department"],
                sales=row["total_sales"],
                products=row["product_count"],
                orders=row["order_count"],
                customers=row["customer_count"],
                change=_change(by_day, first, last),
                trend=tuple(by_day.get(day, 0) for day in days if first is None or day >= first),
            )
        )
    return found


def _recent_sales(engine: Engine, last: date) -> dict[str, dict[date, int]]:
    """Return the revenue of every department on the latest days."""
    frame = frame_of(engine, DAILY_CUSTOMER_DEPARTMENT)
    if frame is None:
        return {}
    since = last - timedelta(days=_TREND_DAYS - 1)
    groups = frame.filter(nw.col("date") >= nw.lit(since)).group_by("department", "date")
    sales: dict[str, dict[date, int]] = {}
    for row in engine.fetch(groups.agg(nw.col("revenue_cents").sum())):
        sales.setdefault(row["department"], {})[row["date"]] = int(row["revenue_cents"])
    return sales


def _products(engine: Engine) -> tuple[Product, ...]:
    frame = frame_of(engine, PRODUCT_PERFORMANCE)
    if frame is None:
        return ()
    sold = frame.filter(nw.col("total_quantity") > 0)
    ranked = sold.sort("total_sales", "product_id", descending=[True, False])
    return tuple(
        Product(
            product_id=row["product_id"],
            name=row["product_name"],
            department=row["department"],
            items=row["total_quantity"],
            orders=row["order_count"],
            sales=row["total_sales"],
            reorder_rate=row["reorder_rate"],
        )
        for row in engine.fetch(ranked.head(TOP_PRODUCTS))
    )


def _segments(engine: Engine) -> tuple[Segment, ...]:
    frame = frame_of(engine, CUSTOMER_INSIGHTS)
    if frame is None:
        return ()
    groups = frame.group_by("customer_segment").agg(
        nw.len().alias("customers"), nw.col("total_spend").sum().alias("spend")
    )
    found = {
        row["customer_segment"]: Segment(
            row["customer_segment"], int(row["customers"]), int(row["spend"])
        )
        for row in engine.fetch(groups)
    }
    return tuple(found[name] for name in SEGMENTS if name in found)
