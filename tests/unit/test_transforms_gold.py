"""Gold's transforms on frames of a few rows, with values worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from pipeline.portable import Frame
from pipeline.transforms.arithmetic import divide_half_up, equal_or_both_null
from pipeline.transforms.gold import customers, revenue, tables

DAY, NEXT = date(2025, 4, 1), date(2025, 4, 2)

ORDERS = {"order_id": pl.Int64, "user_id": pl.Int64, "date": pl.Date, "total_amount": pl.Int64}
ITEMS = {
    "id": pl.Int64,
    "order_id": pl.Int64,
    "product_id": pl.Int64,
    "add_to_cart_order": pl.Int64,
    "reordered": pl.Int32,
    "days_since_prior_order": pl.Int64,
}
PRODUCTS = {
    "product_id": pl.Int64,
    "department": pl.String,
    "product_name": pl.String,
    "is_active": pl.Boolean,
}
DAILY_DEPARTMENTS = {
    "date": pl.Date,
    "user_id": pl.Int64,
    "department": pl.String,
    "items": pl.Int64,
    "orders": pl.Int64,
    "revenue_cents": pl.Int64,
}


def frame(schema: Mapping[str, Any], rows: Sequence[Sequence[object]]) -> Frame:
    return nw.from_native(pl.DataFrame(rows, schema=dict(schema), orient="row").lazy())


def collected(lazy: Frame, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows of some columns, sorted."""
    native: pl.LazyFrame = lazy.to_native()
    return sorted(native.select(columns).collect().rows(), key=str)


# --- Arithmetic ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numerator", "denominator", "scale", "rounded"),
    [
        (0, 3, 0, 0),
        (1, 2, 0, 1),  # 0.5
        (1, 3, 0, 0),
        (2, 3, 0, 1),
        (5, 2, 0, 3),  # 2.5: away from zero, not to even
        (3, 2, 0, 2),
        (7, 2, 0, 4),
        (1, 8, 2, 13),  # 0.125
        (1, 200, 2, 1),  # 0.005
        (1, 201, 2, 0),
        (2, 3, 4, 6667),
        (1, 3, 4, 3333),
        (10**15 - 1, 1, 0, 10**15 - 1),
        (10**15 - 1, 2, 0, 5 * 10**14),
        (10**15 - 1, 10**15, 0, 1),
        (4, 0, 2, None),
        (4, None, 2, None),
        (None, 4, 2, None),
    ],
)
def test_division_rounds_half_away_from_zero(
    numerator: int | None, denominator: int | None, scale: int, rounded: int | None
) -> None:
    given = frame({"a": pl.Int64, "b": pl.Int64}, [(numerator, denominator)])
    divided = given.select(divide_half_up(nw.col("a"), nw.col("b"), scale=scale).alias("c"))
    assert collected(divided, "c") == [(rounded,)]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(1, 1, True), (1, 2, False), (None, 1, False), (1, None, False), (None, None, True)],
)
def test_null_equals_null_only(left: int | None, right: int | None, *, same: bool) -> None:
    given = frame({"a": pl.Int64, "b": pl.Int64}, [(left, right)])
    compared = given.select(equal_or_both_null(nw.col("a"), nw.col("b")).alias("c"))
    assert collected(compared, "c") == [(same,)]


# --- Revenue -------------------------------------------------------------------------------------


def shares(total: int, positions: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Share an order among items given as (id, add_to_cart_order); return cents by product.

    Every item is of a product of its own, whose number is the item's.
    """
    orders = frame(ORDERS, [(1, 7, DAY, total)])
    items = frame(ITEMS, [(item, 1, item, place, 0, None) for item, place in positions])
    found = collected(revenue.shared_revenue(orders, items), "product_id", "revenue_cents")
    return dict(found)


@pytest.mark.parametrize(
    ("total", "positions", "expected"),
    [
        (1000, [(1, 1)], {1: 1000}),
        (1000, [(1, 1), (2, 2), (3, 3)], {1: 334, 2: 333, 3: 333}),
        (1001, [(1, 1), (2, 2), (3, 3)], {1: 334, 2: 334, 3: 333}),
        # The place in the cart decides, not the id; then the id decides.
        (1001, [(1, 3), (2, 2), (3, 1)], {1: 333, 2: 334, 3: 334}),
        (2, [(9, 1), (10, 1), (8, 1)], {8: 1, 9: 1, 10: 0}),
        (1, [(5, 2), (4, 2), (6, 1)], {4: 0, 5: 0, 6: 1}),
        (0, [(1, 1), (2, 2)], {1: 0, 2: 0}),
        (2, [(1, 1), (2, 2), (3, 3)], {1: 1, 2: 1, 3: 0}),
        (9_999_999_999, [(1, 1), (2, 2)], {1: 5_000_000_000, 2: 4_999_999_999}),
    ],
)
def test_left_over_cents_go_to_the_first_items(
    total: int, positions: Sequence[tuple[int, int]], expected: dict[int, int]
) -> None:
    assert shares(total, positions) == expected
    assert shares(total, positions[::-1]) == expected


def test_date_and_customer_come_from_the_order() -> None:
    orders = frame(ORDERS, [(1, 7, DAY, 100), (2, 8, NEXT, 0)])
    items = frame(ITEMS, [(1, 1, 5, 1, 1, 3), (2, 2, 5, 1, 0, None), (3, 99, 5, 1, 0, None)])
    found = collected(
        revenue.shared_revenue(orders, items), "order_id", "date", "user_id", "revenue_cents"
    )
    assert found == [(1, DAY, 7, 100), (2, NEXT, 8, 0)]


def shared() -> Frame:
    """Two orders of one customer on a day, and one of another on the next."""
    orders = frame(ORDERS, [(1, 7, DAY, 101), (2, 7, DAY, 50), (3, 8, NEXT, 10)])
    items = frame(
        ITEMS,
        [
            (1, 1, 5, 1, 1, 3),
            (2, 1, 5, 2, 0, None),
            (3, 2, 5, 1, 1, 10),
            (4, 2, 6, 2, 0, 0),
            (5, 3, 6, 1, 0, None),
        ],
    )
    return revenue.shared_revenue(orders, items)


def test_items_are_summed_by_day_and_product() -> None:
    found = collected(
        revenue.daily_product(shared()),
        *("date", "product_id", "items", "orders", "revenue_cents"),
        *("reordered_items", "known_days", "sum_days"),
    )
    assert found == [
        (DAY, 5, 3, 2, 51 + 50 + 25, 2, 2, 13),
        (DAY, 6, 1, 1, 25, 0, 1, 0),
        (NEXT, 6, 1, 1, 10, 0, 0, 0),
    ]


def test_items_are_summed_by_day_customer_and_department() -> None:
    """An order with two items of a department counts once there."""
    products = frame(PRODUCTS, [(5, "A", "Tea", True), (6, "A", "Milk", True)])
    found = collected(
        revenue.daily_customer_department(shared(), products),
        *("date", "user_id", "department", "items", "orders", "revenue_cents"),
    )
    assert found == [(DAY, 7, "A", 4, 2, 151), (NEXT, 8, "A", 1, 1, 10)]


# --- The summed tables ---------------------------------------------------------------------------


def test_a_day_without_items_has_zero_of_them() -> None:
    orders = frame(ORDERS, [(1, 7, DAY, 101), (2, 7, DAY, 50), (3, 8, DAY, 50), (9, 8, NEXT, 10)])
    items = frame(ITEMS, [(1, 1, 5, 1, 1, 3), (2, 1, 6, 2, 0, None)])
    products = revenue.daily_product(revenue.shared_revenue(orders, items))
    found = collected(
        tables.daily_sales(orders, products),
        *("date", "total_sales", "order_count", "avg_order_value", "unique_customers"),
        *("total_items", "avg_items_per_order"),
    )
    # 201 / 3 = 67 cents; 2 items / 3 orders = 0.67.
    assert found == [(DAY, 201, 3, 67, 2, 2, 67), (NEXT, 10, 1, 10, 1, 0, 0)]


def test_products_sold_or_not() -> None:
    """Rates are null without items, days are null if none are known; 0 is a known number."""
    products = frame(
        PRODUCTS,
        [
            (5, "A", "Tea", True),
            (6, "B", "Milk", False),
            (7, "B", "Oil", True),
            (8, "C", "X", True),
        ],
    )
    orders = frame(ORDERS, [(1, 7, DAY, 0), (2, 7, NEXT, 0)])
    items = frame(
        ITEMS,
        [
            (1, 1, 5, 1, 1, 3),
            (2, 1, 5, 2, 0, 4),
            (3, 2, 5, 1, 1, None),
            (4, 2, 6, 1, 0, None),
            (5, 2, 8, 1, 0, 0),
        ],
    )
    daily = revenue.daily_product(revenue.shared_revenue(orders, items))
    found = collected(
        tables.product_performance(products, daily),
        *("product_id", "total_quantity", "order_count", "reorder_rate"),
        "avg_days_between_orders",
    )
    assert found == [
        (5, 3, 2, 6667, 350),
        (6, 1, 1, 0, None),
        (7, 0, 0, None, None),
        (8, 1, 1, 0, 0),
    ]


def test_departments_count_active_products_and_different_orders() -> None:
    products = frame(
        PRODUCTS,
        [(5, "A", "Tea", True), (6, "A", "Milk", False), (7, "B", "Oil", False)],
    )
    daily = frame(
        DAILY_DEPARTMENTS,
        [(DAY, 7, "A", 3, 2, 101), (NEXT, 7, "A", 1, 1, 0), (NEXT, 8, "A", 1, 1, 9)],
    )
    found = collected(
        tables.department_analytics(products, daily),
        *("department", "total_sales", "product_count", "order_count", "customer_count"),
        "avg_order_value",
    )
    # 110 / 4 = 27.5, up to 28 cents.
    assert found == [("A", 110, 1, 4, 2, 28), ("B", 0, 0, 0, 0, None)]


def test_rows_are_stamped_with_the_time_of_the_run() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    given = frame({"a": pl.Int64}, [(1,)])
    assert collected(tables.stamped(given, at), "a", "last_updated_timestamp") == [(1, at)]


# --- Customers -----------------------------------------------------------------------------------

NOBODY = {"user_id": pl.Int64, "favorite_department": pl.String, "favorite_product_id": pl.Int64}


@pytest.mark.parametrize(
    ("orders", "days", "segment"),
    [
        (11, 0, "Loyal"),
        (11, 1000, "Loyal"),
        (10, 0, "Active"),
        (10, 30, "Active"),
        (10, 31, "Regular"),
        (6, 30, "Active"),
        (6, 31, "Regular"),
        (5, 30, "Regular"),
        (5, 0, "Regular"),
        (6, 90, "Regular"),
        (6, 91, "Lapsed"),
        (2, 0, "Regular"),
        (2, 90, "Regular"),
        (2, 91, "Lapsed"),
        (1, 0, "New"),
        (1, 90, "New"),
        (1, 91, "Lapsed"),
    ],
)
def test_segments_at_every_boundary(orders: int, days: int, segment: str) -> None:
    last = date(2025, 1, 1)
    placed = frame(ORDERS, [(n, 1, last, 100) for n in range(orders)])
    seen_from = date.fromordinal(last.toordinal() + days)
    found = customers.customer_insights(placed, frame(NOBODY, []), seen_from)
    columns = ("total_orders", "days_since_last_order", "customer_segment")
    assert collected(found, *columns) == [(orders, days, segment)]


@pytest.mark.parametrize(
    ("as_of", "days"),
    [(date(2025, 4, 3), 1), (date(2025, 4, 2), 0), (date(2025, 4, 1), 0), (date(1999, 1, 1), 0)],
)
def test_a_view_from_the_past_hides_nothing(as_of: date, days: int) -> None:
    """Later orders count, and nobody ordered a negative number of days ago."""
    placed = frame(ORDERS, [(1, 1, DAY, 1), (2, 1, NEXT, 2)])
    found = customers.customer_insights(placed, frame(NOBODY, []), as_of)
    columns = ("total_orders", "total_spend", "first_order_date", "last_order_date")
    assert collected(found, *columns) == [(2, 3, DAY, NEXT)]
    assert collected(found, "days_since_last_order", "avg_order_value") == [(days, 2)]


def favorites(items: Sequence[tuple[int, int, int]], departments: Sequence[str]) -> Any:
    """Return department and product of customer 1 for items of (id, order, product)."""
    orders = frame(ORDERS, [(1, 1, DAY, 0), (2, 1, NEXT, 0), (3, 2, NEXT, 0)])
    products = frame(PRODUCTS, [(n, name, "", True) for n, name in enumerate(departments, 1)])
    rows = frame(ITEMS, [(item, order, product, 1, 0, None) for item, order, product in items])
    found = customers.favorites(customers.bought_products(rows, orders), products)
    columns = ("favorite_department", "favorite_product_id")
    return collected(found.filter(nw.col("user_id") == 1), *columns)


@pytest.mark.parametrize(
    ("items", "departments", "expected"),
    [
        ([(1, 1, 1)], ["A"], ("A", 1)),
        ([(1, 1, 2), (2, 2, 2), (3, 1, 1)], ["A", "B"], ("B", 2)),
        # Ties: the department by the bytes of its name, the product by the lowest number.
        ([(1, 1, 10), (2, 2, 9)], ["A"] * 8 + ["Z", "B"], ("B", 9)),
        ([(1, 1, 1), (2, 1, 2)], ["Ä", "Z"], ("Z", 1)),
        ([(1, 1, 1), (2, 1, 2)], ["\uffff", "\U00010000"], ("\uffff", 1)),
        ([(1, 1, 1), (2, 1, 2)], ["A B", "A"], ("A", 1)),
        # The favourite department need not be that of the favourite product.
        ([(1, 1, 3), (2, 1, 3), (3, 2, 1), (4, 2, 2), (5, 1, 1)], ["A", "A", "B"], ("A", 1)),
        # Another customer's items do not count.
        ([(1, 1, 1), (2, 3, 2), (3, 3, 2)], ["B", "A"], ("B", 1)),
    ],
)
def test_favorites_and_their_ties(
    items: Sequence[tuple[int, int, int]], departments: Sequence[str], expected: tuple[str, int]
) -> None:
    assert favorites(items, departments) == [expected]


def test_a_customer_without_items_has_no_favorites() -> None:
    placed = frame(ORDERS, [(3, 2, DAY, 5)])
    found = customers.customer_insights(placed, frame(NOBODY, [(9, "A", 1)]), DAY)
    columns = ("user_id", "favorite_department", "favorite_product_id")
    assert collected(found, *columns) == [(2, None, None)]


def test_customers_of_some_dates_and_others() -> None:
    orders = frame(ORDERS, [(1, 1, DAY, 0), (2, 2, NEXT, 0), (3, 3, NEXT, 0), (4, 1, NEXT, 0)])
    assert collected(customers.users_of(orders, [DAY], []), "user_id") == [(1,)]
    assert collected(customers.users_of(orders, [DAY], [3, 99]), "user_id") == [(1,), (3,)]


def test_favorites_of_untouched_customers_are_kept() -> None:
    before = frame(NOBODY, [(1, "A", 1), (2, None, None), (3, "B", 2)])
    changed = frame({"user_id": pl.Int64}, [(1,), (7,)])
    found = collected(customers.kept_favorites(before, changed), *NOBODY)
    assert found == [(2, None, None), (3, "B", 2)]
