"""Two lakes, table by table."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from pipeline.contracts import TABLES, Table
from pipeline.contracts.metadata import Aside, run_metadata, surroundings
from pipeline.runner.run import Observer, Silent
from simulator.compare import structure
from simulator.compare.result import Comparison, Difference, Kind, TableComparison
from simulator.compare.rows import RowsFound, Shape, compare_rows
from simulator.engine.failures import told
from simulator.engine.tables import LocalTable

_CONTRACTS = {table.path: table for table in TABLES}
_LAYERS = tuple(dict.fromkeys(table.layer for table in TABLES))


def present_tables(a: Path, b: Path) -> list[str]:
    """Return the paths of all tables that either lake has, unknown ones last.

    Args:
        a: Root of lake A.
        b: Root of lake B.
    """
    found = {
        f"{layer}/{log.parent.name}"
        for root in (a, b)
        for layer in _LAYERS
        for log in (root / layer).glob("*/_delta_log")
    }
    return [*(path for path in _CONTRACTS if path in found), *sorted(found - set(_CONTRACTS))]


def compare(
    a: Path,
    b: Path,
    *,
    tables: Collection[str] | None = None,
    strict: bool = False,
    limit: int | None = 5,
    observer: Observer | None = None,
) -> Comparison:
    """Compare two lakes; nothing is written to them.

    Args:
        a: Root of lake A.
        b: Root of lake B.
        tables: Paths of the tables to compare; None for all that either lake has.
        strict: Whether run metadata is compared as well. Lakes of the same runs at the same times
            are equal even so, whichever engine made them.
        limit: How many differing rows of each table to return at most; None for all.
        observer: Is told how the comparison gets on.

    Raises:
        LakehouseError: A table cannot be read.
    """
    watching = observer or Silent()
    paths = [path for path in present_tables(a, b) if tables is None or path in tables]
    watching.step("comparing", len(paths))
    found = []
    for path in paths:
        found.append(_compare_table(path, a, b, strict=strict, limit=limit))
        watching.advance()
    return Comparison(a, b, strict, tuple(found))


@dataclass(frozen=True)
class _Contract:
    """What is known of a table beforehand."""

    key: tuple[str, ...]
    aside: Aside


def _contract(path: str, *, strict: bool) -> _Contract:
    table: Table | None = _CONTRACTS.get(path)
    if table is None:
        return _Contract((), Aside())
    return _Contract(table.key, surroundings(table) if strict else run_metadata(table))


def _compare_table(
    path: str, a: Path, b: Path, *, strict: bool, limit: int | None
) -> TableComparison:
    table_a, table_b = _opened(a, path), _opened(b, path)
    contract = _contract(path, strict=strict)
    with told(f"comparing {path}", f"{a} and {b}"):
        if table_a is None or table_b is None:
            return _one_sided(path, table_a, table_b)
        differences = structure.differences(table_a, table_b)
        shape = None if contract.aside.all_rows else _shape(table_a, table_b, contract)
        if shape is None:
            rows_a, rows_b = _count(table_a), _count(table_b)
            return TableComparison(path, rows_a, rows_b, tuple(differences), rows_compared=False)
        rows = compare_rows(
            _rows(table_a, contract.aside), _rows(table_b, contract.aside), shape, limit=limit
        )
        differences += _rows_difference(rows)
        return TableComparison(path, rows.rows_a, rows.rows_b, tuple(differences))


def _opened(root: Path, path: str) -> DeltaTable | None:
    with told(f"opening {path}", root):
        place = root / path
        return LocalTable(place) if LocalTable.is_deltatable(str(place)) else None


def _one_sided(path: str, a: DeltaTable | None, b: DeltaTable | None) -> TableComparison:
    lake = "B" if a is None else "A"
    missing = Difference(Kind.TABLE, f"The table is only in {lake}.")
    rows_a, rows_b = (None if table is None else _count(table) for table in (a, b))
    return TableComparison(path, rows_a, rows_b, (missing,), rows_compared=False)


def _shape(a: DeltaTable, b: DeltaTable, contract: _Contract) -> Shape | None:
    """Return the columns to compare; None when the tables have none in common."""
    in_a, in_b = structure.columns(a), structure.columns(b)
    names = tuple(
        name
        for name in in_a
        if name in in_b
        and in_a[name].type == in_b[name].type
        and name not in contract.aside.columns
    )
    if not names:
        return None
    key = tuple(name for name in contract.key if name in names)
    partition_by = tuple(name for name in a.metadata().partition_columns if name in names)
    return Shape(names, key or names, partition_by)


def _rows(table: DeltaTable, aside: Aside) -> pl.LazyFrame:
    rows = pl.scan_delta(table)
    if not aside.statuses or "status" not in structure.columns(table):
        return rows
    return rows.filter(~pl.col("status").is_in(sorted(aside.statuses), nulls_equal=True))


def _count(table: DeltaTable) -> int:
    return int(pl.scan_delta(table).select(pl.len()).collect().item())


def _rows_difference(rows: RowsFound) -> list[Difference]:
    if not rows.only_a and not rows.only_b:
        return []
    parts = [
        f"{number:,} {'row' if number == 1 else 'rows'} of {here} {'is' if number == 1 else 'are'} "
        f"not in {there}"
        for number, here, there in ((rows.only_a, "A", "B"), (rows.only_b, "B", "A"))
        if number
    ]
    sentence = f"{', '.join(parts)}."
    return [Difference(Kind.ROWS, sentence, rows.only_a, rows.only_b, rows.examples)]
