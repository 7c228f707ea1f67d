"""The named queries: every `.sql` file of `pipeline/queries`, for the databases of a stack."""

import re
from dataclasses import dataclass
from pathlib import Path

from infra.config import ROOT, ConfigError
from infra.names import Names
from pipeline.contracts import TABLES

FOLDER = ROOT / "pipeline" / "queries"
_FIELDS = ("name", "title", "description")
_TABLE = re.compile(r"\b(" + "|".join(re.escape(f"{t.layer}.{t.name}") for t in TABLES) + r")\b")


@dataclass(frozen=True)
class Query:
    """A named query.

    Attributes:
        name: Name of the query.
        title: The question in a few words.
        description: What it answers.
        sql: The statement, with the comments before it.
    """

    name: str
    title: str
    description: str
    sql: str


def queries(names: Names, folder: Path = FOLDER) -> tuple[Query, ...]:
    """Return the queries of a folder by name, their tables in the databases of the stack.

    A file begins with comments `-- name: ...`, `-- title: ...`, `-- description: ...`; what goes on
    in the next line is indented.

    Raises:
        ConfigError: A file lacks one of them.
    """
    return tuple(_query(names, path) for path in sorted(folder.glob("*.sql")))


def _query(names: Names, path: Path) -> Query:
    text = path.read_text("utf-8")
    said: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        comment = line.removeprefix("--").removeprefix(" ")
        if comment.startswith(" "):
            said[current] = f"{said[current]} {comment.strip()}" if current else ""
        else:
            current, _, rest = comment.partition(":")
            said[current] = rest.strip()
    missing = [field for field in _FIELDS if not said.get(field)]
    if missing:
        fields = ", ".join(_FIELDS)
        msg = f"{path.name} has to begin with the comments {fields}; it lacks {', '.join(missing)}."
        raise ConfigError(msg)
    return Query(said["name"], said["title"], said["description"], in_stack(names, text))


def in_stack(names: Names, sql: str) -> str:
    """Return a statement with `gold.daily_sales` and the like in the databases of the stack."""

    def renamed(found: re.Match[str]) -> str:
        layer, _, table = found[1].partition(".")
        return f"{names.database(layer)}.{table}"

    return _TABLE.sub(renamed, sql)
