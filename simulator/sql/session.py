"""Questions put to a lake, and their answers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn, Self

import duckdb
import polars as pl
import pyarrow as pa
from sqlglot import exp

from pipeline.contracts import TABLES, Table
from pipeline.errors import LakeError
from simulator.cli.text import did_you_mean, listed
from simulator.sql.errors import QueryError, refuse
from simulator.sql.functions import MACROS
from simulator.sql.scope import literal, quoted
from simulator.sql.statements import Answer, Statement, translate
from simulator.sql.tables import LakeTables, unglobbed
from simulator.sql.types import Field

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Result:
    """The answer to a question.

    Attributes:
        fields: Names and types of its columns.
        reader: Its rows as an Arrow reader of record batches, to be read once.
        work: Does what takes DuckDB long, so that it can be stopped.
    """

    fields: tuple[Field, ...]
    reader: Any
    work: Callable[[Callable[[], Any]], Any]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Return the rows as Python has them: exact decimals, times in UTC."""
        for batch in self.batches():
            # Arrow alone would look for pandas to make times of its own.
            columns = [pl.Series(column).to_list() for column in batch.columns]
            yield from zip(*columns, strict=True)

    def batches(self) -> Iterator[Any]:
        """Return the rows as Arrow record batches.

        Raises:
            QueryError: The statement fails on a value.
        """
        while True:
            with _failures():
                batch = self.work(lambda: next(iter(self.reader), None))
            if batch is None:
                return
            yield batch


class Session:
    """Answers questions about one lake; nothing is written.

    Args:
        lake: Folder of the lake.
    """

    def __init__(self, lake: Path) -> None:
        self.tables = LakeTables(lake)
        self._lake = lake
        # What does not fit into memory goes where temporary files go, not where the user stands.
        self._scratch = TemporaryDirectory(prefix="lakehouse-query-", ignore_cleanup_errors=True)
        self._duckdb = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "temp_directory": self._scratch.name,
            },
        )
        self._duckdb.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            self._duckdb.execute(macro)
        root = str(lake.resolve())
        # DuckDB looks at the name as it is written, too, before it looks for the file.
        allowed = ", ".join(map(literal, (root, unglobbed(root))))
        self._duckdb.execute(f"SET allowed_directories = [{allowed}]")
        self._duckdb.execute("SET enable_external_access = false")
        self._duckdb.execute("SET lock_configuration = true")
        self._known: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._duckdb.close()
        self._scratch.cleanup()

    def translated(self, text: str) -> Statement:
        """Return what DuckDB is given for a statement.

        Raises:
            QueryError: It is refused.
        """
        return translate(text, self._find)

    @contextmanager
    def answered(self, text: str) -> Iterator[Result]:
        """Answer a statement in Athena's dialect; the rows are read within the `with`.

        Raises:
            QueryError: It is refused, or fails on a value.
            EngineError: The lake cannot be read.
        """
        self.tables.refresh()
        for name in self._known:
            self._duckdb.execute(f"DROP VIEW {quoted(name)}")
        self._known.clear()
        statement = self.translated(text)
        with _failures():
            reader = self._stoppable(
                lambda: self._duckdb.sql(statement.sql).to_arrow_reader(_BATCH_ROWS)
            )
        with closing(reader):
            yield Result(statement.fields, reader, self._stoppable)

    def _stoppable(self, work: Callable[[], Any]) -> Any:
        """Let DuckDB work beside this thread, which hears Ctrl-C meanwhile and stops it."""
        future = self._pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._duckdb.interrupt()
            wait([future])
            raise

    def table(self, database: str, name: str) -> Table | None:
        """Return a table by the names that SQL has for it; None when the lake has none."""
        return self.tables.databases().get(database.lower(), {}).get(name.lower())

    def fields(self, table: Table) -> tuple[Field, ...]:
        """Return the columns of a table."""
        return self.tables.fields(table)

    def _find(self, node: exp.Table) -> Answer:
        """Hand a table over to DuckDB; see `statements.Finder`."""
        database, name = node.db.lower(), node.name.lower()
        if node.catalog and node.catalog.lower() != "awsdatacatalog":
            refuse(node, f"There is no catalog {node.catalog}.", "Write database.table.")
        databases = self.tables.databases()
        if not database:
            homes = [f"{layer}.{name}" for layer, tables in databases.items() if name in tables]
            known = sorted({each for tables in databases.values() for each in tables})
            guess = "" if homes else did_you_mean(name, known)
            hint = f"Write {' or '.join(homes)}." if homes else "Write database.table."
            refuse(node, f"The table {name} needs its database.{guess}", hint)
        table = databases.get(database, {}).get(name)
        if table is None:
            self._unknown_table(node, database, name)
        registered = table.path
        if registered not in self._known:
            with _failures():
                self._duckdb.execute(
                    f"CREATE VIEW {quoted(registered)} AS {self.tables.select(table)}"
                )
            self._known.add(registered)
        return quoted(registered), self.fields(table)

    def _unknown_table(self, node: exp.Table, database: str, name: str) -> NoReturn:
        databases = self.tables.databases()
        if any((t.layer, t.name) == (database, name) for t in TABLES):
            refuse(
                node,
                f"The lake {self._lake} has no table {database}.{name} yet.",
                "A run creates the tables that are missing.",
            )
        if database not in databases:
            guess = did_you_mean(database, databases)
            known = listed(sorted(databases))
            refuse(node, f"There is no database {database}.{guess}", f"There are {known}.")
        names = [f"{layer}.{each}" for layer, tables in databases.items() for each in tables]
        guess = did_you_mean(f"{database}.{name}", names)
        known = listed(sorted(databases[database]))
        refuse(node, f"There is no table {database}.{name}.{guess}", f"{database} has {known}.")


@contextmanager
def _failures() -> Iterator[None]:
    """Say what DuckDB has against a statement in the project's own errors."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        msg = f"The lake could not be read to the end: {said}."
        raise LakeError(msg, "Ask for less, or look at the file that is named.") from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        # Rows after the first come through Arrow, which passes DuckDB's words on as its own.
        said = (str(error).strip().splitlines() or ["no reason given"])[0]
        kind, _, text = said.partition(": ")
        what = text if kind.endswith("Error") and text else said
        what = what.partition(". Use TRY(")[0].rstrip(".")
        msg = f"The statement fails: {what}."
        raise QueryError(msg) from error
