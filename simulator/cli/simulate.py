"""`lakehouse simulate`: one run, from the landing zone to gold."""

from datetime import date
from functools import partial
from typing import Annotated

import typer

from simulator.cli import console
from simulator.cli.engines import EngineName
from simulator.cli.options import (
    AsJson,
    Engine,
    Lake,
    Landing,
    ThresholdFile,
    ThresholdWords,
    Wait,
    a_date,
)
from simulator.cli.progress import progress


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
    engine: Engine = EngineName.POLARS,
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
    thresholds: ThresholdFile = None,
    threshold: ThresholdWords = None,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Take in what is new in a landing zone and bring every table of the lake up to date.

    The run is all or nothing: when it fails, or a quality check blocks it, the lake is what it was
    before. What came in before is not taken in twice, so running again does no harm.
    """
    from pipeline.runner.run import RunRequest
    from simulator.cli.lakes import check_apart, suggestion
    from simulator.cli.locking import locked
    from simulator.cli.running import below, chosen_thresholds, run

    paths = [below(landing, path) for path in again or ()]
    request = partial(RunRequest, as_of=as_of, archive=archive, again=tuple(paths), rebuild=rebuild)
    check_apart(landing, lake)
    held_to = chosen_thresholds(thresholds, threshold or ())
    with locked(lake, wait=wait), progress() as shown:
        report = run(landing, lake, request, shown=shown, engine=engine, thresholds=held_to)
    if as_json:
        document = report.document()
        console.document({"landing": str(landing), "lake": str(lake), **document})
        return
    from simulator.cli.report_view import print_report

    print_report(report, lake)
    console.say(f"As a page for a browser: {suggestion('report', '--lake', lake)}")
