"""The tables of a lake as DuckDB reads them: the files of a version, with their partitions.

DuckDB is given the Parquet files that the Delta log lists, so that files which a condition on the
partition rules out are not opened but for the one that tells the schema, and of the others only the
columns that are asked for are read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from pipeline.contracts import TABLES, Table
from pipeline.errors import EngineError
from pipeline.runner.home import LakeHome
from simulator.engine.failures import told
from simulator.engine.tables import LocalTable, LocalTables
from simulator.sql.scope import literal, quoted
from simulator.sql.types import Field, stored


class LakeTables:
    """The tables of one lake, each opened at most once, so that an answer sees one state of it.

    While a run is under way, or was interrupted, that is the state from before the run.

    Args:
        lake: Folder of the lake.
    """

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self.refresh()

    def databases(self) -> Mapping[str, Mapping[str, Table]]:
        """Return the tables that the lake has, by database and name."""
        found: dict[str, dict[str, Table]] = {}
        for table in TABLES:
            if self._tables.exists(table):
                found.setdefault(table.layer, {})[table.name] = table
        return found

    def row_count(self, table: Table) -> int:
        """Return the number of rows, as the log tells it."""
        with told(f"reading the log of {table.path}", self._lake):
            return int(self._opened(table).count())

    def refresh(self) -> None:
        """Look at the present state of the lake from now on.

        Raises:
            LakeError: What a run has noted of itself cannot be understood.
        """
        intent = LakeHome(self._lake).interrupted()
        self._tables = LocalTables(self._lake, intent.versions if intent else None)
        self._open: dict[str, LocalTable] = {}

    def fields(self, table: Table) -> tuple[Field, ...]:
        """Return the columns of a table; a lake from before may lack new ones."""
        present = {field.name for field in self._opened(table).schema().fields}
        return tuple(Field(c.name, stored(c.type)) for c in table.columns if c.name in present)

    def select(self, table: Table) -> str:
        """Return a statement that gives DuckDB every row of a table's version.

        Raises:
            EngineError: The log cannot be read, or a file lies where its partition does not.
        """
        fields = self.fields(table)
        with told(f"reading the log of {table.path}", self._lake):
            actions = pl.DataFrame(self._opened(table).get_add_actions(flatten=True))
        files = actions.select(pl.col("^(path|partition[.].*|null_count[.].*)$")).to_dicts()
        if not files:
            nothing = [f"CAST(NULL AS {f.type.duckdb}) AS {quoted(f.name)}" for f in fields]
            return f"SELECT {', '.join(nothing)} WHERE FALSE"
        root = self._lake.resolve() / table.path
        paths = [unquote(file["path"]) for file in files]
        for path, file in zip(paths, files, strict=True):
            _check_partition(table, path, file)
        options = _partitions(table, fields)
        plain = [f.name for f in fields if f.name not in table.partition_by]
        if any(file.get(f"null_count.{name}") is None for file in files for name in plain):
            # Some files may be from before a column; only then every file is asked for its schema.
            options.append("union_by_name = true")
        names = ", ".join(literal(unglobbed(str(root / path))) for path in sorted(paths))
        columns = ", ".join(quoted(field.name) for field in fields)
        files_read = f"read_parquet([{names}], {', '.join(options)})"
        return f"SELECT {columns} FROM {files_read}"  # noqa: S608 - every part is quoted

    def _opened(self, table: Table) -> LocalTable:
        if table.path not in self._open:
            self._open[table.path] = self._tables.open(table)
        return self._open[table.path]


def _check_partition(table: Table, path: str, file: Mapping[str, object]) -> None:
    """Hold the partition that a file's folder tells against the one that the log tells."""
    told_by_path = dict(unquote(part).split("=", 1) for part in path.split("/")[:-1] if "=" in part)
    for name in table.partition_by:
        logged = file[f"partition.{name}"]
        if logged is None or told_by_path.get(name) != str(logged):
            msg = f"The file {path} of {table.path} lies in another partition than {name}={logged}."
            raise EngineError(msg, "Write the table anew: lakehouse simulate ... --rebuild.")


def _partitions(table: Table, fields: Sequence[Field]) -> list[str]:
    """Return how DuckDB is told to take partition columns from the names of folders."""
    if not table.partition_by:
        return ["hive_partitioning = false"]
    kinds = [
        f"{literal(field.name)}: {literal(field.type.duckdb)}"
        for field in fields
        if field.name in table.partition_by
    ]
    return ["hive_partitioning = true", f"hive_types = {{{', '.join(kinds)}}}"]


def unglobbed(path: str) -> str:
    """Return a path whose stars and brackets stand for themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)
