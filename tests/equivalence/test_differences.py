"""The differences of the engines that are written down are still there."""

from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import SparkSession

from pipeline.contracts.model import Column
from pipeline.portable import Frame, to_storage
from pipeline.spark.session import prepared
from tests.equivalence.differences import DIFFERENCES, Answer, Difference
from tests.equivalence.frames import (
    Found,
    Given,
    found_on_polars,
    found_on_spark,
    on_polars,
    on_spark,
    plain,
)
from tests.equivalence.recording import Tally


@pytest.fixture
def session(spark: SparkSession) -> Iterator[SparkSession]:
    """Return a session under ANSI, as Glue 6.0 has it."""
    before = spark.conf.get("spark.sql.ansi.enabled")
    prepared(spark).conf.set("spark.sql.ansi.enabled", "true")
    yield spark
    prepared(spark).conf.set("spark.sql.ansi.enabled", str(before))


def answer(
    difference: Difference, frame: Callable[[Given], Frame], found: Callable[[Frame], Found]
) -> Answer:
    """Ask an engine."""
    column = Column("a", difference.type, "What is asked about.")
    try:
        asked = frame(Given([column], [{"a": value} for value in difference.given]))
        if difference.at_rest:
            asked = to_storage(asked, [column])
        result = found(asked.select(difference.ask.alias("answer")))
    except Exception as error:  # noqa: BLE001 - the engines' errors have nothing in common
        return Answer(fails=str(error))
    ((_, kind),) = result.schema
    ((value,),) = result.rows
    return Answer(value, kind)


def is_said(got: Answer, written: Answer) -> bool:
    """Return whether an engine answers as it is written; numbers that have no equal go by name."""
    if written.fails:
        return written.fails in got.fails
    same = got.value == plain(written.value) or str(got.value) == written.value
    return not got.fails and got.type == written.type and same


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_the_difference_is_still_there(
    session: SparkSession, tally: Tally, difference: Difference
) -> None:
    """When this fails, a library has changed: mend or remove the entry, then write the page."""
    session.conf.set("spark.sql.session.timeZone", difference.zone)
    of_polars = answer(difference, on_polars, lambda frame: found_on_polars(frame, streaming=False))
    of_spark = answer(difference, lambda given: on_spark(session, given), found_on_spark)
    assert is_said(of_polars, difference.polars), f"Polars says {of_polars}"
    assert is_said(of_spark, difference.spark), f"Spark says {of_spark}"
    assert difference.polars != difference.spark
    tally.compared(cases=1, rows=1)
