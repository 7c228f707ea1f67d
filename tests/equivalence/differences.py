"""Where Polars and Spark answer the same question differently, as data that tests demonstrate.

`./lakehouse docs` writes them into docs/engine-differences.md.

Each is here because a property found it, or because a transform would have met it. The day on which
a library changes its answer, the demonstration turns red: then the entry goes, and perhaps what the
pipeline does for its sake.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts.types import DATE, FLAG, KEY, TEXT, TIMESTAMP, LogicalType, money

_ANSI = "https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html"
_DECIMALS = "https://github.com/pola-rs/polars/pull/24542"
_PATTERN = (
    "https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html"
)


@dataclass(frozen=True)
class Answer:
    """What an engine says.

    Attributes:
        value: The value, as `tests.equivalence.frames` reads it back; decimals as text.
        type: Its type: in the words of tables at rest, else in the engine's own.
        fails: What its error says instead; empty when it answers.
    """

    value: Any = None
    type: str = ""
    fails: str = ""

    def __str__(self) -> str:
        """Return the answer for people."""
        if self.fails:
            return f"fails (`{self.fails}`)"
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"`{'null' if value is None else value}` ({self.type})"


@dataclass(frozen=True)
class Difference:
    """One question with two answers.

    Attributes:
        name: What it is about.
        asked: The question in words: the expression and what column `a` holds.
        type: Logical type of column `a`.
        given: Its values; inside transforms, so money is in cents.
        ask: The expression.
        polars: What Polars says.
        spark: What Spark says.
        why: Where the difference comes from.
        avoided: What the pipeline does about it.
        see: Address of what is written about it; empty where nothing was found.
        at_rest: Whether the question is asked of the type at rest: decimals are decimals.
        zone: Time zone of the Spark session.
    """

    name: str
    asked: str
    type: LogicalType
    given: Sequence[Any]
    ask: nw.Expr
    polars: Answer
    spark: Answer
    why: str
    avoided: str
    see: str = ""
    at_rest: bool = False
    zone: str = "UTC"


_A = nw.col("a")
_SUNDAY = datetime(2025, 4, 6, 12, tzinfo=UTC)
_EARLY = datetime(2025, 4, 1, 2, tzinfo=UTC)
_FIXED_POINT = "Inside transforms an amount is an integer of cents; it is a decimal at rest only."
_NO_FLOATS = "No transform holds a float; `divide_half_up` divides integers."
_OWN_GRAMMAR = "Text is read by `portable.parse` alone, whose grammars name ASCII characters."
_BOUNDED = "Contracts bound what is summed, and `to_storage` fails on what does not fit its type."

DIFFERENCES = (
    Difference(
        "Sunday",
        '`col("a").dt.weekday()` of a Sunday',
        TIMESTAMP,
        [_SUNDAY],
        _A.dt.weekday(),
        polars=Answer(7, "Int8"),
        spark=Answer(0, "int"),
        why="Narwhals promises ISO days from 1 to 7, and takes Spark's `dayofweek` modulo 7.",
        avoided="`with_derived` maps 0 and 7 to 7.",
        see="https://github.com/narwhals-dev/narwhals/pull/1835",
    ),
    Difference(
        "Different values of nothing",
        '`col("a").n_unique()` of no rows',
        KEY,
        [],
        _A.n_unique().cast(nw.Int64),
        polars=Answer(0, "bigint"),
        spark=Answer(None, "bigint"),
        why="On Spark it is the distinct values plus the greatest of `is_null`, which nothing has.",
        avoided="Different values are counted within groups, which have rows.",
        see="https://github.com/narwhals-dev/narwhals/pull/1779",
    ),
    Difference(
        "Floor division of great integers",
        '`col("a") // 10` of 99,999,999,999,999,999',
        KEY,
        [10**17 - 1],
        _A // 10,
        polars=Answer(10**16 - 1, "bigint"),
        spark=Answer(10**16, "bigint"),
        why="On Spark Narwhals divides as doubles and takes the floor: exact below 2^52 only.",
        avoided="`divide_half_up` says that bound; DECIMAL(15,2) in cents, doubled, is below it.",
        see="https://github.com/narwhals-dev/narwhals/issues/2748",
    ),
    Difference(
        "Remainder by zero",
        '`col("a") % 0`',
        KEY,
        [7],
        _A % (_A - 7),
        polars=Answer(None, "bigint"),
        spark=Answer(fails="BY_ZERO"),
        why="ANSI, the default from Spark 4 on; without it Spark says null, too.",
        avoided="`divide_half_up` makes a zero null before it divides.",
        see=_ANSI,
    ),
    Difference(
        "Integers out of 64 bits",
        '`col("a") * 2` of 9,223,372,036,854,775,807',
        KEY,
        [2**63 - 1],
        _A * 2,
        polars=Answer(-2, "bigint"),
        spark=Answer(fails="ARITHMETIC_OVERFLOW"),
        why="Polars wraps around; Spark fails under ANSI and wraps around without.",
        avoided=_BOUNDED,
        see=_ANSI,
    ),
    Difference(
        "Sums out of 64 bits",
        '`col("a").sum()` of 9,223,372,036,854,775,807 and 1',
        KEY,
        [2**63 - 1, 1],
        _A.sum(),
        polars=Answer(-(2**63), "bigint"),
        spark=Answer(fails="ARITHMETIC_OVERFLOW"),
        why="As above.",
        avoided=f"{_BOUNDED} Squares are summed in three parts (`spread`).",
        see=_ANSI,
    ),
    Difference(
        "Sums of 32 bits",
        '`col("a").sum()` of 2,147,483,647 and 1, both INT',
        FLAG,
        [2**31 - 1, 1],
        _A.sum(),
        polars=Answer(-(2**31), "int"),
        spark=Answer(2**31, "bigint"),
        why="Polars widens up to 16 bits before it sums, Spark everything to 64.",
        avoided="Flags and booleans are cast to 64 bits before they are summed.",
        see="https://docs.pola.rs/py-polars/html/reference/expressions/api/polars.Expr.sum.html",
    ),
    Difference(
        "Types of counts",
        "`len()`, and likewise `n_unique()`, `count()` and `cum_count()`",
        KEY,
        [1],
        nw.len(),
        polars=Answer(1, "UInt32"),
        spark=Answer(1, "bigint"),
        why="Polars counts in unsigned 32 bits, where 0 - 1 is 4,294,967,295.",
        avoided="Counts are cast to 64 bits where they are made.",
    ),
    Difference(
        "Types of parts of a time",
        '`col("a").dt.hour()`',
        TIMESTAMP,
        [_SUNDAY],
        _A.dt.hour(),
        polars=Answer(12, "Int8"),
        spark=Answer(12, "int"),
        why="Each engine takes its own narrow integer.",
        avoided="Cast to INT where they are made.",
    ),
    Difference(
        "Decimal times decimal",
        '`col("a") * col("a")` of 1234.56, DECIMAL(10,2)',
        money(10),
        [123_456],
        _A * _A,
        polars=Answer("1524138.39", "decimal(38,2)"),
        spark=Answer("1524138.3936", "decimal(21,4)"),
        why="Polars keeps the greater scale and rounds; Spark adds the scales.",
        avoided=_FIXED_POINT,
        see=_DECIMALS,
        at_rest=True,
    ),
    Difference(
        "Decimal by integer",
        '`col("a") / 3` of 2.00, DECIMAL(10,2)',
        money(10),
        [200],
        _A / 3,
        polars=Answer("0.67", "decimal(38,2)"),
        spark=Answer("0.666667", "double"),
        why="Polars keeps the scale; Narwhals turns what Spark divides into a double.",
        avoided=_FIXED_POINT,
        see=_DECIMALS,
        at_rest=True,
    ),
    Difference(
        "Rounding a decimal",
        '`col("a").round(0)` of 2.50, DECIMAL(10,2)',
        money(10),
        [250],
        _A.round(0),
        polars=Answer("2.00", "decimal(11,2)"),
        spark=Answer("3", "decimal(9,0)"),
        why="Polars rounds half to even and keeps the scale, Spark half up and drops it.",
        avoided=f"{_FIXED_POINT} `divide_half_up` rounds half away from zero, once.",
        see="https://github.com/pola-rs/polars/issues/21800",
        at_rest=True,
    ),
    Difference(
        "Rounding a float",
        '`(col("a") / 2).round(0)` of 5',
        KEY,
        [5],
        (_A / 2).round(0),
        polars=Answer(2.0, "double"),
        spark=Answer(3.0, "double"),
        why="Half to even, and half up.",
        avoided=_NO_FLOATS,
        see="https://github.com/pola-rs/polars/issues/21800",
    ),
    Difference(
        "Mean of a decimal",
        '`col("a").mean()` of 0.01 and 0.02, DECIMAL(10,2)',
        money(10),
        [1, 2],
        _A.mean(),
        polars=Answer(0.015, "double"),
        spark=Answer("0.015000", "decimal(14,6)"),
        why="Polars means in floats, Spark with four more digits after the point.",
        avoided="A mean is a sum and a count, divided once by `divide_half_up`.",
        at_rest=True,
    ),
    Difference(
        "Precision of a summed decimal",
        '`col("a").sum()` of 0.01 and 0.02, DECIMAL(10,2)',
        money(10),
        [1, 2],
        _A.sum(),
        polars=Answer("0.03", "decimal(38,2)"),
        spark=Answer("0.03", "decimal(20,2)"),
        why="Polars takes all digits that there are, Spark ten more.",
        avoided=_FIXED_POINT,
        see=_DECIMALS,
        at_rest=True,
    ),
    Difference(
        "Variance",
        '`col("a").var()` of 1, 2, 4, 7, 11, 16',
        KEY,
        [1, 2, 4, 7, 11, 16],
        _A.var(),
        polars=Answer(33.36666666666667, "double"),
        spark=Answer(33.36666666666666, "double"),
        why="Floats are added up in another order.",
        avoided="Anomalies are decided in integers, from exact sums and sums of squares.",
    ),
    Difference(
        "The greatest of what is not a number",
        '`(0.0 / 0.0)` where `col("a")` is 0, else 1.0; `.max()`',
        KEY,
        [0, 1],
        nw.when(_A == 0).then(nw.lit(float("nan"))).otherwise(1.0).max(),
        polars=Answer(1.0, "double"),
        spark=Answer("nan", "double"),
        why="Polars passes NaN over, Spark takes it for the greatest number.",
        avoided=_NO_FLOATS,
    ),
    Difference(
        "Dates follow the session",
        '`col("a").dt.date()` of 2025-04-01 02:00 UTC, in a session in New York',
        TIMESTAMP,
        [_EARLY],
        _A.dt.date(),
        polars=Answer(date(2025, 4, 1), "date"),
        spark=Answer(date(2025, 3, 31), "date"),
        why="Polars looks at the column's zone, Spark at `spark.sql.session.timeZone`.",
        avoided="`pipeline.spark.session.prepared` puts every session into UTC.",
        zone="America/New_York",
    ),
    Difference(
        "Days between dates",
        '`(lit(2025-04-01) - col("a")).dt.total_minutes()` of 2025-01-01',
        DATE,
        [date(2025, 1, 1)],
        (nw.lit(date(2025, 4, 1)) - _A).dt.total_minutes(),
        polars=Answer(90 * 24 * 60, "bigint"),
        spark=Answer(fails="total_minutes"),
        why="Narwhals has no intervals on Spark.",
        avoided="`portable.with_days_until`, a primitive with two halves.",
        see="https://github.com/narwhals-dev/narwhals/issues/3431",
    ),
    Difference(
        "A time as text",
        '`col("a").cast(String)` of 2025-04-06 12:00 UTC',
        TIMESTAMP,
        [_SUNDAY],
        _A.cast(nw.String),
        polars=Answer("2025-04-06 12:00:00.000000+00:00", "string"),
        spark=Answer("2025-04-06 12:00:00", "string"),
        why="There is no agreed spelling; Spark's depends on the session, too.",
        avoided="Times are never written as text.",
    ),
    Difference(
        "A float as text",
        '`(col("a") / 1).cast(String)` of 10,000,000',
        KEY,
        [10**7],
        (_A / 1).cast(nw.String),
        polars=Answer("10000000.0", "string"),
        spark=Answer("1.0E7", "string"),
        why="Java spells floats its own way.",
        avoided=_NO_FLOATS,
    ),
    Difference(
        "Numbers with blanks",
        '`col("a").cast(Int64)` of text `" 1 "`',
        TEXT,
        [" 1 "],
        _A.cast(nw.Int64),
        polars=Answer(fails="conversion from `str` to `i64` failed"),
        spark=Answer(1, "bigint"),
        why="Spark trims before it casts.",
        avoided=_OWN_GRAMMAR,
    ),
    Difference(
        "Blanks that are trimmed",
        '`col("a").str.strip_chars()` of a no-break space and `a`',
        TEXT,
        ["\u00a0a"],
        _A.str.strip_chars().str.len_chars().cast(nw.Int64),
        polars=Answer(1, "bigint"),
        spark=Answer(2, "bigint"),
        why="Polars trims what Unicode calls white space, Narwhals on Spark what ASCII does.",
        avoided=_OWN_GRAMMAR,
    ),
    Difference(
        "The end of a text",
        '`col("a").str.contains("^a$")` of `a` and a line feed',
        TEXT,
        ["a\n"],
        _A.str.contains("^a$"),
        polars=Answer(value=False, type="boolean"),
        spark=Answer(value=True, type="boolean"),
        why="In Java `$` also matches before a final line break.",
        avoided=r"The grammars of `portable.spark` end with `\z`.",
        see=_PATTERN,
    ),
    Difference(
        "Digits of other scripts",
        r'`col("a").str.contains(r"^\d$")` of ARABIC-INDIC DIGIT ONE; `\w` and `\s` likewise',
        TEXT,
        ["\u0661"],
        _A.str.contains(r"^\d$"),
        polars=Answer(value=True, type="boolean"),
        spark=Answer(value=False, type="boolean"),
        why="Rust's classes are those of Unicode, Java's those of ASCII.",
        avoided=_OWN_GRAMMAR,
        see=_PATTERN,
    ),
    Difference(
        "Any character",
        '`col("a").str.contains("^.$")` of a carriage return',
        TEXT,
        ["\r"],
        _A.str.contains("^.$"),
        polars=Answer(value=True, type="boolean"),
        spark=Answer(value=False, type="boolean"),
        why="Java's dot stops at any line break, Rust's at a line feed only.",
        avoided="Texts and labels take any character under `(?s)`.",
        see=_PATTERN,
    ),
)


def entries(differences: Sequence[Difference]) -> str:
    """Return what the page about them says of each."""
    lines: list[str] = []
    for difference in differences:
        lines += [f"## {difference.name}", "", f"{difference.asked}:", ""]
        lines += [f"- Polars: {difference.polars}", f"- Spark: {difference.spark}", ""]
        lines += _wrapped(f"{difference.why} Here: {difference.avoided}")
        lines += [f"[More]({difference.see})"] if difference.see else []
        lines += [""]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
