"""Watching: what starts a run, what it says of gold, what it survives, and how it ends."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from pipeline.contracts import GOLD
from pipeline.contracts.gold import LAST_UPDATED
from simulator.engine.polars_engine import PolarsEngine
from simulator.watch import gold
from simulator.watch.rehearsal import rehearse
from tests import lakes
from tests.e2e.test_cli import BYTECODE, ROOT, UNSET
from tests.lakes import delivered
from tests.reference import DeliveredFile

SECONDS = 90


def catalogue(*names: str) -> DeliveredFile:
    rows = [(n, 1, "Garden", name) for n, name in enumerate(names, start=1)]
    return delivered("products", f"products/{len(names)}.csv", *rows)


def an_order(number: int, user: int, total: str, day: str = "2025-04-01") -> DeliveredFile:
    at = f"{day}T10:00:00"
    return delivered("orders", f"orders/{number}.csv", (1, number, user, at, total, day))


# --- What changed --------------------------------------------------------------------------------


def test_changes_are_those_of_the_rows(tmp_path: Path) -> None:
    """Rows, keys and sums by plain Python, from the tables as they were before and after."""
    shop = lakes.Shop(tmp_path)
    item = delivered(
        "order_items", "order_items/i.csv",
        (1, 10, 5, None, 1, 1, 0, "2025-04-01T10:00:00", "2025-04-01"),
    )  # fmt: skip
    shop.run([catalogue("Spade"), an_order(10, 5, "20.00"), an_order(11, 6, "7.50")])
    moved = an_order(11, 7, "2.50", "2025-04-02")  # The only order of user 6 becomes user 7's.
    for files in ([item], [catalogue("Spade", "Rake")], [moved], []):
        before = {table: shop.rows(table.path, [LAST_UPDATED.name]) for table in GOLD}
        engine = PolarsEngine(shop.lake)
        states = gold.states(engine)
        shop.run(files)
        found = {change.table: change for change in gold.changes(PolarsEngine(shop.lake), states)}
        for table, old in before.items():
            new = shop.rows(table.path, [LAST_UPDATED.name])
            change = found[table.path]
            (key,) = table.key
            was, is_now = ({row[key]: row for row in rows} for rows in (old, new))
            assert change.rows == (len(old), len(new))
            assert change.added == len(is_now.keys() - was.keys())
            assert change.removed == len(was.keys() - is_now.keys())
            both = was.keys() & is_now.keys()
            assert change.changed == sum(was[name] != is_now[name] for name in both)
            assert change.is_none == (old == new)
            for name in gold.additive(table):
                scale = 100 if name in change.money else 1
                sums = tuple(int(scale * sum(row[name] for row in rows)) for rows in (old, new))
                assert change.sums.get(name, (sums[0], sums[0])) == sums
    assert found["gold/customer_insights"].is_none


def test_everything_of_a_new_lake_is_added(tmp_path: Path) -> None:
    shop = lakes.Shop(tmp_path)
    states = gold.states(PolarsEngine(shop.lake))
    shop.run([catalogue("Spade", "Rake")])
    found = {change.table: change for change in gold.changes(PolarsEngine(shop.lake), states)}
    assert found["gold/product_performance"].added == 2
    assert found["gold/daily_sales"].is_none


# --- The command ---------------------------------------------------------------------------------


@dataclass
class Watching:
    """`lakehouse watch` in a process of its own, in a copy of the code.

    Attributes:
        process: The process.
        code: Its copy of the code.
        landing: The landing zone that it watches.
        lines: What it prints, line by line; None when it has closed its output.
    """

    process: "subprocess.Popen[str]"
    code: Path
    landing: Path
    lines: "SimpleQueue[str | None]"

    def until(self, *words: str) -> str:
        """Return the next line that holds all of these words."""
        seen = []
        while (line := self.lines.get(timeout=SECONDS)) is not None:
            seen.append(line)
            if all(word in line for word in words):
                return line
        raise AssertionError(f"{words} not in {seen}")

    def document(self) -> dict[str, Any]:
        """Return what the next run says, with the changes by table."""
        run: dict[str, Any] = json.loads(self.until('{"run"'))
        run["gold"] = {change.pop("table"): change for change in run["gold"]}
        return run

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file of the code."""
        path = self.code / "pipeline" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def _forward(stream: Any, lines: "SimpleQueue[str | None]") -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    code, landing = tmp_path / "code", tmp_path / "landing"
    for package in ("pipeline", "simulator"):
        shutil.copytree(
            ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    lakes.deliver(landing, [catalogue("Spade"), an_order(10, 5, "20.00")])
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    environment |= {**BYTECODE, "PYTHONPATH": str(code)}
    words = ("--landing", landing, "--lake", tmp_path / "lake", "--json")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "simulator.cli.main", "watch", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment,
    )
    lines: SimpleQueue[str | None] = SimpleQueue()
    reader = Thread(target=_forward, args=(process.stdout, lines))
    reader.start()
    try:
        yield Watching(process, code, landing, lines)
    finally:
        process.kill()
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def test_watching_runs_again_shows_failures_and_ends_cleanly(watching: Watching) -> None:
    watching.until("Watching landing and the pipeline's code")
    first = watching.document()
    assert first["run"]["batch_id"] == 1
    assert first["gold"]["gold/daily_sales"]["sums"]["total_sales"] == {
        "before": "0.00",
        "after": "20.00",
    }

    lakes.deliver(watching.landing, [an_order(11, 6, "7.50")])
    watching.until("orders/11.csv")
    second = watching.document()["gold"]
    assert second["gold/daily_sales"] == {
        "rows": {"before": 1, "after": 1},
        "added": 0,
        "removed": 0,
        "changed": 1,
        "sums": {
            "total_sales": {"before": "20.00", "after": "27.50"},
            "order_count": {"before": 1, "after": 2},
        },
    }
    assert second["gold/customer_insights"]["added"] == 1

    # The quality gates compute gold by another route, which the edited transform contradicts.
    watching.replace("transforms/gold/customers.py", '"New"', '"Newest"')
    watching.until("lakehouse: The quality gate of gold blocks the run.")
    watching.replace("quality/measuring/segments.py", '"New"', '"Newest"')
    third = watching.document()["gold"]
    assert third["gold/customer_insights"]["changed"] == 2
    assert third["gold/daily_sales"]["changed"] == 0

    watching.replace("quality/measuring/segments.py", '("Newest",', '("Newest"')
    watching.until("lakehouse: ", " in ", "segments.py, line ", "Saving the mended file runs again")
    watching.replace("quality/measuring/segments.py", '("Newest"', '("Newest",')
    assert watching.document()["gold"]["gold/customer_insights"]["changed"] == 0

    watching.process.send_signal(signal.SIGINT)
    assert watching.until("Interrupted") == "lakehouse: Interrupted."
    assert watching.process.wait(timeout=SECONDS) == 130
    assert watching.lines.get(timeout=SECONDS) is None  # Nobody holds the output any more.


def test_a_landing_zone_that_is_none_is_said(tmp_path: Path) -> None:
    from tests.e2e.test_cli import call

    said = call("watch", "--landing", tmp_path / "none", "--lake", tmp_path / "lake", code=2).err
    assert "The landing zone" in said
    assert "does not exist. Give the folder that holds products/" in said


def test_a_rehearsal_leaves_nothing(tmp_path: Path) -> None:
    """It has run twice, or it would not have been one; its folder is gone."""
    told = io.StringIO()
    with redirect_stdout(told):
        rehearse(tmp_path)

    assert [line[:6] for line in told.getvalue().splitlines() if line[:3] == "Run"] == [
        "Run 1:",
        "Run 2:",
    ]
    assert list(tmp_path.iterdir()) == []
