"""Gold's transforms, each on its own: Spark, Polars and a few lines of plain Python agree."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS, silver
from pipeline.contracts.gold import CUSTOMER_INSIGHTS, DAILY_CUSTOMER_DEPARTMENT, DAILY_PRODUCT
from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import COUNT, DATE, TEXT, TIMESTAMP
from pipeline.portable import Frame
from pipeline.transforms.arithmetic import divide_half_up, equal_or_both_null
from pipeline.transforms.gold import customers, revenue, tables
from tests import reference
from tests.equivalence.frames import Both, Given, day_of, plain
from tests.equivalence.worlds import (
    Case,
    Space,
    examples,
    given_table,
    hold,
    packs,
    pooled,
    shop,
    value,
)

S_PRODUCTS, S_ORDERS, S_ITEMS = silver(PRODUCTS), silver(ORDERS), silver(ORDER_ITEMS)


def picked(table: Table, *names: str) -> tuple[Column, ...]:
    """Return some columns of a table."""
    return tuple(column for name in names for column in table.columns if column.name == name)


SHARED = (
    *picked(S_ORDERS, "date", "user_id", "order_id"),
    *picked(S_ITEMS, "product_id", "reordered", "days_since_prior_order"),
    *picked(DAILY_PRODUCT, "revenue_cents"),
)
FAVORITE = picked(CUSTOMER_INSIGHTS, "user_id", "favorite_department", "favorite_product_id")
BOUGHT = picked(S_ORDERS, "user_id") + picked(S_ITEMS, "product_id")


def grouped(
    rows: Sequence[dict[str, Any]], *names: str
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Return the rows by the values of some columns."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def rounded(numerator: int, denominator: int, scale: int = 0) -> int | None:
    """Return the quotient in units of 10^-scale, rounded half away from zero; None of nothing."""
    if not denominator:
        return None
    return int(reference.rounded(Fraction(numerator * 10**scale, denominator), 0))


# --- Arithmetic ----------------------------------------------------------------------------------

NUMBERS = (Column("a", COUNT, ""), Column("b", COUNT, ""))


def quotient(scale: int, space: Space) -> Case:
    """Return a numerator and a denominator, many of them half a unit apart."""
    most = (2**52 - 1) // (2 * 10**scale)
    random = space.random
    denominator = random.choice([0, 1, 2, 3, 7, 8, 32, 200, 201, random.randint(1, 2**40)])
    if space.happens(50):
        part = random.randint(1, 2 ** random.randint(1, 20))
        denominator, numerator = 2 * 10**scale * part, part * (2 * random.randint(0, 10**6) + 1)
        numerator = max(0, numerator + random.choice([-1, 0, 0, 1]))
    else:
        numerator = random.choice([0, 1, denominator, random.randint(0, most), most])
    row: dict[str, int | None] = {"a": min(numerator, most), "b": denominator}
    if space.happens(5):
        row[random.choice("ab")] = None
    return {"numbers": [row]}


@pytest.mark.parametrize("scale", [0, 2, 4])
@examples(2)
@given(data=st.data())
def test_division_rounds_half_away_from_zero(both: Both, scale: int, data: st.DataObject) -> None:
    def check(cases: list[Case]) -> None:
        rows = pooled(cases, "numbers")
        divided = divide_half_up(nw.col("a"), nw.col("b"), scale=scale).alias("c")
        expected = [
            row | {"c": None if None in row.values() else rounded(row["a"], row["b"], scale)}
            for row in rows
        ]
        both.agree(
            lambda frame: frame.with_columns(divided),
            Given(NUMBERS, rows),
            expected=expected,
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(quotient, scale), most=4000)))


PAIRED = {"number": COUNT, "text": TEXT, "day": DATE, "time": TIMESTAMP}
PAIRS = tuple(Column(f"{side}_{n}", kind, "") for n, kind in PAIRED.items() for side in "ab")


def pair(space: Space) -> Case:
    """Return two values of every type, equal more often than not, or null."""
    row: dict[str, Any] = {}
    for column in PAIRS:
        other = row.get(column.name.replace("b_", "a_"))
        row[column.name] = value(column, space) if space.happens(40) else other
    return {"pairs": [row]}


@examples(2)
@given(packs(pair))
def test_null_equals_null_only(both: Both, cases: list[Case]) -> None:
    def check(cases: list[Case]) -> None:
        rows = pooled(cases, "pairs")
        same = [
            equal_or_both_null(nw.col(f"a_{name}"), nw.col(f"b_{name}")).alias(name)
            for name in PAIRED
        ]
        expected = [{name: row[f"a_{name}"] == row[f"b_{name}"] for name in PAIRED} for row in rows]
        both.agree(
            lambda frame: frame.select(same), Given(PAIRS, rows), expected=expected, cases=len(rows)
        )

    hold(check, cases)


# --- Revenue -------------------------------------------------------------------------------------


def shared(case: Case) -> list[dict[str, Any]]:
    """Share the revenue of a case's orders, in plain Python."""
    rows = []
    items_of = grouped(case["items"], "order_id")
    for order in case["orders"]:
        items = items_of[order["order_id"],]
        positions = [(item["add_to_cart_order"], item["id"]) for item in items]
        cents = reference.share(order["total_amount"], positions) if items else {}
        rows += [
            {
                **{name: order[name] for name in ("date", "user_id", "order_id")},
                **{c.name: item[c.name] for c in SHARED if c.name in {"product_id", "reordered"}},
                "days_since_prior_order": item["days_since_prior_order"],
                "revenue_cents": cents[item["id"]],
            }
            for item in items
        ]
    return rows


def trade(space: Space) -> Case:
    """Return silver, of whose orders some are not asked for, and what its items' revenue is."""
    made = shop(space)
    case = {
        "products": made[S_PRODUCTS.path],
        "orders": [order for order in made[S_ORDERS.path] if space.happens(85)],
        "items": made[S_ITEMS.path],
    }
    return case | {"shared": shared(case)}


@examples(3)
@given(packs(trade))
def test_revenue_is_shared_to_the_cent(both: Both, cases: list[Case]) -> None:
    def check(cases: list[Case]) -> None:
        both.agree(
            revenue.shared_revenue,
            Given(S_ORDERS.columns, pooled(cases, "orders")),
            Given(S_ITEMS.columns, pooled(cases, "items")),
            expected=pooled(cases, "shared"),
            cases=len(cases),
        )

    hold(check, cases)


@examples(3)
@given(packs(trade))
def test_items_are_summed_by_day_and_product(both: Both, cases: list[Case]) -> None:
    def summed(case: Case) -> list[dict[str, Any]]:
        rows = []
        for (day, product), items in grouped(case["shared"], "date", "product_id").items():
            known = [item["days_since_prior_order"] for item in items]
            known = [days for days in known if days is not None]
            rows.append(
                {
                    "date": day,
                    "product_id": product,
                    "items": len(items),
                    "orders": len({item["order_id"] for item in items}),
                    "revenue_cents": sum(item["revenue_cents"] for item in items),
                    "reordered_items": sum(item["reordered"] for item in items),
                    "known_days": len(known),
                    "sum_days": sum(known),
                }
            )
        return rows

    def check(cases: list[Case]) -> None:
        both.agree(
            revenue.daily_product,
            Given(SHARED, pooled(cases, "shared")),
            expected=[row for case in cases for row in summed(case)],
            cases=len(cases),
        )

    hold(check, cases)


@examples(3)
@given(packs(trade))
def test_items_are_summed_by_day_customer_and_department(both: Both, cases: list[Case]) -> None:
    def summed(case: Case) -> list[dict[str, Any]]:
        department = {product["product_id"]: product["department"] for product in case["products"]}
        named = [item | {"department": department[item["product_id"]]} for item in case["shared"]]
        return [
            {
                "date": day,
                "user_id": user,
                "department": name,
                "items": len(items),
                "orders": len({item["order_id"] for item in items}),
                "revenue_cents": sum(item["revenue_cents"] for item in items),
            }
            for (day, user, name), items in grouped(named, "date", "user_id", "department").items()
        ]

    def check(cases: list[Case]) -> None:
        both.agree(
            revenue.daily_customer_department,
            Given(SHARED, pooled(cases, "shared")),
            Given(S_PRODUCTS.columns, pooled(cases, "products")),
            expected=[row for case in cases for row in summed(case)],
            cases=len(cases),
        )

    hold(check, cases)


# --- The summed tables ---------------------------------------------------------------------------


def sums(space: Space) -> Case:
    """Return products and orders beside daily aggregates of greater numbers than theirs."""
    case = shop(space)
    random, products = space.random, case[S_PRODUCTS.path]
    case[DAILY_PRODUCT.path] = [
        {"date": day, "product_id": product["product_id"], **_sum(space)}
        for product in products
        for day in set(space.days)
        if space.happens(60)
    ]
    case[DAILY_CUSTOMER_DEPARTMENT.path] = [
        {"date": day, "user_id": space.key(user), "department": department, **_sum(space)}
        for department in {product["department"] for product in products}
        for day in set(space.days)
        for user in random.sample(range(1, 5), random.randint(0, 3))
    ]
    return case


def _sum(space: Space) -> dict[str, int]:
    random = space.random
    items = random.choice([1, 2, 8, 32, 200, random.randint(1, 400), 10**6])
    known = random.choice([0, 1, 8, items])
    return {
        "items": items,
        "orders": random.randint(1, items),
        "revenue_cents": random.choice([0, 1, 5, 10**14, random.randrange(10**6)]),
        "reordered_items": random.choice([0, 1, items]),
        "known_days": known,
        # Of 200 days that is 1.005, which is less in floating point.
        "sum_days": known
        and random.choice([0, 1, known + 1, 3650 * known, random.randint(0, 3650 * known)]),
    }


Expected = Callable[[Case], list[dict[str, Any]]]


def hold_sums(
    both: Both,
    cases: list[Case],
    transform: Callable[..., Frame],
    sources: Sequence[Table],
    expected: Expected,
) -> None:
    def check(cases: list[Case]) -> None:
        both.agree(
            transform,
            *(given_table(cases, table) for table in sources),
            expected=[row for case in cases for row in expected(case)],
            cases=len(cases),
        )

    hold(check, cases)


@examples(3)
@given(packs(sums))
def test_orders_are_summed_by_day(both: Both, cases: list[Case]) -> None:
    def expected(case: Case) -> list[dict[str, Any]]:
        rows = []
        for (day,), orders in grouped(case[S_ORDERS.path], "date").items():
            total = sum(order["total_amount"] for order in orders)
            items = sum(row["items"] for row in case[DAILY_PRODUCT.path] if row["date"] == day)
            rows.append(
                {
                    "date": day,
                    "total_sales": total,
                    "order_count": len(orders),
                    "avg_order_value": rounded(total, len(orders)),
                    "unique_customers": len({order["user_id"] for order in orders}),
                    "total_items": items,
                    "avg_items_per_order": rounded(items, len(orders), 2),
                }
            )
        return rows

    hold_sums(both, cases, tables.daily_sales, [S_ORDERS, DAILY_PRODUCT], expected)


@examples(3)
@given(packs(sums))
def test_items_are_summed_by_product(both: Both, cases: list[Case]) -> None:
    def expected(case: Case) -> list[dict[str, Any]]:
        rows = []
        for product in case[S_PRODUCTS.path]:
            number = product["product_id"]
            sold = [row for row in case[DAILY_PRODUCT.path] if row["product_id"] == number]
            total = {name: sum(row[name] for row in sold) for name in _TOTALS}
            rows.append(
                {
                    "product_id": number,
                    "department": product["department"],
                    "product_name": product["product_name"],
                    "total_quantity": total["items"],
                    "total_sales": total["revenue_cents"],
                    "order_count": total["orders"],
                    "reorder_rate": rounded(total["reordered_items"], total["items"], 4),
                    "avg_days_between_orders": rounded(total["sum_days"], total["known_days"], 2),
                }
            )
        return rows

    hold_sums(both, cases, tables.product_performance, [S_PRODUCTS, DAILY_PRODUCT], expected)


_TOTALS = ("items", "orders", "revenue_cents", "reordered_items", "known_days", "sum_days")


@examples(3)
@given(packs(sums))
def test_items_are_summed_by_department(both: Both, cases: list[Case]) -> None:
    def expected(case: Case) -> list[dict[str, Any]]:
        rows = []
        for (name,), products in grouped(case[S_PRODUCTS.path], "department").items():
            sold = [r for r in case[DAILY_CUSTOMER_DEPARTMENT.path] if r["department"] == name]
            total, orders = (sum(row[n] for row in sold) for n in ("revenue_cents", "orders"))
            rows.append(
                {
                    "department": name,
                    "total_sales": total,
                    "product_count": sum(product["is_active"] for product in products),
                    "order_count": orders,
                    "customer_count": len({row["user_id"] for row in sold}),
                    "avg_order_value": rounded(total, orders),
                }
            )
        return rows

    sources = [S_PRODUCTS, DAILY_CUSTOMER_DEPARTMENT]
    hold_sums(both, cases, tables.department_analytics, sources, expected)


@examples(3)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis adds the zone
def test_rows_are_stamped_with_the_time_of_the_run(both: Both, at: datetime) -> None:
    rows = [{"a": 1, "b": None}]
    both.agree(
        lambda frame: tables.stamped(frame, at),
        Given(NUMBERS, rows),
        expected=[{"a": 1, "b": None, "last_updated_timestamp": at}],
    )


# --- Customers -----------------------------------------------------------------------------------


SEEN_FROM = (date(2025, 6, 30), date(2024, 2, 29), date(2000, 1, 1), date(2099, 12, 31))
# Days before as_of on either side of every boundary of a segment, and after it.
AGES = (-3, 0, 1, 29, 30, 31, 89, 90, 91, 366, 20_000)
ORDER_COUNTS = (1, 2, 5, 6, 10, 11)


def customer(as_of: date, space: Space) -> Case:
    """Return the orders of up to three customers, and what some of them and others like best."""
    random = space.random
    orders = []
    for user in range(1, random.randint(1, 3) + 1):
        last = plain(as_of) - random.choice(AGES)
        orders += [
            {
                "user_id": space.key(user),
                "date": last - (place and random.choice([0, 1, 400])),
                "total_amount": value(TOTAL, space),
            }
            for place in range(random.choice(ORDER_COUNTS))
        ]
    random.shuffle(orders)
    favorite = [
        {name.name: value(name, space) for name in FAVORITE} | {"user_id": space.key(user)}
        for user in random.sample(range(1, 5), random.randint(0, 4))
    ]
    return {"orders": orders, "favorite": favorite}


(TOTAL,) = picked(S_ORDERS, "total_amount")


def insights(case: Case, as_of: date) -> list[dict[str, Any]]:
    """Sum a case's orders by customer, in plain Python."""
    liked = {row["user_id"]: row for row in case["favorite"]}
    rows = []
    for (user,), orders in grouped(case["orders"], "user_id").items():
        total = sum(order["total_amount"] for order in orders)
        days = [order["date"] for order in orders]
        since = max(plain(as_of) - max(days), 0)
        likes = liked.get(user, {})
        rows.append(
            {
                "user_id": user,
                "total_orders": len(orders),
                "total_spend": total,
                "avg_order_value": rounded(total, len(orders)),
                "first_order_date": min(days),
                "last_order_date": max(days),
                "days_since_last_order": since,
                "favorite_department": likes.get("favorite_department"),
                "favorite_product_id": likes.get("favorite_product_id"),
                "customer_segment": reference.segment(len(orders), since),
            }
        )
    return rows


@examples(4)
@given(data=st.data(), as_of=st.sampled_from(SEEN_FROM))
def test_orders_are_summed_by_customer(both: Both, data: st.DataObject, as_of: date) -> None:
    def check(cases: list[Case]) -> None:
        both.agree(
            lambda orders, favorite: customers.customer_insights(orders, favorite, as_of),
            Given(picked(S_ORDERS, "user_id", "date", "total_amount"), pooled(cases, "orders")),
            Given(FAVORITE, pooled(cases, "favorite")),
            expected=[row for case in cases for row in insights(case, as_of)],
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(customer, as_of), most=300)))


@examples(3)
@given(packs(trade))
def test_bought_products_are_those_of_the_orders(both: Both, cases: list[Case]) -> None:
    def check(cases: list[Case]) -> None:
        both.agree(
            customers.bought_products,
            Given(S_ITEMS.columns, pooled(cases, "items")),
            Given(S_ORDERS.columns, pooled(cases, "orders")),
            expected=[{c.name: row[c.name] for c in BOUGHT} for row in pooled(cases, "shared")],
            cases=len(cases),
        )

    hold(check, cases)


def basket(space: Space) -> Case:
    """Return what a few customers bought, so little that ties are the rule."""
    random = space.random
    products = [
        {"product_id": space.key(number), "department": value(LABELLED, space)}
        for number in range(1, random.randint(1, 5) + 1)
    ]
    random.shuffle(products)
    bought = [
        {"user_id": space.key(random.randint(1, 3)), "product_id": product["product_id"]}
        for product in random.choices(products, k=random.choice([0, 1, 2, 3, 4, 6, 9]))
    ]
    return {"products": products, "bought": bought}


(LABELLED,) = picked(S_PRODUCTS, "department")


@examples(3)
@given(packs(basket))
def test_favorites_are_what_was_bought_most(both: Both, cases: list[Case]) -> None:
    def liked(case: Case) -> list[dict[str, Any]]:
        department = {row["product_id"]: row["department"] for row in case["products"]}
        rows = []
        for (user,), items in grouped(case["bought"], "user_id").items():
            numbers = [item["product_id"] for item in items]
            names = [department[number] for number in numbers]
            rows.append(
                {
                    "user_id": user,
                    "favorite_department": reference.favorite(names, str.encode),
                    "favorite_product_id": reference.favorite(numbers, int),
                }
            )
        return rows

    def check(cases: list[Case]) -> None:
        both.agree(
            customers.favorites,
            Given(BOUGHT, pooled(cases, "bought")),
            Given(picked(S_PRODUCTS, "product_id", "department"), pooled(cases, "products")),
            expected=[row for case in cases for row in liked(case)],
            cases=len(cases),
        )

    hold(check, cases)


@examples(4)
@given(data=st.data(), cases=packs(trade))
def test_customers_of_some_dates_and_others_are_found(
    both: Both, data: st.DataObject, cases: list[Case]
) -> None:
    orders = pooled(cases, "orders")
    days = sorted({order["date"] for order in orders})
    users = sorted({order["user_id"] for order in orders})
    chance = data.draw(st.randoms(use_true_random=False))
    dates = chance.sample(days, chance.choice([0, len(days) // 2]))
    others = chance.sample(users, chance.choice([0, len(users) // 3])) + chance.choice([[], [-5]])

    def check(cases: list[Case]) -> None:
        placed = pooled(cases, "orders")
        wanted = {
            order["user_id"]
            for order in placed
            if order["date"] in dates or order["user_id"] in others
        }
        both.agree(
            lambda frame: customers.users_of(frame, list(map(day_of, dates)), others),
            Given(S_ORDERS.columns, placed),
            expected=[{"user_id": user} for user in wanted],
            cases=len(cases),
        )

    hold(check, cases)


def fan(space: Space) -> Case:
    """Return what customers liked, and those of whom something has changed."""
    numbers = range(1, 6)
    random = space.random
    known = [
        {column.name: value(column, space) for column in CUSTOMER_INSIGHTS.columns}
        | {"user_id": space.key(number)}
        for number in random.sample(numbers, random.randint(0, 5))
    ]
    changed = [{"user_id": space.key(n)} for n in random.sample(numbers, random.randint(0, 3))]
    return {"known": known, "changed": changed}


@examples(2)
@given(packs(fan))
def test_favorites_of_other_customers_are_kept(both: Both, cases: list[Case]) -> None:
    def kept(case: Case) -> list[dict[str, Any]]:
        changed = [row["user_id"] for row in case["changed"]]
        return [
            {column.name: row[column.name] for column in FAVORITE}
            for row in case["known"]
            if row["user_id"] not in changed
        ]

    def check(cases: list[Case]) -> None:
        both.agree(
            customers.kept_favorites,
            Given(CUSTOMER_INSIGHTS.columns, pooled(cases, "known")),
            Given(picked(S_ORDERS, "user_id"), pooled(cases, "changed")),
            expected=[row for case in cases for row in kept(case)],
            cases=len(cases),
        )

    hold(check, cases)


# The property of every transform of gold and of its arithmetic.
PROPERTIES = {
    divide_half_up: test_division_rounds_half_away_from_zero,
    equal_or_both_null: test_null_equals_null_only,
    revenue.shared_revenue: test_revenue_is_shared_to_the_cent,
    revenue.daily_product: test_items_are_summed_by_day_and_product,
    revenue.daily_customer_department: test_items_are_summed_by_day_customer_and_department,
    tables.daily_sales: test_orders_are_summed_by_day,
    tables.product_performance: test_items_are_summed_by_product,
    tables.department_analytics: test_items_are_summed_by_department,
    tables.stamped: test_rows_are_stamped_with_the_time_of_the_run,
    customers.customer_insights: test_orders_are_summed_by_customer,
    customers.bought_products: test_bought_products_are_those_of_the_orders,
    customers.favorites: test_favorites_are_what_was_bought_most,
    customers.users_of: test_customers_of_some_dates_and_others_are_found,
    customers.kept_favorites: test_favorites_of_other_customers_are_kept,
}
