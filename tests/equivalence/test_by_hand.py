"""The yardstick on Spark does the same work: every table that it makes is the pipeline's.

A case is a table.
"""

from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.by_hand_spark import Lake, run
from simulator.bench.memory import peak_bytes
from tests.by_hand import TABLES, assert_tables_are_the_pipelines
from tests.equivalence.recording import Tally


def test_the_script_on_spark_makes_the_tables_of_the_pipeline(
    spark: SparkSession, tmp_path: Path, tally: Tally
) -> None:
    def script(landing: Path, lake: Path) -> None:
        run(landing, Lake(spark, lake, datetime(2026, 3, 1, tzinfo=UTC)))

    tally.compared(cases=TABLES, rows=assert_tables_are_the_pipelines(tmp_path, script))


def test_the_peak_of_a_run_on_spark_is_that_of_its_jvm_too(spark: SparkSession) -> None:
    spark.range(10).count()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(line for line in status.splitlines() if line.startswith("VmHWM:"))

    # A JVM with Spark alone needs more.
    assert peak_bytes() > int(own.split()[1]) * 1024 + 200 * 2**20
