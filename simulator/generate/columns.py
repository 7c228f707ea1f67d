"""The columns of the three sources, as far as a generator must know them.

This repeats a little of `pipeline.contracts` on purpose. The generator says what a lake must
hold, and a witness who read the answer in the pipeline would be worth nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Entity = Literal["products", "orders", "order_items"]
"""The name of a source."""

Kind = Literal["integer", "money", "timestamp", "date", "flag", "text"]
"""How a column's text is to be parsed."""

ENTITIES: Final[tuple[Entity, ...]] = ("products", "orders", "order_items")
"""The sources, in order of arrival."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source.

    Attributes:
        name: Its name in the header.
        kind: How its text is to be parsed.
        low: Least value in range, if its range has one.
        high: Greatest value in range, if its range has one.
        required: Whether it must be filled.
    """

    name: str
    kind: Kind
    low: int | None = None
    high: int | None = None
    required: bool = True


COLUMNS: Final[dict[Entity, tuple[Column, ...]]] = {
    "products": (
        Column("product_id", "integer", low=1),
        Column("department_id", "integer", low=1),
        Column("department", "text"),
        Column("product_name", "text"),
    ),
    "orders": (
        Column("order_num", "integer", low=0),
        Column("order_id", "integer", low=1),
        Column("user_id", "integer", low=1),
        Column("order_timestamp", "timestamp"),
        Column("total_amount", "money", low=0),
        Column("date", "date"),
    ),
    "order_items": (
        Column("id", "integer", low=1),
        Column("order_id", "integer", low=1),
        Column("user_id", "integer", low=1),
        Column("days_since_prior_order", "integer", low=0, high=3650, required=False),
        Column("product_id", "integer", low=1),
        Column("add_to_cart_order", "integer", low=1),
        Column("reordered", "flag"),
        Column("order_timestamp", "timestamp"),
        Column("date", "date"),
    ),
}
"""The columns of each source, in file order."""


def header(entity: Entity) -> list[str]:
    """The column names of a source, in file order."""
    return [column.name for column in COLUMNS[entity]]


def place(entity: Entity, name: str) -> int:
    """The place of a column in its source, counted from 0."""
    return header(entity).index(name)
