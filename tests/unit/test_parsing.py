"""Reading text (sections 4, 5 and 9): `parse` and `read_rows` on Polars against the written rules.

The readings below are written from the rules' text, one character at a time or with the standard
library, never from the code under test. Each example packs many texts into one frame.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.contracts import ENTITIES, ORDER_ITEMS, ORDERS, PRODUCTS
from pipeline.contracts.model import Column, Entity
from pipeline.contracts.types import (
    COUNT,
    DATE,
    DAYS,
    FLAG,
    INTEGER,
    KEY,
    LABEL,
    TEXT,
    TIMESTAMP,
    LogicalType,
    money,
)
from pipeline.portable import MALFORMED, MISSING, READABLE, parse, state_of
from pipeline.transforms.silver.reading import read_rows
from pipeline.transforms.silver.reasons import decode

Value = Any
Reading = Callable[[str], Value]

_SPACE = " \t\n\v\f\r"
_BAD = object()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Each example is a frame of many cases, and a frame costs more than its cases do.
_FRAMES = settings(max_examples=settings().max_examples // 5)


# --- The rules, read plainly ---------------------------------------------------------------------


def _digits(text: str) -> bool:
    return text != "" and set(text) <= set("0123456789")


def _unsigned(text: str) -> tuple[int, str]:
    if text[:1] in {"+", "-"}:
        return (-1 if text[0] == "-" else 1), text[1:]
    return 1, text


def read_integer(text: str) -> Value:
    """`[+-]?digits`, beyond 64 bits malformed."""
    sign, digits = _unsigned(text)
    if not _digits(digits):
        return _BAD
    significant = digits.lstrip("0") or "0"
    if len(significant) > 19:
        return _BAD
    value = sign * int(significant)
    return value if -(2**63) <= value < 2**63 else _BAD


def read_money(text: str) -> Value:
    """`[+-]?digits(.digits)?` with 8 digits before the point and two after it, as cents."""
    sign, rest = _unsigned(text)
    whole, point, fraction = rest.partition(".")
    if not _digits(whole) or (point and not _digits(fraction)):
        return _BAD
    if len(whole.lstrip("0")) > 8 or fraction[2:].strip("0"):
        return _BAD
    return sign * int((whole.lstrip("0") or "0") + (fraction + "00")[:2])


def _day(text: str) -> Value:
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return _BAD
    year, month, day = text[:4], text[5:7], text[8:]
    if not (_digits(year) and _digits(month) and _digits(day)):
        return _BAD
    try:
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return _BAD


def _clock(text: str) -> Value:
    """Return microseconds of `HH:MM[:SS[.1 to 6 digits]]`."""
    hour_minute, rest = text[:5], text[5:]
    if len(hour_minute) != 5 or hour_minute[2] != ":":
        return _BAD
    hour, minute = hour_minute[:2], hour_minute[3:]
    if not (_digits(hour) and _digits(minute)) or int(hour) > 23 or int(minute) > 59:
        return _BAD
    micros = (int(hour) * 60 + int(minute)) * 60_000_000
    if rest:
        second, point, fraction = rest[1:].partition(".")
        if rest[0] != ":" or len(second) != 2 or not _digits(second) or int(second) > 59:
            return _BAD
        if point and (not _digits(fraction) or len(fraction) > 6):
            return _BAD
        micros += int(second) * 1_000_000 + int((fraction + "000000")[:6])
    return micros


def _timestamp_parts(text: str) -> Value:
    """Return day, microseconds of the day, and the offset in minutes or None without a zone."""
    day = _day(text[:10])
    if day is _BAD or text[10:11] not in {"T", " "}:
        return _BAD
    rest, offset = text[11:], None
    if rest.endswith("Z"):
        rest, offset = rest[:-1], 0
    elif len(rest) > 6 and rest[-6] in "+-" and rest[-3] == ":":
        hours, minutes = rest[-5:-3], rest[-2:]
        if not (_digits(hours) and _digits(minutes)) or int(hours) > 23 or int(minutes) > 59:
            return _BAD
        offset = (int(hours) * 60 + int(minutes)) * (-1 if rest[-6] == "-" else 1)
        rest = rest[:-6]
    micros = _clock(rest)
    return _BAD if micros is _BAD else (day, micros, offset)


def read_timestamp(text: str) -> Value:
    """Microseconds since 1970 in UTC; without a zone it is UTC."""
    parts = _timestamp_parts(text)
    if parts is _BAD:
        return _BAD
    day, micros, offset = parts
    days = (day - _EPOCH) // timedelta(days=1)
    return days * 86_400_000_000 + micros - (offset or 0) * 60_000_000


def read_date(text: str) -> Value:
    """`YYYY-MM-DD`, or a timestamp at exactly midnight without a zone; as days since 1970."""
    day = _day(text)
    if day is _BAD:
        parts = _timestamp_parts(text)
        if parts is _BAD or parts[1] != 0 or parts[2] is not None:
            return _BAD
        day = parts[0]
    return (day - _EPOCH) // timedelta(days=1)


def read_flag(text: str) -> Value:
    """`0`, `1`, `true`, `false` in any ASCII case."""
    if not text.isascii():
        return _BAD
    return {"0": 0, "1": 1, "true": 1, "false": 0}.get(text.lower(), _BAD)


def read_label(text: str) -> Value:
    """Inner runs of white space become one space, ASCII letters become upper case."""
    single = re.sub(f"[{_SPACE}]+", " ", text)
    return "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in single)


READINGS: Mapping[str, tuple[LogicalType, Reading]] = {
    "key": (KEY, read_integer),
    "count": (COUNT, read_integer),
    "days": (DAYS, read_integer),
    "integer": (INTEGER, read_integer),
    "money": (money(10), read_money),
    "timestamp": (TIMESTAMP, read_timestamp),
    "date": (DATE, read_date),
    "flag": (FLAG, read_flag),
    "text": (TEXT, lambda text: text),
    "label": (LABEL, read_label),
}


def read_plainly(kind: str, text: str | None) -> tuple[int, Value]:
    """Return the state and the value that the rules give a text."""
    trimmed = (text or "").strip(_SPACE)
    if not trimmed:
        return MISSING, None
    value = READINGS[kind][1](trimmed)
    return (MALFORMED, None) if value is _BAD else (READABLE, value)


def read_by_parse(kind: str, texts: Sequence[str | None]) -> list[tuple[int, Value]]:
    """Return the state and the value that `parse` gives each text; times as plain numbers."""
    column = Column("c", READINGS[kind][0], "A column.")
    frame = nw.from_native(pl.LazyFrame({"c": texts}, schema={"c": pl.String}))
    read = parse(frame, [column]).to_native().collect()
    values = read["c"]
    expected: dict[str, pl.DataType] = {
        "timestamp": pl.Datetime("us", "UTC"),
        "date": pl.Date(),
        "flag": pl.Int32(),
        "text": pl.String(),
        "label": pl.String(),
    }
    assert values.dtype == expected.get(kind, pl.Int64())
    if kind in {"timestamp", "date"}:
        values = values.to_physical()
    return list(zip(read[state_of("c")].to_list(), values.to_list(), strict=True))


def assert_agrees(kind: str, texts: Sequence[str | None]) -> None:
    """`parse` must give every text what the rules give it."""
    found = read_by_parse(kind, texts)
    for text, outcome in zip(texts, found, strict=True):
        assert outcome == read_plainly(kind, text), (kind, text)


# --- Texts near the grammars ---------------------------------------------------------------------

_PADDING = st.text(st.sampled_from(_SPACE), max_size=2)
_ODD = st.sampled_from(
    [
        "_",
        ",",
        " ",
        "e",
        "E5",
        "٣",
        "\uff11",
        "²",
        "\u00a0",
        "\u2003",
        "\u0085",
        "\x00",
        "\u2212",
        "+",
        "-",
        ".",
        "0x",
        "inf",
        "nan",
        "NaN",
        "null",
        "$",
        "€",
        "\n",
        ":",
        "Z",
        "T",
        "t",
        "z",
        "\u200b",
    ]
)


def _sometimes_spoilt(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    """Return texts as they are, within white space, cut, or with something odd put in."""

    @st.composite
    def spoilt(draw: st.DrawFn) -> str:
        text = draw(texts)
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 2)))
        return text[:at] + draw(st.one_of(_ODD, st.just(""))) + text[end:]

    padded = st.tuples(_PADDING, texts, _PADDING).map("".join)
    return st.one_of(texts, padded, spoilt(), st.none(), _PADDING, st.text(max_size=4))


def _mapped(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


_SIGN = st.sampled_from(["", "", "+", "-"])
_ZEROS = st.integers(0, 25).map(lambda n: "0" * n)
_NUMBER = st.one_of(
    st.integers(0, 10**9),
    st.integers(2**63 - 2, 2**63 + 2),
    st.integers(10**17, 10**21),
).map(str)
_AMOUNT = st.one_of(st.integers(0, 10**9), st.sampled_from([99_999_999, 10**8, 0])).map(str)
_FRACTION = st.one_of(
    st.just(""),
    _mapped(
        st.just("."), st.text("0123456789", max_size=3), st.integers(0, 3).map(lambda n: "0" * n)
    ),
)
_DAY = st.one_of(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda d: f"{d.year:04}-{d:%m-%d}"),  # noqa: DTZ001
    st.datetimes(datetime(1999, 12, 30), datetime(2100, 1, 2)).map(lambda d: f"{d:%Y-%m-%d}"),  # noqa: DTZ001
    st.sampled_from(
        [
            "2025-02-28",
            "2025-02-29",
            "2024-02-29",
            "1900-02-29",
            "2000-02-29",
            "0000-01-01",
            "2025-02-30",
            "2025-04-31",
            "2025-13-01",
            "2025-00-10",
            "2025-01-00",
            "0001-01-01",
            "9999-12-31",
            "2025-1-01",
            "25-01-01",
            "20250101",
            "2025/01/01",
            "01-01-2025",
        ]
    ),
)
_CLOCK = st.one_of(
    st.sampled_from(
        [
            "00:00",
            "00:00:00",
            "00:00:00.0",
            "00:00:00.000000",
            "00:00:00.000001",
            "24:00",
            "24:00:00",
            "23:59:60",
            "23:60",
            "23:59:59.999999",
            "12:00:00.",
            "12:00:00.1234567",
            "1:00",
            "12:0",
            "12",
            "12:00:0",
            "00:00:60",
            "99:99",
        ]
    ),
    st.times().map(lambda t: t.isoformat()),
    st.times().map(lambda t: t.isoformat("minutes")),
    st.times().map(lambda t: t.isoformat("milliseconds")),
)
_ZONE = st.one_of(
    st.sampled_from(
        [
            "",
            "",
            "Z",
            "z",
            "+00:00",
            "-00:00",
            "+23:59",
            "-23:59",
            "+24:00",
            "-24:00",
            "+23:60",
            "+2:00",
            "+0200",
            "+02",
            "UTC",
            " Z",
            " +02:00",
            "+02:00:00",
            "±02:00",
        ]
    ),
    st.tuples(st.sampled_from("+-"), st.integers(0, 25), st.integers(0, 61)).map(
        lambda z: f"{z[0]}{z[1]:02}:{z[2]:02}"
    ),
)
_MOMENT = _mapped(_DAY, st.sampled_from(["T", " ", "T", "  ", "t", "_", ""]), _CLOCK, _ZONE)

_NEAR: Mapping[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(("key", "count", "days", "integer"), _mapped(_SIGN, _ZEROS, _NUMBER)),
    "money": _mapped(_SIGN, _ZEROS, _AMOUNT, _FRACTION),
    "timestamp": st.one_of(_MOMENT, _MOMENT, _DAY),
    "date": st.one_of(_DAY, _MOMENT),
    "flag": st.sampled_from(
        ["0", "1", "true", "FALSE", "TrUe", "2", "01", "yes", "on", "t", "10", "-0", "truE"]
    ),
    "text": st.text(max_size=8),
    "label": st.text(st.sampled_from(" \t\n\v\f\raZzÄäß\u0131\u0130ǆ\u00a0\u2003-é"), max_size=10),
}


@pytest.mark.parametrize("kind", READINGS)
@_FRAMES
@given(data=st.data())
def test_parse_agrees_with_the_rules_near_the_grammar(kind: str, data: st.DataObject) -> None:
    """Law: state and value of a text are what section 4 says, for texts that nearly fit."""
    texts = data.draw(st.lists(_sometimes_spoilt(_NEAR[kind]), min_size=10, max_size=40))
    assert_agrees(kind, texts)


@pytest.mark.parametrize("kind", READINGS)
@_FRAMES
@given(texts=st.lists(st.one_of(st.none(), st.text()), max_size=40))
def test_parse_agrees_with_the_rules_on_any_text(kind: str, texts: list[str | None]) -> None:
    """Law: state and value of a text are what section 4 says, for every Unicode text."""
    assert_agrees(kind, texts)


# --- The rules, example by example ---------------------------------------------------------------

_HALF_PAST = 1_743_503_400_000_000  # 2025-04-01T10:30:00Z
TABLE: list[tuple[str, str | None, Value]] = [
    ("key", "7", 7),
    ("key", "+7", 7),
    ("key", "-7", -7),
    ("key", "-0", 0),
    ("key", "007", 7),
    ("key", "0" * 40 + "7", 7),
    ("key", " \t\n\v\f\r7\r", 7),
    ("key", "9223372036854775807", 2**63 - 1),
    ("key", "-9223372036854775808", -(2**63)),
    ("key", "9223372036854775808", _BAD),
    ("key", "-9223372036854775809", _BAD),
    ("key", "7.0", _BAD),
    ("key", "1e3", _BAD),
    ("key", "1,000", _BAD),
    ("key", "1_000", _BAD),
    ("key", "+ 7", _BAD),
    ("key", "--7", _BAD),
    ("key", "+", _BAD),
    ("key", "٣", _BAD),
    ("key", "\uff11", _BAD),
    ("key", "\u00a07", _BAD),
    ("key", "null", _BAD),
    ("key", "TRUE", _BAD),
    ("key", "", None),
    ("key", None, None),
    ("key", " \t\r\n\v\f", None),
    ("key", "\u00a0", _BAD),
    ("money", "12", 1200),
    ("money", "12.3", 1230),
    ("money", "12.34", 1234),
    ("money", "12.340000", 1234),
    ("money", "12.345", _BAD),
    ("money", "12.3400001", _BAD),
    ("money", "-0.00", 0),
    ("money", "-1.50", -150),
    ("money", "+1.50", 150),
    ("money", "99999999.99", 9_999_999_999),
    ("money", "100000000", _BAD),
    ("money", "000099999999.99", 9_999_999_999),
    ("money", "12.", _BAD),
    ("money", ".5", _BAD),
    ("money", "1e2", _BAD),
    ("money", "1,234.50", _BAD),
    ("money", "1.234,50", _BAD),
    ("money", "$12", _BAD),
    ("money", "NaN", _BAD),
    ("money", "Infinity", _BAD),
    ("timestamp", "2025-04-01T10:30:00", _HALF_PAST),
    ("timestamp", "2025-04-01 10:30", _HALF_PAST),
    ("timestamp", "2025-04-01T10:30:00Z", _HALF_PAST),
    ("timestamp", "2025-04-01T12:30:00+02:00", _HALF_PAST),
    ("timestamp", "2025-03-31T23:30:00-11:00", _HALF_PAST),
    ("timestamp", "2025-04-01T10:30:00-00:00", _HALF_PAST),
    ("timestamp", "2025-04-01T10:30:00.5", _HALF_PAST + 500_000),
    ("timestamp", "2025-04-01T10:30:00.123456", _HALF_PAST + 123_456),
    ("timestamp", "2025-04-01T10:30:00.1234567", _BAD),
    ("timestamp", "2025-04-01T10:30:00.", _BAD),
    ("timestamp", "2025-04-01T10:30Z", _HALF_PAST),
    ("timestamp", "2025-04-01T10:30:60", _BAD),
    ("timestamp", "2025-04-01T24:00:00", _BAD),
    ("timestamp", "2025-02-30T10:30:00", _BAD),
    ("timestamp", "0000-01-01T00:00:00", _BAD),
    ("timestamp", "2025-04-01T10:30:00+24:00", _BAD),
    ("timestamp", "2025-04-01T10:30:00+0200", _BAD),
    ("timestamp", "2025-04-01T10:30:00 Z", _BAD),
    ("timestamp", "2025-04-01  10:30:00", _BAD),
    ("timestamp", "2025-04-01t10:30:00", _BAD),
    ("timestamp", "2025-04-01T10:30:00z", _BAD),
    ("timestamp", "2025-04-01", _BAD),
    ("timestamp", "1743503400", _BAD),
    ("date", "2025-04-01", 20_179),
    ("date", "2025-04-01T00:00:00", 20_179),
    ("date", "2025-04-01 00:00", 20_179),
    ("date", "2025-04-01T00:00:00.000000", 20_179),
    ("date", "2025-04-01T00:00:00Z", _BAD),
    ("date", "2025-04-01T00:00:00+00:00", _BAD),
    ("date", "2025-04-01T00:00:01", _BAD),
    ("date", "2025-04-01T00:00:00.000001", _BAD),
    ("date", "2024-02-29", 19_782),
    ("date", "2025-02-29", _BAD),
    ("date", "0000-12-31", _BAD),
    ("date", "2025-4-1", _BAD),
    ("date", "01.04.2025", _BAD),
    ("flag", "0", 0),
    ("flag", "1", 1),
    ("flag", "TRUE", 1),
    ("flag", "fAlSe", 0),
    ("flag", " true ", 1),
    ("flag", "2", _BAD),
    ("flag", "00", _BAD),
    ("flag", "-1", _BAD),
    ("flag", "1.0", _BAD),
    ("flag", "yes", _BAD),
    ("flag", "true", 1),
    ("text", " a  b ", "a  b"),
    ("text", "null", "null"),
    ("text", "NaN", "NaN"),
    ("text", "\u00a0", "\u00a0"),
    ("text", "a\r\nb\n", "a\r\nb"),
    ("text", "e\u0301", "e\u0301"),
    ("text", "\x00", "\x00"),
    ("label", "home  GOODS", "HOME GOODS"),
    ("label", " Home\tGoods\r\n", "HOME GOODS"),
    ("label", "a \t\n\v\f\r b", "A B"),
    ("label", "straße \u0131é", "STRAßE \u0131é"),
    ("label", "a\u00a0\u00a0b", "A\u00a0\u00a0B"),
]


@pytest.mark.parametrize("kind", READINGS)
def test_parse_of_the_examples(kind: str) -> None:
    rows = [(text, value) for k, text, value in TABLE if k == kind]
    if not rows:
        rows = [(text, value) for k, text, value in TABLE if k == "key"]
    found = read_by_parse(kind, [text for text, _ in rows])
    for (text, value), outcome in zip(rows, found, strict=True):
        if value is _BAD:
            assert outcome == (MALFORMED, None), text
        elif value is None:
            assert outcome == (MISSING, None), text
        else:
            assert outcome == (READABLE, value), text


@pytest.mark.parametrize("kind", READINGS)
def test_parse_of_no_rows_and_of_nothing_but_nulls(kind: str) -> None:
    assert read_by_parse(kind, []) == []
    assert read_by_parse(kind, [None] * 3) == [(MISSING, None)] * 3


@pytest.mark.parametrize("kind", READINGS)
def test_parse_does_not_depend_on_how_a_frame_is_cut(kind: str) -> None:
    texts = [text for k, text, _ in TABLE if k == kind] or ["1", "x", None]
    column = Column("c", READINGS[kind][0], "A column.")
    parts = [pl.LazyFrame({"c": [text]}, schema={"c": pl.String}) for text in texts]
    in_parts = pl.concat(parts, rechunk=False)
    in_chunks = pl.concat([part.collect() for part in parts], rechunk=False).lazy()
    whole = pl.LazyFrame({"c": texts}, schema={"c": pl.String})
    read = [
        parse(nw.from_native(frame), [column]).to_native().collect()
        for frame in (whole, in_parts, in_chunks)
    ]
    assert read[0].equals(read[1])
    assert read[0].equals(read[2])


# --- Rows ----------------------------------------------------------------------------------------

_FIRST = (datetime(2000, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_END = (datetime(2100, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
# The table of section 5: smallest and first too great value.
_RANGES: Mapping[str, Mapping[str, tuple[int, int | None]]] = {
    "products": {"product_id": (1, None), "department_id": (1, None)},
    "orders": {
        "order_id": (1, None),
        "user_id": (1, None),
        "order_num": (0, None),
        "total_amount": (0, None),
        "order_timestamp": (_FIRST, _END),
    },
    "order_items": {
        "id": (1, None),
        "order_id": (1, None),
        "user_id": (1, None),
        "product_id": (1, None),
        "add_to_cart_order": (1, None),
        "days_since_prior_order": (0, 3651),
        "order_timestamp": (_FIRST, _END),
    },
}
_KINDS: Mapping[str, Mapping[str, str]] = {
    "products": {
        "product_id": "key",
        "department_id": "key",
        "department": "label",
        "product_name": "text",
    },
    "orders": {
        "order_num": "count",
        "order_id": "key",
        "user_id": "key",
        "order_timestamp": "timestamp",
        "total_amount": "money",
        "date": "date",
    },
    "order_items": {
        "id": "key",
        "order_id": "key",
        "user_id": "key",
        "days_since_prior_order": "days",
        "product_id": "key",
        "add_to_cart_order": "count",
        "reordered": "flag",
        "order_timestamp": "timestamp",
        "date": "date",
    },
}
Texts = Mapping[str, str | None]


def reasons_plainly(entity: str, row: Texts) -> list[str]:
    """Return the reasons that section 5 gives a row on its own."""
    if row["raw_record"] is not None:
        return ["row:malformed"]
    reasons, values = [], {}
    for name, kind in _KINDS[entity].items():
        state, value = read_plainly(kind, row[name])
        values[name] = value
        if state == MISSING and name != "days_since_prior_order":
            reasons.append(f"{name}:missing")
        if state == MALFORMED:
            reasons.append(f"{name}:malformed")
        low, end = _RANGES[entity].get(name, (None, None))
        if value is not None and low is not None and (value < low or (end and value >= end)):
            reasons.append(f"{name}:out_of_range")
    moment, day = values.get("order_timestamp"), values.get("date")
    if moment is not None and day is not None and moment // 86_400_000_000 != day:
        reasons.append("date:inconsistent")
    return sorted(reasons)


def reasons_found(entity: Entity, rows: Sequence[Texts]) -> list[list[str]]:
    """Return the reasons that `read_rows` finds for each row."""
    frame = pl.LazyFrame(
        {
            **{name: [row[name] for row in rows] for name in entity.column_names},
            "source_file": ["f"] * len(rows),
            "source_row": list(range(1, len(rows) + 1)),
            "batch_id": [1] * len(rows),
            "ingestion_timestamp": [_EPOCH] * len(rows),
            "raw_record": [row["raw_record"] for row in rows],
            "retried": [False] * len(rows),
            "displaced": [False] * len(rows),
        },
        schema_overrides={
            **dict.fromkeys(entity.column_names, pl.String),
            "raw_record": pl.String,
        },
    )
    read = read_rows(nw.from_native(frame), entity).to_native().collect().sort("source_row")
    assert len(read) == len(rows)
    return [list(decode(entity, problems)) for problems in read["problems"]]


_EDGES: Mapping[str, list[str]] = {
    "key": ["1", "0", "-1", "2", "+1", "007"],
    "count": ["1", "0", "-1", "2"],
    "days": ["0", "-1", "3650", "3651", "7", "7.0"],
    "money": ["0", "-0.00", "0.01", "-0.01", "99999999.99", "100000000"],
    "timestamp": [
        "2000-01-01T00:00:00",
        "1999-12-31T23:59:59.999999",
        "2099-12-31T23:59:59.999999",
        "2100-01-01T00:00:00",
        "2000-01-01T01:59:59+02:00",
        "2099-12-31T23:59:00-00:01",
        "2025-04-01T00:30:00+02:00",
        "2025-04-01T10:30:00",
        "2025-03-31T23:00:00-02:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
    "date": [
        "2000-01-01",
        "1999-12-31",
        "2099-12-31",
        "2100-01-01",
        "2025-03-31",
        "2025-04-01",
        "2025-04-01T00:00:00",
        "0001-01-01",
        "9999-12-31",
    ],
    "flag": ["0", "1", "TRUE", "2"],
    "text": ["a", "null"],
    "label": ["a", " b  C "],
}


def _row(entity: str) -> st.SearchStrategy[Texts]:
    columns = {
        name: st.one_of(
            st.sampled_from(_EDGES[kind]),
            st.sampled_from(_EDGES[kind]),
            st.sampled_from([None, "", " \t", "x", "\u00a0"]),
            _sometimes_spoilt(_NEAR[kind]),
        )
        for name, kind in _KINDS[entity].items()
    }
    whole = st.fixed_dictionaries({**columns, "raw_record": st.none()})
    no_row = st.fixed_dictionaries(
        {**{name: st.none() for name in columns}, "raw_record": st.sampled_from(["", "x", "1,2"])}
    )
    return st.one_of(whole, whole, whole, no_row)


def _good(entity: str, **changed: str | None) -> Texts:
    good = {
        "key": "1",
        "count": "1",
        "days": "1",
        "money": "1.00",
        "flag": "1",
        "text": "a",
        "label": "a",
        "timestamp": "2025-04-01T10:30:00",
        "date": "2025-04-01",
    }
    return {**{n: good[k] for n, k in _KINDS[entity].items()}, "raw_record": None, **changed}


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
@_FRAMES
@given(data=st.data())
def test_reasons_of_rows_agree_with_the_rules(entity: Entity, data: st.DataObject) -> None:
    """Law: a row has exactly the reasons that sections 5 and 9 name, all of them, sorted."""
    rows = data.draw(st.lists(_row(entity.name), min_size=5, max_size=25))
    assert reasons_found(entity, rows) == [reasons_plainly(entity.name, row) for row in rows]


@_FRAMES
@given(
    moment=st.datetimes(datetime(1999, 12, 31), datetime(2100, 1, 1)),  # noqa: DTZ001
    offset=st.integers(-1439, 1439),
    off_by=st.integers(-1, 1),
)
@example(moment=datetime(2025, 4, 1, 0, 30), offset=120, off_by=0)  # noqa: DTZ001
def test_date_is_held_against_the_utc_date(moment: datetime, offset: int, off_by: int) -> None:
    """Law: only the UTC date of the instant is consistent, whatever the zone it is written in."""
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)
    text = f"{moment.isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}"
    instant = moment - timedelta(minutes=offset)
    day = (instant + timedelta(days=off_by)).date().isoformat()
    in_range = datetime(2000, 1, 1) <= instant < datetime(2100, 1, 1)  # noqa: DTZ001
    expected = [] if off_by == 0 else ["date:inconsistent"]
    expected += [] if in_range else ["order_timestamp:out_of_range"]
    for entity in (ORDERS, ORDER_ITEMS):
        row = _good(entity.name, order_timestamp=text, date=day)
        assert reasons_found(entity, [row]) == [expected]


def test_one_value_is_enough_to_quarantine_a_row() -> None:
    rows: list[tuple[Entity, Texts, list[str]]] = [
        (PRODUCTS, _good("products"), []),
        (PRODUCTS, _good("products", product_id="0"), ["product_id:out_of_range"]),
        (PRODUCTS, _good("products", department="\t"), ["department:missing"]),
        (PRODUCTS, _good("products", product_name="null"), []),
        (ORDERS, _good("orders", order_num="0", total_amount="-0.00"), []),
        (ORDERS, _good("orders", total_amount="-0.01"), ["total_amount:out_of_range"]),
        (ORDERS, _good("orders", total_amount="1e2"), ["total_amount:malformed"]),
        (ORDERS, _good("orders", date="2025-04-02"), ["date:inconsistent"]),
        (
            ORDERS,
            _good("orders", order_timestamp="2100-01-01T00:00:00"),
            ["date:inconsistent", "order_timestamp:out_of_range"],
        ),
        (ORDERS, _good("orders", order_timestamp=None), ["order_timestamp:missing"]),
        (ORDERS, _good("orders", date="2025-02-30"), ["date:malformed"]),
        (ORDER_ITEMS, _good("order_items", days_since_prior_order=None), []),
        (ORDER_ITEMS, _good("order_items", days_since_prior_order="3650"), []),
        (
            ORDER_ITEMS,
            _good("order_items", days_since_prior_order="3651"),
            ["days_since_prior_order:out_of_range"],
        ),
        (
            ORDER_ITEMS,
            _good("order_items", days_since_prior_order="7.5"),
            ["days_since_prior_order:malformed"],
        ),
        (ORDER_ITEMS, _good("order_items", reordered="2"), ["reordered:malformed"]),
        (
            ORDER_ITEMS,
            {**dict.fromkeys(_KINDS["order_items"]), "raw_record": "x"},
            ["row:malformed"],
        ),
    ]
    for entity, row, expected in rows:
        assert reasons_found(entity, [row]) == [expected], row
