"""An order's total shared among its items, and the daily aggregates that gold is summed from."""

import narwhals.stable.v2 as nw

from pipeline.portable import Frame

SHARE = "revenue_cents"


def shared_revenue(orders: Frame, items: Frame) -> Frame:
    """Share each order's total equally among its items, in cents, without a cent made or lost.

    The cents left over go one each to the order's first items by (add_to_cart_order, id).

    Args:
        orders: Rows of silver.orders.
        items: Rows of silver.order_items; those of other orders are passed over.

    Returns:
        One row per item of these orders: date and user_id of the order, order_id, product_id,
        reordered, days_since_prior_order, revenue_cents. Key: none kept.
    """
    order = orders.select("order_id", "date", "user_id", "total_amount")
    item = items.select(
        "order_id", "id", "product_id", "add_to_cart_order", "reordered", "days_since_prior_order"
    )
    joined = item.join(order, "order_id")
    place = nw.col("id").cum_count().over("order_id", order_by=["add_to_cart_order", "id"])
    count = nw.len().over("order_id")
    extra = (
        nw.when(nw.col("place") <= nw.col("total_amount") % nw.col("count")).then(1).otherwise(0)
    )
    return (
        joined.with_columns(place.alias("place"), count.alias("count"))
        .with_columns((nw.col("total_amount") // nw.col("count") + extra).alias(SHARE))
        .select(
            "date",
            "user_id",
            "order_id",
            "product_id",
            "reordered",
            "days_since_prior_order",
            SHARE,
        )
    )


def daily_product(shared: Frame) -> Frame:
    """Sum items by order date and product. Key: (date, product_id)."""
    days = nw.col("days_since_prior_order")
    return shared.group_by("date", "product_id").agg(
        nw.len().cast(nw.Int64).alias("items"),
        nw.col("order_id").n_unique().cast(nw.Int64).alias("orders"),
        nw.col(SHARE).sum().alias(SHARE),
        nw.col("reordered").cast(nw.Int64).sum().alias("reordered_items"),
        days.count().cast(nw.Int64).alias("known_days"),
        days.fill_null(0).sum().alias("sum_days"),
    )


def daily_customer_department(shared: Frame, products: Frame) -> Frame:
    """Sum items by order date, customer and department. Key: (date, user_id, department)."""
    return (
        shared.join(products.select("product_id", "department"), "product_id")
        .group_by("date", "user_id", "department")
        .agg(
            nw.len().cast(nw.Int64).alias("items"),
            nw.col("order_id").n_unique().cast(nw.Int64).alias("orders"),
            nw.col(SHARE).sum().alias(SHARE),
        )
    )
