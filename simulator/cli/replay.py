"""`lakehouse replay`: a file that came in before is taken in once more, on purpose."""

from functools import partial
from typing import Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.engines import EngineName
from simulator.cli.options import AsJson, Engine, Lake, Landing, Wait
from simulator.cli.progress import progress
from simulator.cli.text import shown


def replay(
    *,
    file: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Path below the landing zone, as it was delivered."),
    ],
    landing: Landing,
    lake: Lake,
    archive: Annotated[
        bool,
        typer.Option("--archive", help="Move decided files to archive/ and rejected/ afterwards."),
    ] = False,
    engine: Engine = EngineName.POLARS,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Take files in again although their bytes came in before: their rows arrive once more, last.

    A file that was archived is moved back to its place first. What else lies in the landing zone
    and is new comes in with it.
    """
    from pipeline.landing.store import LocalStore
    from pipeline.runner.archive import latest_archived
    from pipeline.runner.request import RunRequest
    from simulator.cli.lakes import check_apart, check_lake
    from simulator.cli.locking import locked
    from simulator.cli.report_view import print_report
    from simulator.cli.running import below, run

    check_lake(lake)
    check_apart(landing, lake)
    store = LocalStore(landing)
    paths = [below(landing, path) for path in file]
    with locked(lake, wait=wait), progress() as seen:
        for path in paths:
            if not (landing / path).exists():
                place = latest_archived(store, path)
                if place is None:
                    msg = f"Neither the landing zone {landing} nor its archive has {shown(path)}."
                    raise CallError(msg, "`lakehouse show files` lists what came in.")
                store.move(place, path)
        request = partial(RunRequest, again=tuple(paths), archive=archive)
        report = run(landing, lake, request, shown=seen, engine=engine)
    if as_json:
        console.document({"landing": str(landing), "lake": str(lake), **report.document()})
        return
    print_report(report, lake)
