"""The processes that Spark starts for Python on a laptop."""

import sys
import zipimport
from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import SparkSession


def _archives(_: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the archives that a worker looks for modules in."""
    found = [
        place
        for place, finder in sys.path_importer_cache.items()
        if isinstance(finder, zipimport.zipimporter)
    ]
    yield pa.RecordBatch.from_pydict({"place": pa.array(found, pa.string())})


def test_workers_look_for_modules_in_no_archive(spark: SparkSession) -> None:
    """Python before 3.12 would read the directory of every archive anew before every task."""
    assert spark.range(1).mapInArrow(_archives, "place string").collect() == []
