"""The engines that a command may be done by."""

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import CallError
from simulator.cli.progress import Progress

if TYPE_CHECKING:
    from pipeline.engine import Engine


class EngineName(StrEnum):
    """The engines that a run may be done by."""

    POLARS = "polars"
    SPARK = "spark"


# What has to be there besides what every command needs.
_NEEDED: dict[EngineName, tuple[str, ...]] = {
    EngineName.POLARS: (),
    EngineName.SPARK: ("pyspark", "delta"),
}


def check_installed(name: EngineName) -> None:
    """See whether an engine can be had here, before anything else takes time.

    Raises:
        CallError: It is not installed.
    """
    missing = [module for module in _NEEDED[name] if find_spec(module) is None]
    if missing:
        msg = f"Spark is not installed in this environment: {missing[0]} is missing."
        hint = (
            "Start ./lakehouse of a checkout, or: pip install 'ecommerce-lakehouse[laptop,spark]'"
        )
        raise CallError(msg, hint)


def open_engine(name: EngineName, lake: Path, shown: Progress) -> "Engine":
    """Return an engine on a lake; Spark is started where it does not run yet.

    Raises:
        CallError: Spark is not installed here.
    """
    if name is EngineName.POLARS:
        from simulator.engine.polars_engine import PolarsEngine

        return PolarsEngine(lake)
    check_installed(name)
    from pipeline.spark.engine import SparkEngine
    from pipeline.spark.session import laptop_session

    shown.step("starting Spark")
    return SparkEngine(laptop_session(), str(lake.resolve()))
