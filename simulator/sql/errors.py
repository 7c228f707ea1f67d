"""What is wrong with a statement, and where."""

from typing import NoReturn

from sqlglot import exp

from pipeline.errors import CallError


class QueryError(CallError):
    """A statement that Athena would not accept, or that cannot be answered here as Athena would.

    Args:
        what: What is wrong.
        hint: What to write instead; empty when `what` already says so.
        place: Line and column from 1; None where no one place is to blame.
    """

    def __init__(self, what: str, hint: str = "", place: tuple[int, int] | None = None) -> None:
        where = f"Line {place[0]}, column {place[1]}: " if place else ""
        super().__init__(f"{where}{what}", hint)
        self.place = place


def place_of(node: exp.Expr) -> tuple[int, int] | None:
    """Return line and column where a part of a statement begins, as far as the parser noted it."""
    found: list[tuple[int, int]] = []
    for part in node.walk():
        noted = part.meta
        if "line" in noted and "start" in noted:
            # The parser notes where a word ends.
            width = noted["end"] - noted["start"]
            found.append((noted["line"], max(1, noted["col"] - width)))
    return min(found) if found else None


def refuse(node: exp.Expr, what: str, hint: str = "") -> NoReturn:
    """Refuse a part of a statement.

    Raises:
        QueryError: Always.
    """
    raise QueryError(what, hint, place_of(node))
