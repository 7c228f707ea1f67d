"""Where the command line speaks: results on standard output, all else on standard error."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Literal, NoReturn

from simulator.cli.text import shown

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

# Nobody's terminal is that wide: what goes to a file or a pipe is never cut or wrapped.
_ENDLESS = 100_000


@cache
def out() -> "Console":
    """Return the console for results."""
    return _console(sys.stdout, stderr=False)


@cache
def err() -> "Console":
    """Return the console for progress, notes and errors."""
    return _console(sys.stderr, stderr=True)


def _console(stream: IO[str], *, stderr: bool) -> "Console":
    from rich.console import Console

    class Plain(Console):
        """A console that leaves a broken pipe to the guard."""

        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    narrow = stream.isatty() or "COLUMNS" in os.environ
    return Plain(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if narrow else _ENDLESS,
    )


def say(*parts: "RenderableType") -> None:
    """Print to standard output; strings are printed as they are."""
    out().print(*parts, soft_wrap=all(isinstance(part, str) for part in parts))


def heading(text: str, note: str = "") -> None:
    """Print the heading of a section, with a remark beside it."""
    from rich.text import Text

    line = Text()
    line.append(text, style="bold")
    if note:
        line.append(f"  {note}", style="dim")
    out().print()
    out().print(line, soft_wrap=True)


def note(text: str) -> None:
    """Print a remark to standard error, where it disturbs no result."""
    from rich.text import Text

    err().print(Text(text, style="dim"), soft_wrap=True)


def tick(*, good: bool) -> str:
    """Return the mark for right or wrong, in letters where the output knows no other."""
    marks = ("✓", "✗") if out().encoding.startswith("utf") else ("ok", "WRONG")
    return marks[0] if good else marks[1]


def verdict(text: str, *, good: bool) -> None:
    """Print a sentence with a mark for right or wrong before it."""
    from rich.text import Text

    line = Text()
    line.append(tick(good=good), style="bold green" if good else "bold red")
    line.append(f" {text}")
    out().print(line, soft_wrap=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[str] = ()
) -> None:
    """Print a table; where the terminal is too narrow for it, each row as a small list.

    Args:
        columns: Headings.
        rows: Cells; strings are shown as they are, a `Text` in its style.
        right: Headings of the columns that are aligned to the right.
    """
    from rich.text import Text

    cells = [[c if isinstance(c, Text) else Text(shown(str(c))) for c in row] for row in rows]
    for headings in (columns, [column.replace("_", "_\n") for column in columns]):
        grid = _grid(headings, cells, [column in right for column in columns])
        if _fits(grid):
            _print_grid(grid)
            return
    width = max(len(column) for column in columns)
    for number, row in enumerate(cells):
        if number:
            out().print()
        for column, value in zip(columns, row, strict=True):
            line = Text()
            line.append(column.ljust(width), style="bold")
            out().print(line.append("  ").append_text(value))


def _grid(
    headings: Sequence[str], rows: "Sequence[Sequence[Text]]", right: Sequence[bool]
) -> "Table":
    from rich import box
    from rich.table import Table

    grid = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
    )
    for heading, is_right in zip(headings, right, strict=True):
        justify: Literal["left", "right"] = "right" if is_right else "left"
        grid.add_column(heading, justify=justify, no_wrap=True, vertical="bottom")
    for row in rows:
        grid.add_row(*row)
    return grid


def _fits(grid: "Table") -> bool:
    from rich.measure import Measurement

    endless = out().options.update(max_width=_ENDLESS)
    return Measurement.get(out(), endless, grid).maximum <= out().width


def _print_grid(grid: "Table") -> None:
    if out().is_terminal:
        out().print(grid)
        return
    with out().capture() as captured:
        out().print(grid)
    # Padding after the last column only disturbs those who compare or copy the text.
    out().file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def document(content: dict[str, Any]) -> None:
    """Print one JSON document, and nothing else, to standard output."""
    utf = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=not utf) + "\n")
