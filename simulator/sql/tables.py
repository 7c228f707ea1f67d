"""The tables of a lake as DuckDB reads them: the files of a version, with their partitions.

A table is handed over as an Arrow dataset that is made from the Delta log: every file stands with
the values of its partition, so that files which a condition rules out are not opened, and of the
others only the columns that are asked for are read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

from pipeline.contracts import TABLES, Table
from simulator.engine.failures import told
from simulator.engine.tables import LocalTable


def chosen_version(lake: Path, table: Table) -> int | None:
    """Return the version of a table that questions are answered from; None for the latest.

    The one place where versions are chosen, so that all tables of an answer fit together.
    """
    del lake, table
    return None


class LakeTables:
    """The tables of one lake, each opened at most once, so that an answer sees one state of it.

    Args:
        lake: Folder of the lake.
    """

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._open: dict[str, DeltaTable] = {}

    def databases(self) -> Mapping[str, Mapping[str, Table]]:
        """Return the tables that the lake has, by database and name."""
        found: dict[str, dict[str, Table]] = {}
        for table in TABLES:
            if DeltaTable.is_deltatable(str(self._lake / table.path)):
                found.setdefault(table.layer, {})[table.name] = table
        return found

    def row_count(self, table: Table) -> int:
        """Return the number of rows, as the log tells it."""
        with told(f"reading the log of {table.path}", self._lake):
            return int(self._opened(table).count())

    def refresh(self) -> None:
        """Look at the latest state of the lake from now on."""
        self._open.clear()

    def columns(self, table: Table) -> tuple[str, ...]:
        """Return the columns that the table has; a lake from before may lack new ones."""
        return tuple(field.name for field in self._opened(table).schema().fields)

    def dataset(self, table: Table) -> Any:
        """Return a table's version as an Arrow dataset."""
        with told(f"reading the log of {table.path}", self._lake):
            opened = self._opened(table)
            schema = pa.schema(opened.schema().to_arrow())
            names = opened.metadata().partition_columns
            files = pa.table(opened.get_add_actions(flatten=True))
        form, disk, root = ds.ParquetFileFormat(), fs.LocalFileSystem(), self._lake / table.path
        wanted = ["path", *(f"partition.{name}" for name in names)]
        fragments = [
            form.make_fragment(
                str(root / unquote(file["path"])),
                filesystem=disk,
                partition_expression=_partition(file, names, schema),
            )
            for file in files.select(wanted).to_pylist()
        ]
        return ds.FileSystemDataset(fragments, schema, form, disk)

    def _opened(self, table: Table) -> DeltaTable:
        if table.path not in self._open:
            with told(f"opening {table.path}", self._lake):
                version = chosen_version(self._lake, table)
                self._open[table.path] = LocalTable(self._lake / table.path, version=version)
        return self._open[table.path]


def _partition(file: Mapping[str, Any], names: list[str], schema: Any) -> Any:
    """Return what holds for every row of a file, by the values of its partition."""
    holds = None
    for name in names:
        value, column = file[f"partition.{name}"], pc.field(name)
        one = column.is_null() if value is None else column == _scalar(value, schema, name)
        holds = one if holds is None else holds & one
    return holds


def _scalar(value: Any, schema: Any, name: str) -> Any:
    return pa.scalar(value, schema.field(name).type)
