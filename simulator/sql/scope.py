"""What names mean at a place of a statement: tables, their columns, and those of queries around."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp

from simulator.cli.text import did_you_mean
from simulator.sql.errors import refuse
from simulator.sql.types import Field, Typed


def quoted(name: str) -> str:
    """Return a name so that DuckDB takes it as it is."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """Return a text so that DuckDB takes it as it is."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


@dataclass(frozen=True)
class Source:
    """A table, or a query in the place of one.

    Attributes:
        alias: Name by which its columns are addressed.
        database: Database of a table that has no other name; else empty.
        columns: Its columns.
    """

    alias: str
    database: str
    columns: tuple[Field, ...]

    def typed(self, column: Field) -> Typed:
        """Return a column of it as an expression."""
        return Typed(f"{quoted(self.alias)}.{quoted(column.name)}", column.type)

    def named(self, name: str) -> list[Typed]:
        """Return its columns of a name: none, one, or several where a query has given them."""
        return [self.typed(column) for column in self.columns if column.name == name]


@dataclass
class Scope:
    """The sources of one SELECT.

    Attributes:
        outer: Scope of the query around this one; None at the top.
        sources: Tables and queries in its FROM, in order.
        merged: Columns that JOIN ... USING has made one of.
        outputs: What SELECT gives, where ORDER BY may name it.
    """

    outer: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Typed] = field(default_factory=dict)
    outputs: dict[str, Typed] = field(default_factory=dict)

    def add(self, source: Source, node: exp.Expr) -> None:
        """Add a source.

        Raises:
            QueryError: There is one of that name.
        """
        same = [s for s in self.sources if (s.alias, s.database) == (source.alias, source.database)]
        if same or any(s.alias == source.alias for s in self.sources):
            refuse(node, f"Two tables are called {source.alias} here.", "Give one an alias.")
        self.sources.append(source)

    def column(self, node: exp.Column) -> Typed:
        """Return what a column's name means.

        Raises:
            QueryError: Nothing, or several things.
        """
        name, table, database = node.name.lower(), node.table.lower(), node.db.lower()
        scope: Scope | None = self
        while scope is not None:
            found = scope.found(name, table, database)
            if len(found) > 1:
                refuse(node, f"Column {name} is ambiguous.", "Write table.column.")
            if found:
                return found[0]
            scope = scope.outer
        return self._unknown(node, name, table)

    def knows(self, node: exp.Column) -> bool:
        """Return whether a column's name means something here."""
        return bool(self.found(node.name.lower(), node.table.lower(), node.db.lower()))

    def found(self, name: str, table: str, database: str) -> list[Typed]:
        """Return what a name means among the sources of this scope; several when ambiguous."""
        if not table:
            if name in self.outputs:
                return [self.outputs[name]]
            if name in self.merged:
                return [self.merged[name]]
        chosen = [
            source
            for source in self.sources
            if (not table or source.alias == table)
            and (not database or source.database == database)
        ]
        return [typed for source in chosen for typed in source.named(name)]

    def _unknown(self, node: exp.Column, name: str, table: str) -> NoReturn:
        sources = self.all_sources()
        if table and all(source.alias != table for source in sources):
            guess = did_you_mean(table, [source.alias for source in sources])
            refuse(node, f"There is no table {table} in this FROM.{guess}")
        inside = [s for s in sources if not table or s.alias == table]
        known = sorted({column.name for source in inside for column in source.columns})
        guess = did_you_mean(name, known)
        where = f"{table} has" if table else "There is"
        no_column = f"{where} no column {name}.{guess}"
        refuse(node, no_column, f"There are {', '.join(known)}." if known and not guess else "")

    def all_sources(self) -> list[Source]:
        """Return the sources of this scope and of those around it."""
        return self.sources + (self.outer.all_sources() if self.outer else [])

    def every_column(self, table: str = "") -> list[tuple[str, Typed]]:
        """Return the columns that `*` stands for, with their names."""
        found: list[tuple[str, Typed]] = [] if table else list(self.merged.items())
        for source in self.sources:
            if table and source.alias != table:
                continue
            found += [
                (column.name, source.typed(column))
                for column in source.columns
                if table or column.name not in self.merged
            ]
        return found


def fields_of(named: Sequence[tuple[str, Typed]]) -> tuple[Field, ...]:
    """Return names and types without the expressions."""
    return tuple(Field(name, typed.type) for name, typed in named)
