"""What TAB completes at the prompt: tables, columns, functions, words of SQL, named queries."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from pipeline.queries import named_queries
from simulator.sql.aggregates import AGGREGATES, WINDOWS
from simulator.sql.functions import SCALARS

if TYPE_CHECKING:
    from simulator.sql.session import Session

_KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET", "WITH", "AS",
    "JOIN", "LEFT JOIN", "INNER JOIN", "CROSS JOIN", "ON", "USING", "UNION ALL", "EXCEPT",
    "INTERSECT", "DISTINCT", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "TRY_CAST", "AND", "OR",
    "NOT", "IN", "BETWEEN", "LIKE", "IS NULL", "IS NOT NULL", "EXISTS", "OVER", "PARTITION BY",
    "DATE", "TIMESTAMP", "INTERVAL", "DESC", "NULLS FIRST", "UNNEST", "FILTER",
)  # fmt: skip
_WORD = re.compile(r"[\\\w.]*$")
_ALIASED = re.compile(
    r"\b(\w+)\.(\w+)(?:\s+(?:as\s+)?(?!on\b|where\b|join\b)(\w+))?", re.IGNORECASE
)


class Words(Completer):
    """Completes what is typed.

    Args:
        session: The lake whose tables and columns are known.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Return what the word before the cursor may become."""
        del complete_event
        found = _WORD.search(document.text_before_cursor)
        word = found.group() if found else ""
        for text in sorted({t for t in self._words(document.text, word) if _begins(t, word)}):
            yield Completion(text, start_position=-len(word))

    def _words(self, text: str, word: str) -> Iterable[str]:
        tables = self._tables()
        if text.startswith(("\\n ", "\\s ", "\\p ")):
            return [query.name for query in named_queries()]
        if text.startswith("\\d "):
            return list(tables)
        if word.startswith("\\"):
            return ["\\d", "\\n", "\\s", "\\p", "\\?", "\\q"]
        if "." in word:
            return [*tables, *self._qualified(text, word.partition(".")[0])]
        named = [f"{name.upper()}(" for name in (*SCALARS, *AGGREGATES, *WINDOWS)]
        databases = [f"{each}." for each in self._session.tables.databases()]
        return [*_KEYWORDS, *named, *databases, *self._columns(text)]

    def _tables(self) -> list[str]:
        databases = self._session.tables.databases()
        return [f"{database}.{name}" for database, tables in databases.items() for name in tables]

    def _qualified(self, text: str, alias: str) -> list[str]:
        """Return the columns of the table that an alias stands for, with the alias."""
        for database, name, called in _ALIASED.findall(text):
            table = self._session.table(database, name)
            if table is not None and alias.lower() in {called.lower(), name.lower()}:
                return [f"{alias}.{field.name}" for field in self._session.fields(table)]
        return []

    def _columns(self, text: str) -> list[str]:
        """Return the columns of the tables that the statement names."""
        found: list[str] = []
        for database, name, _ in _ALIASED.findall(text):
            table = self._session.table(database, name)
            if table is not None:
                found += [field.name for field in self._session.fields(table)]
        return found


def _begins(text: str, word: str) -> bool:
    return text.lower().startswith(word.lower())
