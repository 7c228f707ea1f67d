"""`lakehouse compare`: whether two lakes hold the same, and where they do not."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.guard import FAILED
from simulator.cli.lakes import find_table, tell_of_run
from simulator.cli.options import AsJson
from simulator.cli.progress import progress
from simulator.cli.text import cell, count, listed, plain, shown

if TYPE_CHECKING:
    from rich.text import Text

    from simulator.compare import Comparison, Example, TableComparison
    from simulator.compare.result import Row


def compare(
    *,
    lake_a: Annotated[
        Path, typer.Argument(metavar="LAKE_A", help="Folder of one lake.", show_default=False)
    ],
    lake_b: Annotated[
        Path, typer.Argument(metavar="LAKE_B", help="Folder of the other.", show_default=False)
    ],
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE",
            help="Only this table: gold/daily_sales, or daily_sales where that is clear; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Differing rows to show of each table; 0 for all.")
    ] = 5,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Compare run metadata too: times and numbers of runs, lineage, healed rows, the "
            "books in meta. For lakes of the same runs at the same times.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell two lakes apart: schema, partitions, protocol, and every row, exactly.

    The order of rows, the files they lie in, the engine that wrote them, and run metadata do not
    count: a lake built day by day is equal to one built in a single run. Unless --strict is given,
    times and numbers of runs, the lineage of silver rows, healed rows in quarantine and the rows of
    meta are left out.

    Exit code 0 means equal, 1 that something differs, 2 that the call was wrong.
    """
    for root in dict.fromkeys((lake_a, lake_b)):
        tell_of_run(root, "its tables may not fit together yet")
    from simulator.compare import compare as compare_lakes
    from simulator.compare import present_tables

    present = present_tables(lake_a, lake_b)
    chosen = {_chosen(word, present) for word in table} if table else None
    with progress() as watching:
        found = compare_lakes(
            lake_a, lake_b, tables=chosen, strict=strict, limit=limit or None, observer=watching
        )
    if as_json:
        console.document(_document(found))
    else:
        _print(found)
    if not found.equal:
        raise typer.Exit(FAILED)


def _chosen(word: str, present: list[str]) -> str:
    """Return the path of the table that a word names; tables without a contract by path alone."""
    path = word if word in present else find_table(word).path
    if path not in present:
        msg = f"Neither lake has a table {path}."
        raise CallError(msg, "A run creates the tables that are missing.")
    return path


def _print(found: "Comparison") -> None:
    console.say(f"A  {shown(str(found.a))}")
    console.say(f"B  {shown(str(found.b))}")
    console.say("")
    rows = [[t.path, _number(t.rows_a), _number(t.rows_b), _verdict(t)] for t in found.tables]
    if rows:
        console.table(
            ("table", "rows in A", "rows in B", ""), rows, right=("rows in A", "rows in B")
        )
    for table in found.tables:
        if not table.equal:
            _print_differences(table)
    console.say("")
    aside = "" if found.strict else " Run metadata was left out; --strict compares it too."
    if found.equal:
        console.verdict(f"The lakes are equal.{aside}", good=True)
        return
    different = [table.path for table in found.tables if not table.equal]
    of = f"{len(different):,} of {count(len(found.tables), 'table')}"
    console.verdict(f"The lakes differ in {of}.{aside}", good=False)


def _number(rows: int | None) -> str:
    return cell(None) if rows is None else f"{rows:,}"


def _verdict(table: "TableComparison") -> "Text":
    from rich.text import Text

    if not table.equal:
        kinds = list(dict.fromkeys(found.kind.value for found in table.differences))
        return Text(f"{console.tick(good=False)} {listed(kinds)}", style="bold red")
    line = Text(console.tick(good=True), style="green")
    if not table.rows_compared:
        line.append(" rows left out", style="dim")
    return line


def _print_differences(table: "TableComparison") -> None:
    console.heading(table.path)
    for found in table.differences:
        console.say(f"  {shown(found.sentence)}")
        for example in found.examples:
            console.say(_line(example))
        left = found.only_a + found.only_b - sum(map(_rows_of, found.examples))
        if found.examples and left > 0:
            console.say(f"    and {left:,} more; --limit N shows more")


def _rows_of(example: "Example") -> int:
    return example.copies_a + example.copies_b


def _line(example: "Example") -> "Text":
    from rich.text import Text

    line = Text("    ")
    if example.a is not None and example.b is not None:
        line.append("differs    ", style="bold yellow")
        line.append(_values(example.key))
        for name in example.columns:
            in_a, in_b = _told_apart(example.a[name], example.b[name])
            line.append(f"  {shown(name)}: ", style="dim")
            line.append(f"{in_a} in A, {in_b} in B")
        return line
    line.append("only in B  " if example.a is None else "only in A  ", style="bold red")
    line.append(_values(example.a or example.b or {}))
    if (copies := _rows_of(example)) > 1:
        line.append(f"  {copies:,} times more often", style="dim")
    return line


def _values(row: "Row") -> str:
    return ", ".join(f"{shown(name)}={_value(value)}" for name, value in row.items())


def _value(value: object) -> str:
    """Return a value so that values look alike only where their letters do."""
    if value is None:
        return "null"
    return f"'{shown(value)}'" if isinstance(value, str) else str(_exact(value))


def _exact(value: object) -> object:
    """Return a value as JSON has it, whatever its type; times to the microsecond."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat()
    as_json = plain(value)
    return as_json if isinstance(as_json, str | int | float | None) else str(as_json)


def _told_apart(a: object, b: object) -> tuple[str, str]:
    """Return two values that differ, spelt out where they would look the same."""
    told = _value(a), _value(b)
    return told if told[0] != told[1] else (ascii(a), ascii(b))


def _document(found: "Comparison") -> dict[str, Any]:
    return {
        "a": str(found.a),
        "b": str(found.b),
        "strict": found.strict,
        "equal": found.equal,
        "tables": [_table_document(table) for table in found.tables],
    }


def _table_document(table: "TableComparison") -> dict[str, Any]:
    return {
        "table": table.path,
        "equal": table.equal,
        "rows_a": table.rows_a,
        "rows_b": table.rows_b,
        "rows_compared": table.rows_compared,
        "differences": [
            {
                "kind": found.kind.value,
                "sentence": found.sentence,
                "only_a": found.only_a,
                "only_b": found.only_b,
                "examples": [_example_document(example) for example in found.examples],
            }
            for found in table.differences
        ],
    }


def _example_document(example: "Example") -> dict[str, Any]:
    return {
        "key": _plain_row(example.key),
        "a": None if example.a is None else _plain_row(example.a),
        "b": None if example.b is None else _plain_row(example.b),
        "copies_a": example.copies_a,
        "copies_b": example.copies_b,
        "columns": list(example.columns),
    }


def _plain_row(row: "Row") -> "Row":
    return {name: _exact(value) for name, value in row.items()}
