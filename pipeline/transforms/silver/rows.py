"""Silver rows as they are written: derived columns, and which products are active."""

from datetime import datetime

import narwhals.stable.v2 as nw

from pipeline.contracts.entities import ORDERS, PRODUCTS
from pipeline.contracts.layers import LINEAGE
from pipeline.contracts.model import Entity
from pipeline.portable import Frame
from pipeline.transforms.silver.arrival import CHANGE, INSERT, UPDATE


def changed_rows(changes: Frame) -> Frame:
    """Return the rows that silver gains or changes by."""
    return changes.filter(nw.col(CHANGE).is_in([INSERT, UPDATE]))


def with_derived(rows: Frame, entity: Entity) -> Frame:
    """Add the columns that silver derives from a row alone.

    Orders: day_of_week (ISO, 1 is Monday) and hour_of_day, both of order_timestamp in UTC.
    """
    if entity is ORDERS:
        placed = nw.col("order_timestamp").dt
        return rows.with_columns(
            placed.weekday().cast(nw.Int32).alias("day_of_week"),
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
    listed = listed.with_columns(nw.lit(value=True).alias("listed"))
    is_listed = nw.col("listed").fill_null(nw.lit(value=False))
    return (
        silver.join(listed, PRODUCTS.key, "left")
        .filter(is_listed != nw.col("is_active"))
        .group_by("is_active")
        .agg(nw.len().alias("rows"))
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
    listed = listed.with_columns(nw.lit(value=True).alias("listed"))
    is_listed = nw.col("listed").fill_null(nw.lit(value=False))
    columns = [*PRODUCTS.column_names, *(c.name for c in LINEAGE), "is_active", CHANGE]
    content = changed_rows(changes)
    by_content = (
        content.join(listed, PRODUCTS.key, "left").with_columns(is_listed.alias("is_active"))
    ).select(columns)
    by_activity = (
        silver.join(content.select(PRODUCTS.key), PRODUCTS.key, "anti")
        .join(listed, PRODUCTS.key, "left")
        .filter(is_listed != nw.col("is_active"))
        .with_columns(is_listed.alias("is_active"), nw.lit(UPDATE).alias(CHANGE))
    ).select(columns)
    return nw.concat([by_content, by_activity]).with_columns(
        nw.lit(run_time, nw.Datetime("us", "UTC")).alias("last_updated_timestamp")
    )
