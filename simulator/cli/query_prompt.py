r"""`lakehouse query` alone: a prompt with history and completion; `\?` tells what there is."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipeline.errors import LakehouseError
from simulator.cli import console
from simulator.cli.answer import Format, give
from simulator.cli.query import find_query, list_queries
from simulator.cli.query_completion import Words
from simulator.cli.text import shown

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings

    from pipeline.contracts import Table
    from simulator.sql.session import Session

_HELP = r"""A statement ends with ; and may go over several lines. Besides:
  \d            list the tables
  \d TABLE      list the columns of a table, e.g. \d gold.daily_sales
  \n            list the queries that have a name
  \n NAME       answer one of them
  \s NAME       show its statement
  \p            draw the last answer, \p NAME draws that of a query
  \?            show this
  \q            leave, as Ctrl-D does
Ctrl-C leaves the line, or stops a statement that takes too long. TAB completes."""


def prompt(session: "Session", lake: Path, *, limit: int) -> None:
    """Answer what is typed until it is enough.

    Args:
        session: The lake.
        lake: Its folder, for the greeting.
        limit: Rows of a table to show.
    """
    console.say(f"{shown(str(lake))} in Athena's dialect. \\? for help, \\q to leave.")
    typed = _prompt_session(session)
    asked = _Asked(session, limit)
    with _interruptible() as work:
        while True:
            try:
                text = typed.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text in {"\\q", "exit", "quit", "exit;", "quit;"}:
                return
            try:
                work.perform(partial(asked.obey, text))
            except KeyboardInterrupt:
                console.note("Stopped.")
            except LakehouseError as error:
                _complain(str(error))


class _Asked:
    """What has been asked at the prompt, and how it is answered.

    Args:
        session: The lake.
        limit: Rows of a table to show.
    """

    def __init__(self, session: "Session", limit: int) -> None:
        self._session = session
        self._limit = limit
        self._last = ""

    def obey(self, text: str) -> None:
        """Answer a statement or a word that begins with a backslash."""
        if not text.startswith("\\"):
            self._answer(text)
            return
        word, _, rest = text.rstrip(";").partition(" ")
        name = rest.strip()
        match word:
            case "\\?" | "\\h":
                console.say(_HELP)
            case "\\d" if name:
                show_columns(self._session, name)
            case "\\d" | "\\dt":
                show_tables(self._session)
            case "\\n" if name:
                self._answer(find_query(name).sql)
            case "\\n":
                list_queries()
            case "\\s":
                console.say(find_query(name).sql)
            case "\\p":
                self._answer(find_query(name).sql if name else self._last, plot=True)
            case _:
                _complain(f"There is no {word}. \\? tells what there is.")

    def _answer(self, text: str, *, plot: bool = False) -> None:
        from simulator.sql.dialect import statements

        for statement in statements(text):
            with self._session.answered(statement) as result:
                give(result, Format.TABLE, None, limit=self._limit, plot=plot)
            self._last = statement


def show_tables(session: "Session") -> None:
    """Print the tables that can be asked."""
    rows = [
        [
            f"{database}.{name}",
            f"{session.tables.row_count(table):,}",
            table.description.partition(". ")[0].rstrip("."),
        ]
        for database, tables in session.tables.databases().items()
        for name, table in tables.items()
    ]
    console.table(("table", "rows", "holds"), rows, right=("rows",))


def show_columns(session: "Session", name: str) -> None:
    """Print the columns of a table: type, unit, meaning.

    Raises:
        LakehouseError: The lake has no such table.
    """
    table = _table(session, name)
    described = {column.name: column for column in table.columns}
    rows = [
        [field.name, str(field.type), described[field.name].unit, described[field.name].description]
        for field in session.fields(table)
    ]
    console.table(("column", "type", "unit", "meaning"), rows)
    if table.partition_by:
        console.note(f"Partitioned by {', '.join(table.partition_by)}: conditions on it read less.")


def _table(session: "Session", name: str) -> "Table":
    from simulator.cli.lakes import find_table

    table = find_table(name)
    if session.table(table.layer, table.name) is None:
        msg = f"The lake has no table {table.layer}.{table.name} yet."
        raise LakehouseError(msg, "A run creates the tables that are missing.")
    return table


def _complain(text: str) -> None:
    from rich.text import Text

    console.err().print(Text(shown(text), style="red"), soft_wrap=True)


class _Work:
    """What Ctrl-C stops. Before and after it, and a second time, there is nothing to stop."""

    def __init__(self) -> None:
        self._is_under_way = False

    def perform(self, work: Callable[[], None]) -> None:
        """Do something that Ctrl-C stops with a KeyboardInterrupt."""
        self._is_under_way = True
        try:
            work()
        finally:
            self._is_under_way = False

    def stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signals are told
        """Handle the signal that Ctrl-C sends."""
        if self._is_under_way:
            self._is_under_way = False
            raise KeyboardInterrupt


@contextmanager
def _interruptible() -> Iterator[_Work]:
    """Let Ctrl-C stop what is going on and not the program."""
    work = _Work()
    before = signal.signal(signal.SIGINT, work.stop)
    try:
        yield work
    finally:
        signal.signal(signal.SIGINT, before)


def _prompt_session(session: "Session") -> "PromptSession[str]":
    from prompt_toolkit import PromptSession
    from prompt_toolkit.lexers import PygmentsLexer
    from prompt_toolkit.output import ColorDepth
    from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]  # it ships no types

    plain = ColorDepth.DEPTH_1_BIT if "NO_COLOR" in os.environ else None
    return PromptSession(
        "lakehouse> ",
        history=_history(),
        completer=Words(session),
        complete_while_typing=False,
        lexer=PygmentsLexer(SqlLexer),
        multiline=True,
        prompt_continuation=lambda width, *_: "-> ".rjust(width),
        key_bindings=_keys(),
        color_depth=plain,
        enable_history_search=True,
    )


def _keys() -> "KeyBindings":
    """Let Enter end a statement that ends with a semicolon, and begin a new line otherwise."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: Any) -> None:
        text = event.current_buffer.text.strip()
        whole = text.endswith(";") or text.startswith("\\") or text in {"", "exit", "quit"}
        if whole:
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    return keys


def _history() -> Any:
    """Return the history that is kept for this user; of this session only where none can be."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = home / "lakehouse" / "query_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        console.note(f"The history cannot be kept in {path}: {error.strerror or error}.")
        return InMemoryHistory()
    return FileHistory(path)
