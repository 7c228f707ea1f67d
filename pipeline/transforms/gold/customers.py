"""The gold table of customers: what they spend, what they like, which segment they are in."""

from datetime import date

import narwhals.stable.v2 as nw

from pipeline.portable import Frame, most_frequent, with_days_until
from pipeline.transforms.arithmetic import divide_half_up

FAVORITES = ("favorite_department", "favorite_product_id")

_SINCE = "days_until_as_of"
_LOYAL_ORDERS = 10
_ACTIVE_ORDERS = 5
_ACTIVE_DAYS = 30
_LAPSED_DAYS = 90


def users_of(orders: Frame, dates: list[date], others: list[int]) -> Frame:
    """Return the customers who ordered on one of the dates, and the others given. Key: user_id."""
    wanted = nw.col("date").is_in(dates)
    if others:
        wanted = wanted | nw.col("user_id").is_in(others)
    return orders.filter(wanted).select("user_id").unique()


def bought_products(items: Frame, orders: Frame) -> Frame:
    """Return user_id and product_id of every item of these orders; one row per item."""
    return items.select("order_id", "product_id").join(
        orders.select("order_id", "user_id"), "order_id"
    )


def favorites(bought: Frame, products: Frame) -> Frame:
    """Find what customers buy most.

    Args:
        bought: user_id and product_id of every item of whole customers.
        products: silver.products.

    Returns:
        One row per customer with items: favorite_department (most items; tie: first by bytes of the
        name) and favorite_product_id (most items; tie: lowest id). Key: user_id.
    """
    named = bought.join(products.select("product_id", "department"), "product_id")
    found = most_frequent(named, "user_id", ["department", "product_id"])
    return found.select(
        "user_id",
        nw.col("department").alias("favorite_department"),
        nw.col("product_id").alias("favorite_product_id"),
    )


def kept_favorites(customer_insights: Frame, changed_users: Frame) -> Frame:
    """Return the favourites of the customers of whom nothing has changed. Key: user_id."""
    return customer_insights.select("user_id", *FAVORITES).join(changed_users, "user_id", "anti")


def customer_insights(orders: Frame, favorite: Frame, as_of: date) -> Frame:
    """Sum orders by customer; gold.customer_insights without the run's time.

    Args:
        orders: silver.orders.
        favorite: Rows as `favorites` gives them, for every customer with items.
        as_of: The date that days_since_last_order counts to; later orders count all the same.

    Returns:
        One row per customer of silver.orders, money in cents. Key: user_id.
    """
    of_orders = orders.group_by("user_id").agg(
        nw.len().cast(nw.Int64).alias("total_orders"),
        nw.col("total_amount").sum().alias("total_spend"),
        nw.col("date").min().alias("first_order_date"),
        nw.col("date").max().alias("last_order_date"),
    )
    since = nw.col(_SINCE)
    return (
        with_days_until(of_orders, as_of, "last_order_date", _SINCE)
        .join(favorite, "user_id", "left")
        .with_columns(
            divide_half_up(nw.col("total_spend"), nw.col("total_orders")).alias("avg_order_value"),
            nw.when(since > 0).then(since).otherwise(0).alias("days_since_last_order"),
        )
        .with_columns(_segment().alias("customer_segment"))
    )


def _segment() -> nw.Expr:
    orders, days = nw.col("total_orders"), nw.col("days_since_last_order")
    rules = [
        (orders > _LOYAL_ORDERS, "Loyal"),
        ((orders > _ACTIVE_ORDERS) & (days <= _ACTIVE_DAYS), "Active"),
        ((orders > 1) & (days <= _LAPSED_DAYS), "Regular"),
        (days > _LAPSED_DAYS, "Lapsed"),
    ]
    segment = nw.lit("New")
    for condition, name in reversed(rules):
        segment = nw.when(condition).then(nw.lit(name)).otherwise(segment)
    return segment
