"""What Spark makes of the plan that reads text is small enough for Java to compile."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipeline.contracts import ENTITIES, bronze
from pipeline.contracts.model import Entity
from pipeline.spark.engine import SparkEngine
from pipeline.transforms.silver.reading import new_rows, read_rows
from tests.equivalence.frames import with_settings

# HotSpot leaves a method of more bytes to its interpreter.
MOST_BYTES = 8_000
_CODEGEN = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture
def compiling(spark: SparkSession) -> Iterator[SparkSession]:
    """Return the session with whole plans compiled, as they are for large tables."""
    with with_settings(spark, _CODEGEN):
        yield spark


def greatest_method(spark: SparkSession, rows: DataFrame) -> int:
    """Return the bytes of the greatest method that is made of a plan."""
    jvm: Any = spark._jvm
    debug = getattr(jvm.org.apache.spark.sql.execution.debug, "package$")
    made = getattr(debug, "MODULE$").codegenStringSeq(rows._jdf.queryExecution().executedPlan())
    told = [str(made.apply(number)._3().toString()) for number in range(made.length())]
    sizes = [int(found[1]) for text in told if (found := re.match(r"ByteCodeStats\((\d+),", text))]
    assert sizes, told
    return max(sizes)


@pytest.mark.parametrize("entity", ENTITIES, ids=[entity.name for entity in ENTITIES])
def test_java_compiles_what_reads_text(
    entity: Entity, compiling: SparkSession, tmp_path: Path
) -> None:
    engine = SparkEngine(compiling, str(tmp_path))
    engine.create([bronze(entity)])
    batch = engine.read(bronze(entity)).filter(
        nw.col("ingestion_date") == nw.lit(date(2025, 4, 1)), nw.col("batch_id") == 1
    )

    rows = read_rows(new_rows(batch, entity), entity).to_native()

    assert 1_000 < greatest_method(compiling, rows) < MOST_BYTES
