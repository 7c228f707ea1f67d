"""The three delivered entities: what their files hold and when a row is valid."""

from datetime import UTC, datetime

from pipeline.contracts.model import Column, Entity, Reference
from pipeline.contracts.types import (
    BOOLEAN,
    COUNT,
    DATE,
    DAYS,
    FLAG,
    INTEGER,
    KEY,
    LABEL,
    TEXT,
    TIMESTAMP,
    money,
)

_FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(2100, 1, 1, tzinfo=UTC)

PRODUCTS = Entity(
    name="products",
    description="One product of the catalogue; each file is the whole catalogue.",
    key="product_id",
    snapshot=True,
    columns=(
        Column("product_id", KEY, "Identifies the product.", source="shop catalogue", minimum=1),
        Column(
            "department_id",
            KEY,
            "Number of the department; it does not determine the name, group by the name.",
            source="shop catalogue",
            minimum=1,
        ),
        Column(
            "department",
            LABEL,
            "Name of the department, ASCII upper case, inner white space as one space.",
            source="shop catalogue",
        ),
        Column("product_name", TEXT, "Name of the product.", source="shop catalogue"),
    ),
    derived=(
        Column(
            "is_active",
            BOOLEAN,
            "Whether the latest accepted catalogue file has a valid row of the product.",
            source="silver refinement",
        ),
        Column(
            "last_updated_timestamp",
            TIMESTAMP,
            "Time of the run that last changed a delivered column or is_active.",
            unit="UTC, microseconds",
            source="silver refinement",
        ),
    ),
)

ORDERS = Entity(
    name="orders",
    description="One order of a customer.",
    key="order_id",
    columns=(
        Column("order_num", COUNT, "The shop's own running number.", source="shop", minimum=0),
        Column("order_id", KEY, "Identifies the order.", source="shop", minimum=1),
        Column("user_id", KEY, "Identifies the customer.", source="shop", minimum=1),
        Column(
            "order_timestamp",
            TIMESTAMP,
            "When the order was placed.",
            unit="UTC, microseconds",
            source="shop",
            minimum=_FIRST_INSTANT,
            below=_END_OF_TIME,
        ),
        Column(
            "total_amount",
            money(10),
            "What the customer paid for the whole order.",
            unit="DECIMAL(10,2), shop currency",
            source="shop",
            minimum=0,
        ),
        Column(
            "date",
            DATE,
            "UTC date of order_timestamp.",
            unit="UTC date",
            source="shop",
            date_of="order_timestamp",
        ),
    ),
    derived=(
        Column(
            "day_of_week",
            INTEGER,
            "ISO day of the week of order_timestamp in UTC: 1 is Monday, 7 is Sunday.",
            source="silver refinement",
        ),
        Column(
            "hour_of_day",
            INTEGER,
            "Hour of order_timestamp in UTC, 0 to 23.",
            source="silver refinement",
        ),
    ),
    anomaly="total_amount",
    partition_by=("date",),
)

ORDER_ITEMS = Entity(
    name="order_items",
    description="One position of an order: a product that was put into the cart.",
    key="id",
    columns=(
        Column("id", KEY, "Identifies the item.", source="shop", minimum=1),
        Column("order_id", KEY, "The order that the item belongs to.", source="shop", minimum=1),
        Column(
            "user_id",
            KEY,
            "The shop's copy of the order's customer; gold takes it from the order.",
            source="shop",
            minimum=1,
        ),
        Column(
            "days_since_prior_order",
            DAYS,
            "Days between the customer's prior order and this one; null when there was none.",
            unit="days",
            source="shop",
            required=False,
            minimum=0,
            below=3651,
        ),
        Column("product_id", KEY, "The product bought.", source="shop", minimum=1),
        Column(
            "add_to_cart_order",
            COUNT,
            "Place at which the product was put into the cart, from 1.",
            source="shop",
            minimum=1,
        ),
        Column(
            "reordered",
            FLAG,
            "1 when the customer had bought the product before, else 0.",
            source="shop",
        ),
        Column(
            "order_timestamp",
            TIMESTAMP,
            "The shop's copy of the order's time; gold takes it from the order.",
            unit="UTC, microseconds",
            source="shop",
            minimum=_FIRST_INSTANT,
            below=_END_OF_TIME,
        ),
        Column(
            "date",
            DATE,
            "UTC date of the item's order_timestamp.",
            unit="UTC date",
            source="shop",
            date_of="order_timestamp",
        ),
    ),
    references=(
        Reference("order_id", "orders", same=("user_id", "order_timestamp")),
        Reference("product_id", "products"),
    ),
    partition_by=("date",),
    zorder_by=("product_id", "order_id"),
)

# The order in which a run takes them in: what is referred to comes before what refers to it.
ENTITIES: tuple[Entity, ...] = (PRODUCTS, ORDERS, ORDER_ITEMS)
