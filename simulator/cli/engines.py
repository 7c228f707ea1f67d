"""The engines that a command may be done by."""

from enum import StrEnum
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


def open_engine(name: EngineName, lake: Path, shown: Progress) -> "Engine":
    """Return an engine on a lake; Spark is started where it does not run yet.

    Raises:
        CallError: Spark is not installed here.
    """
    if name is EngineName.POLARS:
        from simulator.engine.polars_engine import PolarsEngine

        return PolarsEngine(lake)
    try:
        from pipeline.spark.engine import SparkEngine
        from pipeline.spark.session import laptop_session
    except ModuleNotFoundError as error:
        msg = f"Spark is not installed in this environment: {error.name} is missing."
        hint = (
            "Start ./lakehouse of a checkout, or: pip install 'ecommerce-lakehouse[laptop,spark]'"
        )
        raise CallError(msg, hint) from error
    shown.step("starting Spark")
    return SparkEngine(laptop_session(), str(lake.resolve()))
