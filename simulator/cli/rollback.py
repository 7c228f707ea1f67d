"""`lakehouse rollback`: a run that has succeeded is undone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli import console
from simulator.cli.engines import EngineName, open_engine
from simulator.cli.options import AsJson, Engine, Lake, Wait
from simulator.cli.progress import progress
from simulator.cli.text import count, listed, shown


def rollback(
    *,
    run: Annotated[int, typer.Argument(metavar="RUN", help="Number of the run; see `runs`.")],
    lake: Lake,
    landing: Annotated[
        Path | None,
        typer.Option(
            "--landing",
            metavar="DIR",
            help="Landing zone, where archived files of the runs are moved back to their places.",
            show_default=False,
        ),
    ] = None,
    with_later: Annotated[
        bool, typer.Option("--with-later", help="Undo the runs after it, too.")
    ] = False,
    engine: Engine = EngineName.POLARS,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Put every table back to what it was before a run, and open the run's files again.

    Their contents are forgotten: the next run takes in those that lie in the landing zone. One of
    the last ten runs can be named. The runs after it stand on what it wrote, so they go with it.
    """
    from pipeline.landing.store import LocalStore
    from pipeline.runner.home import LakeHome
    from pipeline.runner.rollback import roll_back
    from simulator.cli.lakes import check_lake
    from simulator.cli.locking import locked

    check_lake(lake)
    store = None if landing is None else LocalStore(landing)
    with locked(lake, wait=wait), progress() as seen:
        opened = open_engine(engine, lake, seen)
        try:
            done = roll_back(
                opened,
                LakeHome(lake),
                store,
                run,
                with_later=with_later,
                now=datetime.now(UTC),
            )
        finally:
            opened.close()
    if as_json:
        console.document(
            {"lake": str(lake), "undone": done.batch_ids, "files": done.paths, "moved": done.moved}
        )
        return
    runs = "Run" if len(done.batch_ids) == 1 else "Runs"
    console.verdict(f"{runs} {listed([str(n) for n in done.batch_ids])} undone", good=True)
    console.say(f"{count(len(done.paths), 'file')} can come in again:")
    for path in done.paths:
        back = "  (moved back from the archive)" if path in done.moved else ""
        console.say(f"  {shown(path)}{back}")
