"""The engines that a command may be done by."""

from collections.abc import Iterable
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


# Of files in a landing zone and a lake together.
_SMALL_BYTES = 64 << 20

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


def open_engine(
    name: EngineName, lake: Path, shown: Progress, landing: Path | None = None
) -> "Engine":
    """Return an engine on a lake; Spark is started where it does not run yet.

    Args:
        name: Which engine.
        lake: Root folder of the lake.
        shown: Is told that Spark is started.
        landing: The landing zone, if one is read; with the lake it tells whether the data is small.

    Raises:
        CallError: Spark is not installed here.
    """
    if name is EngineName.POLARS:
        from simulator.engine.polars_engine import PolarsEngine

        return PolarsEngine(lake)
    check_installed(name)
    from pipeline.spark.engine import SparkEngine
    from pipeline.spark.session import SMALL, laptop_session

    shown.step("starting Spark")
    folders = [lake] if landing is None else [lake, landing]
    settings = SMALL if _are_small(folders) else None
    return SparkEngine(laptop_session(settings), str(lake.resolve()))


def _are_small(folders: Iterable[Path]) -> bool:
    """Return whether Spark would take longer to plan and compile its queries than to do them."""
    left = _SMALL_BYTES
    for folder in folders:
        for file in folder.rglob("*"):
            left -= file.stat().st_size if file.is_file() else 0
            if left < 0:
                return False
    return True
