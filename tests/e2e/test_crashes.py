"""A run that is killed anywhere, and then simply run again, ends as if nothing had been.

Where it is killed follows from the declared workflow (before and after each step) and from the
engine protocol (within and after each write), so that a new step or a new write is covered by
itself. What Spark has of these points is in tests/equivalence/test_crashes.py.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.contracts import TABLES
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


@pytest.fixture(scope="module")
def undisturbed(shop: Path) -> Path:
    """The lake after a second run that nothing disturbed."""
    lake = shop / "undisturbed"
    shutil.copytree(shop / "lake", lake)
    report = run(shop / "landing", lake, 1)
    written = {path for path, note in report.tables.items() if note.written}
    assert written == {table.path for table in TABLES}, "the second run must write to every table"
    return lake


@pytest.fixture(scope="module")
def writes(shop: Path) -> Counter[str]:
    """How often the second run writes, by call."""
    lake = shop / "counted"
    shutil.copytree(shop / "lake", lake)
    counted: Counter[str] = Counter()
    for call in WRITES:
        copy = shop / f"counted-{call}"
        shutil.copytree(shop / "lake", copy)
        watched = Watched(PolarsEngine(copy), (call,), lambda _: None)
        run(shop / "landing", copy, 1, engine=watched)  # type: ignore[arg-type] - it passes on
        counted[call] = watched.count
        shutil.rmtree(copy)
    return counted


def assert_recovers(landing: Path, lake: Path, undisturbed: Path) -> None:
    """Run again, plainly; the lake is the undisturbed one, and every file came in once."""
    crashes.archiving(landing, lake, 2)

    assert state(lake) == state(undisturbed)
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
    shop: Path, undisturbed: Path, tmp_path: Path, step: Step, *, after: bool
) -> None:
    shutil.copytree(shop / "lake", tmp_path / "lake")
    shutil.copytree(shop / "landing", tmp_path / "landing")
    assert killed(crashes.at_step, tmp_path / "landing", tmp_path / "lake", step, after)

    assert_recovers(tmp_path / "landing", tmp_path / "lake", undisturbed)


@pytest.mark.parametrize(
    ("call", "place"), [(call, place) for call in WRITES for place in ("within_write", "at_write")]
)
def test_killed_within_and_after_a_write(
    undisturbed: Path, writes: Counter[str], tmp_path: Path, call: str, place: str
) -> None:
    """Every write of the run, one after the other, each time on a lake of its own."""
    shop = undisturbed.parent
    assert writes[call] > 0, "the second run must write in every way"
    for number in range(1, writes[call] + 1):
        folder = tmp_path / str(number)
        shutil.copytree(shop / "lake", folder / "lake")
        shutil.copytree(shop / "landing", folder / "landing")
        die = getattr(crashes, place)
        assert killed(die, folder / "landing", folder / "lake", call, number), number

        assert_recovers(folder / "landing", folder / "lake", undisturbed)
        shutil.rmtree(folder)


def test_there_are_enough_places(writes: Counter[str]) -> None:
    assert 2 * len(list(good_steps())) + 2 * writes.total() >= 60
