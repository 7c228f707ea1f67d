"""Runs that Spark has begun and did not end, at the places that the protocol has for it.

A JVM per death would take minutes, so here a run dies within the process: after a write it comes no
further, and undoing is dead, too. What is killed for good is Polars, in tests/e2e/test_crashes.py.
"""

import shutil
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from pipeline.engine import Engine
from pipeline.spark.engine import SparkEngine
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine
from tests.crashes import WRITES, Watched
from tests.e2e.test_transactions import FIRST, SECOND
from tests.equivalence.recording import Tally
from tests.lakes import deliver, run


class _DeathError(Exception):
    """The process is gone."""


def dying(engine: Engine, number: int) -> Engine:
    """Return an engine that does nothing any more after so many writes."""

    def die(count: int) -> None:
        if count >= number:
            raise _DeathError

    return cast("Engine", Watched(engine, (*WRITES, "restore"), die))


@pytest.mark.heavy
def test_a_run_that_died_after_any_write_is_undone_and_done_again(
    spark: SparkSession, tmp_path: Path, tally: Tally
) -> None:
    """Death after death on one lake; then one run that lives ends as if none had been.

    Some of the places by default, all of them nightly. Each run undoes the one that died before it.
    """
    landing, lake, alone = (tmp_path / name for name in ("landing", "lake", "alone"))
    deliver(landing, FIRST)
    run(landing, alone, 0)
    shutil.copytree(alone, lake)
    deliver(landing, SECOND)
    counted = Watched(PolarsEngine(alone), WRITES, lambda _: None)
    run(landing, alone, 1, engine=cast("Engine", counted))
    step = 12 if settings().derandomize else 1
    places = range(1, counted.count + 1, step)
    for place in places:
        with pytest.raises(_DeathError):
            run(landing, lake, 1, engine=dying(SparkEngine(spark, str(lake)), place))
    report = run(landing, lake, 2, engine=SparkEngine(spark, str(lake)))

    assert report.undone_batch is not None
    found = compare(alone, lake)
    assert found.equal, str(found)
    tally.compared(cases=len(places), rows=sum(t.rows_a or 0 for t in found.tables))
