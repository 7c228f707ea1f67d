"""A run that is killed anywhere, and then simply run again, ends as if nothing had been.

Where it is killed follows from the declared workflow (before and after each step) and from the
engine protocol (within and after each write), so that a new step or a new write is covered by
itself. What Spark has of these points is in tests/equivalence/test_crashes.py.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.contracts import TABLES
from pipeline.engine import Engine
from pipeline.workflow import WORKFLOW, Outcome, Step
from simulator.engine.polars_engine import PolarsEngine
from tests import crashes
from tests.crashes import WRITES, Watched, killed
from tests.e2e.test_transactions import FIRST, SECOND
from tests.lakes import content, deliver, rows, run, state


def good_steps() -> Iterator[Step]:
    """Return the steps of a run in which everything goes well."""
    target: object = WORKFLOW[0].step
    by_step = {state.step: state for state in WORKFLOW}
    while isinstance(target, Step):
        yield target
        target = by_step[target].then[Outcome.DONE]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing zone with two deliveries, and a lake that has taken the first one in."""
    folder = tmp_path_factory.mktemp("shop")
    deliver(folder / "landing", FIRST)
    run(folder / "landing", folder / "lake", 0)
    deliver(folder / "landing", SECOND)
    return folder


@dataclass(frozen=True)
class Undisturbed:
    """What the lake says after a second run that nothing disturbed, and how often that one wrote.

    Attributes:
        said: The state of the lake.
        writes: Number of writes by call of the engine protocol.
    """

    said: Any
    writes: Counter[str]


@pytest.fixture(scope="module")
def undisturbed(shop: Path) -> Undisturbed:
    """The second run, each of its writes counted."""
    lake = shop / "undisturbed"
    shutil.copytree(shop / "lake", lake)
    writes: Counter[str] = Counter()
    engine: object = PolarsEngine(lake)
    watches = []
    for call in WRITES:
        engine = Watched(engine, (call,), lambda _: None)
        watches.append((call, engine))
    report = run(shop / "landing", lake, 1, engine=cast("Engine", engine))
    writes.update({call: watched.count for call, watched in watches})
    written = {path for path, note in report.tables.items() if note.written}
    assert written == {table.path for table in TABLES}, "the second run must write to every table"
    return Undisturbed(state(lake), writes)


def assert_recovers(landing: Path, lake: Path, undisturbed: Undisturbed) -> None:
    """Run again, plainly; the lake is the undisturbed one, and every file came in once."""
    crashes.archiving(landing, lake, 2)

    assert state(lake) == undisturbed.said
    accepted = [row["path"] for row in rows(lake, "meta/files") if row["status"] == "accepted"]
    assert sorted(accepted) == sorted(file.path for file in FIRST + SECOND)
    archived = {path.read_bytes() for path in (landing / "archive").rglob("*.csv")}
    assert archived == {content(file) for file in FIRST + SECOND}
    left = [path.name for path in lake.iterdir() if path.name.startswith("_")]
    # What a dead run had evaluated goes when another evaluates something, or with `doctor --mend`.
    assert set(left) <= {"_catalog.json", "_scratch"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", list(good_steps()))
def test_killed_at_the_border_of_a_step(
    shop: Path, undisturbed: Undisturbed, tmp_path: Path, step: Step, *, after: bool
) -> None:
    shutil.copytree(shop / "lake", tmp_path / "lake")
    shutil.copytree(shop / "landing", tmp_path / "landing")
    assert killed(crashes.at_step, tmp_path / "landing", tmp_path / "lake", step, after)

    assert_recovers(tmp_path / "landing", tmp_path / "lake", undisturbed)


@pytest.mark.heavy
@pytest.mark.parametrize("call", WRITES)
def test_killed_within_and_after_a_write(
    shop: Path, undisturbed: Undisturbed, tmp_path: Path, call: str
) -> None:
    """Within every write of the run, and right after the first and the last of each kind."""
    count = undisturbed.writes[call]
    assert count > 0, "the second run must write in every way"
    places = [(crashes.within_write, number) for number in range(1, count + 1)]
    places += [(crashes.at_write, number) for number in sorted({1, count})]
    for die, number in places:
        folder = tmp_path / f"{die.__name__}-{number}"
        shutil.copytree(shop / "lake", folder / "lake")
        shutil.copytree(shop / "landing", folder / "landing")
        assert killed(die, folder / "landing", folder / "lake", call, number), (die, number)

        assert_recovers(folder / "landing", folder / "lake", undisturbed)
        shutil.rmtree(folder)


def test_there_are_enough_places(undisturbed: Undisturbed) -> None:
    borders, writes = 2 * len(list(good_steps())), undisturbed.writes
    after = sum(min(count, 2) for count in writes.values())
    assert borders + writes.total() + after >= 60
