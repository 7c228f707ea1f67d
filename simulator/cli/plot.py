"""Answers as pictures in the terminal: a bar for every row, or columns where the rows are many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.text import bar, cell, did_you_mean

if TYPE_CHECKING:
    from simulator.sql.types import Field

_BARS = 40
_MOST_BARS = 60
_HEIGHT = 8
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_WIDEST = 100


def print_plot(
    fields: "Sequence[Field]", rows: Sequence[Sequence[Any]], wanted: str | None = None
) -> None:
    """Draw a measure of an answer over the columns before the first of numbers.

    Args:
        fields: The columns.
        rows: The rows.
        wanted: The column to draw; None for the first of numbers behind the first column.

    Raises:
        CallError: The answer has nothing to draw, or not the wanted column.
    """
    first = _measure(fields)
    measure = first if wanted is None else _wanted(fields, wanted)
    if not rows:
        console.say("The answer has no rows.")
        return
    labels = [n for n in range(first) if n != measure] or [0]
    name, values = fields[measure].name, [row[measure] for row in rows]
    console.heading(name, f"by {', '.join(fields[n].name for n in labels)}" if measure else "")
    if len(rows) <= _MOST_BARS:
        _print_bars([" ".join(cell(row[n]) for n in labels) for row in rows], values)
    else:
        ends = [" ".join(cell(row[n]) for n in labels) for row in (rows[0], rows[-1])]
        _print_columns(ends, [float(value or 0) for value in values])


def _wanted(fields: "Sequence[Field]", name: str) -> int:
    names = [field.name for field in fields if field.type.is_number]
    if name.lower() not in names:
        msg = f"There is no column of numbers {name}.{did_you_mean(name, names)}"
        raise CallError(msg, f"There are {', '.join(names)}.")
    return next(n for n, field in enumerate(fields) if field.name == name.lower())


def _measure(fields: "Sequence[Field]") -> int:
    """Return the place of the first number that is not the first of several columns."""
    numbers = [n for n, field in enumerate(fields) if field.type.is_number]
    later = [n for n in numbers if n > 0]
    if later or (numbers and len(fields) == 1):
        return (later or numbers)[0]
    msg = "There is nothing to draw: the answer has no column of numbers after its first one."
    raise CallError(msg, "Select what the bars stand for first, then a number.")


def _print_bars(labels: Sequence[str], values: Sequence[Any]) -> None:
    from rich.text import Text

    numbers = [float(value or 0) for value in values]
    greatest = max(map(abs, numbers))
    width = max(len(label) for label in labels)
    cells = [cell(value) if not isinstance(value, int) else f"{value:,}" for value in values]
    right = max(map(len, cells))
    room = max(8, min(_BARS, console.out().width - min(width, 50) - right - 4))
    for label, number, text in zip(labels, numbers, cells, strict=True):
        line = Text(f"{label[:50].ljust(min(width, 50))}  {text.rjust(right)}  ")
        style = "red" if number < 0 else "cyan"
        line.append(bar(abs(number), greatest, room), style=style)
        console.say(line)


def _print_columns(ends: Sequence[str], numbers: Sequence[float]) -> None:
    """Draw a column for every row, or for the mean of a few that lie side by side."""
    from rich.text import Text

    room = max(20, min(_WIDEST, console.out().width - 16))
    step = -(-len(numbers) // room)
    groups = [numbers[start : start + step] for start in range(0, len(numbers), step)]
    means = [sum(group) / len(group) for group in groups]
    low, high = min(0.0, *means), max(means)
    span = (high - low) or 1.0
    scale = max(len(f"{bound:,.2f}") for bound in (low, high))
    for level in reversed(range(_HEIGHT)):
        mark = {_HEIGHT - 1: f"{high:,.2f}", 0: f"{low:,.2f}"}.get(level, "")
        line = Text(f"{mark.rjust(scale)} ")
        for mean in means:
            filled = round((mean - low) / span * _HEIGHT * 8) - level * 8
            line.append(_EIGHTHS[max(0, min(8, filled))], style="cyan")
        console.say(line)
    between = " " * max(1, len(means) - len(ends[0]) - len(ends[1]))
    console.say(f"{' ' * scale} {ends[0]}{between}{ends[1]}")
    if step > 1:
        console.note(f"Each column is the mean of {step} rows.")
