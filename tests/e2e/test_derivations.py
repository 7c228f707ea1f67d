"""The runner's quicker ways lead where the declarations say, and new tables need nothing else."""

import tempfile
from datetime import date
from pathlib import Path

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.contracts import ORDERS, PRODUCTS, silver
from pipeline.contracts.gold import LAST_UPDATED
from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import COUNT, DATE, KEY, TEXT
from pipeline.portable import Frame, to_storage
from pipeline.runner import summarise
from pipeline.transforms.gold.derivations import DERIVATIONS, Derivation
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import Row, Shop, ordered
from tests.strategies import Deliveries, deliveries, groupings

FEW = settings(
    max_examples=4 if settings().derandomize else 100, phases=(Phase.explicit, Phase.generate)
)


def declared(lake: Path, derivation: Derivation, as_of: date | None) -> list[Row]:
    """Compute a table as it is declared from what the lake holds."""
    engine = PolarsEngine(lake)
    columns = [c for c in derivation.table.columns if c != LAST_UPDATED]
    frames = [engine.read(table) for table in derivation.sources]
    rows: pl.LazyFrame = to_storage(derivation.rows(frames, as_of), columns).to_native()
    return ordered(rows.collect().to_dicts())


def assert_as_declared(shop: Shop, derivation: Derivation, as_of: date | None) -> None:
    found = shop.rows(derivation.table.path, without=[LAST_UPDATED.name])
    assert found == declared(shop.lake, derivation, as_of), derivation.table.path


@FEW
@given(data=st.data(), made=deliveries())
def test_after_every_run_the_tables_are_as_declared(data: st.DataObject, made: Deliveries) -> None:
    """Shared in chunks, kept favourites and single partitions end where the plain way ends."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        shop = Shop(Path(folder))
        for group in data.draw(groupings(made)):
            as_of = shop.run(group).as_of
            for derivation in DERIVATIONS:
                if as_of is not None or not derivation.uses_as_of:
                    assert_as_declared(shop, derivation, as_of)


# --- A table of tomorrow -------------------------------------------------------------------------

BUSY_DAYS = Table(
    layer="gold",
    name="busy_days",
    description="One row per date, with a word on products that hangs on the whole catalogue.",
    columns=(
        Column("date", DATE, "Date of the orders."),
        Column("order_count", COUNT, "Orders."),
        Column("active_products", COUNT, "Active products of the catalogue."),
        LAST_UPDATED,
    ),
    key=("date",),
    partition_by=("date",),
)
BRANDS = Table(
    layer="gold",
    name="brands",
    description="One row per product.",
    columns=(
        Column("product_id", KEY, "Product."),
        Column("product_name", TEXT, "Its name."),
        LAST_UPDATED,
    ),
    key=("product_id",),
)


def busy_days(orders: Frame, products: Frame) -> Frame:
    counted = orders.group_by("date").agg(nw.len().cast(nw.Int64).alias("order_count"))
    active = products.filter("is_active").select(nw.len().cast(nw.Int64).alias("active_products"))
    return counted.join(active, how="cross")


S_ORDERS, S_PRODUCTS = silver(ORDERS), silver(PRODUCTS)
TOMORROW = (
    Derivation(BUSY_DAYS, (S_ORDERS, S_PRODUCTS), busy_days, by_date=(S_ORDERS,)),
    Derivation(
        BRANDS, (S_PRODUCTS,), lambda products: products.select("product_id", "product_name")
    ),
)


@FEW
@given(data=st.data(), made=deliveries())
def test_a_declared_table_is_kept_up_to_date(data: st.DataObject, made: Deliveries) -> None:
    """One that is computed by date and hangs on products, and one that hangs on nothing else."""
    with (
        tempfile.TemporaryDirectory(prefix="lakehouse-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        shop = Shop(Path(folder))
        first, *others = data.draw(groupings(made))
        shop.run(first)
        engine = PolarsEngine(shop.lake)
        engine.create([derivation.table for derivation in TOMORROW])
        engine.close()
        patch.setattr(summarise, "DERIVATIONS", (*DERIVATIONS, *TOMORROW))
        shop.run(rebuild=True)
        for group in [[], *others]:
            as_of = shop.run(group).as_of
            for derivation in TOMORROW:
                assert_as_declared(shop, derivation, as_of)
