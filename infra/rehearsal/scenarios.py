"""What is played: for each scenario the deliveries, what goes wrong, and what has to come of it."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.rehearsal.theatre import NO_FAULT, Fault, losing
from pipeline.errors import LakehouseError, PassingError
from pipeline.landing.store import LocalStore
from pipeline.quality.thresholds import Thresholds
from pipeline.runner.doing import Doing
from pipeline.runner.home import LakeHome
from pipeline.runner.request import RunRequest
from pipeline.runner.run import Lakehouse
from pipeline.runner.walk import walk
from pipeline.workflow import Outcome, Step
from simulator.engine.polars_engine import PolarsEngine
from simulator.generate import Dirt, ShopConfig, generate

_SHOP = ShopConfig(days=1, orders_per_day=150, products=40, users=60, seed=7)


@dataclass(frozen=True)
class Scenario:
    """One play.

    Attributes:
        name: Name of the scenario.
        tells: What happens, for people.
        succeeds: Whether the execution has to succeed.
        last: The last step that has to be passed.
        put_aside: Folder of the landing zone where the deliveries have to be afterwards, if any.
        told: Severities of the messages that have to be delivered, at least.
        deliver: Writes the deliveries.
        fault: What goes wrong.
        after: Writes the deliveries of a run before this one, if there is one.
    """

    name: str
    tells: str
    succeeds: bool
    last: Step
    put_aside: str = ""
    told: frozenset[str] = frozenset()
    deliver: Callable[[Path], None] = lambda _: None
    fault: Fault = NO_FAULT
    after: Callable[[Path], None] | None = None


def _good(landing: Path) -> None:
    generate(_SHOP, Dirt(), landing)


def _bad_file(landing: Path) -> None:
    place = landing / "orders" / "2025-04-01.csv"
    place.parent.mkdir(parents=True)
    place.write_text("order_num,order_id\n1,1\n", encoding="utf-8")


def _bad_rows(landing: Path) -> None:
    """Deliver a shop in which every second order has an amount that is none."""
    _good(landing)
    for file in (landing / "orders").rglob("*.csv"):
        with file.open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        for row in rows[::2]:
            row["total_amount"] = "a lot"
        with file.open("w", newline="", encoding="utf-8") as text:
            writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


_LOUD = frozenset({"critical"})

SCENARIOS = (
    Scenario(
        "nothing",
        "nothing was delivered since the last run",
        succeeds=True,
        last=Step.CHECK,
        put_aside="archive",
        after=_good,
    ),
    Scenario(
        "good",
        "a good delivery",
        succeeds=True,
        last=Step.NOTIFY,
        put_aside="archive",
        deliver=_good,
    ),
    Scenario(
        "crash",
        "a good delivery; the job of silver crashes at its first try",
        succeeds=True,
        last=Step.NOTIFY,
        put_aside="archive",
        deliver=_good,
        fault=Fault(crash=Step.SILVER),
    ),
    Scenario(
        "bad file",
        "a file with a wrong header",
        succeeds=False,
        last=Step.NOTIFY_FAILURE,
        put_aside="rejected",
        told=_LOUD,
        deliver=_bad_file,
    ),
    Scenario(
        "blocked silver",
        "a delivery in which every second order is malformed",
        succeeds=False,
        last=Step.NOTIFY_FAILURE,
        told=_LOUD,
        deliver=_bad_rows,
    ),
    Scenario(
        "blocked gold",
        "a good delivery; the rows of a gold table are lost when it is written",
        succeeds=False,
        last=Step.NOTIFY_FAILURE,
        told=_LOUD,
        deliver=_good,
        fault=Fault(lose="gold/department_analytics"),
    ),
)


def locally(scenario: Scenario, folder: Path, thresholds: Thresholds) -> list[str]:
    """Return the steps that a run on this machine passes, as the walker goes through them.

    Args:
        scenario: What is played.
        folder: Where landing zone and lake lie.
        thresholds: What the environment holds quality to.
    """
    landing = folder / "landing"
    landing.mkdir(parents=True)
    lakehouse = Lakehouse(
        losing(PolarsEngine(folder / "lake"), scenario.fault.lose),
        LakeHome(folder / "lake"),
        LocalStore(landing),
        thresholds=thresholds,
        pause=lambda _: None,
    )
    request = RunRequest(datetime(2026, 3, 1, tzinfo=UTC), archive=True)
    if scenario.after:
        scenario.after(landing)
        lakehouse.run(RunRequest(datetime(2026, 2, 28, tzinfo=UTC), archive=True))
    scenario.deliver(landing)
    # `run` raises when a run fails, and hands no report out then.
    doing = lakehouse._doing(lakehouse._new_state(request))  # noqa: SLF001 - as said
    try:
        walk(_Crashing(doing, scenario.fault.crash), lakehouse.pause)
    finally:
        lakehouse.engine.close()
    return once(note.step for note in doing.state.report.trace)


def once(steps: Iterable[str]) -> list[str]:
    """Return steps in their order, further tries of the same left out."""
    found: list[str] = []
    for step in steps:
        if not found or found[-1] != step:
            found.append(str(step))
    return found


class _Crashing:
    """The steps of a run, one of which crashes at its first try."""

    def __init__(self, doing: Doing, crash: str) -> None:
        self._doing = doing
        self._crash = crash

    def perform(self, step: Step) -> Outcome:
        """See `walk.Steps.perform`."""
        if step == self._crash:
            self._crash = ""
            raise PassingError(f"The job of {step} has crashed.", "It is tried again.")
        return self._doing.perform(step)

    def try_again(self, step: Step, error: LakehouseError) -> None:
        """See `walk.Steps.try_again`."""
        self._doing.try_again(step, error)

    def fail(self, step: Step, error: BaseException) -> None:
        """See `walk.Steps.fail`."""
        self._doing.fail(step, error)
