"""The few forms of Markdown that generated blocks are made of."""

from collections.abc import Iterable, Sequence

# What stands in a cell that has nothing to say.
NOTHING = "-"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar within a cell is escaped, so that it does not end it."""
    lines = [_row(headings), _row(["---"] * len(headings))]
    lines += [_row([cell.replace("|", "\\|") for cell in row]) for row in rows]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(words: Iterable[str], between: str = ", ") -> str:
    """Return words as code; nothing at all as a dash."""
    return between.join(f"`{word}`" for word in words) or NOTHING


def mermaid(lines: Iterable[str]) -> str:
    """Return a diagram that Markdown viewers draw."""
    return "\n".join(["```mermaid", *lines, "```"])
