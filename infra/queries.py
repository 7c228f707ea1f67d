"""The named queries of `pipeline.queries`, for the databases of a stack."""

import re
from dataclasses import replace

from infra.names import Names
from pipeline.contracts import TABLES
from pipeline.queries import NamedQuery, named_queries

_TABLE = re.compile(r"\b(" + "|".join(re.escape(f"{t.layer}.{t.name}") for t in TABLES) + r")\b")


def queries(names: Names) -> tuple[NamedQuery, ...]:
    """Return every named query by name, as it is saved in Athena.

    Its tables are those of the stack; comments before the statement tell what it answers and what
    its columns mean, which Athena has no other place for.
    """
    return tuple(replace(query, sql=_saved(names, query)) for query in named_queries())


def _saved(names: Names, query: NamedQuery) -> str:
    meanings = [f"  {column}: {meaning}" for column, meaning in query.columns.items()]
    comments = "\n".join(f"-- {line}" for line in (query.title, query.description, *meanings))
    return f"{comments}\n{in_stack(names, query.sql)}\n"


def in_stack(names: Names, sql: str) -> str:
    """Return a statement with `gold.daily_sales` and the like in the databases of the stack."""

    def renamed(found: re.Match[str]) -> str:
        layer, _, table = found[1].partition(".")
        return f"{names.database(layer)}.{table}"

    return _TABLE.sub(renamed, sql)
