"""One Spark session for all tests of this folder; without Spark or Java they are skipped."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# py4j leaves the closing of its sockets to the garbage collector.
_NOISE = "ignore:unclosed <socket:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let py4j be as it is."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(_NOISE))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "SparkSession":
    """Return a session for tables of a few rows; the nightly run compiles as Glue does."""
    pytest.importorskip("pyspark", reason="pyspark is not installed in this environment")
    from pipeline.spark.session import SMALL, laptop_session

    settings = dict(SMALL)
    if os.environ.get("LAKEHOUSE_EXAMPLES") == "nightly":
        for name in ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode"):
            del settings[name]
    settings["spark.local.dir"] = str(tmp_path_factory.mktemp("spark"))
    return laptop_session(settings)
