"""Dirty deliveries for Hypothesis, derived from the contracts.

What a column's text may look like follows from its type, its range and whether it is required, so
a new column or entity is generated without a line here. Keys come from small domains and rows from
small pools: rows of the same key, corrections, repetitions, and references that exist only later
are the rule.

Single texts and rows are ordinary strategies. A whole delivery is made from one drawn seed and a
few drawn sizes: a thousand draws would cost more than the run that they feed, and Hypothesis, which
likes small and alike, would hardly ever make a shop with items that refer to anything.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from random import Random

from hypothesis import strategies as st

from pipeline.contracts import ENTITIES, Entity
from pipeline.contracts.model import Column
from pipeline.contracts.types import Kind
from tests.lakes import PLAIN, Form
from tests.reference import SPACE, DeliveredFile, DeliveredRow

Texts = st.SearchStrategy[str]
Values = tuple[str, ...]

INTEGERS = (Kind.KEY, Kind.COUNT, Kind.DAYS, Kind.INTEGER)

_FIRST_DAY = date(2025, 3, 31)
# Days of trade: neighbours, and some that are far apart for those who have not been seen long.
_DAYS = (0, 1, 2, 40, 41, 140)
_DEAREST = 10**10 - 1
_IDENTITIES = {entity.key for entity in ENTITIES}

# --- Texts of a column ---------------------------------------------------------------------------

# Separators and quotes of CSV, white space of all kinds, letters whose upper case is longer or
# depends on the language, and characters of two to four bytes.
_TEXTS = [
    "Tea",
    "Milk",
    "null",
    "NaN",
    'a "b", c',
    "a\nb",
    "ıǅß",
    "\u00a0",
    "\u2003x",
    "e\u0301",
    "漢😀",
]
_LABELS = ["frozen", "Home  Goods", "home goods", "HOME\tGOODS", "Äpfel", "äpfel", "ﬁsh", "z", "Z"]
_ANY_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=8
).filter(lambda text: bool(text.strip(SPACE)))


def amount(cents: int) -> str:
    """Return an amount of money as a shop writes it."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _integers(column: Column) -> list[str]:
    low = column.minimum if isinstance(column.minimum, int) else -1
    domain = 5 if column.name in _IDENTITIES else 3
    numbers = [str(number) for number in range(low, low + domain)]
    odd = [f"+{low + 1}", f"00{low + 1}", f"{'0' * 25}{low}", "-0" if low == 0 else numbers[0]]
    edge = [str(column.below - 1)] if isinstance(column.below, int) else []
    return numbers * 5 + odd + edge


def _amounts(column: Column) -> list[str]:
    low = column.minimum if isinstance(column.minimum, int) else -_DEAREST
    cents = [low, low + 1, 2, 5, 99, 100, 101, 777, 1_000, 12_345, 99_999, 1_234_567, _DEAREST]
    odd = ["00007.5", "+3", "0", "12.3400", f"{'0' * 20}1.00", "-0.00"]
    return [amount(value) for value in cents] + odd


def _instants() -> list[str]:
    """Spell moments of a few days in every accepted way; both ends of the day among them."""
    made = []
    for day in _DAYS:
        start = datetime.combine(_FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC)
        noon = start + timedelta(hours=11, minutes=30)
        last = start + timedelta(days=1, microseconds=-1)
        made += [
            start.strftime("%Y-%m-%dT%H:%M"),
            start.strftime("%Y-%m-%d %H:%M:%S"),
            noon.strftime("%Y-%m-%dT%H:%M:%S"),
            noon.strftime("%Y-%m-%dT%H:%M:%S.5Z"),
            noon.strftime("%Y-%m-%d %H:%M-00:00"),
            last.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        ]
        for hours in (-11, 5.5, 14):
            zone = timezone(timedelta(hours=hours))
            made.append(noon.astimezone(zone).isoformat(timespec="minutes"))
            made.append(last.astimezone(zone).isoformat(" "))
    return made


def _dates() -> list[str]:
    days = [(_FIRST_DAY + timedelta(days=day)).isoformat() for day in _DAYS]
    return days + [f"{day}{midnight}" for day in days for midnight in ("T00:00", " 00:00:00.000")]


def _valid(column: Column) -> list[str]:
    kind = column.type.kind
    by_kind: dict[Kind, Callable[[], list[str]]] = {
        **dict.fromkeys(INTEGERS, lambda: _integers(column)),
        Kind.MONEY: lambda: _amounts(column),
        Kind.TIMESTAMP: _instants,
        Kind.DATE: _dates,
        Kind.FLAG: lambda: ["0", "1", "0", "1", "true", "FALSE", "tRuE"],
        Kind.LABEL: lambda: _LABELS,
        Kind.TEXT: lambda: _TEXTS,
    }
    return by_kind[kind]()


_MISSING = ["", "", " ", "\t", " \n", "\v\f "]

_NO_INTEGERS = (
    *("x", "1.0", "1e3", "1 2", "--1", "+", "+-1", "1_0", "\u0661", "0x1", "true"),
    *("9223372036854775808", "-9223372036854775809", "9" * 40),
)
_MALFORMED: dict[Kind, Sequence[str]] = {
    **dict.fromkeys(INTEGERS, _NO_INTEGERS),
    Kind.MONEY: [
        *(
            "1,00",
            "1.",
            ".5",
            "1.005",
            "1e2",
            "NaN",
            "inf",
            "$1",
            "1 000",
            "\u0663.00",
            "1.00.0",
            "-",
        ),
        *("123456789.00", "1.001", "+-1.00", "1.0000000000001"),
    ],
    Kind.TIMESTAMP: [
        *("2025-02-30T10:00", "2025-04-01", "2025-04-01  10:00", "2025-04-01T24:00", "now"),
        *("2025-04-01T10:60", "2025-04-01T10:00:60", "2025-04-01T10:00:00.1234567", "0"),
        *("2025-04-01T10:00+24:00", "2025-04-01T10:00+0100", "2025-04-01t10:00", "2025-4-1T10:00"),
        *("2025-04-01T10:00z", "0000-01-01T00:00", "2025-04-01T10", "2025-04-01T10:00:00."),
        *("2025-04-01T10:00 Z", "2025-04-01T1\u0660:00", "2025-00-01T10:00", "12025-04-01T10:00"),
    ],
    Kind.DATE: [
        *("2025-02-30", "2025-04-01T00:01", "2025-04-01T00:00Z", "01.04.2025", "2025-4-1"),
        *("0000-12-31", "2025-04-01T", "20250401", "2025-04-01T00:00:00.0000000", "2025-04"),
        *("2025-04-01T00:00+00:00", "2025-04-01T24:00", "2025-04-01T00:00:00.000001"),
    ],
    Kind.FLAG: ["2", "yes", "01", "+1", "t", "1.0", "-0", "TRUEE", "\uff11"],
}


def _out_of_range(column: Column) -> list[str]:
    texts: list[str] = []
    for bound, outside in ((column.minimum, -1), (column.below, 0)):
        if isinstance(bound, datetime):
            value = bound + timedelta(microseconds=outside)
            texts.append(value.strftime("%Y-%m-%dT%H:%M:%S.%f"))
        elif bound is not None:
            spell = amount if column.type.kind is Kind.MONEY else str
            texts.append(spell(bound + outside))
    if column.type.kind is Kind.TIMESTAMP:
        # Instants that a calendar of the years 1 to 9999 does not hold.
        texts += ["0001-01-01T00:00+10:00", "9999-12-31T23:59:59.999999-10:00"]
    if column.type.kind in INTEGERS:
        texts += ["-9223372036854775808"]
        texts += ["9223372036854775807"] if column.below is not None else []
    return texts


def _is_bounded(column: Column) -> bool:
    return column.minimum is not None or column.below is not None


@cache
def _bad(column: Column) -> list[str]:
    texts = [*_MISSING, *_MALFORMED.get(column.type.kind, ())]
    if _is_bounded(column):
        texts += _out_of_range(column) * 3
    if column.date_of is not None:
        texts += ["2025-05-01", "0001-01-01", "9999-12-31"] * 3
    return texts


@cache
def _good(column: Column) -> list[str]:
    return _valid(column)


def valid_texts(column: Column) -> Texts:
    """Return texts that can be read and lie within the column's range."""
    listed = st.sampled_from(_good(column))
    kind = column.type.kind
    if kind in {Kind.TEXT, Kind.LABEL}:
        return listed | _ANY_TEXT
    if kind is Kind.MONEY:
        low = column.minimum if isinstance(column.minimum, int) else -_DEAREST
        return listed | st.integers(low, _DEAREST).map(amount)
    return listed


def malformed_texts(column: Column) -> Texts | None:
    """Return texts that cannot be read; None for a column that takes any text."""
    texts = _MALFORMED.get(column.type.kind)
    return st.sampled_from(texts) if texts else None


def out_of_range_texts(column: Column) -> Texts | None:
    """Return texts that can be read and lie outside the column's range; None if it has none."""
    return st.sampled_from(_out_of_range(column)) if _is_bounded(column) else None


def missing_texts() -> Texts:
    """Return texts with nothing in them."""
    return st.sampled_from(_MISSING)


def bad_texts(column: Column) -> Texts:
    """Return texts of every way in which a column can go wrong."""
    return st.sampled_from(_bad(column))


# --- Rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dirt:
    """How much goes wrong, in percent.

    Attributes:
        rows: Rows of which a column or two are wrong.
        fields: Rows with too few or too many fields.
        repeated: Files that come again under another name.
    """

    rows: int = 12
    fields: int = 4
    repeated: int = 8


CLEAN = Dirt(0, 0, 0)


def values(entity: Entity) -> st.SearchStrategy[Values]:
    """Return the texts of rows of which any column may be wrong."""
    return st.tuples(
        *(
            valid_texts(column) | valid_texts(column) | bad_texts(column)
            for column in entity.columns
        )
    )


def random_values(entity: Entity, random: Random) -> Values:
    """Return such texts by a random generator: thousands of them cost less than a few draws."""
    return tuple(
        random.choice(_good(column) if random.randrange(8) else _bad(column))
        for column in entity.columns
    )


def _date_text(timestamp: str) -> str:
    instant = datetime.fromisoformat(timestamp)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC).date().isoformat()


# --- Deliveries ----------------------------------------------------------------------------------

Deliveries = list[DeliveredFile]


class _Shop:
    """Makes the files of one shop; every choice follows from the seed."""

    def __init__(self, seed: int, dirt: Dirt, most_rows: int) -> None:
        self._random = Random(seed)  # noqa: S311 - test data
        self._dirt = dirt
        self._most_rows = most_rows
        # In some shops every row has a key of its own, which the pipeline takes a short way with.
        self._fresh_keys = self._happens(25)
        self._last_key = 0
        self._pools = {
            entity: [self._values(entity) for _ in range(self._random.randint(8, 24))]
            for entity in ENTITIES
        }

    def _happens(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _values(self, entity: Entity) -> Values:
        """Return a row's texts: valid as far as it alone can tell, or a little wrong."""
        choice = self._random.choice
        texts: dict[str, str] = {}
        for column in entity.columns:
            if column.date_of is not None:
                texts[column.name] = _date_text(texts[column.date_of])
            elif not column.required and self._happens(30):
                texts[column.name] = choice(_MISSING)
            else:
                texts[column.name] = choice(_good(column))
        if self._happens(self._dirt.rows):
            for _ in range(self._random.randint(1, 2)):
                column = choice(entity.columns)
                texts[column.name] = choice(_bad(column))
        elif self._happens(10):
            name = choice(entity.column_names)
            texts[name] = f" \t\n{texts[name]}\v\f "
        return tuple(texts.values())

    def _form(self, entity: Entity) -> Form:
        """Return how a file is written; half of them are written plainly."""
        if self._happens(50):
            return PLAIN
        choice = self._random.choice
        cells = [f" {name.title()}\t" for name in entity.column_names]
        cells += choice([[], ["note"], ["Größe", "a b"]])
        self._random.shuffle(cells)
        return Form(
            header=tuple(cells),
            newline=choice(["\n", "\r\n"]),
            mark=self._happens(50),
            quoted=self._happens(50),
            blank_lines=self._happens(50),
        )

    def _row(self, entity: Entity, form: Form) -> DeliveredRow:
        choice = self._random.choice
        cells = form.cells(entity.name)
        if self._happens(self._dirt.fields):
            count = choice([1, 2, len(cells) - 1, len(cells) + 1, len(cells) + 3])
            return DeliveredRow(None, raw=",".join(choice(["7", "x", " "]) for _ in range(count)))
        extra = [cell for cell in cells if cell.strip().lower() not in entity.column_names]
        noted = {name: choice(["", "é", 'a"b']) for name in extra}
        return DeliveredRow(
            self._fresh(entity, choice(self._pools[entity])),
            extra=json.dumps(noted, ensure_ascii=False) if noted else None,
        )

    def _fresh(self, entity: Entity, values: Values) -> Values:
        """Return a row of its pool, of an entity that refers to others perhaps under a new key."""
        if not (self._fresh_keys and entity.references):
            return values
        self._last_key += 1
        place = entity.column_names.index(entity.key)
        return (*values[:place], str(self._last_key), *values[place + 1 :])

    def files(self, count: int) -> Deliveries:
        """Return files in their order of arrival, which is also the order of their paths."""
        choice, made = self._random.choice, list[DeliveredFile]()
        # What refers to others comes about twice as often as they do, and often before them.
        entities = [e for entity in ENTITIES for e in [entity] * (2 if entity.references else 1)]
        for number in range(count):
            if made and self._happens(self._dirt.repeated):
                again = choice(made)
                ending = ".csv.gz" if again.path.endswith(".gz") else ".csv"
                path = f"{again.entity}/{number:03}-again{ending}"
                made.append(DeliveredFile(again.entity, path, again.rows, again.form))
                continue
            entity = choice(entities)
            ending = choice([".csv", ".csv", ".CSV", ".csv.gz", "/part.csv"])
            form = self._form(entity)
            rows = [
                self._row(entity, form) for _ in range(self._random.randint(2, self._most_rows))
            ]
            path = f"{entity.name}/{number:03}{ending}"
            made.append(DeliveredFile(entity.name, path, tuple(rows), form))
        return made


@st.composite
def deliveries(
    draw: st.DrawFn, dirt: Dirt | None = None, *, min_files: int = 8, max_files: int = 14
) -> Deliveries:
    """Draw files in their order of arrival, which is also the order of their paths."""
    seed = draw(st.integers(0, 2**32 - 1))
    # Simplest first is the richest: what fails there shrinks to less of the same seed.
    count = max_files - draw(st.integers(0, max_files - min_files))
    most_rows = 14 - draw(st.integers(0, 8))
    return _Shop(seed, dirt or Dirt(), most_rows).files(count)


@st.composite
def groupings(draw: st.DrawFn, made: Deliveries, *, max_runs: int = 4) -> list[Deliveries]:
    """Draw a grouping of files into runs that keeps their order."""
    if len(made) < 2:
        return [made]
    places = st.integers(1, len(made) - 1)
    cuts = sorted(draw(st.sets(places, min_size=min(2, max_runs - 1), max_size=max_runs - 1)))
    edges = [0, *cuts, len(made)]
    return [made[low:high] for low, high in pairwise(edges)]


@st.composite
def interleavings(draw: st.DrawFn, made: Deliveries) -> Deliveries:
    """Draw another order of files in which those of one entity keep theirs."""
    turns = draw(st.permutations([file.entity for file in made]))
    waiting = {name: iter([f for f in made if f.entity == name]) for name in set(turns)}
    return [next(waiting[name]) for name in turns]
