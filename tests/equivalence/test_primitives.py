"""Spark and Polars read the same text alike and store the same values alike.

Thousands of hostile texts a kind, one Spark job each, in two time zones (the session's and the
JVM's own) and under both answers to ANSI.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from pyspark import sql
from pyspark.sql import functions as sf

from pipeline import portable
from pipeline.contracts import types
from pipeline.contracts.model import Column
from pipeline.contracts.types import Kind, LogicalType
from pipeline.portable import polars as on_polars
from pipeline.portable import spark as on_spark
from tests.equivalence.frames import with_settings
from tests.equivalence.recording import Tally

NIGHTLY = os.environ.get("LAKEHOUSE_PROFILE") == "nightly"
TEXTS = 50_000 if NIGHTLY else 3_000
ZONES = ("UTC", "America/New_York")
ENVIRONMENTS = [(zone, ansi) for zone in ZONES for ansi in ("true", "false")]

READ: dict[Kind, LogicalType] = {
    Kind.KEY: types.KEY,
    Kind.MONEY: types.money(10),
    Kind.TIMESTAMP: types.TIMESTAMP,
    Kind.DATE: types.DATE,
    Kind.FLAG: types.FLAG,
    Kind.TEXT: types.TEXT,
    Kind.LABEL: types.LABEL,
}
TEXTUAL = {Kind.TEXT, Kind.LABEL}

# --- Texts ---------------------------------------------------------------------------------------

# Blanks that are trimmed, blanks that only Unicode trims, digits of other scripts, letters whose
# other case is ASCII or longer than one, a supplementary character, a combining accent.
BLANKS = " \t\n\v\f\r"
FOREIGN_BLANKS = "\x00\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u200b\u3000\ufeff"
FOREIGN_DIGITS = "\u0661\u06f2\u0967\uff11\U0001d7d9\xb2\xbd\u2167"
LETTERS = "\u0131\u0130\u212a\u017fß\xe9e\u0301\ufb01\u03c2\U00010428😀"
PLAIN = "0123456789+-.:TZtz eE_,/$"
ALPHABET = PLAIN * 8 + BLANKS + FOREIGN_BLANKS + FOREIGN_DIGITS + LETTERS + "aAnN\\\"'%\u2212"

COMMON = [
    *("", " ", BLANKS, "\x00", "\x85", "\xa0", "\u2003", "\ufeff", "null", "NULL", "None"),
    *("NaN", "nan", "inf", "-Infinity", "true", "0", "-", "+", ".", "T", "Z", "\\N", "-0", "+0"),
    *("1", "1\n", "1\r\n", "\n1", "1\x85", "1\u2028", "1\xa0", "\u20281", "1\n1", "1 1", "1\x00"),
]
HAZARDS: dict[Kind, list[str]] = {
    Kind.KEY: [
        *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
        *("-9223372036854775809", "+9223372036854775807", "18446744073709551616", "9" * 40),
        *("0" * 30 + "7", "-" + "0" * 50 + "9223372036854775808", "0" * 400, "+-1", "--1", "- 1"),
        *(
            "1.",
            "1.0",
            ".5",
            "1e3",
            "1E0",
            "0x10",
            "1_000",
            "1,000",
            "1L",
            "1d",
            "0b1",
            "\uff11",
            "\u0663",
        ),
        *("+ 1", "-\t1", "1-", "1+", "007", "+007", "-007", "+", "\u22121"),
    ],
    Kind.MONEY: [
        *("99999999.99", "100000000", "100000000.00", "-99999999.99", "0099999999.99", "0.00"),
        *("-0.00", "-0", "+0.0", "1.005", "1.000", "1.010", "1.0100", "1.001", "0.005", "1.", ".5"),
        *("1.5", "1.50", "1.500", "-1.5", "+1.5", "1e2", "1E-2", "1,50", "1 000", "$1", "1$", "€1"),
        *("0" * 200 + "1.5" + "0" * 200, "1." + "0" * 500, "1.00" + "0" * 60 + "1", "0" * 99),
        *(
            "12345678",
            "123456789",
            "012345678.9",
            "1..0",
            "1.0.0",
            "1.\u0665",
            "\u0661.00",
            "1. 5",
            "- 1.5",
        ),
        *("1.5\n", "1.5\x85", "1.5f", "1.5D", "--1", "0.10", "0.1", "00.1", "1.-5"),
    ],
    Kind.TIMESTAMP: [
        *("2025-04-01T10:20", "2025-04-01 10:20", "2025-04-01T10:20Z", "2025-04-01  10:20"),
        *("2025-04-01t10:20", "2025-04-01T10:20z", "2025-04-01\t10:20", "2025-04-01\n10:20"),
        *("2025-04-01T10:20:30.1", "2025-04-01T10:20:30.123456", "2025-04-01T10:20:30.1234567"),
        *("2025-04-01T10:20:30.", "2025-04-01T10:20.5", "2025-04-01T10:20:30,5", "2025-04-01T10"),
        *("2025-04-01T10:20:30.000001-05:30", "2025-04-01T10:20:30.999999Z", "2025-04-01 10:20 Z"),
        *("2025-04-01T10:20+23:59", "2025-04-01T10:20-23:59", "2025-04-01T10:20+24:00"),
        *("2025-04-01T10:20+00:60", "2025-04-01T10:20-00:00", "2025-04-01T10:20+0530"),
        *("2025-04-01T10:20+05", "2025-04-01T10:20+5:30", "2025-04-01T10:20 +05:30"),
        *("2025-04-01T10:20+05:30:00", "2025-04-01T10:20Z+01:00", "2025-04-01T10:20 UTC"),
        *("2025-04-01T10:20[UTC]", "2025-04-01T10:20GMT", "2025-04-01T10:20Europe/Paris"),
        *("2025-04-01T24:00", "2025-04-01T24:00:00", "2025-04-01T10:60", "2025-04-01T23:59:60"),
        *("2025-04-01T10:20:60", "2025-04-01T10:20:61", "2025-06-30T23:59:60Z"),
        *("2025-02-29T00:00", "2024-02-29T00:00", "1900-02-29T00:00", "2000-02-29T00:00"),
        *("2025-02-30T00:00", "2025-04-31T00:00", "2025-13-01T00:00", "2025-00-01T00:00"),
        *("2025-01-00T00:00", "2025-1-1T00:00", "25-01-01T00:00", "20250401T1020", "2025-04-01"),
        *("2025-091T00:00", "2025-W14-2T00:00", "+2025-04-01T00:00", "-2025-04-01T00:00"),
        *("10000-01-01T00:00", "+10000-01-01T00:00", "02025-04-01T00:00", "2025-04-010T00:00"),
        *("0000-01-01T00:00", "0000-12-31T23:59:59-23:59", "0001-01-01T00:00", "0004-02-29 00:00"),
        *("0001-01-01T00:00+23:59", "0001-01-01T00:00:00.000001+00:01", "0001-01-01 00:00-23:59"),
        *("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999-23:59", "0100-02-29T00:00"),
        *("1582-10-04T00:00", "1582-10-05T00:00", "1582-10-10T12:34:56", "1582-10-15T00:00"),
        *("1500-02-29T00:00", "1600-02-29T00:00", "1969-12-31T23:59:59.999999", "1969-12-31 23:59"),
        *("1883-11-18T12:03:58", "1883-11-18T12:00", "1901-12-13T20:45:52", "2038-01-19T03:14:08"),
        *("2025-03-09T02:30", "2025-03-09T02:30:00", "2025-11-02T01:30", "2025-03-30T02:30:00"),
        *("2025-04-01T10:20:30\n", "2025-04-01T10:20:30\x85", "2025-04-01T10:20Z\u2028"),
        *(
            "\uff12025-04-01T10:20",
            "2025-04-01T10:2\u0660",
            "2025-04-01T10:20:30.\u0665",
            "2025\u201004\u201001T10:20",
        ),
        *("2025-04-01T1:20", "2025-04-01T10:2", "2025-04-01T10:20:3", "2025-04-01T10:20:30.-1"),
        *("2025-04-01T-1:20", "2025-04-01T10:20:-1", "2025-04-01T+1:20", "2025-04-01T 1:20"),
        *("2025- 4-01T10:20", "2025-04- 1T10:20", "2025-04-+1T10:20", "2025/04/01 10:20"),
        *("2025-04-01 10:20 AM", "now", "today", "epoch", "1743500000", "T10:20", "10:20"),
    ],
    Kind.DATE: [
        *("2025-04-01", "2025-04-01T00:00", "2025-04-01 00:00:00", "2025-04-01T00:00:00.000000"),
        *("2025-04-01T00:00:00.0", "2025-04-01T00:00:00.0000000", "2025-04-01T00:00:00."),
        *("2025-04-01T00:00Z", "2025-04-01T00:00+00:00", "2025-04-01T00:00:00.000001"),
        *("2025-04-01T00:01", "2025-04-01T24:00", "2025-04-01T", "2025-04-01 00", "2025-04-01Z"),
        *("2025-04-01 a", "2025-04-01T00:00.0", "2025-04-01  00:00", "2025-04-01t00:00"),
        *("2025-02-29", "2024-02-29", "1900-02-29", "2000-02-29", "2025-02-30", "2025-04-31"),
        *("2025-13-01", "2025-00-01", "2025-01-00", "2025-01-32", "2025-4-1", "2025-04", "2025"),
        *("0000-01-01", "0000-02-29", "0001-01-01", "0004-02-29", "9999-12-31", "10000-01-01"),
        *("1582-10-04", "1582-10-10", "1582-10-14", "1582-10-15", "1500-02-29", "1600-02-29"),
        *("+2025-04-01", "-2025-04-01", "20250401", "2025/04/01", "01.04.2025", "2025-091"),
        *("2025-04-01\n", "2025-04-01\x85", "2025-04-01\xa0", "2025-04-0\u0661", "\uff12025-04-01"),
        *("0000-01-01T00:00", "2025-02-30T00:00", "now", "today", "epoch", "yesterday", "45748"),
    ],
    Kind.FLAG: [
        *("0", "1", "2", "00", "01", "1.0", "+1", "-0", "true", "TRUE", "True", "tRuE", "false"),
        *("FALSE", "fAlSe", "t", "f", "yes", "no", "y", "n", "on", "off", "true\n", "true\x85"),
        *(
            "tru\uff25",
            "\ufb01alse",
            "fal\u017fe",
            "FAL\u017fE",
            "true false",
            "truefalse",
            "\u0661",
        ),
        *("true1", "1true", "\uff54rue", "TRUE\u0301", "true\x00"),
    ],
    Kind.TEXT: [
        *("a", "  a  b  ", "a\nb", "\u2028", "\x85", "\xa0a\xa0", "\u3000", "\ufeffa", "\x00"),
        *("e\u0301", "\xe9", "😀", "  😀", "\x1ca\x1f", "\x0b\x0cx\x0c\x0b", "\\", '"', "a\r\n"),
    ],
    Kind.LABEL: [
        *("home  GOODS", "Home\tGoods", "home \t\n\v\f\r goods", "a\xa0b", "a\u2003 b", "a\x85b"),
        *("stra\xdfe", "\u0131i\u0130I", "\u212ak", "\u017fs", "\xe9e\u0301", "\ufb01", "\u03c2"),
        *(
            "\U00010428a",
            "😀 a  b😀",
            "\uff41",
            "@`[{az",
            "a$1b",
            "a\\b",
            "  a  ",
            "\x1ca\x1d\x1db",
        ),
    ],
}


def _integer(chance: random.Random) -> str:
    edge = chance.choice([0, 10 ** chance.randrange(21), 2**31, 2**32, 2**63, 2**64])
    number = str(edge + chance.randint(-2, 2)).lstrip("-")
    return chance.choice(["", "", "+", "-"]) + "0" * chance.choice([0, 0, 1, 20]) + number


def _money(chance: random.Random) -> str:
    whole = str(chance.randrange(10 ** chance.randint(1, 10)))
    fraction = "".join(chance.choices("0001259", k=chance.choice([0, 1, 2, 2, 3, 5])))
    point = "." if fraction or chance.random() < 0.1 else ""
    zeros = "0" * chance.choice([0, 0, 1, 9])
    return chance.choice(["", "", "+", "-"]) + zeros + whole + point + fraction + zeros * len(point)


def _day(chance: random.Random) -> str:
    years = [0, 1, 4, 99, 1500, 1582, 1600, 1883, 1900, 1969, 1970, 2000, 2024, 2025, 9999]
    month, day = chance.randint(0, 13), chance.choice([0, 1, 5, 10, 28, 29, 30, 31, 32])
    return f"{chance.choice(years):04}-{month:02}-{day:02}"


def _timestamp(chance: random.Random) -> str:
    hour, minute = chance.choice([0, 0, 2, 12, 23, 24]), chance.choice([0, 0, 30, 59, 60])
    text = f"{_day(chance)}{chance.choice('TTT  t')}{hour:02}:{minute:02}"
    if chance.random() < 0.7:
        text += f":{chance.choice([0, 0, 30, 59, 60]):02}"
        if chance.random() < 0.5:
            text += "." + "".join(chance.choices("00019", k=chance.randint(0, 7)))
    if chance.random() < 0.5:
        offset = f"{chance.choice([0, 5, 18, 19, 23, 24]):02}:{chance.choice([0, 30, 59, 60]):02}"
        text += chance.choice(["Z", "+" + offset, "-" + offset])
    return text


def _date(chance: random.Random) -> str:
    return _timestamp(chance) if chance.random() < 0.3 else _day(chance)


def _flag(chance: random.Random) -> str:
    word = chance.choice(["true", "false", "0", "1"])
    return "".join(chance.choice([letter.lower(), letter.upper()]) for letter in word)


def _words(chance: random.Random) -> str:
    return "".join(chance.choices("aAzZkKiI" + BLANKS + FOREIGN_BLANKS + LETTERS, k=12))


SOUND: dict[Kind, Callable[[random.Random], str]] = {
    Kind.KEY: _integer,
    Kind.MONEY: _money,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.FLAG: _flag,
    Kind.TEXT: _words,
    Kind.LABEL: _words,
}


def _spoilt(text: str, chance: random.Random) -> str:
    """Return the text with a character put in, taken out or replaced."""
    at = chance.randint(0, len(text))
    return (
        text[:at] + chance.choice(["", chance.choice(ALPHABET)]) + text[at + chance.randint(0, 1) :]
    )


def hostile(kind: Kind, count: int, seed: str) -> list[str | None]:
    """Return known hazards; up to a count sound and nearly sound texts and rubbish, too."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    texts: list[str | None] = [None, *COMMON, *HAZARDS[kind]]
    for blank in (" ", "\t", "\n", "\v", "\f", "\r", "\r\n", "\x85", "\xa0", "\x1c", "\u2028"):
        texts += [blank + text + blank for text in HAZARDS[kind]]
    while len(texts) < count:
        sound = SOUND[kind](chance)
        rubbish = "".join(chance.choices(ALPHABET, k=chance.randint(1, 24)))
        blank = "".join(chance.choices(BLANKS, k=chance.randint(0, 2)))
        texts += [sound, f"{blank}{sound}{blank}", _spoilt(sound, chance), rubbish]
    return texts


# --- The engines ---------------------------------------------------------------------------------


@pytest.fixture(params=ENVIRONMENTS, ids=lambda pair: f"{pair[0]}-ansi={pair[1]}")
def environment(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return a time zone, with an answer to ANSI."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture
def spark(spark: sql.SparkSession, environment: tuple[str, str]) -> Iterator[sql.SparkSession]:
    """Put the session and its JVM into an environment, and back afterwards."""
    zone, ansi = environment
    settings = {"spark.sql.session.timeZone": zone, "spark.sql.ansi.enabled": ansi}
    java: Any = spark.sparkContext._jvm
    clock = java.java.util.TimeZone
    before = clock.getDefault()
    clock.setDefault(clock.getTimeZone(zone))
    with with_settings(spark, settings):
        yield spark
    clock.setDefault(before)


def column(name: str, kind: LogicalType) -> Column:
    return Column(name, kind, "a column under test")


def wrap(native: Any) -> portable.Frame:
    frame: portable.Frame = nw.from_native(native)
    return frame


def told_by_polars(kind: Kind, texts: Sequence[str | None]) -> list[tuple[Any, int]]:
    frame = pl.LazyFrame({"value": texts}, schema={"value": pl.String})
    parsed = portable.parse(wrap(frame), [column("value", READ[kind])]).to_native()
    # Instants and days as numbers: Python's own stop at the years 1 and 9999.
    moment = kind in {Kind.TIMESTAMP, Kind.DATE}
    value = pl.col("value").cast(pl.Int64) if moment else pl.col("value")
    return [tuple(row) for row in parsed.select(value, "value__state").collect().rows()]


def told_by_spark(
    spark: sql.SparkSession, kind: Kind, texts: Sequence[str | None]
) -> list[tuple[Any, int]]:
    frame = spark.createDataFrame(list(enumerate(texts)), "n int, value string")
    parsed = portable.parse(wrap(frame), [column("value", READ[kind])]).to_native()
    value = {Kind.TIMESTAMP: sf.unix_micros, Kind.DATE: sf.unix_date}.get(kind, sf.col)("value")
    rows = parsed.select("n", value.alias("value"), "value__state").collect()
    return [(row["value"], row["value__state"]) for row in sorted(rows)]


# --- Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", READ)
def test_both_engines_read_hostile_text_alike(
    kind: Kind,
    spark: sql.SparkSession,
    environment: tuple[str, str],
    tally: Tally,
    pytestconfig: pytest.Config,
) -> None:
    count = TEXTS if NIGHTLY or environment == ENVIRONMENTS[0] else TEXTS // 3
    seed = f"{pytestconfig.getoption('hypothesis_seed')} {kind.value} {environment}"
    texts = hostile(kind, count, seed)
    ours, theirs = told_by_spark(spark, kind, texts), told_by_polars(kind, texts)
    tally.compared(cases=len(texts), rows=len(ours))
    differing = [
        (text, f"spark {one}", f"polars {other}")
        for text, one, other in zip(texts, ours, theirs, strict=True)
        if one != other
    ]
    assert not differing[:20], f"{len(differing)} of {len(texts)} texts are read differently"
    states = {portable.READABLE, portable.MISSING, portable.MALFORMED}
    assert {state for _, state in ours} == states - ({2} if kind in TEXTUAL else set())


DAY = 86_400_000_000


def micros(utc: str) -> int:
    since = datetime.fromisoformat(utc).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


def days(day: str) -> int:
    return micros(day) // DAY


KNOWN: dict[Kind, dict[str, Any]] = {
    Kind.KEY: {
        "\v -007\f": -7,
        "+" + "0" * 40 + "9223372036854775807": 2**63 - 1,
        "-9223372036854775808": -(2**63),
        "9223372036854775808": None,
        "1.": None,
        "\xa01": None,
        "\u0663": None,
    },
    Kind.MONEY: {
        "-0.00": 0,
        "-0.5": -50,
        "0099999999.990000": 9_999_999_999,
        "100000000": None,
        "1.005": None,
        "1.": None,
        ".5": None,
        "1e2": None,
    },
    Kind.TIMESTAMP: {
        "2025-03-09 02:30": micros("2025-03-09 02:30"),
        "2025-04-01T10:20:30.000001-05:30": micros("2025-04-01 15:50:30.000001"),
        "0001-01-01T00:00+23:59": micros("0001-01-01") - DAY + 60_000_000,
        "9999-12-31T23:59:59.999999-23:59": micros("9999-12-31 23:58:59.999999") + DAY,
        "1582-10-10T00:00-00:00": micros("1582-10-10"),
        "2025-04-01T10:20:30": micros("2025-04-01 10:20:30"),
        " 2025-03-09 02:30:00\n": micros("2025-03-09 02:30:00"),
        "2025-02-30T00:00": None,
        "2025-04-01T10:20:60": None,
        "2025-04-01T24:00": None,
        "2025-04-01T10:20+24:00": None,
        "0000-12-31T23:59-23:59": None,
    },
    Kind.DATE: {
        "1582-10-10": days("1582-10-10"),
        "2024-02-29 00:00:00.000000": days("2024-02-29"),
        "0001-01-01": days("0001-01-01"),
        "1900-02-29": None,
        "0000-01-01": None,
        "2025-04-01T00:00Z": None,
        "2025-04-01T00:00:01": None,
    },
    Kind.FLAG: {"tRuE": 1, " FALSE ": 0, "1": 1, "0": 0, "2": None, "01": None, "fal\u017fe": None},
    Kind.TEXT: {" a\n b ": "a\n b", "\x85": "\x85", "\xa0": "\xa0", "null": "null", "NaN": "NaN"},
    Kind.LABEL: {
        " home \t\v GOODS\r\n": "HOME GOODS",
        "stra\xdfe \u0131\xe9": "STRA\xdfE \u0131\xe9",
    },
}


@pytest.mark.parametrize("kind", KNOWN)
def test_both_engines_read_what_the_contract_says(
    kind: Kind, spark: sql.SparkSession, tally: Tally
) -> None:
    texts = [*KNOWN[kind], None, "", " \t\n\v\f\r"]
    expected = [
        *(
            (v, portable.MALFORMED if v is None else portable.READABLE)
            for v in KNOWN[kind].values()
        ),
        *[(None, portable.MISSING)] * 3,
    ]
    tally.compared(cases=len(texts), rows=len(texts))
    assert told_by_spark(spark, kind, texts) == expected
    assert told_by_polars(kind, texts) == expected


def test_a_frame_keeps_its_other_columns_and_gets_its_states_last(
    spark: sql.SparkSession,
) -> None:
    columns = [column(kind.value, logical) for kind, logical in READ.items()]
    names = [c.name for c in columns]
    ours = spark.createDataFrame(
        [(1, *["0"] * len(names), 2)], f"a int, {' string, '.join(names)} string, z int"
    )
    theirs = pl.LazyFrame({"a": [1], **{name: ["0"] for name in names}, "z": [2]})
    read = portable.parse(wrap(ours), columns).to_native()
    assert read.columns == ["a", *names, "z", *map(portable.state_of, names)]
    assert read.columns == portable.parse(wrap(theirs), columns).collect_schema().names()
    assert [kind for _, kind in read.select(*names).dtypes] == [
        *("bigint", "bigint", "timestamp", "date", "int", "string", "string")
    ]
    assert {kind for _, kind in read.select(*map(portable.state_of, names)).dtypes} == {"int"}


# --- Storage -------------------------------------------------------------------------------------

STORED = [
    column("total", types.money(10)),
    column("sum", types.money(15)),
    column("share", types.ratio(5, 4)),
    column("wide", types.money(38)),
    column("long", types.KEY),
    column("small", types.INTEGER),
    column("active", types.BOOLEAN),
    column("at", types.TIMESTAMP),
    column("on", types.DATE),
    column("name", types.TEXT),
]
HELD = "total long, sum long, share long, wide long, long long, small long, active boolean"
HELD_ROWS: list[tuple[Any, ...]] = [
    (10**10 - 1, 10**15 - 1, 10**5 - 1, 2**63 - 1, 2**63 - 1, 2**31 - 1, True),
    (1 - 10**10, 1 - 10**15, 1 - 10**5, -(2**63), -(2**63), -(2**31), False),
    (-1, 5, 1, 0, 0, 0, None),
    (None, None, None, None, None, None, None),
]
DECIMALS = [
    ("99999999.99", "9999999999999.99", "9.9999", "92233720368547758.07"),
    ("-99999999.99", "-9999999999999.99", "-9.9999", "-92233720368547758.08"),
    ("-0.01", "0.05", "0.0001", "0.00"),
    (None, None, None, None),
]


def test_values_are_stored_exactly_and_come_back(spark: sql.SparkSession, tally: Tally) -> None:
    tally.compared(cases=len(HELD_ROWS), rows=len(HELD_ROWS))
    at = sf.timestamp_micros(sf.lit(micros("2025-03-09 02:30:00.000001")))
    ours = spark.createDataFrame(HELD_ROWS, HELD).withColumns(
        {
            "extra": sf.lit(1),
            "name": sf.lit(" a "),
            "on": sf.date_from_unix_date(sf.lit(7)),
            "at": at,
        }
    )
    stored = portable.to_storage(wrap(ours), STORED)
    native = stored.to_native()
    assert [(field.name, field.dataType) for field in native.schema] == [
        (c.name, on_spark.type_at_rest(c)) for c in STORED
    ]
    rows = native.withColumn("at", sf.unix_micros("at")).collect()
    assert [tuple(row)[:4] for row in rows] == [
        tuple(text and Decimal(text) for text in row) for row in DECIMALS
    ]
    assert [str(row["total"]) for row in rows] == [
        str(text and Decimal(text)) for text, *_ in DECIMALS
    ]
    assert {row["at"] for row in rows} == {micros("2025-03-09 02:30:00.000001")}
    back = portable.from_storage(stored, [*STORED, column("absent", types.money(10))]).to_native()
    assert [tuple(row) for row in back.select(*ours.columns[:7]).collect()] == HELD_ROWS
    assert dict(back.dtypes)["total"] == "bigint"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("total", 10**10), ("total", -(10**10)), ("total", 2**63 - 1), ("sum", 10**15)),
        *(("share", 10**5), ("share", -(2**63)), ("small", 2**31), ("small", -(2**31) - 1)),
    ],
)
def test_a_value_that_does_not_fit_fails_on_both_engines(
    spark: sql.SparkSession, name: str, value: int, tally: Tally
) -> None:
    tally.compared(cases=1, rows=0)
    chosen = [c for c in STORED if c.name == name]
    ours = spark.createDataFrame([(1,), (value,), (None,)], f"{name} long")
    # Which class of error it is depends on the release of Spark.
    with pytest.raises(Exception, match=f"{on_spark.OVERFLOW}: {name} "):
        portable.to_storage(wrap(ours), chosen).to_native().collect()
    theirs = pl.LazyFrame({name: [1, value, None]}, schema={name: pl.Int64})
    with pytest.raises(pl.exceptions.InvalidOperationError):
        portable.to_storage(wrap(theirs), chosen).to_native().collect()


def test_both_engines_find_the_same_most_frequent_values(
    spark: sql.SparkSession, tally: Tally
) -> None:
    """By hand: three of a kind beat two; of equals the lowest number, the first text by bytes."""
    rows = [
        *[(1, "Z", 9), (1, "Z", 10), (1, "Ä", 9), (1, "Ä", 10), (1, "B", 2**62)],
        *[(2, "\uffff", 5), (2, "\U00010000", 5), (2, "\uffff", -7), (2, "\U00010000", 4)],
        (3, "", 0),
    ]
    expected = [(1, "Z", 9), (2, "\uffff", 5), (3, "", 0)]
    ours = wrap(spark.createDataFrame(rows, "user long, name string, number long"))
    theirs = wrap(pl.LazyFrame(rows, schema=["user", "name", "number"], orient="row"))

    on_spark_side = portable.most_frequent(ours, "user", ["name", "number"]).to_native().collect()
    on_polars_side = portable.most_frequent(theirs, "user", ["name", "number"]).to_native()

    tally.compared(cases=len(expected), rows=len(expected))
    assert sorted(tuple(row) for row in on_spark_side) == expected
    assert sorted(on_polars_side.collect().rows()) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], (0, 0, None, None)),
        ([None], (0, 0, None, None)),
        ([0, 31, 63, 64, 127, 63, None], (6, 5, 0, 127)),
        ([-1, -64, -65, 1, -1], (5, 4, -65, 1)),
        ([2**63 - 1, -(2**63), 2**63 - 1, 2**63 - 64], (4, 3, -(2**63), 2**63 - 1)),
        ([n * n for n in range(300)] * 2, (600, 300, 0, 299**2)),
    ],
)
def test_both_engines_count_the_same_keys(
    spark: sql.SparkSession,
    keys: list[int | None],
    expected: tuple[int | None, ...],
    tally: Tally,
) -> None:
    """Neighbours, those on either side of zero, and the greatest that there are."""
    ours = wrap(spark.createDataFrame([(key,) for key in keys], "key long"))
    theirs = wrap(pl.LazyFrame({"key": keys}, schema={"key": pl.Int64}))
    tally.compared(cases=1, rows=len(keys))

    counted = portable.key_span(ours, "key").to_native()
    assert [tuple(row) for row in counted.collect()] == [expected]
    assert counted.schema.simpleString() == (
        "struct<rows:bigint,keys:bigint,lowest:bigint,highest:bigint>"
    )
    found = portable.key_span(theirs, "key").to_native().collect()
    assert found.rows() == [expected]
    assert set(found.schema.values()) == {pl.Int64()}


def test_both_engines_name_the_same_types_at_rest() -> None:
    for kept in STORED:
        assert on_spark.type_at_rest(kept).simpleString() == kept.type.storage
        if kept.type.is_decimal:
            decimal = pl.Decimal(kept.type.precision, kept.type.scale)
            assert on_polars.type_at_rest(kept) == decimal
