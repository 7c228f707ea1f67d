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
from pipeline.quality.measuring.counting import count_rows

_COPIES = "copies"
_MISSING, _EXTRA, _WRONG = "is_missing", "is_extra", "is_wrong"
_PRESENT = "is_expected"


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
    differs = nw.col(_MISSING) | nw.col(_EXTRA) | nw.col(_WRONG) | (nw.col(_COPIES) > 1)
    counts = engine.fetch(
        judged.select(
            nw.len().cast(nw.Int64).alias("rows"),
            _count(differs).alias("differing"),
            _count(nw.col(_MISSING)).alias("missing"),
            _count(nw.col(_EXTRA)).alias("extra"),
            _count(nw.col(_COPIES) > 1).alias("doubled"),
        )
    )[0]
    found = {name: int(value or 0) for name, value in counts.items()}
    samples: tuple[str, ...] = ()
    if found["differing"]:
        first = judged.filter(differs).sort(*map(_key, table.key)).head(MAX_SAMPLES)
        samples = tuple(_sample(table, row, rules) for row in engine.fetch(first))
    # Where no row is doubled, every row has a key of its own.
    keys = count_rows(engine, wanted) if found["doubled"] else found["rows"] - found["extra"]
    return Comparison(
        keys=keys,
        rows=found["rows"],
        differing=found["differing"],
        missing=found["missing"],
        extra=found["extra"],
        doubled=found["doubled"],
        samples=samples,
    )


def _judged(table: Table, rows: Frame, wanted: Frame, rules: Sequence[Rule]) -> Frame:
    """Return the rows of both sides beside each other, with what is wrong with each."""
    key = list(table.key)
    mine = rows.with_columns(nw.len().over(*key).cast(nw.Int64).alias(_COPIES))
    # A constant tells which rows were there: no value of a table is null on purpose and a key.
    other = wanted.rename({name: expected(name) for name in wanted.collect_schema().names()})
    other = other.with_columns(nw.lit(value=True).alias(_PRESENT))
    both = mine.join(other, left_on=key, right_on=[expected(name) for name in key], how="full")
    is_right = nw.all_horizontal(*(rule.holds() for rule in rules), ignore_nulls=False)
    missing, extra = nw.col(_COPIES).is_null(), nw.col(_PRESENT).is_null()
    return both.with_columns(
        missing.alias(_MISSING),
        extra.alias(_EXTRA),
        (~missing & ~extra & ~is_right).alias(_WRONG),
        *(
            nw.when(missing).then(nw.col(expected(name))).otherwise(nw.col(name)).alias(_key(name))
            for name in key
        ),
    ).with_columns(nw.col(_COPIES).fill_null(1))


def _key(name: str) -> str:
    return f"key__{name}"


def _count(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(1).otherwise(0).cast(nw.Int64).sum()


def _sample(table: Table, row: Mapping[str, Any], rules: Sequence[Rule]) -> str:
    named = ", ".join(f"{name} {row[_key(name)]}" for name in table.key)
    if row[_MISSING]:
        return f"{named}: missing in {table.name}"
    if row[_EXTRA]:
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
