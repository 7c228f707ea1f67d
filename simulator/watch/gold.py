"""What a run has changed in gold: rows, keys and sums of every table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import narwhals.stable.v2 as nw

from pipeline.contracts import GOLD, Table
from pipeline.contracts.metadata import run_metadata
from pipeline.contracts.types import Kind
from pipeline.engine import Engine
from pipeline.portable import Frame

_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
_OLD = "__before"


@dataclass(frozen=True)
class State:
    """A table at one moment.

    Attributes:
        version: Its version; None when it did not exist.
        rows: Its rows.
        frame: The rows themselves, which stay as they were; None when it did not exist.
    """

    version: int | None = None
    rows: int = 0
    frame: Frame | None = None


@dataclass(frozen=True)
class TableChange:
    """What has become of a gold table.

    Attributes:
        table: Its path.
        rows: Its rows before and after.
        added: Keys that it has gained.
        removed: Keys that it has lost.
        changed: Keys whose values differ, run metadata aside.
        sums: Sums before and after, of the columns whose sums differ; money in cents.
        money: Names of the columns that are money.
    """

    table: str
    rows: tuple[int, int]
    added: int = 0
    removed: int = 0
    changed: int = 0
    sums: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    money: frozenset[str] = frozenset()

    @property
    def is_none(self) -> bool:
        """Whether the table says what it said before."""
        return not (self.added or self.removed or self.changed)


def states(engine: Engine) -> dict[Table, State]:
    """Look at all gold tables; what is returned stays so, whatever is written afterwards."""
    return {table: _state(engine, table) for table in GOLD}


def _state(engine: Engine, table: Table) -> State:
    if not engine.exists(table):
        return State()
    return State(engine.version(table), engine.row_count(table), engine.read(table))


def additive(table: Table) -> list[str]:
    """Return the columns whose sum over the table's rows says something: amounts and counts."""
    return [
        column.name
        for column in table.columns
        if column.type.kind in {Kind.MONEY, Kind.COUNT}
        and not column.name.startswith(("avg_", "unique_"))
    ]


def changes(engine: Engine, before: Mapping[Table, State]) -> list[TableChange]:
    """Compare gold with what it was; a table whose version is the same is not read."""
    return [_change(engine, table, state) for table, state in before.items()]


def _change(engine: Engine, table: Table, before: State) -> TableChange:
    if engine.exists(table) and engine.version(table) == before.version:
        return TableChange(table.path, (before.rows, before.rows))
    after = _state(engine, table)
    was, is_now = (_sums(engine, table, state.frame) for state in (before, after))
    counts = _keys(engine, table, before, after)
    known = [name for name in is_now if is_now[name] != was.get(name, 0)]
    return TableChange(
        table=table.path,
        rows=(before.rows, after.rows),
        added=counts[_ADDED],
        removed=counts[_REMOVED],
        changed=counts[_CHANGED],
        sums={name: (was.get(name, 0), is_now[name]) for name in known},
        money=frozenset(c.name for c in table.columns if c.type.kind is Kind.MONEY),
    )


def _sums(engine: Engine, table: Table, frame: Frame | None) -> dict[str, int]:
    """Sum a table's additive columns; money in cents."""
    if frame is None:
        return {}
    present = frame.collect_schema().names()
    names = [name for name in additive(table) if name in present]
    found = engine.fetch(frame.select(nw.col(name).sum() for name in names))[0] if names else {}
    return {name: int(found[name] or 0) for name in names}


def _keys(engine: Engine, table: Table, before: State, after: State) -> dict[str, int]:
    """Count the keys that only one side has, and those whose values differ."""
    if before.frame is None or after.frame is None:
        return {_ADDED: after.rows, _REMOVED: before.rows, _CHANGED: 0}
    key, aside = list(table.key), run_metadata(table).columns
    old, new = (state.frame.collect_schema().names() for state in (before, after) if state.frame)
    values = [n for n in new if n not in aside and n not in key]
    renamed = before.frame.select(
        *(nw.col(n).alias(n + _OLD) for n in [*key, *(n for n in values if n in old)])
    )
    both = after.frame.select(*key, *values).join(
        renamed, left_on=key, right_on=[n + _OLD for n in key], how="full"
    )
    is_added, is_removed = (nw.col(n).is_null() for n in (key[0] + _OLD, key[0]))
    differs = [_differs(nw.col(n), nw.col(n + _OLD)) for n in values if n in old]
    # What a table has gained is another value where it is not null.
    differs += [~nw.col(n).is_null() for n in values if n not in old]
    is_other = nw.any_horizontal(*differs, ignore_nulls=True)
    kinds = {_ADDED: is_added, _REMOVED: is_removed, _CHANGED: ~is_added & ~is_removed & is_other}
    ones = [nw.when(is_it).then(1).otherwise(0).sum().alias(name) for name, is_it in kinds.items()]
    return {name: int(n or 0) for name, n in engine.fetch(both.select(*ones))[0].items()}


def _differs(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    return (one != other) | (one.is_null() != other.is_null())
