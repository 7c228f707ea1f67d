"""`lakehouse query`: SQL as in Athena, on a lake in a folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.answer import Format, format_for, give
from simulator.cli.lakes import tell_of_run
from simulator.cli.text import did_you_mean

if TYPE_CHECKING:
    from pipeline.queries import NamedQuery

EPILOG = """\
[bold]Examples[/]
  lakehouse query --list
  lakehouse query department_growth --lake lake --plot
  lakehouse query "SELECT date, total_sales FROM gold.daily_sales ORDER BY date" --lake lake
  lakehouse query weekly_trend --lake lake --to weeks.csv
  lakehouse query --lake lake

[dim]The dialect is that of Athena's engine 3, the databases are the lake's layers. What Athena \
does not know, or what cannot be answered here as Athena would, is refused with the reason.[/]"""


def query(
    *,
    statement: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL|NAME]",
            help="A statement in Athena's dialect, or the name of a query; without it: a prompt, "
            "or the statements on standard input.",
            show_default=False,
        ),
    ] = None,
    lake: Annotated[
        Path | None,
        typer.Option("--lake", metavar="DIR", help="Folder of the lake.", show_default=False),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="Form of the answer; else by the name of --to, else a table."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write the answer to a file."),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the answer instead.")] = False,
    measure: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="What --plot draws; else the first number."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows of a table to show; 0 for all.")] = 100,
    names: Annotated[
        bool, typer.Option("--list", help="List the queries that have a name.")
    ] = False,
    show_sql: Annotated[
        bool,
        typer.Option("--sql", help="Print the statement of a named query, to paste into Athena."),
    ] = False,
) -> None:
    """Ask the tables of a lake in SQL, in Athena's dialect and with its database names."""
    chosen = format_for(form, to)
    if plot and (form is not None or to is not None):
        msg = "--plot draws in the terminal."
        raise CallError(msg, "Leave --format and --to out.")
    if measure is not None and not plot:
        msg = "--measure says what --plot draws."
        raise CallError(msg, "Add --plot.")
    if names:
        list_queries()
        return
    if show_sql:
        console.say(find_query(statement or "").sql)
        return
    if lake is None:
        msg = "There is no lake to ask."
        raise CallError(msg, "Name it with --lake DIR.")
    tell_of_run(lake)
    texts = _statements(statement)
    if to is not None and texts is not None and len(texts) != 1:
        msg = f"One file takes one answer, and there are {len(texts)} statements."
        raise CallError(msg, "Ask one at a time.")

    from simulator.sql.session import Session

    with Session(lake) as session:
        if texts is None:
            from simulator.cli.query_prompt import prompt

            prompt(session, lake, limit=limit)
            return
        for text in texts:
            with session.answered(text) as result:
                give(result, chosen, to, limit=limit, plot=plot, measure=measure)


def _statements(word: str | None) -> list[str] | None:
    """Return what is asked; None for a prompt.

    Raises:
        CallError: Nothing is, or a word is no query's name.
    """
    if word is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            return None
        return _split(sys.stdin.read())
    if len(word.split()) == 1 and ";" not in word and word.strip():
        return [find_query(word.strip()).sql]
    return _split(word)


def _split(text: str) -> list[str]:
    from simulator.sql.dialect import statements

    found = statements(text)
    if not found:
        msg = "There is no statement."
        raise CallError(msg, "Write one, or the name of a query; --list lists them.")
    return found


def find_query(word: str) -> "NamedQuery":
    """Return the query of a name.

    Raises:
        CallError: There is none.
    """
    from pipeline.queries import named_queries

    queries = {each.name: each for each in named_queries()}
    name = word.lower().replace("-", "_").removesuffix(".sql")
    if name not in queries:
        guess = did_you_mean(name, queries)
        msg = f"There is no query {word!r}.{guess}"
        raise CallError(msg, "`lakehouse query --list` lists them; SQL begins with SELECT or WITH.")
    return queries[name]


def list_queries() -> None:
    """Print the queries that have a name."""
    from pipeline.queries import named_queries

    console.table(("name", "answers"), [[each.name, each.title] for each in named_queries()])
