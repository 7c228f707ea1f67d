"""Run metadata is left out, and nothing but run metadata; `strict` leaves out next to nothing."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.contracts import TABLES
from pipeline.contracts.metadata import run_metadata, surroundings
from simulator.compare import compare, present_tables
from tests.unit.compare.tools import UNKNOWN, compared, kinds, write

_TIMES = [datetime(2025, 5, day, tzinfo=UTC) for day in (1, 2)]


@pytest.mark.parametrize(
    ("table", "column", "values", "is_metadata"),
    [
        ("bronze/orders", "batch_id", (1, 2), True),
        ("bronze/orders", "ingestion_timestamp", _TIMES, True),
        ("bronze/orders", "source_file", ("a", "b"), False),
        ("silver/orders", "source_file", ("a", "b"), True),
        ("silver/orders", "source_row", (1, 2), True),
        ("silver/orders", "user_id", (1, 2), False),
        ("silver/products", "last_updated_timestamp", _TIMES, True),
        ("silver/products", "is_active", (True, False), False),
        ("quarantine/orders", "displaced", (True, False), True),
        ("quarantine/orders", "resolved_batch_id", (None, 2), True),
        ("quarantine/orders", "reasons", ("x:missing", "y:missing"), False),
        ("interim/daily_product", "items", (1, 2), False),
        ("gold/daily_sales", "last_updated_timestamp", _TIMES, True),
        ("gold/daily_sales", "total_items", (1, 2), False),
        (UNKNOWN, "last_updated_timestamp", _TIMES, False),
    ],
)
def test_columns_of_run_metadata(
    table: str,
    column: str,
    values: tuple[object, object],
    *,
    is_metadata: bool,
    tmp_path: Path,
) -> None:
    lakes = tmp_path / "a", tmp_path / "b"
    for lake, value in zip(lakes, values, strict=True):
        write(lake, pl.DataFrame({"of_all": [7, 7], column: [values[1], value]}), table)

    assert kinds(compared(*lakes, table)) == ([] if is_metadata else ["rows"])
    assert kinds(compared(*lakes, table, strict=True)) == ["rows"]


def test_released_rows_are_history(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    held = pl.DataFrame({"order_id": ["1"], "status": ["held"]})
    released = pl.DataFrame({"order_id": ["2"], "status": ["released"]})
    write(a, held, "quarantine/orders")
    write(b, pl.concat([held, released]), "quarantine/orders")

    found = compared(a, b, "quarantine/orders")
    assert found.equal
    assert (found.rows_a, found.rows_b) == (1, 1)
    assert kinds(compared(a, b, "quarantine/orders", strict=True)) == ["rows"]


def test_a_held_row_is_no_history(tmp_path: Path) -> None:
    lakes = tmp_path / "a", tmp_path / "b"
    for lake, status in zip(lakes, ("held", "released"), strict=True):
        frame = pl.DataFrame({"order_id": ["1", "2"], "status": ["rejected", status]})
        write(lake, frame, "quarantine/orders")

    assert kinds(compared(*lakes, "quarantine/orders")) == ["rows"]


def test_books_are_compared_only_when_strict(tmp_path: Path) -> None:
    lakes = tmp_path / "a", tmp_path / "b"
    for number, lake in enumerate(lakes):
        frame = pl.DataFrame({"engine": [f"engine {number}"], "refused_files": [number]})
        write(lake, frame, "meta/runs")

    found = compared(*lakes, "meta/runs")
    assert found.equal
    assert not found.rows_compared
    strictly = compared(*lakes, "meta/runs", strict=True)
    assert kinds(strictly) == ["rows"]
    assert list(strictly.differences[0].examples[0].a or {}) == ["refused_files"]


def test_every_column_left_out_is_one_of_the_table() -> None:
    for table in TABLES:
        left_out = run_metadata(table).columns | surroundings(table).columns
        assert left_out <= set(table.column_names)
        assert table.layer == "meta" or left_out < set(table.column_names)


def test_tables_of_either_lake_are_found(tmp_path: Path) -> None:
    """Contracts first and in their order, then tables that nobody described; other folders not."""
    a, b = tmp_path / "a", tmp_path / "b"
    frame = pl.DataFrame({"x": [1]})
    for lake, table in (
        (a, "gold/daily_sales"),
        (a, "silver/orders"),
        (b, "silver/orders"),
        (b, "silver/a_copy"),
        (b, "elsewhere/orders"),
    ):
        write(lake, frame, table)
    (a / "gold" / "notes").mkdir()

    paths = ["silver/orders", "gold/daily_sales", "silver/a_copy"]
    assert present_tables(a, b) == paths
    found = compare(a, b)
    assert [table.path for table in found.tables] == paths
    assert [table.equal for table in found.tables] == [True, False, False]
    assert str(found) == (
        "gold/daily_sales: The table is only in A.\nsilver/a_copy: The table is only in B."
    )
    assert compare(a, b, tables=["silver/orders"]).equal


def test_a_lake_is_equal_to_itself_and_so_are_empty_ones(tmp_path: Path) -> None:
    write(tmp_path / "a", pl.DataFrame({"x": [1, 1, None]}))

    assert compare(tmp_path / "a", tmp_path / "a", strict=True).equal
    assert compare(tmp_path / "none", tmp_path / "nothing").tables == ()
    assert compare(tmp_path / "none", tmp_path / "nothing").equal
