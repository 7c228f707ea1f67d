"""`lakehouse backfill`: gold, or silver and gold, of some dates made anew."""

from datetime import date
from functools import partial
from typing import Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.engines import EngineName
from simulator.cli.options import AsJson, Engine, Lake, Wait, a_date
from simulator.cli.progress import progress


def backfill(
    *,
    lake: Lake,
    first: Annotated[
        date | None,
        typer.Option(
            "--from",
            parser=a_date,
            metavar="DATE",
            help="First order date; by default the earliest there is.",
            show_default=False,
        ),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option(
            "--to",
            parser=a_date,
            metavar="DATE",
            help="Last order date; by default the latest there is.",
            show_default=False,
        ),
    ] = None,
    silver: Annotated[
        bool,
        typer.Option("--silver", help="Make silver of these dates anew from bronze first."),
    ] = False,
    engine: Engine = EngineName.POLARS,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Compute gold of some order dates anew from silver, and silver from bronze when asked to.

    What comes out is what a lake built afresh from the same files holds. It is a run like any
    other: all or nothing, judged by the quality checks, and it can be rolled back.
    """
    from pipeline.runner.request import Backfill, RunRequest
    from simulator.cli.lakes import check_lake
    from simulator.cli.locking import locked
    from simulator.cli.report_view import print_report
    from simulator.cli.running import run

    if first is not None and last is not None and first > last:
        msg = f"--from {first} lies after --to {last}."
        raise CallError(msg, "Give the earlier date with --from.")
    check_lake(lake)
    request = partial(RunRequest, backfill=Backfill(first, last, silver))
    with locked(lake, wait=wait), progress() as shown:
        report = run(None, lake, request, shown=shown, engine=engine)
    if as_json:
        console.document({"lake": str(lake), **report.document()})
        return
    print_report(report, lake)
