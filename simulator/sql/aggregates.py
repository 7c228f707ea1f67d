"""Athena's aggregate and window functions that can be answered here exactly as Athena does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.sql.errors import refuse
from simulator.sql.functions import Call, from_units
from simulator.sql.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    VARCHAR,
    Typed,
    array,
    cast_to,
    common,
    decimal,
)

SLOT = "\0"
"""Stands in an answer where FILTER and OVER go."""


@dataclass(frozen=True)
class Aggregate:
    """How an aggregate is called and answered.

    Attributes:
        least: Fewest arguments.
        most: Most arguments.
        answer: Gives the expression with `SLOT` in the place of what follows the call (FILTER and
            OVER), and its type. It is told the text for DISTINCT or nothing, and an order.
        distinct: Whether it may be over different values.
        ordered: Whether its values need an order.
    """

    least: int
    most: int
    answer: "Callable[[Call, str, str], Typed]"
    distinct: bool = False
    ordered: bool = False


def _count(c: Call, distinct: str, order: str) -> Typed:
    del order
    inside = f"{distinct}{c.args[0].sql}" if c.args else "*"
    return Typed(f"count({inside}){SLOT}", BIGINT)


def _count_if(c: Call, distinct: str, order: str) -> Typed:
    del distinct, order
    value = c.need(0, BOOLEAN).sql
    return Typed(f"count(CASE WHEN {value} THEN 1 END){SLOT}", BIGINT)


def _sum(c: Call, distinct: str, order: str) -> Typed:
    del order
    value = _exact(c)
    if value.type.is_decimal:
        return Typed(f"sum({distinct}{value.sql}){SLOT}", decimal(38, value.type.scale))
    return Typed(f"CAST(sum({distinct}{value.sql}){SLOT} AS BIGINT)", BIGINT)


def _avg(c: Call, distinct: str, order: str) -> Typed:
    """Of whole numbers a double; of decimals a decimal, rounded half away from zero."""
    del order
    value = _exact(c)
    if not value.type.is_decimal:
        return Typed(f"avg({distinct}{value.sql}){SLOT}", DOUBLE)
    scale = value.type.scale
    total = f"sum({distinct}{value.sql}){SLOT}"
    narrow = f"CAST({total} AS DECIMAL({37 - scale},{scale}))"
    unit = f"CAST({10**scale} AS DECIMAL({scale + 1},0))"
    count = f"CAST(count({distinct}{value.sql}){SLOT} AS HUGEINT)"
    mean = f"half_up(CAST(({narrow} * {unit}) AS HUGEINT), nullif({count}, 0))"
    return Typed(from_units(mean, value.type), value.type)


def _exact(c: Call) -> Typed:
    value = c.number(0)
    if value.type == DOUBLE:
        refuse(
            c.node,
            f"{c.name.upper()} of a double is not offered here: its last digits depend on the "
            "order in which rows are added.",
            "Cast to decimal first: CAST(x AS decimal(18, 4)).",
        )
    return value


def _least_or_most(c: Call, distinct: str, order: str) -> Typed:
    del distinct, order
    return Typed(f"{c.name}({c.args[0].sql}){SLOT}", c.args[0].type)


def _by(c: Call, distinct: str, order: str) -> Typed:
    del distinct, order
    name = {"max_by": "arg_max_null", "min_by": "arg_min_null"}[c.name]
    return Typed(f"{name}({c.args[0].sql}, {c.args[1].sql}){SLOT}", c.args[0].type)


def _every(c: Call, distinct: str, order: str) -> Typed:
    del distinct, order
    name = {"every": "bool_and"}.get(c.name, c.name)
    return Typed(f"{name}({c.need(0, BOOLEAN).sql}){SLOT}", BOOLEAN)


def _array_agg(c: Call, distinct: str, order: str) -> Typed:
    return Typed(f"array_agg({distinct}{c.args[0].sql}{order}){SLOT}", array(c.args[0].type))


def _listagg(c: Call, distinct: str, order: str) -> Typed:
    between = c.need(1, VARCHAR).sql if len(c.args) > 1 else "''"
    return Typed(f"string_agg({distinct}{c.need(0, VARCHAR).sql}, {between}{order}){SLOT}", VARCHAR)


AGGREGATES: Mapping[str, Aggregate] = {
    "array_agg": Aggregate(1, 1, _array_agg, ordered=True),
    "avg": Aggregate(1, 1, _avg, distinct=True),
    "bool_and": Aggregate(1, 1, _every),
    "bool_or": Aggregate(1, 1, _every),
    "count": Aggregate(0, 1, _count, distinct=True),
    "count_if": Aggregate(1, 1, _count_if),
    "every": Aggregate(1, 1, _every),
    "listagg": Aggregate(1, 2, _listagg, ordered=True),
    "max": Aggregate(1, 1, _least_or_most),
    "max_by": Aggregate(2, 2, _by),
    "min": Aggregate(1, 1, _least_or_most),
    "min_by": Aggregate(2, 2, _by),
    "sum": Aggregate(1, 1, _sum, distinct=True),
}


# --- Windows -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WindowFunction:
    """A function that has a meaning in a window only.

    Attributes:
        least: Fewest arguments.
        most: Most arguments.
        answer: Gives the expression with `SLOT` for what follows the call, and its type.
        nulls: Whether IGNORE NULLS may follow.
    """

    least: int
    most: int
    answer: "Callable[[Call, str], Typed]"
    nulls: bool = False


def _place(c: Call, nulls: str) -> Typed:
    del nulls
    return Typed(f"{c.name}(){SLOT}", BIGINT)


def _share(c: Call, nulls: str) -> Typed:
    del nulls
    return Typed(f"{c.name}(){SLOT}", DOUBLE)


def _ntile(c: Call, nulls: str) -> Typed:
    del nulls
    return Typed(f"ntile({c.whole(0).sql}){SLOT}", BIGINT)


def _shifted(c: Call, nulls: str) -> Typed:
    value, others = c.args[0], []
    if len(c.args) > 1:
        others.append(cast_to(c.whole(1), BIGINT).sql)
    if len(c.args) > 2:  # noqa: PLR2004 - its third
        kind = common(value.type, c.args[2].type)
        if kind is None:
            c.wrong(2, str(value.type))
        else:
            value = cast_to(value, kind)
            others.append(cast_to(c.args[2], kind).sql)
    return Typed(f"{c.name}({', '.join([value.sql, *others])}{nulls}){SLOT}", value.type)


def _value(c: Call, nulls: str) -> Typed:
    more = f", {c.whole(1).sql}" if len(c.args) > 1 else ""
    return Typed(f"{c.name}({c.args[0].sql}{more}{nulls}){SLOT}", c.args[0].type)


WINDOWS: Mapping[str, WindowFunction] = {
    "cume_dist": WindowFunction(0, 0, _share),
    "dense_rank": WindowFunction(0, 0, _place),
    "first_value": WindowFunction(1, 1, _value, nulls=True),
    "lag": WindowFunction(1, 3, _shifted, nulls=True),
    "last_value": WindowFunction(1, 1, _value, nulls=True),
    "lead": WindowFunction(1, 3, _shifted, nulls=True),
    "nth_value": WindowFunction(2, 2, _value, nulls=True),
    "ntile": WindowFunction(1, 1, _ntile),
    "percent_rank": WindowFunction(0, 0, _share),
    "rank": WindowFunction(0, 0, _place),
    "row_number": WindowFunction(0, 0, _place),
}
