"""The gold tables that are summed: sales by day, by product and by department."""

from datetime import datetime

import narwhals.stable.v2 as nw

from pipeline.portable import Frame
from pipeline.transforms.arithmetic import divide_half_up


def stamped(frame: Frame, run_time: datetime) -> Frame:
    """Add last_updated_timestamp, the run's own time in UTC."""
    return frame.with_columns(
        nw.lit(run_time, nw.Datetime("us", "UTC")).alias("last_updated_timestamp")
    )


def daily_sales(orders: Frame, daily_products: Frame) -> Frame:
    """Sum orders by their date; gold.daily_sales without the run's time.

    Args:
        orders: Rows of silver.orders of whole dates.
        daily_products: interim.daily_product of the same dates, which counts their items.

    Returns:
        One row per date, money in cents, avg_items_per_order in hundredths. Key: date.
    """
    of_orders = orders.group_by("date").agg(
        nw.col("total_amount").sum().alias("total_sales"),
        nw.len().cast(nw.Int64).alias("order_count"),
        nw.col("user_id").n_unique().cast(nw.Int64).alias("unique_customers"),
    )
    of_items = daily_products.group_by("date").agg(nw.col("items").sum().alias("total_items"))
    count = nw.col("order_count")
    return (
        of_orders.join(of_items, "date", "left")
        .with_columns(nw.col("total_items").fill_null(0))
        .with_columns(
            divide_half_up(nw.col("total_sales"), count).alias("avg_order_value"),
            divide_half_up(nw.col("total_items"), count, scale=2).alias("avg_items_per_order"),
        )
    )


def product_performance(products: Frame, daily_products: Frame) -> Frame:
    """Sum items by product; gold.product_performance without the run's time.

    Args:
        products: silver.products.
        daily_products: interim.daily_product of all dates.

    Returns:
        One row per silver product, sold or not: money in cents, reorder_rate in ten-thousandths and
        null without items, avg_days_between_orders in hundredths and null if no days are known.
        Key: product_id.
    """
    sums = ["items", "orders", "revenue_cents", "reordered_items", "known_days", "sum_days"]
    sold = daily_products.group_by("product_id").agg(*(nw.col(name).sum() for name in sums))
    every = products.select("product_id", "department", "product_name").join(
        sold, "product_id", "left"
    )
    return every.with_columns(*(nw.col(name).fill_null(0) for name in sums)).with_columns(
        nw.col("items").alias("total_quantity"),
        nw.col("revenue_cents").alias("total_sales"),
        nw.col("orders").alias("order_count"),
        divide_half_up(nw.col("reordered_items"), nw.col("items"), scale=4).alias("reorder_rate"),
        divide_half_up(nw.col("sum_days"), nw.col("known_days"), scale=2).alias(
            "avg_days_between_orders"
        ),
    )


def department_analytics(products: Frame, daily_departments: Frame) -> Frame:
    """Sum items by department; gold.department_analytics without the run's time.

    Args:
        products: silver.products.
        daily_departments: interim.daily_customer_department of all dates.

    Returns:
        One row per department of silver.products, money in cents, avg_order_value null without
        orders. Key: department.
    """
    listed = products.group_by("department").agg(
        nw.col("is_active").cast(nw.Int64).sum().alias("product_count")
    )
    bought = daily_departments.group_by("department").agg(
        nw.col("revenue_cents").sum().alias("total_sales"),
        nw.col("orders").sum().alias("order_count"),
        nw.col("user_id").n_unique().cast(nw.Int64).alias("customer_count"),
    )
    counts = ["total_sales", "order_count", "customer_count"]
    return (
        listed.join(bought, "department", "left")
        .with_columns(*(nw.col(name).fill_null(0) for name in counts))
        .with_columns(
            divide_half_up(nw.col("total_sales"), nw.col("order_count")).alias("avg_order_value")
        )
    )
