"""Explanations as people read them."""

from decimal import Decimal

from rich.text import Text

from simulator.cli import console
from simulator.cli.text import cell, count, shown
from simulator.explain.model import (
    FileExplained,
    GoldExplained,
    KeyExplained,
    Parts,
    RowExplained,
    Value,
)

_STYLES = {"silver": "green", "superseded": "yellow", "held": "yellow", "rejected": "red"}


def print_gold(found: GoldExplained) -> None:
    """Print a gold row: its figures computed again, its silver rows, their files."""
    key = ", ".join(f"{name}={shown(str(value))}" for name, value in found.key.items())
    console.heading(f"{found.table} {key}", "every figure is computed again from silver")
    rows = [
        [
            figure.column,
            _value(figure.stored),
            console.tick(good=figure.agrees),
            figure.how
            if figure.agrees
            else f"computed again: {_value(figure.again)}; {figure.how}",
        ]
        for figure in found.figures
    ]
    console.table(("figure", "in gold", "", "how"), rows, right=("in gold",))
    for decision in found.decisions:
        console.say(decision)
    _print_parts(found.parts)
    good = all(figure.agrees for figure in found.figures)
    if good:
        console.say("")
        console.verdict("Gold has what these rows give.", good=True)
    else:
        console.say("")
        console.verdict("Gold does not have what these rows give.", good=False)
        console.note("`lakehouse simulate ... --rebuild` computes gold anew.")


def _print_parts(parts: Parts) -> None:
    left = parts.count - len(parts.rows)
    console.heading(parts.table, f"{parts.measure}, and the file and row that each came from")
    names = list(parts.rows[0].values) if parts.rows else []
    rows = [
        [*(_value(part.values[name]) for name in names), _value(part.amount), str(part.place)]
        for part in parts.rows
    ]
    if rows:
        console.table([*names, "amount", "delivered as"], rows, right=("amount",))
    total = f"{count(parts.count, 'row')}: {parts.total:,}"
    if left:
        rest = parts.total - parts.shown
        total = f"{parts.shown:,} above + {rest:,} in {count(left, 'more row')} = {parts.total:,}"
    console.say(total)
    if left:
        console.note("--limit N shows more.")
    console.heading("Files", f"{count(parts.file_count, 'file')}")
    cells = [[shown(f.file), str(f.batch_id), f"{f.rows:,}", f"{f.amount:,}"] for f in parts.files]
    if cells:
        console.table(("file", "run", "rows", "amount"), cells, right=("run", "rows", "amount"))
    if parts.file_count > len(parts.files):
        console.say(f"and {count(parts.file_count - len(parts.files), 'more file')}")


def print_key(found: KeyExplained) -> None:
    """Print a silver row and every delivered row of its key."""
    key = ", ".join(f"{name}={value}" for name, value in found.key.items())
    console.heading(f"silver.{found.entity} {key}")
    if found.silver is None:
        console.say("There is no such row in silver.")
    else:
        for name, value in found.silver.items():
            amount = isinstance(value, int) and name == "total_amount"
            text = _value(Decimal(value).scaleb(-2) if amount else value)
            console.say(f"  {name.ljust(24)}{text}")
    left = found.count - len(found.rows)
    console.heading(
        "Delivered", f"the last {len(found.rows)} of {found.count} rows" if left else ""
    )
    for row in found.rows:
        _print_delivered(row)
    if found.feeds:
        console.heading("Counts in")
        for each in found.feeds:
            console.say(f"  {shown(each)}")


def print_row(found: RowExplained) -> None:
    """Print where a row of a file went."""
    console.heading(shown(str(found.place)), found.entity)
    _print_delivered(found)
    if found.raw_record is not None:
        console.say(Text(f"    {shown(found.raw_record)}", style="dim"))
    else:
        bad = {reason.code.partition(":")[0] for reason in found.reasons}
        for name, value in found.raw.items():
            line = Text(f"    {name.ljust(24)}")
            line.append(shown(value or "") or "''", style="bold red" if name in bad else "")
            console.say(line)
    if found.key is not None:
        console.note(f"Every row of its key: explain silver.{found.entity} {found.key}")


def _print_delivered(row: RowExplained) -> None:
    line = Text(f"{shown(str(row.place))}  ", style="bold")
    line.append(row.outcome, style=f"not bold {_STYLES[row.outcome]}")
    console.say(line)
    for sentence in row.story:
        console.say(f"  {shown(sentence)}")
    for reason in row.reasons:
        console.say(f"  {reason.code}: {shown(reason.text)}")


def print_file(found: FileExplained) -> None:
    """Print what became of a file's rows."""
    console.heading(shown(found.file), f"{found.entity}, run {found.batch_id}")
    numbers = {
        "data rows": found.rows,
        "in silver": found.silver,
        "superseded": found.superseded,
        "rejected": found.rejected,
        "held": found.held,
    }
    console.table(tuple(numbers), [[f"{n:,}" for n in numbers.values()]], right=tuple(numbers))
    if found.reasons:
        console.say("")
        rows = [[code, f"{number:,}"] for code, number in found.reasons]
        console.table(("reason", "rows"), rows, right=("rows",))


def _value(value: Value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return cell(value)
