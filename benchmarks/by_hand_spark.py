"""The lakehouse of one shop as a plain PySpark and Delta Lake script, without the pipeline.

The counterpart of `by_hand` on Spark: the same fixed job, a fresh lake, clean files in the usual
spelling. Its gold is the pipeline's, to the last digit.

    python -m benchmarks.by_hand_spark LANDING LAKE
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sf

from benchmarks.job import COLUMNS, DECIMALS, KEYS, LINEAGE, SEGMENT, Seconds, perform
from pipeline.spark.session import laptop_session

FIRST_INSTANT: Final = "2000-01-01T00:00:00Z"
END_OF_TIME: Final = "2100-01-01T00:00:00Z"
# More than any file has: each is read by a task of its own, which numbers its rows.
WHOLE_FILE: Final = 1 << 40
ROW_IN_TASK: Final = (1 << 33) - 1


class Lake:
    """A folder of Delta tables, the session that fills it, and the time of the run."""

    def __init__(self, session: SparkSession, root: Path, now: datetime) -> None:
        self.session = session
        self.root = root.resolve()
        self.now = sf.lit(now)

    def read(self, table: str) -> DataFrame:
        """Read a table, e.g. `silver/orders`."""
        return self.session.read.format("delta").load(str(self.root / table))

    def append(self, table: str, rows: DataFrame, partition_by: str | None = None) -> None:
        """Append rows to a table, which is made if there is none."""
        writer = rows.write.format("delta").mode("append")
        if partition_by is not None:
            writer = writer.partitionBy(partition_by)
        writer.save(str(self.root / table))


# --- Bronze: text as received --------------------------------------------------------------------


def load(lake: Lake, landing: Path, entity: str) -> None:
    """Append an entity's files to bronze, every column as text."""
    names = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes")
    kept = {name: lake.session.conf.get(name) for name in names}
    for name in names:
        lake.session.conf.set(name, WHOLE_FILE)
    files = sorted((landing / entity).rglob("*.csv"), key=bytes)
    rows = lake.session.read.csv(
        [str(file) for file in files],
        schema=", ".join(f"{column} STRING" for column in COLUMNS[entity]),
        header=True,
        enforceSchema=False,
        multiLine=True,
        escape='"',
    ).select(
        *COLUMNS[entity],
        _below(landing).alias("source_file"),
        (sf.monotonically_increasing_id().bitwiseAND(sf.lit(ROW_IN_TASK)) + 1).alias("source_row"),
        sf.lit(1).cast("bigint").alias("batch_id"),
        lake.now.alias("ingestion_timestamp"),
        lake.now.cast("date").alias("ingestion_date"),
    )
    lake.append(f"bronze/{entity}", rows, "ingestion_date")
    for name, value in kept.items():
        lake.session.conf.set(name, str(value))


def _below(landing: Path) -> Column:
    """Return the path of a row's file below the landing zone."""
    folder = landing.resolve().as_uri().removeprefix("file://")
    return sf.substring_index("_metadata.file_path", f"{folder}/", -1)


# --- Silver: typed, valid, one row per key -------------------------------------------------------


def refine(
    lake: Lake,
    entity: str,
    *,
    derived: Sequence[Column],
    references: Mapping[str, str],
    partition_by: str | None = None,
) -> None:
    """Type and check bronze; what is valid goes to silver, the rest to quarantine.

    `references` names silver tables by the column that refers to theirs of the same name.
    """
    bronze = lake.read(f"bronze/{entity}")
    raw = {column: f"raw_{column}" for column in COLUMNS[entity]}
    parsed = bronze.withColumnsRenamed(raw).withColumns({c: _typed(c, raw[c]) for c in raw})
    problems = {code: problem for c in raw for code, problem in _problems(c, sf.col(raw[c]))}
    sound = sf.lit(True)  # noqa: FBT003 - Spark's own way to say so
    for problem in problems.values():
        sound = sound & ~sf.coalesce(problem, sf.lit(False))  # noqa: FBT003 - as above

    valid = parsed.where(sound).select(*COLUMNS[entity], *derived, *LINEAGE)
    for column, table in references.items():
        valid = valid.join(lake.read(table), column, "semi")
    lake.append(f"silver/{entity}", _latest(valid, bronze, KEYS[entity]), partition_by)
    read, kept = (lake.read(f"{layer}/{entity}").count() for layer in ("bronze", "silver"))
    if kept == read:
        return

    checked = parsed.withColumn("sound", sound)
    for column, table in references.items():
        known = lake.read(table).select(column, sf.lit(1).alias(f"{column}_known"))
        checked = checked.join(known, column, "left")
        unknown = sf.col("sound") & sf.col(f"{column}_known").isNull()
        problems[f"{column}:unknown_reference"] = unknown
    reasons = [sf.when(problems[code], sf.lit(code)) for code in sorted(problems)]
    rejected = checked.select(
        *(sf.col(text).alias(column) for column, text in raw.items()),
        *LINEAGE,
        sf.concat_ws(";", *reasons).alias("reasons"),
    )
    lake.append(f"quarantine/{entity}", rejected.where("reasons != ''"))


def _typed(column: str, name: str) -> Column:
    text = sf.col(name)
    match column:
        case "product_name":
            return sf.nullif(sf.trim(text), sf.lit(""))
        case "department":
            words = sf.trim(sf.regexp_replace(text, r"\s+", " "))
            return sf.nullif(sf.upper(words), sf.lit(""))
        case "date":
            return _cast(name, "DATE")
        case "order_timestamp":
            return _cast(name, "TIMESTAMP")
        case "total_amount":  # A cast alone would round further decimals.
            exact = text.rlike(r"^-?[0-9]{1,8}(\.[0-9]{1,2})?$")
            return sf.when(exact, text).cast("DECIMAL(10, 2)")
        case "reordered":
            return sf.when(text.isin("0", "1"), text).cast("INT")
        case _:
            return _cast(name, "BIGINT")


def _cast(name: str, kind: str) -> Column:
    return sf.expr(f"try_cast({name} AS {kind})")


def _problems(column: str, text: Column) -> Iterator[tuple[str, Column]]:
    """Yield reason codes with their conditions; a condition that is null does not hold."""
    value = sf.col(column)
    yield f"{column}:malformed", value.isNull() & text.isNotNull()
    if column != "days_since_prior_order":
        yield f"{column}:missing", text.isNull()
    match column:
        case "department" | "product_name" | "reordered":
            return
        case "date":
            yield f"{column}:inconsistent", value != sf.to_date("order_timestamp")
        case "order_timestamp":
            first, end = (sf.lit(t).cast("TIMESTAMP") for t in (FIRST_INSTANT, END_OF_TIME))
            yield f"{column}:out_of_range", (value < first) | (value >= end)
        case "days_since_prior_order":
            yield f"{column}:out_of_range", ~value.between(0, 3650)
        case "order_num" | "total_amount":
            yield f"{column}:out_of_range", value < 0
        case _:
            yield f"{column}:out_of_range", value < 1


def _latest(valid: DataFrame, bronze: DataFrame, key: str) -> DataFrame:
    """Keep the last valid row of each key; only rows whose keys repeat are sorted."""
    keys = bronze.select(_cast(key, "BIGINT").alias(key))
    repeated = keys.groupBy(key).count().where("count > 1").select(key).persist()
    if repeated.isEmpty():
        return valid
    place = sf.struct("source_file", "source_row")
    rows = valid.join(repeated, key, "semi")
    latest = rows.groupBy(key).agg(sf.max_by(sf.struct(*rows.columns), place).alias("row"))
    return valid.join(repeated, key, "anti").unionByName(latest.select("row.*"))


# --- Gold: four tables, whole numbers (cents, hundredths) until they are written -----------------


def share_revenue(lake: Lake) -> DataFrame:
    """Share each order's total among its items: one row per item, with its cents.

    The cents left over go one each to the order's first items by (add_to_cart_order, id).
    """
    items = lake.read("silver/order_items").select(
        "order_id", "product_id", "add_to_cart_order", "id", "reordered", "days_since_prior_order"
    )
    orders = lake.read("silver/orders").select(
        "order_id", "date", "user_id", _cents().alias("cents")
    )
    products = lake.read("silver/products").select("product_id", "department")
    share = """cents DIV count(*) OVER (PARTITION BY order_id)
        + IF(row_number() OVER (PARTITION BY order_id ORDER BY add_to_cart_order, id)
             <= cents % count(*) OVER (PARTITION BY order_id), 1, 0)"""
    shared = (
        items.join(orders, "order_id")
        .join(products, "product_id")
        .withColumn("cents", sf.expr(share))
        .drop("add_to_cart_order", "id")
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    shared.count()
    return shared


def daily_sales(lake: Lake, shared: DataFrame) -> DataFrame:
    """Sum orders by date."""
    of_orders = (
        lake.read("silver/orders")
        .groupBy("date")
        .agg(
            sf.sum(_cents()).alias("total_sales"),
            sf.count("*").alias("order_count"),
            sf.count_distinct("user_id").alias("unique_customers"),
        )
    )
    of_items = shared.groupBy("date").agg(sf.count("*").alias("total_items"))
    return (
        of_orders.join(of_items, "date", "left")
        .fillna(0, ["total_items"])
        .withColumn("avg_order_value", _ratio("total_sales", "order_count"))
        .withColumn("avg_items_per_order", _ratio("total_items", "order_count", scale=2))
    )


def product_performance(lake: Lake, shared: DataFrame) -> DataFrame:
    """Sum items by product, sold or not."""
    sold = shared.groupBy("product_id").agg(
        sf.count("*").alias("total_quantity"),
        sf.sum("cents").alias("total_sales"),
        sf.count_distinct("order_id").alias("order_count"),
        sf.sum("reordered").alias("reordered"),
        sf.count("days_since_prior_order").alias("known_days"),
        sf.sum("days_since_prior_order").alias("days"),
    )
    return (
        lake.read("silver/products")
        .join(sold, "product_id", "left")
        .fillna(0, ["total_quantity", "total_sales", "order_count"])
        .withColumn("reorder_rate", _ratio("reordered", "total_quantity", scale=4))
        .withColumn("avg_days_between_orders", _ratio("days", "known_days", scale=2))
    )


def department_analytics(lake: Lake, shared: DataFrame) -> DataFrame:
    """Sum items by department."""
    listed = lake.read("silver/products").groupBy("department")
    # An order has one customer: two distinct counts of the items would treble them.
    by_order = shared.groupBy("department", "order_id", "user_id").agg(
        sf.sum("cents").alias("cents")
    )
    sold = by_order.groupBy("department").agg(
        sf.sum("cents").alias("total_sales"),
        sf.count("*").alias("order_count"),
        sf.count_distinct("user_id").alias("customer_count"),
    )
    return (
        listed.agg(sf.count_if("is_active").alias("product_count"))
        .join(sold, "department", "left")
        .fillna(0, ["total_sales", "order_count", "customer_count"])
        .withColumn("avg_order_value", _ratio("total_sales", "order_count"))
    )


def customer_insights(lake: Lake, shared: DataFrame) -> DataFrame:
    """Sum orders by customer; days count to the latest order date."""
    orders = lake.read("silver/orders")
    as_of = orders.agg(sf.max("date")).collect()[0][0]
    of_orders = orders.groupBy("user_id").agg(
        sf.count("*").alias("total_orders"),
        sf.sum(_cents()).alias("total_spend"),
        sf.min("date").alias("first_order_date"),
        sf.max("date").alias("last_order_date"),
    )
    bought = shared.select("user_id", "product_id", "department").repartition("user_id")
    return (
        of_orders.join(_favorite(bought, "department"), "user_id", "left")
        .join(_favorite(bought, "product_id"), "user_id", "left")
        .withColumn("days_since_last_order", sf.date_diff(sf.lit(as_of), "last_order_date"))
        .withColumn("avg_order_value", _ratio("total_spend", "total_orders"))
        .withColumn("customer_segment", sf.expr(SEGMENT))
    )


def _favorite(bought: DataFrame, column: str) -> DataFrame:
    """Return each customer's most frequent value, of equals the lowest."""
    counted = bought.groupBy("user_id", column).agg((-sf.count("*")).alias("rarity"))
    first = sf.min(sf.struct("rarity", column))[column]
    return counted.groupBy("user_id").agg(first.alias(f"favorite_{column}"))


def _cents() -> Column:
    return (sf.col("total_amount") * 100).cast("BIGINT")


def _ratio(numerator: str, denominator: str, *, scale: int = 0) -> Column:
    """Divide whole numbers of at least zero, rounding half up; null when dividing by zero."""
    doubled = f"{numerator} * {2 * 10**scale}L"
    ratio = f"({doubled} + {denominator}) DIV (2 * {denominator})"
    return sf.expr(f"CASE WHEN {denominator} > 0 THEN {ratio} END")


def _stored(column: str) -> Column:
    if column == "days_since_last_order":
        return sf.col(column).cast("BIGINT")
    if column not in DECIMALS:
        return sf.col(column)
    precision, scale = DECIMALS[column]
    exact = sf.col(column).cast("DECIMAL(19, 0)") * sf.lit(Decimal(1).scaleb(-scale))
    return exact.cast(f"DECIMAL({precision}, {scale})").alias(column)


# --- The run -------------------------------------------------------------------------------------


def run(landing: Path, lake: Lake) -> dict[str, float]:
    """Fill a fresh lake from a landing zone and return the seconds that each step took."""
    seconds = Seconds()
    updated = lake.now.alias("last_updated_timestamp")
    for entity in KEYS:
        with seconds.step(f"bronze/{entity}"):
            load(lake, landing, entity)
    with seconds.step("silver/products"):
        catalogue = lake.read("bronze/products").agg(sf.max("source_file")).collect()[0][0]
        active = (sf.col("source_file") == catalogue).alias("is_active")
        refine(lake, "products", derived=[active, updated], references={})
    with seconds.step("silver/orders"):
        weekday = (sf.weekday("order_timestamp") + 1).alias("day_of_week")
        hour = sf.hour("order_timestamp").alias("hour_of_day")
        refine(lake, "orders", derived=[weekday, hour], references={}, partition_by="date")
    with seconds.step("silver/order_items"):
        references = {"order_id": "silver/orders", "product_id": "silver/products"}
        refine(lake, "order_items", derived=[], references=references, partition_by="date")
    with seconds.step("shared revenue"):
        shared = share_revenue(lake)
    tables: Sequence[tuple[Callable[[Lake, DataFrame], DataFrame], str]] = (
        (daily_sales, "date"),
        (product_performance, "department"),
        (department_analytics, "department"),
        (customer_insights, "customer_segment"),
    )
    for table, partition_by in tables:
        with seconds.step(f"gold/{table.__name__}"):
            columns = map(_stored, COLUMNS[table.__name__])
            rows = table(lake, shared).select(*columns, updated)
            lake.append(f"gold/{table.__name__}", rows, partition_by)
    shared.unpersist()
    return seconds


def open_lake(root: Path, now: datetime) -> Lake:
    """Start the session that the pipeline has on a laptop, so that both have the same settings."""
    return Lake(laptop_session(), root, now)


if __name__ == "__main__":
    perform(__doc__, open_lake, run)
