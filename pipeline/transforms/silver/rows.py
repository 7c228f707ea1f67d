"""Silver rows as they are written: derived columns, and which products are active."""

from datetime import datetime

import narwhals.stable.v2 as nw

from pipeline.contracts.entities import ORDERS, PRODUCTS
from pipeline.contracts.layers import LINEAGE
from pipeline.contracts.model import Entity
from pipeline.portable import Frame
from pipeline.transforms.silver.arrival import CHANGE, INSERT, UPDATE

_IS_LISTED = "is_listed"


def changed_rows(changes: Frame) -> Frame:
    """Return the rows that silver gains or changes by."""
    return changes.filter(nw.col(CHANGE).is_in([INSERT, UPDATE]))


def with_derived(rows: Frame, entity: Entity) -> Frame:
    """Add the columns that silver derives from a row alone.

    Orders: day_of_week (ISO, 1 is Monday) and hour_of_day, both of order_timestamp in UTC.
    """
    if entity is ORDERS:
        placed = nw.col("order_timestamp").dt
        # Sunday is 7 on Polars and 0 on Spark.
        weekday = (placed.weekday().cast(nw.Int32) + 6) % 7 + 1
        return rows.with_columns(
            weekday.cast(nw.Int32).alias("day_of_week"),
            placed.hour().cast(nw.Int32).alias("hour_of_day"),
        )
    return rows


def listed_keys(valid: Frame, catalogue_file: str) -> Frame:
    """Return the product_ids of which one catalogue file of the batch has a valid row."""
    in_file = nw.col("source_file") == nw.lit(catalogue_file)
    return valid.filter(in_file).select(PRODUCTS.key).unique()


def turned(silver: Frame, listed: Frame) -> Frame:
    """Count the known products that appear in the catalogue again, or do not any more.

    Grain: one row per earlier `is_active`, with `rows`.
    """
    turned_products = _with_listing(silver, listed).filter(
        nw.col(_IS_LISTED) != nw.col("is_active")
    )
    return turned_products.group_by("is_active").agg(nw.len().cast(nw.Int64).alias("rows"))


def _with_listing(rows: Frame, listed: Frame) -> Frame:
    """Say of each row whether its product is listed."""
    marked = listed.with_columns(nw.lit(value=True).alias(_IS_LISTED))
    return rows.join(marked, PRODUCTS.key, "left").with_columns(
        nw.col(_IS_LISTED).fill_null(nw.lit(value=False))
    )


def product_changes(changes: Frame, silver: Frame, listed: Frame, run_time: datetime) -> Frame:
    """Return every product row that silver must write after a catalogue came in.

    Args:
        changes: The batch's latest rows with their `change`.
        silver: silver.products before the run.
        listed: product_ids that the latest catalogue lists.
        run_time: Time of the run, UTC.

    Returns:
        One row per product that is new, has another content, or was active and is not any more or
        the reverse; with `change`, is_active and last_updated_timestamp. Key: product_id.
    """
    is_listed = nw.col(_IS_LISTED)
    columns = [*PRODUCTS.column_names, *(c.name for c in LINEAGE), "is_active", CHANGE]
    content = changed_rows(changes)
    others = silver.join(content.select(PRODUCTS.key), PRODUCTS.key, "anti")
    by_content = _with_listing(content, listed).with_columns(is_listed.alias("is_active"))
    by_activity = (
        _with_listing(others, listed)
        .filter(is_listed != nw.col("is_active"))
        .with_columns(is_listed.alias("is_active"), nw.lit(UPDATE).alias(CHANGE))
    )
    return nw.concat([by_content.select(columns), by_activity.select(columns)]).with_columns(
        nw.lit(run_time, nw.Datetime("us", "UTC")).alias("last_updated_timestamp")
    )
