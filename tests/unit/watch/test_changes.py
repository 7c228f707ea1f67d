from pathlib import Path

import pytest
from watchdog.events import (
    DirModifiedEvent,
    FileClosedNoWriteEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileOpenedEvent,
)

from simulator.watch.changes import Watcher, watching

LANDING, CODE = Path("/shop/landing"), Path("/code/pipeline")


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(LANDING, (CODE,))


@pytest.mark.parametrize(
    ("path", "delivery", "code"),
    [
        ("/shop/landing/orders/a.csv", True, False),
        ("/shop/landing/orders/deep/down/a.csv.gz", True, False),
        ("/shop/landing/archive/orders/a.csv", False, False),
        ("/shop/landing/rejected/a.csv", False, False),
        ("/shop/landing/orders/.a.csv.swp", False, False),
        ("/shop/landing/_manifest.json", False, False),
        ("/shop/landing", False, False),
        ("/shop/other/orders/a.csv", False, False),
        ("/code/pipeline/contracts/gold.py", False, True),
        ("/code/pipeline/contracts/gold.pyc", False, False),
        ("/code/pipeline/notes.txt", False, False),
    ],
)
def test_what_starts_a_run(watcher: Watcher, path: str, delivery: bool, code: bool) -> None:  # noqa: FBT001 - a table of cases
    assert watcher.is_delivery(Path(path)) == delivery
    assert watcher.is_code(Path(path)) == code


def test_a_burst_is_one_change_and_reading_is_none(watcher: Watcher) -> None:
    orders = f"{LANDING}/orders"
    for event in (
        FileOpenedEvent(f"{orders}/read.csv"),
        FileClosedNoWriteEvent(f"{orders}/read.csv"),
        DirModifiedEvent(orders),
        FileModifiedEvent(f"{orders}/a.csv"),
        FileModifiedEvent(f"{orders}/a.csv"),
        FileMovedEvent(f"{orders}/.b.tmp", f"{orders}/b.csv"),
        FileModifiedEvent(f"{CODE}/runner/run.py"),
    ):
        watcher.on_any_event(event)
    changes = watcher.wait()
    assert changes.files == {Path(orders, "a.csv"), Path(orders, "b.csv")}
    assert changes.code == {CODE / "runner/run.py"}


def test_what_changes_before_anybody_waits_is_not_missed(tmp_path: Path) -> None:
    with watching(tmp_path, ()) as watcher:
        (tmp_path / "orders.csv").write_text("x", encoding="utf-8")
        assert watcher.wait().files == {tmp_path.resolve() / "orders.csv"}
