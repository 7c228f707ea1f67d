"""A table held against what another computation gives: which rows differ, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from pipeline.contracts.model import Table
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.quality.measure import MAX_SAMPLES

_COPIES, _PRESENT = "rows_there", "rows_expected"
_COUNTED = ("keys", "rows", "differing", "missing", "extra", "doubled")


def expected(name: str) -> str:
    """Return the name under which a compared row carries a value of the other computation."""
    return f"expected__{name}"


class Rule(Protocol):
    """When a column of a table is right, given what the other computation knows."""

    @property
    def column(self) -> str:
        """The column of the table."""

    def holds(self) -> nw.Expr:
        """Return whether the value is right; never null."""

    def wanted(self, row: Mapping[str, Any]) -> Any:
        """Return the right value, for messages."""


@dataclass(frozen=True)
class Same:
    """The column is the value of that name, null being null."""

    column: str

    def holds(self) -> nw.Expr:
        """See `Rule.holds`."""
        left, right = nw.col(self.column), nw.col(expected(self.column))
        both_null = left.is_null() & right.is_null()
        holds: nw.Expr = (left == right).fill_null(nw.lit(value=False)) | both_null
        return holds

    def wanted(self, row: Mapping[str, Any]) -> Any:
        """See `Rule.wanted`."""
        return row[expected(self.column)]


@dataclass(frozen=True)
class Quotient:
    """The column is over / under, rounded half away from zero; null where under is 0.

    It is not divided: v is right when v - 1/2 <= 10^scale * over / under < v + 1/2, in whole
    numbers.

    Attributes:
        column: The column of the table, an integer count of 10^-scale.
        over: Expected value that is divided, at least 0.
        under: Expected value that it is divided by, at least 0.
        scale: Decimal digits that the quotient has more than `over`.
    """

    column: str
    over: str
    under: str
    scale: int = 0

    def holds(self) -> nw.Expr:
        """See `Rule.holds`."""
        value, under = nw.col(self.column), nw.col(expected(self.under))
        doubled = nw.col(expected(self.over)) * (2 * 10**self.scale)
        is_rounded = (value * under * 2 - under <= doubled) & (doubled < value * under * 2 + under)
        is_none = value.is_null() & (under == 0)
        holds: nw.Expr = is_none | ((under > 0) & is_rounded.fill_null(nw.lit(value=False)))
        return holds

    def wanted(self, row: Mapping[str, Any]) -> Any:
        """See `Rule.wanted`."""
        over, under = row[expected(self.over)], row[expected(self.under)]
        return (2 * over * 10**self.scale + under) // (2 * under) if under else None


@dataclass(frozen=True)
class Comparison:
    """What came of holding a table against another computation.

    Attributes:
        keys: Keys that the other computation knows.
        rows: Rows compared: those of the table, and those that it lacks.
        differing: Rows that are wrong in any way.
        missing: Keys that the table lacks.
        extra: Rows whose key the other computation does not know.
        doubled: Rows that share their key with another row of the table.
        samples: The first differing rows by key, readable.
    """

    keys: int
    rows: int
    differing: int
    missing: int
    extra: int
    doubled: int
    samples: tuple[str, ...] = ()


def compare(
    engine: Engine, table: Table, rows: Frame, wanted: Frame, rules: Sequence[Rule]
) -> Comparison:
    """Hold rows of a table against those of another computation.

    Args:
        engine: Evaluates the frames.
        table: The contract of the rows: its key identifies them.
        rows: Rows of the table.
        wanted: One row per key, with the columns of the key and those that the rules ask for.
        rules: When a row is right.
    """
    judged = _judged(table, rows, wanted, rules)
    found = engine.fetch(judged.select(nw.col(name).cast(nw.Int64).sum() for name in _COUNTED))[0]
    counts = {name: int(value or 0) for name, value in found.items()}
    samples: tuple[str, ...] = ()
    if counts["differing"]:
        first = judged.filter(nw.col("differing") > 0).sort(*table.key).head(MAX_SAMPLES)
        samples = tuple(_sample(table, row, rules) for row in engine.fetch(first))
    return Comparison(**counts, samples=samples)


def _judged(table: Table, rows: Frame, wanted: Frame, rules: Sequence[Rule]) -> Frame:
    """Return one row per key of either side, with the values of both.

    It tells whether the other computation knows the key (`keys`), how many rows it stands for
    (`rows`), and how many of them are wrong in any way (`differing`), `missing`, `extra` or
    `doubled`.

    The rows of both sides lie below each other and are grouped by their key; nothing is joined. The
    greatest of a single value is that value. Which of several stands for a doubled key does not
    matter, as its rows are wrong whatever they say.
    """
    key, columns = list(table.key), [rule.column for rule in rules]
    known = [name for name in wanted.collect_schema().names() if name not in key]
    there = nw.lit(1, nw.Int64)
    both = [
        rows.select(*key, *columns, there.alias(_COPIES)),
        wanted.select(
            *key, *(nw.col(name).alias(expected(name)) for name in known), there.alias(_PRESENT)
        ),
    ]
    grouped = (
        nw.concat(both, how="diagonal")
        .group_by(*key)
        .agg(
            *(nw.col(name).max() for name in (*columns, *map(expected, known))),
            nw.col(_COPIES).count().cast(nw.Int64),
            nw.col(_PRESENT).count().cast(nw.Int64),
        )
    )
    copies, is_known = nw.col(_COPIES), nw.col(_PRESENT) > 0
    is_right = nw.all_horizontal(*(rule.holds() for rule in rules), ignore_nulls=False)
    is_missing, is_doubled = copies == 0, copies > 1
    differs = is_missing | is_doubled | ~is_known | ~is_right
    stands_for = nw.when(is_missing).then(1).otherwise(copies)
    return grouped.with_columns(
        nw.when(is_known).then(1).otherwise(0).alias("keys"),
        stands_for.alias("rows"),
        nw.when(differs).then(stands_for).otherwise(0).alias("differing"),
        nw.when(is_missing).then(1).otherwise(0).alias("missing"),
        nw.when(is_known).then(0).otherwise(copies).alias("extra"),
        nw.when(is_doubled).then(copies).otherwise(0).alias("doubled"),
    )


def _sample(table: Table, row: Mapping[str, Any], rules: Sequence[Rule]) -> str:
    named = ", ".join(f"{name} {row[name]}" for name in table.key)
    if row["missing"]:
        return f"{named}: missing in {table.name}"
    if row["extra"]:
        return f"{named}: silver does not know it"
    if row[_COPIES] > 1:
        return f"{named}: {row[_COPIES]} times in {table.name}"
    wrong = [
        f"{rule.column} is {_shown(table, rule.column, row[rule.column])}, silver gives "
        f"{_shown(table, rule.column, rule.wanted(row))}"
        for rule in rules
        if row[rule.column] != rule.wanted(row)
    ]
    return f"{named}: {'; '.join(wrong)}"


def _shown(table: Table, name: str, value: Any) -> str:
    column = next(column for column in table.columns if column.name == name)
    if value is None:
        return "null"
    if column.type.is_decimal:
        return str(Decimal(value).scaleb(-column.type.scale))
    return str(value)
