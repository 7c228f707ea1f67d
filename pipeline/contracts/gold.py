"""The four gold tables, and the two daily aggregates that they are summed from."""

from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import COUNT, DATE, DAYS, KEY, LABEL, TEXT, TIMESTAMP, money, ratio

_REVENUE = (
    "An order's total is shared equally among its silver items, in cents; the cents left over go "
    "one each to its first items by (add_to_cart_order, id)."
)

LAST_UPDATED = Column(
    "last_updated_timestamp",
    TIMESTAMP,
    "Time of the run that wrote the row.",
    unit="UTC, microseconds",
    source="run",
)


def _gold(
    name: str,
    description: str,
    key: str,
    columns: tuple[Column, ...],
    *,
    partition_by: str,
    zorder_by: tuple[str, ...] = (),
) -> Table:
    return Table(
        layer="gold",
        name=name,
        description=description,
        columns=(*columns, LAST_UPDATED),
        key=(key,),
        partition_by=(partition_by,),
        zorder_by=zorder_by,
        retention_days=90,
        target_file_mb=512,
    )


DAILY_SALES = _gold(
    "daily_sales",
    "One row per UTC date that has orders.",
    "date",
    (
        Column("date", DATE, "Date of the orders.", unit="UTC date", source="silver.orders.date"),
        Column(
            "total_sales",
            money(15),
            "Sum of total_amount over the date's orders.",
            unit="DECIMAL(15,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column("order_count", COUNT, "Orders of the date.", source="silver.orders"),
        Column(
            "avg_order_value",
            money(10),
            "total_sales / order_count, rounded half away from zero.",
            unit="DECIMAL(10,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column(
            "unique_customers",
            COUNT,
            "Different customers who ordered on the date.",
            source="silver.orders.user_id",
        ),
        Column("total_items", COUNT, "Silver items of these orders.", source="silver.order_items"),
        Column(
            "avg_items_per_order",
            ratio(7, 2),
            "total_items / order_count, rounded half away from zero.",
            unit="items per order, DECIMAL(7,2)",
            source="silver.order_items",
        ),
    ),
    partition_by="date",
)

PRODUCT_PERFORMANCE = _gold(
    "product_performance",
    "One row per silver product, sold or not.",
    "product_id",
    (
        Column("product_id", KEY, "Identifies the product.", source="silver.products"),
        Column("department", LABEL, "Department of the product.", source="silver.products"),
        Column("product_name", TEXT, "Name of the product.", source="silver.products"),
        Column("total_quantity", COUNT, "Items sold.", source="silver.order_items"),
        Column(
            "total_sales",
            money(15),
            f"Revenue of the product's items. {_REVENUE}",
            unit="DECIMAL(15,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column(
            "order_count", COUNT, "Different orders with the product.", source="silver.order_items"
        ),
        Column(
            "reorder_rate",
            ratio(5, 4),
            "Reordered items / items, rounded half away from zero; null without items.",
            unit="share, DECIMAL(5,4)",
            source="silver.order_items.reordered",
            required=False,
        ),
        Column(
            "avg_days_between_orders",
            ratio(7, 2),
            "Mean of the known days_since_prior_order of the product's items; null if none known.",
            unit="days, DECIMAL(7,2)",
            source="silver.order_items.days_since_prior_order",
            required=False,
        ),
    ),
    partition_by="department",
    zorder_by=("product_id",),
)

DEPARTMENT_ANALYTICS = _gold(
    "department_analytics",
    "One row per department of silver.products.",
    "department",
    (
        Column("department", LABEL, "Name of the department.", source="silver.products"),
        Column(
            "total_sales",
            money(15),
            f"Revenue of the department's items. {_REVENUE}",
            unit="DECIMAL(15,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column("product_count", COUNT, "Active products.", source="silver.products.is_active"),
        Column(
            "order_count",
            COUNT,
            "Different orders with an item of the department.",
            source="silver.order_items",
        ),
        Column(
            "customer_count",
            COUNT,
            "Different customers of those orders.",
            source="silver.orders.user_id",
        ),
        Column(
            "avg_order_value",
            money(10),
            "total_sales / order_count, rounded half away from zero; null without orders.",
            unit="DECIMAL(10,2), shop currency",
            source="silver.orders.total_amount",
            required=False,
        ),
    ),
    partition_by="department",
)

CUSTOMER_INSIGHTS = _gold(
    "customer_insights",
    "One row per customer of silver.orders.",
    "user_id",
    (
        Column("user_id", KEY, "Identifies the customer.", source="silver.orders"),
        Column("total_orders", COUNT, "Orders of the customer.", source="silver.orders"),
        Column(
            "total_spend",
            money(15),
            "Sum of total_amount over the customer's orders.",
            unit="DECIMAL(15,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column(
            "avg_order_value",
            money(10),
            "total_spend / total_orders, rounded half away from zero.",
            unit="DECIMAL(10,2), shop currency",
            source="silver.orders.total_amount",
        ),
        Column(
            "first_order_date", DATE, "First order.", unit="UTC date", source="silver.orders.date"
        ),
        Column(
            "last_order_date", DATE, "Last order.", unit="UTC date", source="silver.orders.date"
        ),
        Column(
            "days_since_last_order",
            DAYS,
            "The run's as_of date minus last_order_date, at least 0.",
            unit="days",
            source="silver.orders.date, run parameter as_of",
        ),
        Column(
            "favorite_department",
            LABEL,
            "Department with most items; tie: first by bytes of the name; null without items.",
            source="silver.order_items, silver.products.department",
            required=False,
        ),
        Column(
            "favorite_product_id",
            KEY,
            "Product with most items; tie: lowest id; null without items.",
            source="silver.order_items.product_id",
            required=False,
        ),
        Column(
            "customer_segment",
            LABEL,
            "First match: `Loyal` total_orders > 10; `Active` > 5 and days_since_last_order <= 30; "
            "`Regular` > 1 and <= 90; `Lapsed` days_since_last_order > 90; else `New`.",
            source="gold definition",
        ),
    ),
    partition_by="customer_segment",
)

GOLD: tuple[Table, ...] = (
    DAILY_SALES,
    PRODUCT_PERFORMANCE,
    DEPARTMENT_ANALYTICS,
    CUSTOMER_INSIGHTS,
)

_ORDER_DATE = Column(
    "date", DATE, "Date of the orders.", unit="UTC date", source="silver.orders.date"
)
_ITEM_COUNT = Column("items", COUNT, "Silver items.", source="silver.order_items")
_ORDER_COUNT = Column("orders", COUNT, "Different orders.", source="silver.order_items")
_REVENUE_CENTS = Column(
    "revenue_cents", COUNT, _REVENUE, unit="cents", source="silver.orders.total_amount"
)

# Both are additive over dates, so a new day costs gold a day and not the shop's history.
DAILY_PRODUCT = Table(
    layer="interim",
    name="daily_product",
    description="One row per order date and product sold on it.",
    columns=(
        _ORDER_DATE,
        Column("product_id", KEY, "Identifies the product.", source="silver.order_items"),
        _ITEM_COUNT,
        _ORDER_COUNT,
        _REVENUE_CENTS,
        Column("reordered_items", COUNT, "Items with reordered 1.", source="silver.order_items"),
        Column(
            "known_days",
            COUNT,
            "Items with a days_since_prior_order.",
            source="silver.order_items",
        ),
        Column(
            "sum_days",
            COUNT,
            "Sum of days_since_prior_order.",
            unit="days",
            source="silver.order_items",
        ),
    ),
    key=("date", "product_id"),
    partition_by=("date",),
    retention_days=30,
)

DAILY_CUSTOMER_DEPARTMENT = Table(
    layer="interim",
    name="daily_customer_department",
    description="One row per order date, customer and department bought from.",
    columns=(
        _ORDER_DATE,
        Column("user_id", KEY, "Identifies the customer.", source="silver.orders"),
        Column("department", LABEL, "Name of the department.", source="silver.products"),
        _ITEM_COUNT,
        _ORDER_COUNT,
        _REVENUE_CENTS,
    ),
    key=("date", "user_id", "department"),
    partition_by=("date",),
    retention_days=30,
)

INTERIM: tuple[Table, ...] = (DAILY_PRODUCT, DAILY_CUSTOMER_DEPARTMENT)
