"""Calls of functions, aggregates and windows within an expression."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from sqlglot import exp

from simulator.cli.text import did_you_mean
from simulator.sql.aggregates import AGGREGATES, SLOT, WINDOWS
from simulator.sql.errors import refuse
from simulator.sql.functions import SCALARS, Call
from simulator.sql.types import Typed
from simulator.sql.unoffered import why_not

Handler = Callable[..., Typed]
HANDLERS: dict[type[exp.Expr], Handler] = {}
"""How each kind of expression is told to DuckDB. What is not here is refused."""


def tells(*kinds: type[exp.Expr]) -> Callable[[Handler], Handler]:
    """Mark a method as the one that tells some kinds of expressions."""

    def marked(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return marked


def allow(node: exp.Expr, *names: str) -> None:
    """Refuse a part of a statement that has more to it than the named arguments.

    Raises:
        QueryError: It has.
    """
    for name, value in node.args.items():
        if value and name not in names:
            word = name.strip("_").replace("_", " ").upper()
            refuse(node, f"{word} is not offered here, or not known to Athena.")


class _Offered(Protocol):
    @property
    def least(self) -> int: ...

    @property
    def most(self) -> int: ...


class Calls(ABC):
    """Tells calls to DuckDB; `Expressions` tells what they are made of."""

    @abstractmethod
    def typed(self, node: exp.Expr) -> Typed:
        """Return an expression for DuckDB, with the type that Athena gives it."""

    @abstractmethod
    def condition(self, node: exp.Expr) -> str:
        """Return an expression that has to be true or false."""

    @tells(exp.Anonymous)
    def _function(self, node: exp.Anonymous) -> Typed:
        name = node.name.lower()
        if name in AGGREGATES:
            return self._aggregate(node)
        if name in WINDOWS:
            refuse(
                node, f"{name.upper()} needs a window.", f"Write {name.upper()}(...) OVER (...)."
            )
        call = self._call(node)
        return SCALARS[name].answer(call)

    def _call(self, node: exp.Anonymous) -> Call:
        """Return a call of an offered function with as many arguments as it takes."""
        name = node.name.lower()
        known: dict[str, _Offered] = {**SCALARS, **AGGREGATES, **WINDOWS}
        if name not in known:
            what, hint = why_not(name)
            guess = "" if hint else did_you_mean(name.upper(), map(str.upper, known))
            refuse(node, what + guess, hint)
        if any(isinstance(each, exp.Star) for each in node.expressions) and name != "count":
            refuse(node, f"{name.upper()}(*) means nothing.")
        args = [self.typed(each) for each in node.expressions if not isinstance(each, exp.Star)]
        function = known[name]
        if not function.least <= len(args) <= function.most:
            refuse(node, f"{name.upper()} takes {_number(function.least, function.most)}.")
        return Call(name, args, node)

    @tells(exp.WithinGroup)
    def _aggregate(self, node: exp.Expr, after: str = "", order: str = "") -> Typed:
        """Return an aggregate, with what follows it: FILTER and OVER."""
        if isinstance(node, exp.WithinGroup):
            if node.this.name.lower() != "listagg":
                refuse(node, "WITHIN GROUP goes with LISTAGG.")
            order = f" {self.order_by(node.expression)}"
            node = node.this
        if not isinstance(node, exp.Anonymous) or node.name.lower() not in AGGREGATES:
            refuse(node, "An aggregate function is needed here.")
        name = node.name.lower()
        aggregate, distinct = AGGREGATES[name], ""
        plain = node.copy()
        plain.meta.update(node.meta)
        first = plain.expressions[0] if plain.expressions else None
        if name == "count" and not plain.expressions:
            refuse(node, "COUNT counts something.", "Write COUNT(*).")
        if isinstance(first, exp.Order) and name == "array_agg":
            order = f" {self.order_by(first)}"
            plain.set("expressions", [first.this])
            first = first.this
        if isinstance(first, exp.Distinct):
            if not aggregate.distinct or len(first.expressions) != 1:
                refuse(node, f"DISTINCT in {name.upper()} is not offered here.")
            distinct = "DISTINCT "
            plain.set("expressions", first.expressions)
        if aggregate.ordered and not order:
            how = "WITHIN GROUP (ORDER BY y)" if name == "listagg" else "x ORDER BY y"
            refuse(node, f"Without an order {name.upper()} is not the same twice.", f"Add {how}.")
        made = aggregate.answer(self._call(plain), distinct, order)
        return Typed(made.sql.replace(SLOT, after), made.type)

    @tells(exp.Filter)
    def _filtered(self, node: exp.Filter, over: str = "") -> Typed:
        where = self.condition(node.expression.this)
        return self._aggregate(node.this, f" FILTER (WHERE {where}){over}")

    @tells(exp.Window)
    def _window(self, node: exp.Window) -> Typed:
        allow(node, "this", "partition_by", "order", "spec", "over")
        over, inner, nulls = self._over(node), node.this, ""
        if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
            nulls = " IGNORE NULLS" if isinstance(inner, exp.IgnoreNulls) else ""
            inner = inner.this
        if isinstance(inner, exp.Filter):
            return self._filtered(inner, over)
        name = inner.name.lower() if isinstance(inner, exp.Anonymous) else ""
        if name not in WINDOWS:
            if name and name not in AGGREGATES:
                self._call(inner)
            return self._aggregate(inner, over)
        function = WINDOWS[name]
        if nulls and not function.nulls:
            refuse(node, f"{name.upper()} has no IGNORE NULLS.")
        if not node.args.get("order") and name not in {"first_value", "last_value", "nth_value"}:
            refuse(node, f"Without an order {name.upper()} is not the same twice.", "Add ORDER BY.")
        made = function.answer(self._call(inner), nulls)
        return Typed(made.sql.replace(SLOT, over), made.type)

    def _over(self, node: exp.Window) -> str:
        parts = []
        partition = [self.typed(each).sql for each in node.args.get("partition_by") or ()]
        if partition:
            parts.append(f"PARTITION BY {', '.join(partition)}")
        if node.args.get("order"):
            parts.append(self.order_by(node.args["order"]))
        spec = node.args.get("spec")
        if spec is not None:
            allow(spec, "kind", "start", "start_side", "end", "end_side")
            start = self._bound(spec.args["start"], spec.args.get("start_side"))
            end = self._bound(spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"))
            parts.append(f"{spec.args['kind']} BETWEEN {start} AND {end}")
        return f" OVER ({' '.join(parts)})"

    def _bound(self, bound: exp.Expr | str, side: str | None) -> str:
        text = bound if isinstance(bound, str) else self.typed(bound).sql
        return f"{text} {side}" if side else text

    def order_by(self, node: exp.Expr) -> str:
        """Return an ORDER BY with the place of nulls written out: last, unless asked otherwise."""
        keys = [self.ordered(each, self.typed(each.this).sql) for each in node.expressions]
        return f"ORDER BY {', '.join(keys)}"

    def ordered(self, node: exp.Expr, key: str) -> str:
        """Return one key of an ORDER BY."""
        allow(node, "this", "desc", "nulls_first")
        direction = " DESC" if node.args.get("desc") else ""
        nulls = "FIRST" if node.args.get("nulls_first") else "LAST"
        return f"{key}{direction} NULLS {nulls}"


def _number(least: int, most: int) -> str:
    if least == most:
        return {0: "no arguments", 1: "one argument"}.get(least, f"{least} arguments")
    return f"{least} or more arguments" if most > 9 else f"{least} to {most} arguments"  # noqa: PLR2004
