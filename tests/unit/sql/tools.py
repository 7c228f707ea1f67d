"""Statements without a lake: tables by their contracts, expressions answered by DuckDB."""

from pathlib import Path
from typing import Any

from sqlglot import exp

from pipeline.contracts import TABLES
from simulator.sql.errors import refuse
from simulator.sql.scope import quoted
from simulator.sql.session import Session
from simulator.sql.statements import Answer, Statement, translate
from simulator.sql.types import Field, stored


def find(node: exp.Table) -> Answer:
    """Find a table by its contract alone."""
    for table in TABLES:
        if (table.layer, table.name) == (node.db.lower(), node.name.lower()):
            fields = tuple(Field(column.name, stored(column.type)) for column in table.columns)
            return quoted(table.path), fields
    return refuse(node, f"There is no table {node.db}.{node.name}.")


def translated(text: str) -> Statement:
    """Return what DuckDB would be given."""
    return translate(text, find)


class Asked:
    """Answers statements that need no table."""

    def __init__(self) -> None:
        self._session = Session(Path("no lake"))

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Return the rows of an answer; its types are what was said before it was asked."""
        with self._session.answered(text) as result:
            promised = [field.type for field in result.fields]
            given = [_said(each.type) for each in result.reader.schema]
            assert given == [str(kind) for kind in promised], text
            return list(result.rows())

    def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        return self.rows(f"SELECT {expression}")[0][0]

    def kind(self, expression: str) -> str:
        """Return the type that Athena gives an expression."""
        return str(self._session.translated(f"SELECT {expression}").fields[0].type)

    def close(self) -> None:
        """Forget everything."""
        self._session.__exit__()


_ARROW = {
    "bool": "boolean",
    "int32": "integer",
    "int64": "bigint",
    "double": "double",
    "string": "varchar",
    "date32[day]": "date",
    "timestamp[us]": "timestamp",
    "timestamp[us, tz=UTC]": "timestamp with time zone",
}


def _said(kind: Any) -> str:
    text = str(kind)
    if text.startswith("decimal128"):
        return text.replace("decimal128", "decimal").replace(" ", "")
    if text.startswith("list<"):
        return f"array({_said(kind.value_type)})"
    return _ARROW[text]
