"""What the scripts of benchmarks/ are held to: the tables of the pipeline."""

from collections.abc import Callable
from pathlib import Path

from pipeline.contracts import ENTITIES, GOLD, Table, bronze, quarantine, silver
from pipeline.contracts.layers import EXTRA_COLUMNS, RAW_RECORD
from pipeline.contracts.metadata import run_metadata
from simulator.generate import Dirt, ShopConfig, generate
from tests.lakes import Row, ordered, rows, run

SHOP = ShopConfig(days=4, orders_per_day=60, products=40, users=50, weekly_catalogue=True)
# What can be wrong with a row in the usual spelling. Of texts that are no values of their type, the
# scripts take what their engine's own parser takes, such as a second 60.
DIRT = Dirt(
    missing=0.02,
    out_of_range=0.02,
    inconsistent=0.02,
    unknown_order=0.02,
    unknown_product=0.02,
    duplicate_row=0.03,
    correction=0.03,
)
# How many tables are compared.
TABLES = 3 * len(ENTITIES) + len(GOLD)
# The scripts take no file with columns or fields too many.
NOT_BY_HAND = {EXTRA_COLUMNS.name, RAW_RECORD.name}


def assert_tables_are_the_pipelines(folder: Path, script: Callable[[Path, Path], object]) -> int:
    """Hold every table that a script makes against the pipeline's; return the rows compared.

    Args:
        folder: Where the files and both lakes are made.
        script: Fills a fresh lake, named second, from a landing zone.
    """
    landing, lake, by_hand = folder / "landing", folder / "lake", folder / "by-hand"
    generate(SHOP, DIRT, landing)
    run(landing, lake)
    script(landing, by_hand)
    refined = [layer(entity) for layer in (bronze, silver) for entity in ENTITIES]
    compared = 0
    for table in (*refined, *GOLD):
        expected = _said(lake, table)
        assert _said(by_hand, table) == expected, table.path
        compared += len(expected)
    for entity in ENTITIES:
        places = _places(lake, quarantine(entity))
        assert places
        assert _places(by_hand, quarantine(entity)) == places
        compared += len(places)
    return compared


def _said(lake: Path, table: Table) -> list[Row]:
    """Return the rows of a table; text that is empty is the same as none."""
    found = rows(lake, table.path, run_metadata(table).columns | NOT_BY_HAND)
    return ordered(
        {name: None if value == "" else value for name, value in row.items()} for row in found
    )


def _places(lake: Path, table: Table) -> list[tuple[str, int]]:
    """Return the files and rows that a quarantine table names."""
    return sorted((row["source_file"], row["source_row"]) for row in rows(lake, table.path))
