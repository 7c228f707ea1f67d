"""One Spark session for all tests of this folder, and a count of what they compare."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from pyspark.sql import SparkSession

from pipeline.errors import LakehouseError
from pipeline.spark.session import SMALL, laptop_session
from tests.equivalence.frames import Both, abroad
from tests.equivalence.recording import PLUGIN, Recorder, Tally

_NOISE = (
    # py4j leaves the closing of its sockets to the garbage collector.
    "ignore:unclosed <socket:ResourceWarning",
    # Spark 3.5 compares versions of pandas in the old way.
    "ignore:(The distutils package is|distutils Version classes are) deprecated:DeprecationWarning",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the figures be written to a file, too."""
    parser.addoption(
        "--equivalence-json",
        metavar="PATH",
        help="write what the equivalence tests compared to this file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(Recorder(config), PLUGIN)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let py4j and Spark be as they are."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for noise in _NOISE:
                item.add_marker(pytest.mark.filterwarnings(noise))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> SparkSession:
    """Return a session for tables of a few rows; the nightly run compiles as Glue does."""
    # A process works for minutes here, in which Java's second compiler more than pays for itself.
    java = "-XX:ReservedCodeCacheSize=320m -XX:+UseSerialGC"
    settings = {**SMALL, "spark.driver.extraJavaOptions": java}
    if os.environ.get("LAKEHOUSE_PROFILE") == "nightly":
        for name in ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode"):
            del settings[name]
    settings["spark.local.dir"] = str(tmp_path_factory.mktemp("spark"))
    # The first session ever fetches Delta Lake; two at once would get in each other's way.
    with FileLock(tmp_path_factory.getbasetemp().parent / "spark.lock"):
        try:
            return laptop_session(settings)
        except LakehouseError as error:  # Every test will tell it: without a traceback, then.
            raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """Return what a test counts its comparisons on; it starts from nothing for each test."""
    recorder = pytestconfig.pluginmanager.get_plugin(PLUGIN)
    assert isinstance(recorder, Recorder)
    return recorder.tally


@pytest.fixture(scope="module")
def both(spark: SparkSession, tally: Tally) -> Iterator[Both]:
    """Return both engines side by side, the process and the JVM in time zones far from UTC."""
    with abroad(spark):
        yield Both(spark, tally)
