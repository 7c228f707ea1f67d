"""Gold computed from silver by another route than that of the transforms.

The transforms number an order's items by sorting them, sum them by day, and sum the days. Here
orders are counted first and not sorted: a cart whose places are 1 to n, as nearly every one's are,
numbers its items itself. Distinct orders and customers are rows of sets of pairs, favourites the
greatest of counted pairs. No daily aggregate is a source, no function of the transforms is used.
"""

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from pipeline.portable import Frame

_COUNT = nw.len().cast(nw.Int64)
# Up to here sums of powers of two are exact in every engine's arithmetic.
_MOST_PLACES = 46
ITEMS, SHARE, PLACE, NUMBERED = "items", "share", "place", "is_numbered"


def counted_orders(orders: Frame, items: Frame) -> Frame:
    """Count the items of each order.

    Args:
        orders: Rows of silver.orders.
        items: Rows of silver.order_items, at least all of these orders.

    Returns:
        One row per order: order_id, date, user_id, total_amount in cents, `items`, and
        `is_numbered`: whether the places in its cart are 1 to n, each once. Key: order_id.
    """
    place = nw.col("add_to_cart_order")
    exponent = nw.when(place <= _MOST_PLACES).then(place).otherwise(0).cast(nw.Int64)
    counts = items.group_by("order_id").agg(
        _COUNT.alias(ITEMS),
        place.max().alias("last"),
        (nw.lit(2.0) ** exponent).sum().alias("mask"),
    )
    # n powers of two add up to 2 + 4 + ... + 2^n only when they are those, each once.
    last = nw.when(nw.col("last") <= _MOST_PLACES).then(nw.col("last")).otherwise(0)
    all_places = nw.lit(2.0) ** (last + 1).cast(nw.Int64) - 2
    is_numbered = (
        (nw.col("last") == nw.col(ITEMS))
        & (nw.col(ITEMS) <= _MOST_PLACES)
        & (nw.col("mask") == all_places)
    )
    return (
        orders.select("order_id", "date", "user_id", "total_amount")
        .join(counts, "order_id", "left")
        .with_columns(
            nw.col(ITEMS).fill_null(0),
            is_numbered.fill_null(nw.lit(value=True)).alias(NUMBERED),
        )
        .drop("last", "mask")
    )


def sold_items(counted: Frame, items: Frame, *, all_numbered: bool) -> Frame:
    """Give every item its share of its order's total.

    Args:
        counted: Orders as `counted_orders` gives them.
        items: Rows of silver.order_items; those of other orders are passed over.
        all_numbered: Whether `is_numbered` holds for all of these orders.

    Returns:
        One row per item: order_id, date and user_id of the order, product_id, reordered,
        days_since_prior_order, `share` in cents. Key: none kept.
    """
    joined = items.select(
        "id",
        "order_id",
        "product_id",
        "add_to_cart_order",
        "reordered",
        "days_since_prior_order",
    ).join(counted, "order_id")
    numbered = joined.with_columns(nw.col("add_to_cart_order").alias(PLACE))
    if not all_numbered:
        others = joined.filter(~nw.col(NUMBERED)).with_columns(
            nw.col("id")
            .cum_count()
            .over("order_id", order_by=["add_to_cart_order", "id"])
            .cast(nw.Int64)
            .alias(PLACE)
        )
        numbered = nw.concat([numbered.filter(nw.col(NUMBERED)), others])
    total, count = nw.col("total_amount"), nw.col(ITEMS)
    # Of n shares those that come first are the greater ones: (T + n - place) // n.
    share = (total + count - nw.col(PLACE)) // count
    return numbered.select(
        "order_id",
        "date",
        "user_id",
        "product_id",
        nw.col("reordered").cast(nw.Int64).alias("reordered"),
        "days_since_prior_order",
        share.alias(SHARE),
    )


def sums_by(sold: Frame, *keys: str) -> Frame:
    """Sum what can be summed: items, share, reordered, known_days, sum_days. Key: `keys`."""
    days = nw.col("days_since_prior_order")
    return sold.group_by(*keys).agg(
        _COUNT.alias(ITEMS),
        nw.col(SHARE).sum().alias(SHARE),
        nw.col("reordered").sum().alias("reordered"),
        days.count().cast(nw.Int64).alias("known_days"),
        days.fill_null(0).sum().alias("sum_days"),
    )


def pairs(
    rows: Frame, left: str, right: str, *, packable: int | None, summed: Sequence[str] = ()
) -> Frame:
    """Count how often each pair of values occurs.

    Args:
        rows: Rows with both columns, integers of at least 0, without nulls.
        left: One column.
        right: The other.
        packable: A number above every value of `right` with which a pair fits one integer; None
            when there is none.
        summed: Further columns, which are summed.

    Returns:
        One row per pair that occurs: both columns, `times` and the sums. Key: the pair.
    """
    figures = (_COUNT.alias("times"), *(nw.col(name).sum() for name in summed))
    if packable is None:
        return rows.group_by(left, right).agg(*figures)
    packed = (nw.col(left) * packable + nw.col(right)).alias("pair")
    counted = rows.select(packed, *summed).group_by("pair").agg(*figures)
    return counted.select(
        (nw.col("pair") // packable).alias(left),
        (nw.col("pair") % packable).alias(right),
        "times",
        *summed,
    )


def most_often(counted: Frame, by: str, value: str) -> Frame:
    """Find each group's value that occurs most often; of several the lowest. Key: `by`."""
    most = counted.group_by(by).agg(nw.col("times").max())
    return counted.join(most, [by, "times"]).group_by(by).agg(nw.col(value).min())


def numbered_departments(products: Frame) -> Frame:
    """Number the departments by the bytes of their names, from 0. Key: department."""
    return (
        products.select("department")
        .unique()
        .with_row_index("department_no", order_by="department")
        .with_columns(nw.col("department_no").cast(nw.Int64))
    )


def customers_of(orders: Frame) -> Frame:
    """Sum orders by customer: total_orders, total_spend, first and last date. Key: user_id."""
    return orders.group_by("user_id").agg(
        _COUNT.alias("total_orders"),
        nw.col("total_amount").sum().alias("total_spend"),
        nw.col("date").min().alias("first_order_date"),
        nw.col("date").max().alias("last_order_date"),
    )


def days_of(counted: Frame) -> Frame:
    """Sum orders by date: total_sales, order_count, unique_customers, total_items. Key: date."""
    return counted.group_by("date").agg(
        nw.col("total_amount").sum().alias("total_sales"),
        _COUNT.alias("order_count"),
        nw.col("user_id").n_unique().cast(nw.Int64).alias("unique_customers"),
        nw.col(ITEMS).sum().alias("total_items"),
    )


def filled(frame: Frame, names: Sequence[str]) -> Frame:
    """Put 0 where a sum of nothing is null."""
    return frame.with_columns(nw.col(name).fill_null(0) for name in names)
