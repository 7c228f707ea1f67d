"""The yardstick on Spark does the same work: every table that it makes is the pipeline's.

A case is a table.
"""

from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.by_hand_spark import Lake, run
from pipeline.spark.engine import SparkEngine
from simulator.bench.child import measure
from simulator.bench.figures import gate_seconds
from simulator.bench.rounds import PIPELINE, Measurement, prepare
from tests.by_hand import TABLES, assert_tables_are_the_pipelines
from tests.equivalence.recording import Tally


def test_the_script_on_spark_makes_the_tables_of_the_pipeline(
    spark: SparkSession, tmp_path: Path, tally: Tally
) -> None:
    def script(landing: Path, lake: Path) -> None:
        run(landing, Lake(spark, lake, datetime(2026, 3, 1, tzinfo=UTC)))

    tally.compared(cases=TABLES, rows=assert_tables_are_the_pipelines(tmp_path, script))


def test_a_run_on_spark_is_measured_with_its_jvm(spark: SparkSession, tmp_path: Path) -> None:
    landing, _ = prepare(tmp_path, 300)

    found = measure(SparkEngine(spark, str(tmp_path / "lake")), landing, tmp_path / "lake")

    seconds, peak = found["total_seconds"], found["peak_rss_bytes"]
    measured = Measurement("spark", PIPELINE, seconds, peak, found["steps"])
    assert 0 < gate_seconds(measured) < measured.seconds
    # A JVM alone needs more.
    assert measured.peak_bytes > 200 * 2**20
