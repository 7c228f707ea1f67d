"""Deploys the program into an emulated account and plays it: `./lakehouse rehearse`."""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from infra.__main__ import deploy
from infra.emulator.account import emulated
from infra.emulator.stack import configuration, deployment, has_engine
from infra.rehearsal import __doc__ as about
from infra.rehearsal.scenarios import SCENARIOS, Scenario, locally
from infra.rehearsal.theatre import Played, Theatre, theatre
from infra.rehearsal.verdict import faults, refused
from pipeline.engine import Engine
from pipeline.errors import LakehouseError
from pipeline.quality.thresholds import thresholds_of
from simulator.cli.engines import EngineName
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine

_STACK = "dev"


@dataclass(frozen=True)
class Rehearsed:
    """A scenario that was played.

    Attributes:
        scenario: The scenario.
        played: What came of it.
        faults: What is wrong with that.
        seconds: How long it took.
    """

    scenario: Scenario
    played: Played
    faults: list[str]
    seconds: float


@contextmanager
def jobs_on(engine: EngineName) -> Iterator[Callable[[Path], Engine]]:
    """Have what makes an engine of that name, for the lake in a folder.

    Raises:
        LakehouseError: There is no Java for Spark, or it does not start.
    """
    if engine is EngineName.POLARS:
        yield PolarsEngine
        return
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    from pipeline.spark.engine import SparkEngine
    from pipeline.spark.session import SMALL, laptop_session

    # Spark's workers read the deliveries. They are processes of their own, to whom the emulated
    # account has to be a server.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # It tells of every request.
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        known = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
        }
        for_workers = {f"spark.executorEnv.{name}": value for name, value in known.items()}
        with laptop_session(SMALL | for_workers) as session:
            yield lambda lake: SparkEngine(session, str(lake))
    finally:
        server.stop()


@contextmanager
def deployed(folder: Path, engine_of: Callable[[Path], Engine]) -> Iterator[Theatre]:
    """Have the program deployed into an emulated account for as long as the block lasts."""
    config = configuration(_STACK)
    with emulated() as account, deployment(account, folder / "engine") as engine:
        engine.stack(_STACK, deploy, config).up()
        stage = theatre(account, folder / "tables", _STACK, config, engine_of)
        with stage.open():
            yield stage


def rehearse(stage: Theatre, scenario: Scenario, folder: Path) -> Rehearsed:
    """Play a scenario, and the same on this machine."""
    began = time.monotonic()
    local = locally(scenario, folder / "local", thresholds_of(stage.names.settings.thresholds))
    stage.empty()
    if scenario.after:
        _delivered(stage, scenario.after, folder / "before")
        stage.play()
    _delivered(stage, scenario.deliver, folder / "landing")
    played = stage.play(scenario.fault)
    tables = compare(stage.folder, folder / "local" / "lake")
    wrong = list(faults(scenario, played, local, stage.versions(), tables))
    return Rehearsed(scenario, played, wrong, time.monotonic() - began)


def _delivered(stage: Theatre, write: Callable[[Path], None], folder: Path) -> None:
    folder.mkdir()
    write(folder)
    stage.deliver(folder)


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit code is 0 when everything came out as it has to."""
    known = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(
        prog="./lakehouse rehearse",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help=f"some of: {', '.join(known)}")
    parser.add_argument(
        "--engine",
        choices=[name.value for name in EngineName],
        default=EngineName.POLARS.value,
        help="what the jobs run on (%(default)s)",
    )
    asked = parser.parse_args(words)
    chosen, engine = asked.scenario or known, EngineName(asked.engine)
    for name in chosen:
        if name not in known:
            parser.error(f"there is no scenario {name!r}; there are {', '.join(known)}")
    if not has_engine():
        sys.stderr.write("rehearse: the pulumi command is needed, and it is not on PATH.\n")
        return 2
    logging.getLogger("lakehouse").setLevel(logging.ERROR)
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-rehearsal-"))
    wrong = 0
    try:
        console.print("Deploying the program into an emulated account ...")
        with jobs_on(engine) as engine_of, deployed(folder, engine_of) as stage:
            for scenario in (s for s in SCENARIOS if s.name in chosen):
                place = folder / scenario.name.replace(" ", "-")
                place.mkdir()
                wrong += _show(console, rehearse(stage, scenario, place))
            denied = list(refused(stage.calls, stage.names))
            wrong += len(denied)
            count = sum(len(needs) for needs in stage.calls.made.values())
            console.print(f"\n[bold]Permissions[/]  {count} calls, each held to its role")
            _list(console, denied, "each is allowed by the role that makes it")
    except LakehouseError as error:
        sys.stderr.write(f"rehearse: {error}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    spark = "" if engine is EngineName.SPARK else " Polars for Spark,"
    console.print(f"\nNot AWS: moto stands for its services,{spark} a folder for the tables'")
    console.print("files until a job ends. See ./lakehouse rehearse --help.")
    return 1 if wrong else 0


def _show(console: Console, rehearsed: Rehearsed) -> int:
    played = rehearsed.played
    console.print(
        f"\n[bold]{rehearsed.scenario.name}[/]  {rehearsed.scenario.tells}  "
        f"[dim]{rehearsed.seconds:.1f} s[/]"
    )
    console.print(f"  states    {' > '.join(played.states)}", highlight=False)
    jobs = ", ".join(f"{step}{'' if code == 0 else ' (failed)'}" for step, code in played.jobs)
    console.print(f"  jobs      {jobs or 'none'}", highlight=False)
    told = ", ".join(f"{severity}: {subject}" for severity, subject in played.messages)
    console.print(f"  messages  {told or 'none'}", highlight=False)
    console.print(f"  files     {', '.join(sorted(played.landing)) or 'none'}", highlight=False)
    _list(console, rehearsed.faults, f"{played.status}, as it has to be")
    return len(rehearsed.faults)


def _list(console: Console, wrong: Sequence[str], good: str) -> None:
    for fault in wrong:
        console.print(f"  [red]✗[/] {fault}", highlight=False)
    if not wrong:
        console.print(f"  [green]✓[/] {good}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
