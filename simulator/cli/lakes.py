"""Lakes as the commands meet them: found, opened for reading, locked for a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.contracts import TABLES, Table
from pipeline.errors import CallError
from simulator.cli.checkout import command_name
from simulator.cli.console import note
from simulator.cli.text import did_you_mean, listed, path_for_user

if TYPE_CHECKING:
    from pipeline.runner.home import Intent
    from simulator.engine.polars_engine import PolarsEngine


@contextmanager
def reading(root: Path) -> "Iterator[PolarsEngine]":
    """Open a lake that must exist already; nothing is written to it.

    While a run is under way, or was interrupted, its tables are those from before that run.

    Args:
        root: Folder of the lake.

    Raises:
        CallError: There is no lake.
        LakeError: It cannot be read.
    """
    from simulator.engine.polars_engine import PolarsEngine

    intent = tell_of_run(root)
    engine = PolarsEngine(root, intent.versions if intent else None)
    try:
        yield engine
    finally:
        engine.close()


def tell_of_run(root: Path, means: str = "this is the lake from before it") -> "Intent | None":
    """Check a lake as `check_lake` does; say so if a run has not ended there, and what it means.

    Raises:
        CallError: There is no lake.
        LakeError: It cannot be read.
    """
    intent = check_lake(root)
    if intent is not None:
        note(f"A run is under way in {root} or was interrupted: {means}.")
    return intent


def check_lake(root: Path) -> "Intent | None":
    """Make sure that a folder is a lake; return what a run intends that has not ended there.

    Raises:
        CallError: There is no lake.
        LakeError: It cannot be read.
    """
    from pipeline.runner.home import LakeHome

    home = LakeHome(root)
    if not home.check():
        msg = f"There is no lake in {root}."
        raise CallError(msg, "Make one with: lakehouse simulate --landing DIR --lake DIR")
    return home.interrupted()


def existing(engine: "PolarsEngine", root: Path, word: str) -> Table:
    """Return the table that a word names, provided that the lake has it.

    Raises:
        CallError: No table or several are called so, or the lake does not have it.
    """
    table = find_table(word)
    if not engine.exists(table):
        msg = f"The lake {root} has no table {table.path}."
        raise CallError(msg, "A run creates the tables that are missing.")
    return table


def find_table(word: str) -> Table:
    """Return the table that a word names: `gold/daily_sales`, or `daily_sales` alone.

    Raises:
        CallError: No table is called so, or several are.
    """
    name = word.strip().strip("/").lower().replace(".", "/")
    found = [table for table in TABLES if name in {table.path, table.name}]
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"Several layers have a table {word}: {listed([table.path for table in found])}."
        raise CallError(msg, "Name one of them.")
    known = {name for table in TABLES for name in (table.path, table.name)}
    msg = f"There is no table {word}.{did_you_mean(name, sorted(known))}"
    raise CallError(msg, "`lakehouse show --lake DIR` lists them all.")


def check_apart(landing: Path, lake: Path) -> None:
    """Refuse a lake within its landing zone, whose files would be taken for deliveries.

    Raises:
        CallError: One of the folders lies in the other.
    """
    files, tables = landing.resolve(), lake.resolve()
    if files == tables or files in tables.parents or tables in files.parents:
        msg = f"The landing zone {landing} and the lake {lake} lie one within the other."
        raise CallError(msg, "Give each a folder of its own.")


def suggestion(*words: str | Path) -> str:
    """Return a command line of this program that can be pasted into a shell."""
    return " ".join(
        [command_name(), *(path_for_user(w) if isinstance(w, Path) else w for w in words)]
    )
