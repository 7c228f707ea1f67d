"""Rows are compared as multisets, and exactly; the oracle is `collections.Counter`."""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import LakeError
from simulator.compare import Example
from simulator.compare import rows as rows_module
from simulator.compare.rows import RowsFound, Shape, compare_rows
from simulator.compare.slices import slices
from tests.unit.compare.tools import compared, kinds, write

SCHEMA = {
    "id": pl.Int64(),
    "name": pl.String(),
    "amount": pl.Decimal(10, 2),
    "at": pl.Datetime("us", "UTC"),
    "day": pl.Date(),
    "known": pl.Boolean(),
}
NAMES = tuple(SCHEMA)
Values = tuple[Any, ...]

_LONG = "the same long beginning of many a name, longer than statistics are " * 3
_NOON = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC)
# Pools are small, so that rows repeat; neighbours in them are easily taken for one another.
POOLS: dict[str, tuple[Any, ...]] = {
    "id": (None, 0, 1, 2, -(2**63), 2**63 - 1),
    "name": (None, "", "null", "a", "A", "a ", "é", "e\u0301", f"{_LONG}1", f"{_LONG}2"),
    "amount": (None, Decimal("0.00"), Decimal("0.01"), Decimal("-99999999.99")),
    "at": (
        None,
        _NOON,
        _NOON + dt.timedelta(microseconds=1),
        dt.datetime.max.replace(tzinfo=dt.UTC),
    ),
    "day": (None, dt.date(2025, 4, 1), dt.date(2025, 4, 2), dt.date(1, 1, 1)),
    "known": (None, False, True),
}
ROWS = st.lists(st.tuples(*(st.sampled_from(POOLS[name]) for name in NAMES)), max_size=12)
KEYS = st.sampled_from([("id",), ("name", "day"), ("known",), NAMES])


def frame(rows: Iterable[Values]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def found_in(
    a: list[Values], b: list[Values], key: tuple[str, ...] = NAMES, **how: Any
) -> RowsFound:
    shape = Shape(NAMES, key, ())
    return compare_rows(frame(a).lazy(), frame(b).lazy(), shape, **{"limit": None, **how})


def surplus(examples: Iterable[Example]) -> tuple[Counter[Values], Counter[Values]]:
    """Return the rows that examples name, as often as they say, by lake."""
    only_a: Counter[Values] = Counter()
    only_b: Counter[Values] = Counter()
    for example in examples:
        if example.a is not None:
            only_a[tuple(example.a.values())] += example.copies_a
        if example.b is not None:
            only_b[tuple(example.b.values())] += example.copies_b
    return only_a, only_b


@settings(max_examples=200)
@given(a=ROWS, b=ROWS, key=KEYS, most=st.integers(1, 9))
def test_differing_rows_are_those_of_the_counters(
    a: list[Values], b: list[Values], key: tuple[str, ...], most: int
) -> None:
    """However the rows are sliced and whatever their key, each surplus row is named and counted."""
    found = found_in(a, b, key, slice_rows=most)

    only_a, only_b = Counter(a) - Counter(b), Counter(b) - Counter(a)
    assert (found.rows_a, found.rows_b) == (len(a), len(b))
    assert (found.only_a, found.only_b) == (only_a.total(), only_b.total())
    assert surplus(found.examples) == (only_a, only_b)
    for example in found.examples:
        assert all(example.key[name] == (example.a or example.b or {})[name] for name in key)
        if example.a is not None and example.b is not None:
            unlike = [name for name in NAMES if example.a[name] != example.b[name]]
            assert list(example.columns) == unlike


@settings(max_examples=100)
@given(a=ROWS, b=ROWS, key=KEYS, limit=st.integers(1, 4))
def test_a_limit_keeps_the_first_examples(
    a: list[Values], b: list[Values], key: tuple[str, ...], limit: int
) -> None:
    everything = found_in(a, b, key)
    found = found_in(a, b, key, limit=limit, slice_rows=3)

    assert found.examples == everything.examples[:limit]
    assert (found.only_a, found.only_b) == (everything.only_a, everything.only_b)


@settings(max_examples=25)
@given(
    rows=ROWS,
    seed=st.integers(0, 2**32),
    parts=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    by=st.tuples(*[st.sampled_from(((), ("known",), ("day",), ("day", "known")))] * 2),
)
def test_copies_are_equal_however_they_lie(
    rows: list[Values], seed: int, parts: tuple[int, int], by: tuple[tuple[str, ...], ...]
) -> None:
    """Order, files and partitions of a table do not change its rows."""
    shuffled = list(rows)
    Random(seed).shuffle(shuffled)  # noqa: S311 - test data
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        a, b = Path(folder) / "a", Path(folder) / "b"
        write(a, frame(rows), parts=parts[0], by=by[0])
        write(b, frame(shuffled), parts=parts[1], by=by[1])
        found = compared(a, b)

    assert kinds(found) == ([] if by[0] == by[1] else ["partitions"])
    assert (found.rows_a, found.rows_b) == (len(rows), len(rows))


@settings(max_examples=25)
@given(rows=ROWS.filter(bool), data=st.data())
def test_a_single_change_is_found(rows: list[Values], data: st.DataObject) -> None:
    """One value, one null, one row more or less: the tables differ by that row and no other."""
    changed = mutated(rows, data)
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        a, b = Path(folder) / "a", Path(folder) / "b"
        write(a, frame(rows), parts=2, by=["known"])
        write(b, frame(changed), by=["known"])
        found = compared(a, b, limit=None)

    assert kinds(found) == ["rows"]
    (difference,) = found.differences
    only_a, only_b = Counter(rows) - Counter(changed), Counter(changed) - Counter(rows)
    assert (difference.only_a, difference.only_b) == (only_a.total(), only_b.total())
    assert surplus(difference.examples) == (only_a, only_b)


def mutated(rows: list[Values], data: st.DataObject) -> list[Values]:
    """Return the rows with exactly one thing changed."""
    place = data.draw(st.integers(0, len(rows) - 1))
    row = rows[place]
    match data.draw(st.sampled_from(("value", "repeat", "drop"))):
        case "repeat":
            return [*rows, row]
        case "drop":
            return rows[:place] + rows[place + 1 :]
        case _:
            column = data.draw(st.integers(0, len(NAMES) - 1))
            others = [value for value in POOLS[NAMES[column]] if value != row[column]]
            value = data.draw(st.sampled_from(others))
            return [*rows[:place], (*row[:column], value, *row[column + 1 :]), *rows[place + 1 :]]


@settings(max_examples=100)
@given(rows=ROWS, most=st.integers(1, 6), columns=st.permutations(NAMES))
def test_slices_take_every_row_once(rows: list[Values], most: int, columns: list[str]) -> None:
    made = frame(rows).lazy()
    parts = [made.filter(where).collect() for where in slices(made, columns, most)]

    assert Counter(row for part in parts for row in part.rows()) == Counter(rows)
    alike = Counter((row[0], row[1], row[4]) for row in rows)
    greatest = max(2 * most, most + max(alike.values(), default=0))
    assert all(part.height <= greatest for part in parts)


def test_slices_of_files_with_long_names(tmp_path: Path) -> None:
    """Statistics of long texts are cut short; no row may be lost by them."""
    names = [f"{_LONG}{number}/é" for number in range(40)]
    rows = [(number, name, None, None, None, None) for number, name in enumerate(names)]
    a, b = tmp_path / "a", tmp_path / "b"
    shape = Shape(NAMES, ("name",), ())
    of_a, of_b = (pl.scan_delta(str(write(lake, frame(rows), parts=8))) for lake in (a, b))

    found = compare_rows(of_a, of_b, shape, limit=5, slice_rows=3)

    assert (found.rows_a, found.rows_b, found.only_a, found.only_b) == (40, 40, 0, 0)


def test_a_row_that_no_slice_has_is_no_equality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a reader skip rows that it must not skip, the comparison fails."""
    monkeypatch.setattr(rows_module, "slices", lambda *_: iter([pl.col("id") > 1]))
    rows = [(number, None, None, None, None, None) for number in (1, 2, 3)]

    with pytest.raises(LakeError, match=r"3 and 3 rows were there, 2 and 2 were read"):
        found_in(rows, rows)


def test_rows_of_a_key_in_different_partitions_are_a_pair() -> None:
    """An order whose date changed lies elsewhere; it is shown as one row that differs."""
    old, new = (
        (7, "x", None, None, day, None) for day in (dt.date(2025, 4, 1), dt.date(2025, 4, 2))
    )
    others = [(number, "y", None, None, dt.date(2025, 4, 1), None) for number in range(20)]
    a, b = (frame([*others[:7], row, *others[8:]]).lazy() for row in (old, new))

    found = compare_rows(a, b, Shape(NAMES, ("id",), ("day",)), limit=5, slice_rows=4)

    (example,) = found.examples
    assert example.key == {"id": 7}
    assert (example.a, example.b) == tuple(dict(zip(NAMES, row, strict=True)) for row in (old, new))
    assert example.columns == ("day",)
    assert (example.copies_a, example.copies_b) == (1, 1)


def test_nested_values_are_compared(tmp_path: Path) -> None:
    """Tables without a contract may hold anything."""
    made = {"tags": [["a"], ["a", None], None], "place": [{"x": 1}, {"x": None}, None]}
    other = {**made, "tags": [["a"], ["a", "b"], None]}
    a, b, c = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    for lake, content in ((a, made), (b, made), (c, other)):
        write(lake, pl.DataFrame(content))

    assert compared(a, b).equal
    found = compared(a, c)
    assert kinds(found) == ["rows"]
    lists = [(e.a or e.b or {})["tags"] for e in found.differences[0].examples]
    assert sorted(lists, key=str) == [["a", "b"], ["a", None]]
