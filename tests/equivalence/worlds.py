"""Small shops made from contracts, hundreds of them side by side in one frame.

A case is a few rows of every table that belong together. In a pack each case has keys, days and
names of departments of its own, so a transform works out all of them at once and must not mix them
up. Choices follow from a seed that Hypothesis draws: drawing every value would take longer than
Spark does.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st

from pipeline.contracts import ENTITIES, silver
from pipeline.contracts.model import Column, Entity, Table
from pipeline.contracts.types import Kind
from tests.equivalence.frames import Given, plain

Case = dict[str, list[dict[str, Any]]]

MOST_CASES = 600
# Whoever asks only whether something fails need not wait for the few cases that do.
_SMALLEST = os.environ.get("LAKEHOUSE_SMALLEST") != "no"
DAY = 86_400_000_000

_EPOCH = date(1970, 1, 1)
_END_OF_DAYS = plain(date(2100, 1, 1))
_WINDOW = (_END_OF_DAYS - plain(date(2000, 1, 1))) // MOST_CASES
_KEYS = 1_000_000
_GREAT_CASES = 10

# Composed and decomposed, of one to four bytes; the last two are in another order in UTF-16.
_LABELS = ("A", "B", "A B", "Z", "Ä", "A\u0308", "ß", "漢😀", "\uff5e", "\U00010000")
_TEXTS = ("Tea", "tea", "null", 'a "b", c', "a\nb", "é", "e\u0301", "\uff5e", "\U00010000")
FILES = ("a/1.csv", "a/10.csv", "a/9.csv", "Ä.csv", "\uff5e.csv", "\U00010000.csv")
_CENTS = (0, 1, 2, 3, 5, 7, 99, 100, 101, 777, 12_345, 10**10 - 1, 10**10 - 2)
_CLOCKS = (0, 1, DAY // 2, DAY - 1, 5 * DAY // 48, 23 * DAY // 24)


@dataclass(frozen=True)
class Space:
    """What belongs to one case of a pack: its keys, days and names, and its luck.

    The first ten cases have the greatest keys that there are.

    Attributes:
        number: Number of the case.
        random: Decides what the case is.
    """

    number: int
    random: Random

    def key(self, local: int) -> int:
        """Return the key that the case calls by a small number."""
        if self.number < _GREAT_CASES:
            return local + 2**63 - (self.number + 1) * 1_000
        return local + self.number * _KEYS

    def label(self, text: str) -> str:
        """Return a name that no other case has; the order of a case's names is that of `text`."""
        return f"{self.number:04} {text}"

    @cached_property
    def days(self) -> list[int]:
        """Up to three days, leap days and ends of months before others."""
        end = _END_OF_DAYS - self.number * _WINDOW
        window = range(end - _WINDOW, end)
        turns = [day for day in window if _is_turn(day)]
        leap_days = [day for day in turns if _is_leap_day(day)]
        kinds = [leap_days or turns, turns, window]
        count = self.random.randint(1, 3)
        return [self.random.choice(self.random.choice(kinds)) for _ in range(count)]

    def happens(self, percent: int) -> bool:
        """Return whether something happens this time."""
        return self.random.randrange(100) < percent


def _is_turn(day: int) -> bool:
    """Return whether a month begins on the day, or may end on it."""
    return (_EPOCH + timedelta(days=day)).day in {1, 28, 29, 30, 31}


def _is_leap_day(day: int) -> bool:
    found = _EPOCH + timedelta(days=day)
    return (found.month, found.day) == (2, 29)


Maker = Callable[[Space], Case]

# --- Values --------------------------------------------------------------------------------------


def value(column: Column, space: Space) -> Any:
    """Return a value that a column may have in silver; small, alike or extreme as a rule."""
    if not column.required and space.happens(30):
        return None
    return _BY_KIND[column.type.kind](column, space)


def _number(column: Column, space: Space) -> int:
    low = column.minimum if isinstance(column.minimum, int) else 0
    widest = 2**31 - 1 if column.type.storage == "int" else 2**63 - 1
    high = column.below - 1 if isinstance(column.below, int) else widest
    if space.happens(10):
        return space.random.choice([high, high - 1, space.random.randint(low, high)])
    return low + space.random.choice([0, 0, 1, 1, 2, 7])


def _cents(_: Column, space: Space) -> int:
    return space.random.choice([space.random.choice(_CENTS), space.random.randrange(10**10)])


def _instant(_: Column, space: Space) -> int:
    clock = space.random.choice([space.random.choice(_CLOCKS), space.random.randrange(DAY)])
    return space.random.choice(space.days) * DAY + clock


def _text(column: Column, space: Space) -> str:
    return space.random.choice(FILES if column.name == "source_file" else _TEXTS)


_BY_KIND: Mapping[Kind, Callable[[Column, Space], Any]] = {
    Kind.KEY: lambda _, space: space.key(space.random.randint(1, 3)),
    **dict.fromkeys((Kind.COUNT, Kind.DAYS, Kind.INTEGER), _number),
    Kind.FLAG: lambda _, space: space.random.randrange(2),
    Kind.BOOLEAN: lambda _, space: space.happens(50),
    Kind.MONEY: _cents,
    Kind.TIMESTAMP: _instant,
    Kind.DATE: lambda _, space: space.random.choice(space.days),
    Kind.LABEL: lambda _, space: space.label(space.random.choice(_LABELS)),
    Kind.TEXT: _text,
}

# --- Silver --------------------------------------------------------------------------------------

_SIZES = {
    entity.name: (0, 2, 4, 6, 9, 12) if entity.references else (0, 1, 2, 3, 4, 5)
    for entity in ENTITIES
}


def shop(space: Space) -> Case:
    """Return rows of every silver table, by path; what they refer to is there."""
    case: Case = {}
    for entity in ENTITIES:
        count = space.random.choice(_SIZES[entity.name])
        if not all(case[f"silver/{reference.entity}"] for reference in entity.references):
            count = 0
        keys = space.random.sample(range(1, 2 * count + 2), count)
        rows = [_silver_row(entity, space.key(key), case, space) for key in keys]
        case[silver(entity).path] = rows
    return case


def _silver_row(entity: Entity, key: int, case: Case, space: Space) -> dict[str, Any]:
    row = {column.name: value(column, space) for column in silver(entity).columns}
    row[entity.key] = key
    for reference in entity.references:
        other = space.random.choice(case[f"silver/{reference.entity}"])
        row[reference.column] = other[reference.column]
        if space.happens(85):
            row |= {name: other[name] for name in reference.same}
    for column in entity.columns:
        if column.date_of is not None:
            row[column.name] = row[column.date_of] // DAY
    return row


# --- Packs ---------------------------------------------------------------------------------------


class Pack(list[Case]):
    """Cases that stand side by side."""

    def __repr__(self) -> str:
        """Say little: which cases matter is told by the failure itself."""
        return f"{len(self)} cases"


def pack(make: Maker, seed: int, count: int) -> Pack:
    """Return cases that stand side by side."""
    return Pack(
        make(Space(number, Random(f"{seed}/{number}")))  # noqa: S311 - test data
        for number in range(count)
    )


@st.composite
def packs(draw: st.DrawFn, make: Maker, most: int = MOST_CASES) -> Pack:
    """Draw cases that stand side by side."""
    seed = draw(st.integers(0, 2**32 - 1))
    # Simplest first is the richest.
    return pack(make, seed, most - draw(st.integers(0, most - 1)))


def pooled(cases: Sequence[Case], name: str) -> list[dict[str, Any]]:
    """Return the rows that all cases have under a name."""
    return [row for case in cases for row in case[name]]


def given_table(cases: Sequence[Case], table: Table) -> Given:
    """Return a table of all cases together."""
    return Given(table.columns, pooled(cases, table.path))


Check = Callable[[list[Case]], None]


def hold(check: Check, cases: list[Case]) -> None:
    """Check all cases at once; if that fails, fail with as few of them as still do."""
    failure = _failure(check, cases)
    while failure is not None and len(cases) > 1 and _SMALLEST:
        half = len(cases) // 2
        for part in (cases[:half], cases[half:]):
            smaller = _failure(check, part)
            if smaller is not None:
                failure, cases = smaller, part
                break
        else:
            break
    if failure is not None:
        raise failure


def _failure(check: Check, cases: list[Case]) -> Exception | None:
    try:
        check(cases)
    except Exception as failure:  # noqa: BLE001 - whatever an engine raises is a difference
        return failure
    return None


def examples(count: int) -> settings:
    """Ask for some examples, each of many cases; for more in a run that looks for new ones.

    It is `hold` that makes a failing example smaller, at a fraction of Hypothesis's cost.
    """
    phases = (Phase.explicit, Phase.generate)
    return settings(max_examples=count if settings().derandomize else 10 * count, phases=phases)
