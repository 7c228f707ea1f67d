"""Whole queries: SELECT, WITH, UNION and what they stand on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from simulator.sql.calls import allow
from simulator.sql.dialect import parse
from simulator.sql.errors import QueryError, refuse
from simulator.sql.expressions import Expressions, one_type
from simulator.sql.scope import Scope, Source, fields_of, quoted
from simulator.sql.types import UNKNOWN, Field, Typed, cast_to

Answer = tuple[str, tuple[Field, ...]]
# Gives a table's name for DuckDB and its columns; refuses names that it does not know.
Finder = Callable[[exp.Table], Answer]


@dataclass(frozen=True)
class Statement:
    """A statement as DuckDB is given it.

    Attributes:
        sql: The statement in DuckDB's words.
        fields: Names and types of the columns that it answers with.
    """

    sql: str
    fields: tuple[Field, ...]


def translate(text: str, find: Finder) -> Statement:
    """Return what DuckDB has to be given for a statement in Athena's dialect.

    Args:
        text: The statement.
        find: Finds tables.

    Raises:
        QueryError: Athena would refuse it, or it cannot be answered here as Athena would.
    """
    try:
        sql, fields = _Queries(find).query(parse(text), Scope(), {})
    except RecursionError as error:
        msg = "The statement is nested too deeply."
        raise QueryError(msg, "Take it apart with WITH.") from error
    return Statement(sql, fields)


Named = Mapping[str, Answer]


class _Queries:
    """Tells queries to DuckDB.

    Args:
        find: Finds tables.
    """

    def __init__(self, find: Finder) -> None:
        self._find = find

    def query(self, node: exp.Expr, outer: Scope, named: Named) -> Answer:
        """Return a query and its columns; `named` are the queries of WITH that it may use."""
        match node:
            case exp.Select():
                before, named = self._with(node, outer, named)
                sql, fields = self._select(node, outer, named)
            case exp.SetOperation():
                before, named = self._with(node, outer, named)
                sql, fields = self._set_operation(node, outer, named)
            case exp.Subquery():
                allow(node, "this")
                before = ""
                sql, fields = self.query(node.this, outer, named)
            case exp.Values():
                before = ""
                sql, fields = self._values(node, outer, named)
            case _:
                refuse(node, "A query is needed here: SELECT, WITH or VALUES.")
        return f"{before}{sql}", fields

    def _expressions(self, scope: Scope, named: Named) -> Expressions:
        return Expressions(scope, lambda query, inside: self.query(query, inside, named))

    # --- WITH ---------------------------------------------------------------------------------

    def _with(self, node: exp.Expr, outer: Scope, named: Named) -> tuple[str, Named]:
        clause = node.args.get("with_")
        if clause is None:
            return "", named
        if clause.args.get("recursive"):
            refuse(clause, "WITH RECURSIVE is not offered here.")
        known, parts = dict(named), []
        own_names: set[str] = set()
        for table in clause.expressions:
            allow(table, "this", "alias")
            name = table.alias.lower()
            if name in own_names:
                refuse(table, f"Two queries of this WITH are called {name}.")
            own_names.add(name)
            sql, fields = self.query(table.this, outer, known)
            fields = _renamed(fields, table.args["alias"])
            columns = ", ".join(quoted(field.name) for field in fields)
            _check_names(table, fields)
            # Numbered, so that no name of one query hides that of another.
            own = f"{name}/{len(known)}"
            parts.append(f"{quoted(own)}({columns}) AS ({sql})")
            known[name] = (quoted(own), fields)
        return f"WITH {', '.join(parts)} ", known

    # --- SELECT -------------------------------------------------------------------------------

    def _select(self, node: exp.Select, outer: Scope, named: Named) -> Answer:
        allow(
            node, "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having",
            "order", "offset", "limit", "kind",
        )  # fmt: skip
        scope = Scope(outer=outer)
        tables = self._from(node, scope, named)
        expressions = self._expressions(scope, named)
        outputs = self._outputs(node, scope, expressions)
        parts = [self._selected(node, outputs)]
        if tables:
            parts.append(f"FROM {tables}")
        if where := node.args.get("where"):
            parts.append(f"WHERE {expressions.condition(where.this)}")
        if group := node.args.get("group"):
            parts.append(f"GROUP BY {self._group(group, outputs, expressions)}")
        if having := node.args.get("having"):
            parts.append(f"HAVING {expressions.condition(having.this)}")
        if order := node.args.get("order"):
            scope.outputs = _unique(outputs)
            distinct = node.args.get("distinct") is not None
            parts.append(self._order(order, outputs, expressions, distinct=distinct))
        parts += self._limits(node)
        return " ".join(parts), fields_of(outputs)

    def _selected(self, node: exp.Select, outputs: Sequence[tuple[str, Typed]]) -> str:
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            refuse(node, "Athena has no DISTINCT ON.", "Use ROW_NUMBER() and keep the first.")
        columns = ", ".join(f"{typed.sql} AS {quoted(name)}" for name, typed in outputs)
        return f"SELECT {'DISTINCT ' if distinct is not None else ''}{columns}"

    def _outputs(
        self, node: exp.Select, scope: Scope, expressions: Expressions
    ) -> list[tuple[str, Typed]]:
        """Return the columns that a SELECT gives, `*` written out."""
        outputs: list[tuple[str, Typed]] = []
        for each in node.expressions:
            if isinstance(each, exp.Star):
                allow(each)
                if not scope.sources:
                    refuse(each, "`*` needs a FROM.")
                outputs += scope.every_column()
            elif isinstance(each, exp.Column) and isinstance(each.this, exp.Star):
                allow(each.this)
                table = each.table.lower()
                if table not in {source.alias for source in scope.sources}:
                    refuse(each, f"There is no table {table} in this FROM.")
                outputs += scope.every_column(table)
            elif isinstance(each, exp.Alias):
                outputs.append((each.alias.lower(), expressions.typed(each.this)))
            else:
                plain = isinstance(each, exp.Column)
                name = each.name.lower() if plain else f"_col{len(outputs)}"
                outputs.append((name, expressions.typed(each)))
        if not outputs:
            refuse(node, "SELECT needs at least one column.")
        for name, typed in outputs:
            if typed.type.name.startswith("interval"):
                refuse(node, f"Column {name} is an interval.", "Use DATE_DIFF for a number.")
        return outputs

    def _group(
        self, node: exp.Group, outputs: Sequence[tuple[str, Typed]], expressions: Expressions
    ) -> str:
        if node.args.get("all"):
            refuse(node, "Athena has no GROUP BY ALL.", "Name the columns, or write GROUP BY 1, 2.")
        allow(node, "expressions")
        keys = []
        for each in node.expressions:
            place = _ordinal(each, outputs)
            if place is None and isinstance(each, exp.Column) and not each.table:
                self._check_no_alias(each, outputs, expressions)
            keys.append(outputs[place][1].sql if place is not None else expressions.typed(each).sql)
        return ", ".join(keys)

    def _check_no_alias(
        self, node: exp.Column, outputs: Sequence[tuple[str, Typed]], expressions: Expressions
    ) -> None:
        name = node.name.lower()
        if name in dict(outputs) and not expressions.knows(node):
            refuse(
                node,
                f"Athena does not group by {name}, a name that SELECT gives.",
                "Repeat the expression, or write its place: GROUP BY 1.",
            )

    def _order(
        self,
        node: exp.Order,
        outputs: Sequence[tuple[str, Typed]],
        expressions: Expressions,
        *,
        distinct: bool = False,
    ) -> str:
        names, keys = [name for name, _ in outputs], []
        for each in node.expressions:
            key, place = each.this, _ordinal(each.this, outputs)
            if place is None and isinstance(key, exp.Column) and not key.table:
                alike = [n for n, name in enumerate(names) if name == key.name.lower()]
                place = alike[0] if len(alike) == 1 else None
            made = str(place + 1) if place is not None else expressions.typed(key).sql
            if distinct and place is None and made not in {typed.sql for _, typed in outputs}:
                refuse(key, "With DISTINCT, ORDER BY names what SELECT gives.")
            keys.append(expressions.ordered(each, made))
        return f"ORDER BY {', '.join(keys)}"

    def _limits(self, node: exp.Expr) -> list[str]:
        parts = []
        if limit := node.args.get("limit"):
            if isinstance(limit, exp.Fetch):
                allow(limit, "direction", "count", "limit_options")
                options = limit.args.get("limit_options")
                if options is not None:
                    allow(options, "rows")
                count = limit.args.get("count")
            else:
                allow(limit, "expression")
                count = limit.expression
            parts.append(f"LIMIT {_whole(limit, count)}")
        if offset := node.args.get("offset"):
            allow(offset, "expression")
            parts.append(f"OFFSET {_whole(offset, offset.expression)}")
        return parts

    # --- FROM ---------------------------------------------------------------------------------

    def _from(self, node: exp.Select, scope: Scope, named: Named) -> str:
        clause = node.args.get("from_")
        if clause is None:
            return ""
        sql = self._source(clause.this, scope, named)
        for join in [*(clause.this.args.get("joins") or ()), *(node.args.get("joins") or ())]:
            sql += self._join(join, scope, named)
        return sql

    def _source(self, node: exp.Expr, scope: Scope, named: Named) -> str:
        """Add a table or query to the scope; return it for DuckDB's FROM."""
        match node:
            case exp.Table():
                allow(node, "this", "db", "catalog", "alias", "joins")
                return self._table(node, scope, named)
            case exp.Subquery():
                allow(node, "this", "alias")
                sql, fields = self.query(node.this, scope.outer or Scope(), named)
            case exp.Values():
                allow(node, "expressions", "alias")
                sql, fields = self._values(node, scope, named)
            case exp.Unnest():
                return self._unnest(node, scope, named)
            case _:
                refuse(node, "This cannot stand in FROM.")
        alias = node.args.get("alias")
        name = node.alias.lower() or f"_query{len(scope.sources)}"
        fields = _renamed(fields, alias)
        _check_names(node, fields)
        scope.add(Source(name, "", fields), node)
        columns = ", ".join(quoted(field.name) for field in fields)
        return f"({sql}) AS {quoted(name)}({columns})"

    def _table(self, node: exp.Table, scope: Scope, named: Named) -> str:
        if not isinstance(node.this, exp.Identifier):
            refuse(node, "Athena reads tables, not files or functions, in FROM.")
        name, database = node.name.lower(), node.db.lower()
        if not database and name in named:
            own, fields = named[name]
        else:
            own, fields = self._find(node)
        alias = node.args.get("alias")
        renamed = _renamed(fields, alias)
        called = node.alias.lower() or name
        scope.add(Source(called, "" if node.alias else database, renamed), node)
        columns = ", ".join(quoted(field.name) for field in renamed)
        return f"{own} AS {quoted(called)}" + (f"({columns})" if renamed != fields else "")

    def _unnest(self, node: exp.Unnest, scope: Scope, named: Named) -> str:
        allow(node, "expressions", "alias")
        if len(node.expressions) != 1:
            refuse(node, "UNNEST takes one array here.")
        value = self._expressions(scope, named).typed(node.expressions[0])
        if value.type.element is None:
            refuse(node, f"UNNEST takes an array, got {value.type}.")
        name = node.alias.lower() or f"_unnest{len(scope.sources)}"
        fields = _renamed((Field("_col0", value.type.element),), node.args.get("alias"))
        scope.add(Source(name, "", fields), node)
        return f"UNNEST({value.sql}) AS {quoted(name)}({quoted(fields[0].name)})"

    def _join(self, node: exp.Join, scope: Scope, named: Named) -> str:
        if node.args.get("method"):
            refuse(node, f"Athena has no {node.args['method']} JOIN.", "Write JOIN ... ON.")
        kind = f"{node.side} {node.kind}".strip().upper()
        allow(node, "this", "side", "kind", "on", "using")
        if kind not in _JOINS:
            refuse(node, f"Athena has no {kind} JOIN.", "Use WHERE EXISTS, or a join with ON.")
        before = Scope(outer=scope.outer, sources=list(scope.sources), merged=dict(scope.merged))
        table = self._source(node.this, scope, named)
        on, using = node.args.get("on"), node.args.get("using")
        if kind in {"", "CROSS"} and on is None and not using:
            return f" CROSS JOIN {table}"
        if isinstance(node.this, exp.Unnest):
            refuse(node, "UNNEST is joined by CROSS JOIN here.")
        if using:
            return f" {kind} JOIN {table} ON {self._using(node, before, scope, using)}"
        if on is None or kind == "CROSS":
            refuse(node, "This join needs ON.", "CROSS JOIN has none.")
        condition = self._expressions(scope, named).condition(on)
        return f" {kind} JOIN {table} ON {condition}"

    def _using(
        self, node: exp.Join, before: Scope, scope: Scope, using: Sequence[exp.Identifier]
    ) -> str:
        if node.side.upper() in {"RIGHT", "FULL"}:
            refuse(node, "USING goes with INNER and LEFT joins here.", "Write ON.")
        joined, tests = Scope(sources=scope.sources[-1:]), []
        for name in using:
            column = exp.column(name.name)
            column.this.meta.update(name.meta)
            one, other = before.column(column), joined.column(column)
            tests.append(f"{one.sql} = {other.sql}")
            scope.merged[name.name.lower()] = one
        return " AND ".join(tests)

    # --- UNION and VALUES ---------------------------------------------------------------------

    def _set_operation(self, node: exp.SetOperation, outer: Scope, named: Named) -> Answer:
        allow(node, "with_", "this", "expression", "distinct", "order", "limit", "offset")
        word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(node)]
        sides = [self.query(side, outer, named) for side in (node.left, node.right)]
        one, other = (fields for _, fields in sides)
        if len(one) != len(other):
            refuse(node, f"{word} joins {len(one)} and {len(other)} columns.")
        fields = []
        for left, right in zip(one, other, strict=True):
            kind = one_type([left.type, right.type])
            if kind is None:
                refuse(node, f"{word} joins {left.type} and {right.type} in column {left.name}.")
            fields.append(Field(left.name, kind))
        parts = [_as(sql, given, fields) for sql, given in sides]
        sign = word if node.args.get("distinct") else f"{word} ALL"
        sql = f"({parts[0]}) {sign} ({parts[1]})"
        if order := node.args.get("order"):
            sql += f" {self._order_of_set(order, fields)}"
        return " ".join([sql, *self._limits(node)]), tuple(fields)

    def _order_of_set(self, node: exp.Order, fields: Sequence[Field]) -> str:
        outputs = [(field.name, Typed(quoted(field.name), field.type)) for field in fields]
        scope = Scope(outputs=_unique(outputs))
        return self._order(node, outputs, self._expressions(scope, {}))

    def _values(self, node: exp.Values, outer: Scope, named: Named) -> Answer:
        expressions = self._expressions(Scope(outer=outer), named)
        rows = [
            [expressions.typed(v) for v in (r.expressions if isinstance(r, exp.Tuple) else [r])]
            for r in node.expressions
        ]
        if len({len(row) for row in rows}) != 1:
            refuse(node, "The rows of VALUES have to be of one length.")
        kinds = [one_type([value.type for value in column]) for column in zip(*rows, strict=True)]
        if None in kinds:
            refuse(node, "A column of VALUES has to be of one type.")
        fields = tuple(Field(f"_col{n}", kind or UNKNOWN) for n, kind in enumerate(kinds))
        made = [
            f"({', '.join(cast_to(v, f.type).sql for v, f in zip(row, fields, strict=True))})"
            for row in rows
        ]
        return f"SELECT * FROM (VALUES {', '.join(made)})", fields  # noqa: S608 - translated


_JOINS = {"", "CROSS", "INNER", "LEFT", "LEFT OUTER", "RIGHT", "RIGHT OUTER", "FULL", "FULL OUTER"}


def _as(sql: str, given: Sequence[Field], wanted: Sequence[Field]) -> str:
    """Return a query whose columns have the wanted types."""
    if [field.type for field in given] == [field.type for field in wanted]:
        return sql
    names = [f"c{n}" for n in range(len(given))]
    made = [
        f"{cast_to(Typed(name, one.type), other.type).sql} AS {quoted(other.name)}"
        for name, one, other in zip(names, given, wanted, strict=True)
    ]
    return f"SELECT {', '.join(made)} FROM ({sql}) AS x({', '.join(names)})"  # noqa: S608 - translated


def _renamed(fields: tuple[Field, ...], alias: exp.Expr | None) -> tuple[Field, ...]:
    """Return columns under the names that an alias gives them: `AS t (a, b)`."""
    names = [each.name.lower() for each in (alias.args.get("columns") or ())] if alias else []
    if not names:
        return fields
    if alias is not None and len(names) != len(fields):
        refuse(alias, f"The alias names {len(names)} columns, there are {len(fields)}.")
    return tuple(Field(name, field.type) for name, field in zip(names, fields, strict=True))


def _check_names(node: exp.Expr, fields: Sequence[Field]) -> None:
    names = [field.name for field in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        refuse(node, f"Two columns of this query are called {twice[0]}.", "Give one another name.")


def _unique(outputs: Sequence[tuple[str, Typed]]) -> dict[str, Typed]:
    names = [name for name, _ in outputs]
    return {name: typed for name, typed in outputs if names.count(name) == 1}


def _ordinal(node: exp.Expr, outputs: Sequence[tuple[str, Typed]]) -> int | None:
    """Return the place from 0 that a bare number names; None when it is no bare number."""
    if not isinstance(node, exp.Literal) or node.is_string:
        return None
    if not node.name.isdigit() or not 1 <= int(node.name) <= len(outputs):
        refuse(node, f"There is no column {node.name}; SELECT gives {len(outputs)}.")
    return int(node.name) - 1


def _whole(node: exp.Expr, value: exp.Expr | None) -> str:
    if value is None:
        return "1"
    if not isinstance(value, exp.Literal) or value.is_string or not value.name.isdigit():
        refuse(node, "LIMIT and OFFSET take a whole number that is written out.")
    return value.name
