"""`lakehouse explain`: where a figure comes from, and where a delivered row went."""

import re
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.contracts import ENTITIES, GOLD, Table
from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.conditions import column_of, read_condition
from simulator.cli.lakes import find_table, reading
from simulator.cli.options import AsJson, Lake
from simulator.cli.text import plain

if TYPE_CHECKING:
    from pipeline.engine import Engine

EPILOG = """\
[bold]Examples[/]
  lakehouse explain gold.customer_insights user_id=1990 --lake lake
  lakehouse explain gold.daily_sales date=2025-04-01 --lake lake --limit 5
  lakehouse explain silver.order_items id=17 --lake lake
  lakehouse explain file orders/2025-04-01.csv:17 --lake lake
  lakehouse explain file orders/2025-04-01.csv --lake lake"""

_FILE = "file"


def explain(
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|file",
            help="A gold or silver table, or the word file.",
            show_default=False,
        ),
    ],
    which: Annotated[
        str,
        typer.Argument(
            metavar="KEY=VALUE|PATH[:ROW]",
            help="The row of the table, e.g. user_id=1990; or the file below the landing zone, "
            "with the number of its row.",
            show_default=False,
        ),
    ],
    lake: Lake,
    limit: Annotated[
        int, typer.Option(min=0, help="Silver rows, files and delivered rows to show; 0 for all.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Explain a figure, a silver row, or why a row of a file is not in silver.

    A gold row is computed again from its silver rows, each with the file and row that it came from.
    """
    if what.lower() == _FILE:
        _explain_file(lake, which, as_json=as_json)
        return
    table = find_table(what)
    if table not in GOLD and table.layer != "silver":
        msg = f"{table.layer}.{table.name} is not explained."
        raise CallError(msg, "Name a gold or a silver table, or: explain file PATH:ROW.")
    key = _key(table, which)
    with reading(lake) as engine:
        _check_there(engine, table, lake)
        if table in GOLD:
            _explain_gold(engine, table, key, limit, as_json=as_json)
        else:
            _explain_silver(engine, table, int(key), limit, as_json=as_json)


def _check_there(engine: "Engine", table: Table, lake: Path) -> None:
    if not engine.exists(table):
        msg = f"The lake {lake} has no table {table.path}."
        raise CallError(msg, "A run creates the tables that are missing.")


def _key(table: Table, text: str) -> Any:
    """Return the key that a condition names."""
    name = table.key[0]
    if "=" not in text:
        text = f"{name}={text}"
    condition = read_condition(text, table)
    if column_of(table, condition.column).name != name or not condition.wants_null:
        msg = f"A row of {table.layer}.{table.name} is named by its key {name}."
        raise CallError(msg, f"Write {name}=VALUE.")
    if condition.value is None:
        msg = f"{name} has no value."
        raise CallError(msg, f"Write {name}=VALUE.")
    if isinstance(condition.value, str):
        # Departments are kept in capitals, with one space between words.
        return " ".join(condition.value.split()).upper()
    return condition.value


def _explain_gold(engine: "Engine", table: Table, key: Any, limit: int, *, as_json: bool) -> None:
    from simulator.cli.explain_view import print_gold
    from simulator.explain.gold import explain_gold

    found = explain_gold(engine, table, key, limit)
    if as_json:
        document = _document(found)
        document["agrees"] = all(figure.agrees for figure in found.figures)
        document["parts"]["shown"] = plain(found.parts.shown)
        console.document(document)
    else:
        print_gold(found)


def _explain_silver(engine: "Engine", table: Table, key: int, limit: int, *, as_json: bool) -> None:
    from simulator.cli.explain_view import print_key
    from simulator.explain.rows import explain_key

    entity = next(each for each in ENTITIES if each.name == table.name)
    found = explain_key(engine, entity, key, limit)
    if as_json:
        console.document(_document(found))
    else:
        print_key(found)


def _explain_file(lake: Path, which: str, *, as_json: bool) -> None:
    from simulator.cli.explain_view import print_file, print_row
    from simulator.explain.rows import explain_file, explain_row

    form = re.fullmatch(r"(.+):([0-9]+)", which)
    with reading(lake) as engine:
        if form is not None:
            rows = explain_row(engine, form[1], int(form[2]))
            if as_json:
                console.document({"rows": [_document(row) for row in rows]})
            else:
                for row in rows:
                    print_row(row)
            return
        files = explain_file(engine, which)
        if as_json:
            console.document({"files": [_document(file) for file in files]})
        else:
            for file in files:
                print_file(file)


def _document(found: object) -> dict[str, Any]:
    """Return an explanation as JSON has it."""
    if not is_dataclass(found) or isinstance(found, type):
        raise TypeError(found)
    made = _plain(asdict(found))
    if not isinstance(made, dict):
        raise TypeError(made)
    return made


def _plain(value: object) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return plain(value)
