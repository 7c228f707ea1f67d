"""The questions that a shop asks of its lakehouse, each a `.sql` file in Athena's dialect.

A file begins with comments that say its name, title, what it answers and what its columns mean; the
statement follows. Tables are named by their database: `gold.daily_sales`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_FIELDS = ("name", "title", "description", "columns")


@dataclass(frozen=True)
class NamedQuery:
    """One question and the statement that answers it.

    Attributes:
        name: Name of the query and of its file.
        title: The question in a few words.
        description: What it answers, and how.
        columns: What each column of the answer means, with its unit, in their order.
        sql: The statement in Athena's dialect, without the comments before it.
    """

    name: str
    title: str
    description: str
    columns: Mapping[str, str]
    sql: str


def named_queries() -> tuple[NamedQuery, ...]:
    """Return the queries of this package by name.

    Raises:
        ValueError: A file does not begin as it has to.
    """
    texts = {f.name: f.read_text("utf-8") for f in files(__name__).iterdir()}
    return tuple(
        read_query(name.removesuffix(".sql"), text)
        for name, text in sorted(texts.items())
        if name.endswith(".sql")
    )


def read_query(name: str, text: str) -> NamedQuery:
    """Return the query that a file's text holds.

    Args:
        name: Name that the file goes by, which it has to say of itself.
        text: Its text.

    Raises:
        ValueError: The comments before the statement lack something or say something unknown.
    """
    lines = text.splitlines()
    head = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    said = _fields(name, [line.removeprefix("--").removeprefix(" ") for line in lines[:head]])
    if said["name"] != [name]:
        msg = f"{name}.sql calls itself {' '.join(said['name'])!r}."
        raise ValueError(msg)
    return NamedQuery(
        name=name,
        title=" ".join(said["title"]),
        description=" ".join(said["description"]),
        columns=_columns(name, said["columns"]),
        sql="\n".join(lines[head:]).strip(),
    )


def _fields(name: str, comments: list[str]) -> dict[str, list[str]]:
    """Return the lines of each field; those that go on are indented below it."""
    said: dict[str, list[str]] = {}
    current = ""
    for comment in comments:
        if not comment.startswith(" "):
            current, _, rest = comment.partition(":")
            said[current] = [rest.strip()] if rest.strip() else []
        elif current:
            said[current].append(comment.removeprefix("  "))
    if tuple(said) != _FIELDS or not all(said.values()):
        msg = f"{name}.sql has to begin with the comments {', '.join(_FIELDS)}; got {list(said)}."
        raise ValueError(msg)
    return said


def _columns(name: str, lines: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    column = ""
    for line in lines:
        if line.startswith(" "):
            columns[column] += f" {line.strip()}"
            continue
        column, separator, meaning = line.partition(": ")
        if not separator or column in columns:
            msg = f"{name}.sql: {line!r} is no `column: meaning`, or the column is there twice."
            raise ValueError(msg)
        columns[column] = meaning
    return columns
