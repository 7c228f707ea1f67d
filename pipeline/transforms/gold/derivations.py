"""How each interim and gold table follows from others: what is computed when, as data.

The runner walks `DERIVATIONS`, and the tests compute each of them on both engines, so a new gold
table is a contract, a function and an entry here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.contracts.entities import ORDER_ITEMS, ORDERS, PRODUCTS
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_CUSTOMER_DEPARTMENT,
    DAILY_PRODUCT,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.contracts.layers import silver
from pipeline.contracts.model import Table
from pipeline.portable import Frame
from pipeline.transforms.gold import customers, revenue, tables


@dataclass(frozen=True)
class Derivation:
    """How one table follows from others.

    A table is stale when orders or items of any date have changed. A product that moves to another
    department changes every date.

    Attributes:
        table: The table.
        sources: The tables that it is computed from: silver ones, and those of earlier derivations.
        compute: Pure function from the frames of `sources`, in their order, to the table's rows
            without the run's time.
        by_date: Those sources whose rows of a date make the table's partition of that date: only
            the touched dates are read and written. Empty when the table is computed as a whole.
        uses_as_of: Whether `compute` takes the run's as_of last; another as_of then makes the table
            stale, and without orders there is none to compute it by.
        on_products: Whether any change of a product makes the table stale. False when its
            department is all that counts.
    """

    table: Table
    sources: tuple[Table, ...]
    compute: Callable[..., Frame]
    by_date: tuple[Table, ...] = ()
    uses_as_of: bool = False
    on_products: bool = True

    def rows(self, sources: Sequence[Frame], as_of: date | None) -> Frame:
        """Compute the table's rows, without the run's time, from the frames of its sources."""
        return self.compute(*sources, as_of) if self.uses_as_of else self.compute(*sources)


def _daily_product(orders: Frame, items: Frame) -> Frame:
    return revenue.daily_product(revenue.shared_revenue(orders, items))


def _daily_customer_department(orders: Frame, items: Frame, products: Frame) -> Frame:
    return revenue.daily_customer_department(revenue.shared_revenue(orders, items), products)


def _customer_insights(orders: Frame, items: Frame, products: Frame, as_of: date) -> Frame:
    favorite = customers.favorites(customers.bought_products(items, orders), products)
    return customers.customer_insights(orders, favorite, as_of)


_PRODUCTS, _ORDERS, _ITEMS = silver(PRODUCTS), silver(ORDERS), silver(ORDER_ITEMS)

# In the order of computation.
DERIVATIONS: tuple[Derivation, ...] = (
    Derivation(
        DAILY_PRODUCT,
        sources=(_ORDERS, _ITEMS),
        compute=_daily_product,
        by_date=(_ORDERS,),
        on_products=False,
    ),
    Derivation(
        DAILY_CUSTOMER_DEPARTMENT,
        sources=(_ORDERS, _ITEMS, _PRODUCTS),
        compute=_daily_customer_department,
        by_date=(_ORDERS,),
        on_products=False,
    ),
    Derivation(
        DAILY_SALES,
        sources=(_ORDERS, DAILY_PRODUCT),
        compute=tables.daily_sales,
        by_date=(_ORDERS, DAILY_PRODUCT),
        on_products=False,
    ),
    Derivation(
        PRODUCT_PERFORMANCE,
        sources=(_PRODUCTS, DAILY_PRODUCT),
        compute=tables.product_performance,
    ),
    Derivation(
        DEPARTMENT_ANALYTICS,
        sources=(_PRODUCTS, DAILY_CUSTOMER_DEPARTMENT),
        compute=tables.department_analytics,
    ),
    Derivation(
        CUSTOMER_INSIGHTS,
        sources=(_ORDERS, _ITEMS, _PRODUCTS),
        compute=_customer_insights,
        uses_as_of=True,
        on_products=False,
    ),
)
