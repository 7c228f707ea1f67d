"""Gold rows computed again from their silver rows, one by one, so that every cent can be followed.

The arithmetic is written out here once more, and not taken from the transforms: a figure that
agrees has been computed twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS, Table, silver
from pipeline.contracts.meta import RUNS
from pipeline.engine import Engine
from pipeline.errors import CallError
from simulator.explain.model import Figure, FileShare, GoldExplained, Part, Parts, Place, Value

_LINEAGE = ("source_file", "source_row", "batch_id")
_NEAR = 3
Record = dict[str, Any]


@dataclass(frozen=True)
class _Silver:
    """The silver tables as lazy frames: money in cents."""

    orders: pl.LazyFrame
    items: pl.LazyFrame
    products: pl.LazyFrame


def explain_gold(engine: Engine, table: Table, key: Value, limit: int) -> GoldExplained:
    """Explain a gold row.

    Args:
        engine: The lake.
        table: Its gold table.
        key: Value of its key.
        limit: The most silver rows and files to return; 0 for all.

    Raises:
        CallError: There is no such row.
    """
    name = table.key[0]
    found = _native(engine, table).filter(pl.col(name) == pl.lit(key)).collect().to_dicts()
    if not found:
        msg = f"{table.layer}.{table.name} has no row with {name}={key}."
        raise CallError(msg, f"`lakehouse show {table.name} --lake DIR` lists them.")
    source = _Silver(*(_native(engine, silver(each)) for each in (ORDERS, ORDER_ITEMS, PRODUCTS)))
    row = found[0]
    match table.name:
        case "daily_sales":
            again, parts, decisions = _day(source, row["date"], limit)
        case "product_performance":
            again, parts, decisions = _product(source, row["product_id"], limit)
        case "department_analytics":
            again, parts, decisions = _department(source, row["department"], limit)
        case _:
            again, parts, decisions = _customer(source, row["user_id"], _as_of(engine), limit)
    return GoldExplained(
        table=f"{table.layer}.{table.name}",
        key={name: row[name]},
        figures=[
            Figure(column, _shown(table, column, row[column]), _shown(table, column, value), how)
            for column, (value, how) in again.items()
        ],
        parts=parts,
        decisions=decisions,
    )


_Again = dict[str, tuple[Any, str]]
_Explained = tuple[_Again, Parts, list[str]]


def _day(source: _Silver, day: date, limit: int) -> _Explained:
    orders = source.orders.filter(pl.col("date") == day)
    sums = _one(
        orders.select(
            pl.col("total_amount").sum().alias("cents"),
            pl.len().alias("orders"),
            pl.col("user_id").n_unique().alias("users"),
        )
    )
    ids = orders.select("order_id")
    items = _one(source.items.join(ids, on="order_id", how="semi").select(pl.len().alias("n")))["n"]
    cents, count = sums["cents"], sums["orders"]
    again: _Again = {
        "total_sales": (cents, f"sum of total_amount of {count:,} orders"),
        "order_count": (count, "orders of the date"),
        "avg_order_value": (_half_up(cents, count), f"{_money(cents):,} / {count:,}"),
        "unique_customers": (sums["users"], "different user_id of these orders"),
        "total_items": (items, "silver.order_items of these orders, whatever their own date"),
        "avg_items_per_order": (_half_up(items * 100, count), f"{items:,} / {count:,}"),
    }
    return again, _order_parts(orders, limit), []


def _customer(source: _Silver, user: int, as_of: date | None, limit: int) -> _Explained:
    orders = source.orders.filter(pl.col("user_id") == user)
    sums = _one(
        orders.select(
            pl.col("total_amount").sum().alias("cents"),
            pl.len().alias("orders"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
        )
    )
    cents, count, last = sums["cents"], sums["orders"], sums["last"]
    ids = orders.select("order_id")
    items = source.items.join(ids, on="order_id", how="semi").select("product_id")
    bought = items.join(source.products, on="product_id")
    departments = _ranking(bought, "department")
    products = _ranking(bought, "product_id")
    days = max(0, (as_of - last).days) if as_of is not None else None
    segment, rule = _segment(count, days or 0)
    again: _Again = {
        "total_orders": (count, "orders of the customer"),
        "total_spend": (cents, f"sum of total_amount of {count:,} orders"),
        "avg_order_value": (_half_up(cents, count), f"{_money(cents):,} / {count:,}"),
        "first_order_date": (sums["first"], "least date of these orders"),
        "last_order_date": (last, "greatest date of these orders"),
        "days_since_last_order": (days, f"as_of {as_of} less {last}, at least 0"),
        "favorite_department": (_first(departments), _most("department", departments)),
        "favorite_product_id": (_first(products), _most("product", products)),
        "customer_segment": (segment, rule),
    }
    decisions = [
        f"as_of is {as_of}, as the latest run had it.",
        *_tie("departments", departments, "the first by the bytes of its name"),
        *_tie("products", products, "the lowest product_id"),
    ]
    return again, _order_parts(orders, limit), decisions


def _product(source: _Silver, product: int, limit: int) -> _Explained:
    listed = _one(source.products.filter(pl.col("product_id") == product))
    items = _shares(source, source.items.filter(pl.col("product_id") == product))
    sums = _one(
        items.select(
            pl.len().alias("items"),
            pl.col("order_id").n_unique().alias("orders"),
            pl.col("share").sum().alias("cents"),
            pl.col("reordered").cast(pl.Int64).sum().alias("reordered"),
            pl.col("days_since_prior_order").count().alias("known"),
            pl.col("days_since_prior_order").sum().alias("days"),
        )
    )
    count, again_bought, known, days = (
        sums["items"],
        sums["reordered"],
        sums["known"],
        sums["days"],
    )
    place = f"silver.products, {listed['source_file']}:{listed['source_row']}"
    again: _Again = {
        "department": (listed["department"], place),
        "product_name": (listed["product_name"], place),
        "total_quantity": (count, "silver.order_items of the product"),
        "total_sales": (sums["cents"], f"sum of the shares of {count:,} items"),
        "order_count": (sums["orders"], "different order_id of these items"),
        "reorder_rate": (
            _half_up(again_bought * 10_000, count),
            f"{again_bought:,} reordered / {count:,}",
        ),
        "avg_days_between_orders": (
            _half_up(days * 100, known),
            f"{days:,} days / {known:,} items that know them",
        ),
    }
    return again, _item_parts(items, limit), [_SHARING]


def _department(source: _Silver, department: str, limit: int) -> _Explained:
    products = source.products.filter(pl.col("department") == department)
    ids = products.select("product_id")
    items = _shares(source, source.items.join(ids, on="product_id", how="semi"))
    active = _one(products.select(pl.col("is_active").cast(pl.Int64).sum().alias("n")))["n"]
    sums = _one(
        items.select(
            pl.len().alias("items"),
            pl.col("order_id").n_unique().alias("orders"),
            pl.col("user_id").n_unique().alias("users"),
            pl.col("share").sum().alias("cents"),
        )
    )
    cents, orders = sums["cents"], sums["orders"]
    again: _Again = {
        "total_sales": (cents, f"sum of the shares of {sums['items']:,} items"),
        "product_count": (active, "active products of the department"),
        "order_count": (orders, "different orders with one of these items"),
        "customer_count": (sums["users"], "different user_id of those orders"),
        "avg_order_value": (_half_up(cents, orders), f"{_money(cents):,} / {orders:,}"),
    }
    return again, _item_parts(items, limit), [_SHARING]


# --- Shares and parts ----------------------------------------------------------------------------

_SHARING = (
    "An order's total is shared equally among its silver items, in cents; the cents left over go "
    "one each to its first items by (add_to_cart_order, id)."
)


def _shares(source: _Silver, wanted: pl.LazyFrame) -> pl.LazyFrame:
    """Return items with their order's date, user and total, and their own share of it."""
    of_orders = source.items.join(wanted.select("order_id").unique(), on="order_id", how="semi")
    ranked = (
        of_orders.sort("order_id", "add_to_cart_order", "id")
        .with_columns(
            pl.int_range(pl.len()).over("order_id").alias("before"),
            pl.len().over("order_id").alias("of"),
        )
        .join(wanted.select("id"), on="id", how="semi")
        .drop("date", "user_id")
    )
    order = source.orders.select("order_id", "date", "user_id", "total_amount")
    extra = pl.col("before") < pl.col("total_amount") % pl.col("of")
    share = pl.col("total_amount") // pl.col("of") + extra.cast(pl.Int64)
    return ranked.join(order, on="order_id").with_columns(share.alias("share"))


def _order_parts(orders: pl.LazyFrame, limit: int) -> Parts:
    shown = orders.sort("date", "order_id")
    rows = (shown.head(limit) if limit else shown).collect().to_dicts()
    parts = [
        Part(
            {name: row[name] for name in ("order_id", "date", "user_id")},
            _money(row["total_amount"]),
            _place(row),
        )
        for row in rows
    ]
    return _parts("silver.orders", "total_amount", orders, "total_amount", parts, limit)


def _item_parts(items: pl.LazyFrame, limit: int) -> Parts:
    shown = items.sort("date", "order_id", "id")
    rows = (shown.head(limit) if limit else shown).collect().to_dicts()
    parts = [
        Part(
            {
                **{name: row[name] for name in ("id", "order_id", "date", "product_id")},
                "order_total": _money(row["total_amount"]),
                "item": f"{row['before'] + 1} of {row['of']}",
            },
            _money(row["share"]),
            _place(row),
        )
        for row in rows
    ]
    return _parts("silver.order_items", "share of the order's total", items, "share", parts, limit)


def _parts(  # noqa: PLR0917 - its two callers stand above
    table: str, measure: str, frame: pl.LazyFrame, column: str, rows: list[Part], limit: int
) -> Parts:
    amount = pl.col(column)
    sums = _one(frame.select(amount.sum().alias("cents"), pl.len().alias("rows")))
    files = (
        frame.group_by("source_file", "batch_id")
        .agg(pl.len().alias("rows"), amount.sum().alias("cents"))
        .sort("batch_id", "source_file")
        .collect()
        .to_dicts()
    )
    kept = files[:limit] if limit else files
    return Parts(
        table=table,
        measure=measure,
        rows=rows,
        count=sums["rows"],
        total=_money(sums["cents"]),
        files=[
            FileShare(f["source_file"], f["batch_id"], f["rows"], _money(f["cents"])) for f in kept
        ],
        file_count=len(files),
    )


# --- Rules ---------------------------------------------------------------------------------------


def _segment(orders: int, days: int) -> tuple[str, str]:
    """Return a customer's segment and the rule that decided."""
    rules = (
        ("Loyal", orders > 10, f"{orders} orders are more than 10"),  # noqa: PLR2004 - the rule
        (
            "Active",
            orders > 5 and days <= 30,  # noqa: PLR2004 - the rule
            f"{orders} orders are more than 5, and {days} days at most 30",
        ),
        (
            "Regular",
            orders > 1 and days <= 90,  # noqa: PLR2004 - the rule
            f"{orders} orders are more than 1, and {days} days at most 90",
        ),
        ("Lapsed", days > 90, f"{days} days are more than 90"),  # noqa: PLR2004 - the rule
    )
    for name, holds, why in rules:
        if holds:
            return name, why
    return "New", f"{orders} order, {days} days ago: no other segment's rule holds"


def _ranking(bought: pl.LazyFrame, column: str) -> list[tuple[Any, int]]:
    """Return the values of a column by number of items, then by value; the first of them."""
    found = bought.group_by(column).agg(pl.len().alias("items")).collect().to_dicts()
    # Text is compared by its bytes, as numbers are by their size.
    order = sorted(
        found,
        key=lambda r: (-r["items"], r[column].encode() if column == "department" else r[column]),
    )
    return [(row[column], row["items"]) for row in order[:_NEAR]]


def _first(ranking: Sequence[tuple[Any, int]]) -> Any:
    return ranking[0][0] if ranking else None


def _most(noun: str, ranking: Sequence[tuple[Any, int]]) -> str:
    if not ranking:
        return "no items"
    told = ", ".join(f"{value} {items:,}" for value, items in ranking)
    return f"{noun} with most items: {told}"


def _tie(nouns: str, ranking: Sequence[tuple[Any, int]], rule: str) -> list[str]:
    if len(ranking) < 2 or ranking[0][1] != ranking[1][1]:  # noqa: PLR2004 - a tie has two
        return []
    return [f"Several {nouns} have {ranking[0][1]:,} items: {rule} is the favourite."]


def _as_of(engine: Engine) -> date | None:
    runs = _native(engine, RUNS).sort("started_at").tail(1).collect().to_dicts()
    return runs[0]["as_of"] if runs else None


# --- Small things --------------------------------------------------------------------------------


def _native(engine: Engine, table: Table) -> pl.LazyFrame:
    frame = engine.read(table).to_native()
    return frame if isinstance(frame, pl.LazyFrame) else pl.LazyFrame(frame)


def _one(frame: pl.LazyFrame) -> Record:
    return frame.collect().to_dicts()[0]


def _half_up(dividend: int, divisor: int) -> int | None:
    """Return a quotient of whole numbers from 0, a half rounded up; None where none can be."""
    return (2 * dividend + divisor) // (2 * divisor) if divisor else None


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _place(row: Record) -> Place:
    return Place(*(row[name] for name in _LINEAGE))


def _shown(table: Table, column: str, value: Any) -> Value:
    """Return a value as it is at rest: decimals as decimals."""
    kind = next(each.type for each in table.columns if each.name == column)
    if value is None or not kind.is_decimal:
        return value  # type: ignore[no-any-return]  # rows are untyped
    return Decimal(value).scaleb(-kind.scale)
