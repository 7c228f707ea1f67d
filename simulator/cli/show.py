"""`lakehouse show`: the tables of a lake, their rows, meaning and history."""

import csv
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.contracts import TABLES, Column, Table
from pipeline.contracts.types import Kind
from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.conditions import column_of, read_condition
from simulator.cli.lakes import existing, find_table, reading
from simulator.cli.options import AsJson, Lake
from simulator.cli.text import cell, count, plain, utc

if TYPE_CHECKING:
    from pipeline.engine import Commit, Engine
    from pipeline.portable import Frame

_NUMBERS = {
    Kind.KEY,
    Kind.COUNT,
    Kind.DAYS,
    Kind.INTEGER,
    Kind.FLAG,
    Kind.MONEY,
    Kind.RATIO,
}


class _View(StrEnum):
    ROWS = "rows"
    SCHEMA = "schema"
    HISTORY = "history"
    WHERE = "where"


def show(
    *,
    lake: Lake,
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]",
            help="gold/daily_sales, or daily_sales where that is clear; without it: all tables.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows to show; 0 for all.")] = 10,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Sort by this column, else by the table's key."),
    ] = None,
    desc: Annotated[bool, typer.Option("--desc", help="Greatest first.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Only rows with e.g. user_id=5 or 'total_amount>=100'; may be repeated.",
            show_default=False,
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Show the columns: type, unit, meaning.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show the versions and the runs that wrote them.")
    ] = False,
    where: Annotated[
        bool, typer.Option("--where", help="Print the table's folder, for other programs.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a table: its rows, its schema, its history. Without a table: list them all."""
    view = _view(schema=schema, history=history, where=where)
    _check_combination(view, table, as_csv=as_csv, as_json=as_json)
    if table is not None:
        find_table(table)  # A wrong name is said before the lake is looked for.
    with reading(lake) as engine:
        if table is None:
            _list_tables(engine, lake, as_json=as_json)
            return
        chosen = existing(engine, lake, table)
        match view:
            case _View.SCHEMA:
                _show_schema(chosen, as_json=as_json)
            case _View.HISTORY:
                _show_history(chosen, engine.history(chosen), rows, as_json=as_json)
            case _View.WHERE:
                _show_place(chosen, lake, as_json=as_json)
            case _View.ROWS:
                found = select(engine, chosen, only or [], sort=sort, descending=desc)
                _show_rows(engine, chosen, found, rows, as_csv=as_csv, as_json=as_json)


def _view(*, schema: bool, history: bool, where: bool) -> _View:
    asked = {_View.SCHEMA: schema, _View.HISTORY: history, _View.WHERE: where}
    chosen = [view for view, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        msg = f"--{chosen[0]} and --{chosen[1]} show different things."
        raise CallError(msg, "Give one of them.")
    return chosen[0] if chosen else _View.ROWS


def _check_combination(view: _View, table: str | None, *, as_csv: bool, as_json: bool) -> None:
    if as_csv and as_json:
        msg = "--csv and --json are different formats."
        raise CallError(msg, "Give one of them.")
    if as_csv and (view is not _View.ROWS or table is None):
        msg = "--csv prints the rows of a table."
        raise CallError(msg, "Name the table, and leave --schema, --history and --where out.")
    if table is None and view is not _View.ROWS:
        msg = f"--{view} needs a table."
        raise CallError(msg, "Name one; `lakehouse show --lake DIR` lists them.")


def _list_tables(engine: "Engine", lake: Path, *, as_json: bool) -> None:
    tables = [table for table in TABLES if engine.exists(table)]
    if as_json:
        entries = [
            {
                "table": table.path,
                "layer": table.layer,
                "rows": engine.row_count(table),
                "version": engine.version(table),
                "description": table.description,
            }
            for table in tables
        ]
        console.document({"lake": str(lake), "tables": entries})
        return
    rows = [
        [
            table.path,
            f"{engine.row_count(table):,}",
            f"{engine.version(table)}",
            table.description.partition(". ")[0].rstrip("."),
        ]
        for table in tables
    ]
    console.table(("table", "rows", "version", "holds"), rows, right=("rows", "version"))


def select(
    engine: "Engine",
    table: Table,
    conditions: list[str],
    *,
    sort: str | None = None,
    descending: bool = False,
) -> "Frame":
    """Return a table's rows that meet all conditions, sorted, in the types that transforms use.

    Raises:
        CallError: A condition or the column to sort by is wrong.
    """
    import narwhals.stable.v2 as nw

    order = [column_of(table, sort).name] if sort else []
    order += [name for name in table.key if name not in order]
    wanted = [read_condition(text, table) for text in conditions]
    frame = engine.read(table)
    for condition in wanted:
        column = nw.col(condition.column)
        if condition.value is not None:
            frame = frame.filter(condition.compare(column, nw.lit(condition.value)))
        else:
            frame = frame.filter(column.is_null() if condition.wants_null else ~column.is_null())
    if not order:
        return frame
    directions = [descending and (not sort or name == order[0]) for name in order]
    return frame.sort(*order, descending=directions, nulls_last=True)


def _show_rows(
    engine: "Engine", table: Table, frame: "Frame", limit: int, *, as_csv: bool, as_json: bool
) -> None:
    import narwhals.stable.v2 as nw

    from pipeline.portable import to_storage

    # A lake that no run has brought up to date yet may lack columns that are new.
    present = frame.collect_schema().names()
    columns = [column for column in table.columns if column.name in present]
    names = [column.name for column in columns]
    found = int(engine.fetch(frame.select(nw.len().alias("rows")))[0]["rows"])
    kept = frame.head(limit) if limit else frame
    records = engine.fetch(to_storage(kept, columns))
    if as_json:
        console.document(
            {
                "table": table.path,
                "version": engine.version(table),
                "rows": found,
                "data": [{k: plain(v) for k, v in record.items()} for record in records],
            }
        )
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([plain(record[name]) for name in names] for record in records)
    else:
        rows = [[_cell(record[column.name], column) for column in columns] for record in records]
        numbers = [column.name for column in columns if column.type.kind in _NUMBERS]
        console.table(names, rows, right=numbers)
        if len(records) < found:
            console.note(f"{len(records):,} of {count(found, 'row')}; --rows N shows more.")
        else:
            console.note(f"{count(found, 'row')}.")


def _cell(value: object, column: Column) -> str:
    """Return a value for people; counts with thousands apart, keys as they are."""
    if isinstance(value, int) and column.type.kind is Kind.COUNT:
        return f"{value:,}"
    return cell(value)


def _show_schema(table: Table, *, as_json: bool) -> None:
    if as_json:
        console.document(
            {
                "table": table.path,
                "description": table.description,
                "key": list(table.key),
                "partition_by": list(table.partition_by),
                "zorder_by": list(table.zorder_by),
                "retention_days": table.retention_days,
                "columns": [_described(column) for column in table.columns],
            }
        )
        return
    console.say(f"{table.path}: {table.description}")
    layout = {
        "key": ", ".join(table.key),
        "partitions": ", ".join(table.partition_by),
        "clustered by": ", ".join(table.zorder_by),
        "old versions kept": count(table.retention_days, "day"),
    }
    for name, value in layout.items():
        if value:
            console.say(f"  {name}: {value}")
    console.say("")
    rows = [
        [
            column.name,
            column.type.storage,
            "" if column.required else "null",
            column.unit,
            column.description,
        ]
        for column in table.columns
    ]
    console.table(("column", "type", "may be", "unit", "meaning"), rows)


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type.storage,
        "kind": column.type.kind.value,
        "required": column.required,
        "unit": column.unit,
        "description": column.description,
        "source": column.source,
    }


def _show_history(table: Table, commits: "list[Commit]", limit: int, *, as_json: bool) -> None:
    kept = commits[:limit] if limit else commits
    if as_json:
        versions = [
            {
                "version": commit.version,
                "time": plain(_time(commit)),
                "operation": commit.operation,
                "run": commit.batch_id,
            }
            for commit in kept
        ]
        console.document({"table": table.path, "versions": len(commits), "history": versions})
        return
    rows = [
        [
            str(commit.version),
            utc(_time(commit)),
            "" if commit.batch_id is None else str(commit.batch_id),
            commit.operation.lower(),
        ]
        for commit in kept
    ]
    console.table(("version", "time (UTC)", "run", "operation"), rows, right=("version", "run"))
    if len(kept) < len(commits):
        more = f"{len(kept):,} of {count(len(commits), 'version')}; --rows N shows more."
        console.note(more)


def _time(commit: "Commit") -> datetime:
    return datetime.fromtimestamp(commit.timestamp_ms / 1000, UTC)


def _show_place(table: Table, lake: Path, *, as_json: bool) -> None:
    place = (lake / table.path).resolve()
    if as_json:
        console.document({"table": table.path, "folder": str(place)})
    else:
        console.say(str(place))
