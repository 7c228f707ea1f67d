"""The single source of truth: every table's columns, meaning, rules, keys and layout, as data.

Schemas of both engines, the data dictionary and test strategies derive from it.
"""

from pipeline.contracts.entities import ENTITIES, ORDER_ITEMS, ORDERS, PRODUCTS
from pipeline.contracts.gold import GOLD, INTERIM
from pipeline.contracts.layers import bronze, quarantine, silver
from pipeline.contracts.meta import META
from pipeline.contracts.model import Column, Entity, Reference, Table

TABLES: tuple[Table, ...] = (
    *(bronze(entity) for entity in ENTITIES),
    *(silver(entity) for entity in ENTITIES),
    *(quarantine(entity) for entity in ENTITIES),
    *INTERIM,
    *GOLD,
    *META,
)

# Raised when a lake written by this software could not be read rightly by an older one.
LAKE_FORMAT = 1

__all__ = [
    "ENTITIES",
    "GOLD",
    "INTERIM",
    "LAKE_FORMAT",
    "META",
    "ORDERS",
    "ORDER_ITEMS",
    "PRODUCTS",
    "TABLES",
    "Column",
    "Entity",
    "Reference",
    "Table",
    "bronze",
    "quarantine",
    "silver",
]
