"""`lakehouse simulate`: one run, from the landing zone to gold."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.options import AsJson, Lake, Landing, a_date
from simulator.cli.progress import Progress, progress

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.runner.report import RunReport
    from pipeline.runner.run import RunRequest


class EngineName(StrEnum):
    """The engines that a run may be done by."""

    POLARS = "polars"
    SPARK = "spark"


def simulate(
    *,
    landing: Landing,
    lake: Lake,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=a_date,
            metavar="DATE",
            help="Date that customers are seen from; by default the latest order date.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Engine that does the work.")
    ] = EngineName.POLARS,
    archive: Annotated[
        bool,
        typer.Option(
            "--archive",
            help="Move decided files to archive/ and rejected/ of the landing zone.",
        ),
    ] = False,
    again: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Take this file in although its bytes came in before; may be repeated.",
            show_default=False,
        ),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Compute all of gold anew from silver, even if nothing is new.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what is new in a landing zone and bring every table of the lake up to date.

    The run is all or nothing: when it fails, the lake is what it was before. What came in before
    is not taken in twice, so running again does no harm.
    """
    from pipeline.runner.run import RunRequest
    from simulator.cli.lakes import check_apart, locked

    paths = [_below(landing, path) for path in again or ()]
    request = partial(RunRequest, as_of=as_of, archive=archive, again=tuple(paths), rebuild=rebuild)
    check_apart(landing, lake)
    with locked(lake), progress() as shown:
        report = run(landing, lake, request, shown=shown, engine=engine)
    if as_json:
        document = report.document()
        console.document({"landing": str(landing), "lake": str(lake), **document})
        return
    from simulator.cli.report_view import print_report

    print_report(report, lake)


def run(
    landing: Path,
    lake: Path,
    request: "Callable[[datetime], RunRequest]",
    *,
    shown: Progress,
    engine: EngineName = EngineName.POLARS,
) -> "RunReport":
    """Run once with the clock's time; whoever calls holds the lake's lock.

    Args:
        landing: The landing zone.
        lake: The lake.
        request: Makes the request from the run's time.
        shown: Is told how the run gets on.
        engine: Name of the engine that does the work.

    Raises:
        LakehouseError: The run failed; the lake is what it was before it.
    """
    from pipeline.landing.store import LocalStore
    from pipeline.runner.home import LakeHome
    from pipeline.runner.run import Lakehouse

    home = LakeHome(lake)
    lakehouse = Lakehouse(_engine(engine, lake, shown), home, LocalStore(landing), shown)
    try:
        return lakehouse.run(request(datetime.now(UTC)))
    except KeyboardInterrupt:
        if home.interrupted() is None:
            console.note("The lake is as it was before the run.")
        else:
            console.note("The run is not undone yet; the next one undoes it before it begins.")
        raise


def _engine(name: EngineName, lake: Path, shown: Progress) -> "Engine":
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


def _below(landing: Path, given: str) -> str:
    """Return a path below the landing zone, also if it was given from where the user stands."""
    path = Path(given)
    if not (landing / path).exists() or path.is_absolute():
        for base in (landing, landing.resolve()):
            if path.is_relative_to(base):
                return path.relative_to(base).as_posix()
    return path.as_posix()
