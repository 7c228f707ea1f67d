"""The lakehouse of one shop as a plain Polars and delta-rs script, without the pipeline.

What the pipeline's speed and memory are measured against: one fixed job, a fresh lake, clean files
in the usual spelling. Its gold is the pipeline's, to the last digit.

    python -m benchmarks.by_hand LANDING LAKE
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
from deltalake import DeltaTable, WriterProperties

from benchmarks.job import COLUMNS, DECIMALS, KEYS, LINEAGE, SEGMENT, Seconds, perform

FIRST_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_TIME: Final = datetime(2100, 1, 1, tzinfo=UTC)
WRITER: Final = WriterProperties(
    compression="ZSTD", compression_level=1, max_row_group_size=1 << 18
)
# Polars reads ahead in every scan of a concat at once: this bounds the text in memory.
FILES_PER_APPEND: Final = 6


class Lake:
    """A folder of Delta tables, and the time of the run that fills it."""

    def __init__(self, root: Path, now: datetime) -> None:
        self.root = root
        self.now = pl.lit(now, pl.Datetime("us", "UTC"))

    def scan(self, table: str) -> pl.LazyFrame:
        """Read a table, e.g. `silver/orders`."""
        return pl.scan_delta(str(self.root / table))

    def append(self, table: str, rows: pl.LazyFrame, partition_by: str | None = None) -> None:
        """Stream rows into a table, which is made if there is none."""
        options = {"partition_by": partition_by, "writer_properties": WRITER}
        rows.sink_delta(str(self.root / table), mode="append", delta_write_options=options)


# --- Bronze: text as received --------------------------------------------------------------------


def load(lake: Lake, landing: Path, entity: str) -> None:
    """Append an entity's files to bronze, every column as text."""
    files = sorted((landing / entity).rglob("*.csv"), key=bytes)
    for start in range(0, len(files), FILES_PER_APPEND):
        group = files[start : start + FILES_PER_APPEND]
        rows = pl.concat(_numbered(file, landing) for file in group).select(
            *COLUMNS[entity],
            "source_file",
            pl.col("source_row").cast(pl.Int64),
            batch_id=pl.lit(1, pl.Int64),
            ingestion_timestamp=lake.now,
            ingestion_date=lake.now.dt.date(),
        )
        lake.append(f"bronze/{entity}", rows, "ingestion_date")


def _numbered(file: Path, landing: Path) -> pl.LazyFrame:
    rows = pl.scan_csv(file, infer_schema=False, row_index_name="source_row", row_index_offset=1)
    return rows.with_columns(source_file=pl.lit(file.relative_to(landing).as_posix()))


# --- Silver: typed, valid, one row per key -------------------------------------------------------


def refine(
    lake: Lake,
    entity: str,
    *,
    derived: Sequence[pl.Expr],
    references: Mapping[str, str],
    partition_by: str | None = None,
) -> None:
    """Type and check bronze; what is valid goes to silver, the rest to quarantine.

    `references` names silver tables by the column that refers to theirs of the same name.
    """
    bronze = lake.scan(f"bronze/{entity}")
    raw = {column: f"raw_{column}" for column in COLUMNS[entity]}
    parsed = bronze.rename(raw).with_columns(_typed(c, pl.col(raw[c])).alias(c) for c in raw)
    problems = {code: problem for c in raw for code, problem in _problems(c, pl.col(raw[c]))}
    sound = pl.all_horizontal(~problem.fill_null(value=False) for problem in problems.values())

    valid = parsed.filter(sound).select(*COLUMNS[entity], *derived, *LINEAGE)
    for column, table in references.items():
        valid = valid.join(lake.scan(table), column, "semi")
    lake.append(f"silver/{entity}", _latest(valid, bronze, KEYS[entity]), partition_by)
    read, kept = (DeltaTable(lake.root / layer / entity).count() for layer in ("bronze", "silver"))
    if kept == read:
        return

    checked = parsed.with_columns(sound.alias("sound"))
    for column, table in references.items():
        known = lake.scan(table).select(column, pl.lit(value=True).alias(f"{column}_known"))
        checked = checked.join(known, column, "left")
        unknown = pl.col("sound") & pl.col(f"{column}_known").is_null()
        problems[f"{column}:unknown_reference"] = unknown
    reasons = [pl.when(problems[code]).then(pl.lit(code)) for code in sorted(problems)]
    rejected = checked.select(
        *(pl.col(text).alias(column) for column, text in raw.items()),
        *LINEAGE,
        reasons=pl.concat_str(reasons, separator=";", ignore_nulls=True),
    )
    lake.append(f"quarantine/{entity}", rejected.filter(pl.col("reasons") != ""))


def _typed(column: str, text: pl.Expr) -> pl.Expr:
    match column:
        case "product_name":
            return text.str.strip_chars().replace("", None)
        case "department":
            name = text.str.replace_all(r"\s+", " ").str.strip_chars().replace("", None)
            return name.str.to_uppercase()
        case "date":
            return text.str.to_date("%Y-%m-%d", strict=False)
        case "order_timestamp":
            instant = text.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
            return instant.dt.replace_time_zone("UTC")
        case "total_amount":  # A cast alone would cut off further decimals.
            exact = text.str.contains(r"^-?\d{1,8}(\.\d{1,2})?$")
            return pl.when(exact).then(text).cast(pl.Decimal(10, 2), strict=False)
        case "reordered":
            return pl.when(text.is_in(["0", "1"])).then(text).cast(pl.Int32, strict=False)
        case _:
            return text.cast(pl.Int64, strict=False)


def _problems(column: str, text: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    """Yield reason codes with their conditions; a condition that is null does not hold."""
    value = pl.col(column)
    yield f"{column}:malformed", value.is_null() & text.is_not_null()
    if column != "days_since_prior_order":
        yield f"{column}:missing", text.is_null()
    match column:
        case "department" | "product_name" | "reordered":
            return
        case "date":
            yield f"{column}:inconsistent", value != pl.col("order_timestamp").dt.date()
        case "order_timestamp":
            yield f"{column}:out_of_range", (value < FIRST_INSTANT) | (value >= END_OF_TIME)
        case "days_since_prior_order":
            yield f"{column}:out_of_range", ~value.is_between(0, 3650)
        case "order_num" | "total_amount":
            yield f"{column}:out_of_range", value < 0
        case _:
            yield f"{column}:out_of_range", value < 1


def _latest(valid: pl.LazyFrame, bronze: pl.LazyFrame, key: str) -> pl.LazyFrame:
    """Keep the last valid row of each key; only keys that repeat are held in memory."""
    keys = bronze.select(pl.col(key).cast(pl.Int64, strict=False))
    repeated = keys.group_by(key).len().filter(pl.col("len") > 1).select(key).collect().lazy()
    if repeated.collect().is_empty():
        return valid
    rows = valid.join(repeated, key, "semi").collect().sort("source_file", "source_row")
    latest = rows.unique(key, keep="last", maintain_order=True)
    return pl.concat([valid.join(repeated, key, "anti"), latest.lazy()])


# --- Gold: four tables, whole numbers (cents, hundredths) until they are written -----------------


def share_revenue(lake: Lake) -> pl.LazyFrame:
    """Share each order's total among its items: one row per item, with its cents.

    The cents left over go one each to the order's first items by (add_to_cart_order, id).
    """
    items = lake.scan("silver/order_items").select(
        "order_id", "product_id", "add_to_cart_order", "id", "reordered", "days_since_prior_order"
    )
    placed = items.sort("order_id", "add_to_cart_order", "id").with_row_index("row")
    counted = placed.group_by("order_id").agg(
        items=pl.len().cast(pl.Int64), first_row=pl.col("row").min()
    )
    orders = lake.scan("silver/orders").select("order_id", "date", "user_id", cents=_cents())
    products = lake.scan("silver/products").select("product_id", "department")
    place, left_over = pl.col("row") - pl.col("first_row"), pl.col("cents") % pl.col("items")
    return (
        placed.join(orders.join(counted, "order_id"), "order_id")
        .join(products, "product_id")
        .with_columns(cents=pl.col("cents") // pl.col("items") + (place < left_over))
        .drop("add_to_cart_order", "id", "row", "first_row", "items")
        .collect(engine="streaming")
        .lazy()
    )


def daily_sales(lake: Lake, shared: pl.LazyFrame) -> pl.LazyFrame:
    """Sum orders by date."""
    of_orders = (
        lake.scan("silver/orders")
        .group_by("date")
        .agg(
            total_sales=_cents().sum(),
            order_count=pl.len(),
            unique_customers=pl.col("user_id").n_unique(),
        )
    )
    of_items = shared.group_by("date").agg(total_items=pl.len())
    return (
        of_orders.join(of_items, "date", "left")
        .with_columns(pl.col("total_items").fill_null(0))
        .with_columns(
            avg_order_value=_ratio("total_sales", "order_count"),
            avg_items_per_order=_ratio("total_items", "order_count", scale=2),
        )
    )


def product_performance(lake: Lake, shared: pl.LazyFrame) -> pl.LazyFrame:
    """Sum items by product, sold or not."""
    days = pl.col("days_since_prior_order")
    sold = shared.group_by("product_id").agg(
        total_quantity=pl.len(),
        total_sales=pl.col("cents").sum(),
        order_count=pl.col("order_id").n_unique(),
        reordered=pl.col("reordered").sum(),
        known_days=days.count(),
        days=days.sum(),
    )
    return (
        lake.scan("silver/products")
        .join(sold, "product_id", "left")
        .with_columns(pl.col("total_quantity", "total_sales", "order_count").fill_null(0))
        .with_columns(
            reorder_rate=_ratio("reordered", "total_quantity", scale=4),
            avg_days_between_orders=_ratio("days", "known_days", scale=2),
        )
    )


def department_analytics(lake: Lake, shared: pl.LazyFrame) -> pl.LazyFrame:
    """Sum items by department."""
    listed = lake.scan("silver/products").group_by("department")
    sold = shared.group_by("department").agg(
        total_sales=pl.col("cents").sum(),
        order_count=pl.col("order_id").n_unique(),
        customer_count=pl.col("user_id").n_unique(),
    )
    return (
        listed.agg(product_count=pl.col("is_active").sum())
        .join(sold, "department", "left")
        .with_columns(pl.col("total_sales", "order_count", "customer_count").fill_null(0))
        .with_columns(avg_order_value=_ratio("total_sales", "order_count"))
    )


def customer_insights(lake: Lake, shared: pl.LazyFrame) -> pl.LazyFrame:
    """Sum orders by customer; days count to the latest order date."""
    orders, date = lake.scan("silver/orders"), pl.col("date")
    as_of = orders.select(date.max()).collect().item()
    of_orders = orders.group_by("user_id").agg(
        total_orders=pl.len(),
        total_spend=_cents().sum(),
        first_order_date=date.min(),
        last_order_date=date.max(),
    )
    favorites = shared.group_by("user_id").agg(  # The most frequent value, of equals the lowest.
        favorite_department=pl.col("department").mode().min(),
        favorite_product_id=pl.col("product_id").mode().min(),
    )
    return (
        of_orders.join(favorites, "user_id", "left")
        .with_columns(
            days_since_last_order=(pl.lit(as_of) - pl.col("last_order_date")).dt.total_days(),
            avg_order_value=_ratio("total_spend", "total_orders"),
        )
        .with_columns(customer_segment=pl.sql_expr(SEGMENT))
    )


def _cents() -> pl.Expr:
    return (pl.col("total_amount") * 100).cast(pl.Int64)


def _ratio(numerator: str, denominator: str, *, scale: int = 0) -> pl.Expr:
    """Divide whole numbers of at least zero, rounding half up; null when dividing by zero."""
    divisor = pl.col(denominator).cast(pl.Int64)
    doubled = pl.col(numerator).cast(pl.Int64) * (2 * 10**scale)
    return pl.when(divisor > 0).then((doubled + divisor) // (2 * divisor))


def _stored(column: str) -> pl.Expr:
    if column not in DECIMALS:
        return pl.col(column)
    precision, scale = DECIMALS[column]
    exact: pl.Expr = pl.col(column).cast(pl.Decimal(38, scale)) / 10**scale
    return exact.cast(pl.Decimal(precision, scale))


# --- The run -------------------------------------------------------------------------------------


def run(landing: Path, lake: Lake) -> dict[str, float]:
    """Fill a fresh lake from a landing zone and return the seconds that each step took."""
    seconds = Seconds()
    updated = lake.now.alias("last_updated_timestamp")
    for entity in KEYS:
        with seconds.step(f"bronze/{entity}"):
            load(lake, landing, entity)
    with seconds.step("silver/products"):
        catalogue = lake.scan("bronze/products").select(pl.col("source_file").max()).collect()
        active = pl.col("source_file") == catalogue.item()
        refine(lake, "products", derived=[active.alias("is_active"), updated], references={})
    with seconds.step("silver/orders"):
        instant = pl.col("order_timestamp").dt
        weekday = instant.weekday().cast(pl.Int32).alias("day_of_week")
        hour = instant.hour().cast(pl.Int32).alias("hour_of_day")
        refine(lake, "orders", derived=[weekday, hour], references={}, partition_by="date")
    with seconds.step("silver/order_items"):
        references = {"order_id": "silver/orders", "product_id": "silver/products"}
        refine(lake, "order_items", derived=[], references=references, partition_by="date")
    with seconds.step("shared revenue"):
        shared = share_revenue(lake)
    for table, partition_by in (
        (daily_sales, "date"),
        (product_performance, "department"),
        (department_analytics, "department"),
        (customer_insights, "customer_segment"),
    ):
        with seconds.step(f"gold/{table.__name__}"):
            columns = map(_stored, COLUMNS[table.__name__])
            rows = table(lake, shared).select(*columns, updated).cast({pl.UInt32: pl.Int64})
            lake.append(f"gold/{table.__name__}", rows, partition_by)
    return seconds


if __name__ == "__main__":
    perform(__doc__, Lake, run)
