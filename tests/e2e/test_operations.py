"""Operating a lake: what took place, undoing it, computing it anew, letting rows in after all."""

import dataclasses
import json
import multiprocessing
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import lock_descriptor

from pipeline.contracts import entities
from pipeline.contracts.model import Entity
from pipeline.errors import BlockedError, CallError, PassingError
from pipeline.landing.store import LocalStore, NoDeliveries
from pipeline.runner import rollback
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.request import Backfill
from pipeline.runner.rollback import KEPT_RUNS, needed_versions, roll_back
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.cli.main import run as call_cli
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine
from tests import crashes
from tests.crashes import killed, watched_engine
from tests.e2e.test_transactions import FIRST, SECOND
from tests.lakes import OPEN, content, deliver, delivered, everything, rows, run, run_time, state

NOW = datetime(2026, 4, 1, tzinfo=UTC)
APRIL = [date(2025, 4, day) for day in (1, 2, 3)]
THIRD = [
    delivered(
        "orders",
        "orders/3.csv",
        (2, 2, 8, "2025-04-02T09:00", "7.77", "2025-04-02"),
    )
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a landing zone and a lake that has taken three deliveries in, one a run."""
    for number, files in enumerate((FIRST, SECOND, THIRD)):
        deliver(tmp_path / "landing", files)
        run(tmp_path / "landing", tmp_path / "lake", number)
    return tmp_path


def without_files(lake: Path, number: int, **asked: Any) -> RunReport:
    """Run on what the lake holds."""
    lakehouse = Lakehouse(PolarsEngine(lake), LakeHome(lake), NoDeliveries(), thresholds=OPEN)
    return lakehouse.run(RunRequest(run_time(number), **asked))


# --- Rollback ------------------------------------------------------------------------------------


def undo(shop: Path, batch_id: int, *, with_later: bool = False) -> rollback.RolledBack:
    lake = shop / "lake"
    store = LocalStore(shop / "landing")
    engine = PolarsEngine(lake)
    return roll_back(engine, LakeHome(lake), store, batch_id, with_later=with_later, now=NOW)


def test_a_run_that_is_rolled_back_was_never_there(shop: Path) -> None:
    """Every table says what it said before, and the files come in again with the next run."""
    fresh = shop / "fresh"
    deliver(fresh / "landing", FIRST)
    run(fresh / "landing", fresh / "lake", 0)
    after = state(shop / "lake")
    done = undo(shop, 2, with_later=True)

    assert done.batch_ids == [2, 3]
    assert done.paths == sorted(file.path for file in SECOND + THIRD)
    assert compare(shop / "lake", fresh / "lake").equal
    report = run(shop / "landing", shop / "lake", 4)
    assert report.batch_id == 4, "numbers of undone runs are used up"
    assert state(shop / "lake") == after


def test_a_rollback_says_what_stands_in_its_way(shop: Path) -> None:
    before = everything(shop / "lake")
    with pytest.raises(CallError, match=r"without those after it: \[2, 3\].*--with-later"):
        undo(shop, 1)
    with pytest.raises(CallError, match=r"Run 9 does not exist\. The runs that can be: 1, 2, 3"):
        undo(shop, 9)
    assert everything(shop / "lake") == before


def test_a_run_beyond_the_kept_ones_is_too_old(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "KEPT_RUNS", 2)
    with pytest.raises(CallError, match=r"Run 1 is too old to be rolled back.*2, 3"):
        undo(shop, 1, with_later=True)


def test_archived_files_go_back_to_their_places(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    for number, files in enumerate((FIRST, SECOND)):
        deliver(landing, files)
        crashes.archiving(landing, lake, number)
    assert not list(landing.glob("orders/*"))

    done = undo(tmp_path, 2)
    assert sorted(done.moved) == sorted(file.path for file in SECOND)
    for file in SECOND:
        assert (landing / file.path).read_bytes() == content(file)
    assert not [f for f in FIRST if (landing / f.path).exists()]


def test_a_rollback_that_is_killed_is_ended_by_the_next_run(shop: Path) -> None:
    """Whatever table it had come to: the lake is the one before the run, and goes on from there."""
    after = state(shop / "lake")
    for number in (1, 8):
        assert killed(_roll_back_and_die, shop, number)
        assert (shop / "lake/_run.json").exists()
    report = run(shop / "landing", shop / "lake", 5)

    assert {file.path for file in report.accepted} == {file.path for file in THIRD}
    assert state(shop / "lake") == after


def _roll_back_and_die(shop: Path, number: int) -> None:
    lake = shop / "lake"
    engine = watched_engine(lake, crashes._die_at(number), ("restore",))
    roll_back(engine, LakeHome(lake), None, 3, with_later=False, now=NOW)


def test_the_versions_that_rollbacks_need_are_those_before_the_runs(shop: Path) -> None:
    """A table is restored to each of them, and says what it said then."""
    needed = needed_versions(PolarsEngine(shop / "lake"))
    assert KEPT_RUNS >= 3
    orders = sorted(needed["silver/orders"])
    assert len(orders) == 3
    place = str(shop / "lake/silver/orders")
    assert [len(pl.read_delta(place, version=version)) for version in orders] == [0, 2, 3]


# --- Backfill ------------------------------------------------------------------------------------


@pytest.mark.parametrize("silver", [False, True])
@pytest.mark.parametrize(("first", "last"), [(None, None), (APRIL[1], APRIL[2]), (APRIL[0],) * 2])
def test_a_backfill_gives_what_a_fresh_build_gives(
    shop: Path, first: date | None, last: date | None, *, silver: bool
) -> None:
    """Damage of the range is mended, in gold and, where asked for, in silver."""
    lake, asked = shop / "lake", Backfill(first, last, silver)
    before = state(lake)
    engine = PolarsEngine(lake)
    damaged = [day for day in APRIL if asked.holds(day)]
    table = entities_table("silver/orders") if silver else entities_table("gold/daily_sales")
    engine.overwrite(table, [], None, dates=damaged)
    engine.close()
    assert state(lake) != before

    report = without_files(lake, 7, backfill=asked)
    assert report.batch_id == 4
    assert state(lake) == before
    assert all(verdict.passed for verdict in report.verdicts)


def entities_table(path: str) -> Any:
    from pipeline.contracts import TABLES

    return next(table for table in TABLES if table.path == path)


# --- Rejected rows, after a rule has changed -----------------------------------------------------


def with_rule(monkeypatch: pytest.MonkeyPatch, minimum: int) -> None:
    """Let an order's user_id be at least so much, wherever the contract is used."""
    import sys

    old = next(e for e in entities.ENTITIES if e.name == "orders")
    column = dataclasses.replace(old.column("user_id"), minimum=minimum)
    columns = tuple(column if c.name == "user_id" else c for c in old.columns)
    new = dataclasses.replace(old, columns=columns)
    for name, module in list(sys.modules.items()):
        if not name.startswith(("pipeline.", "simulator.", "tests.")):
            continue
        for attribute, value in list(vars(module).items()):
            if value is old or (attribute == "ORDERS" and isinstance(value, Entity)):
                monkeypatch.setattr(module, attribute, new)
            elif attribute == "ENTITIES" and old in value:
                monkeypatch.setattr(
                    module, attribute, tuple(new if e.name == "orders" else e for e in value)
                )


def versions_of_an_order() -> list[Any]:
    """Return deliveries: an order of a low user, then valid, then low again, and its item."""

    def order(number: int, user: int, total: str) -> tuple[object, ...]:
        return (number, 1, user, "2025-04-01T08:00", total, "2025-04-01")

    return [
        delivered("products", "products/1.csv", (1, 1, "a", "Tea")),
        delivered(
            "orders", "orders/1.csv", order(1, 3, "1.00"), (2, 2, 3, *order(1, 1, "5.00")[3:])
        ),
        delivered("orders", "orders/2.csv", order(2, 50, "2.00")),
        delivered("orders", "orders/3.csv", order(3, 4, "3.00")),
        delivered(
            "orders", "orders/4.csv", order(2, 50, "2.00"), (5, 5, 60, *order(1, 1, "9.00")[3:])
        ),
        delivered(
            "order_items",
            "order_items/1.csv",
            (1, 1, 3, None, 1, 1, 0, "2025-04-01T08:00", "2025-04-01"),
            (2, 2, 3, None, 1, 1, 0, "2025-04-01T08:00", "2025-04-01"),
        ),
    ]


def test_rows_that_a_rule_allows_by_now_enter_at_their_own_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lake equals one built afresh under the new rule: a later row is not displaced by them."""
    files = versions_of_an_order()
    lake, fresh = tmp_path / "lake", tmp_path / "fresh"
    with_rule(monkeypatch, 10)
    for number, file in enumerate(files):
        deliver(tmp_path / "landing", [file])
        run(tmp_path / "landing", lake, number)
    assert {row["status"] for row in rows(lake, "quarantine/orders")} == {"rejected"}
    assert [row["status"] for row in rows(lake, "quarantine/order_items")] == ["held"]

    with_rule(monkeypatch, 1)
    report = without_files(lake, 20, release=True)
    run(tmp_path / "landing", fresh, 0)

    assert report.entities["orders"].released == 3
    assert report.entities["order_items"].released == 1
    order = next(row for row in rows(lake, "silver/orders") if row["order_id"] == 1)
    assert (order["user_id"], str(order["total_amount"])) == (50, "2.00")
    found = compare(lake, fresh)
    assert found.equal, str(found)


def test_a_backfill_of_silver_refuses_rows_that_quarantine_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be counted twice; the run fails, and nothing has changed."""
    with_rule(monkeypatch, 10)
    deliver(tmp_path / "landing", versions_of_an_order())
    run(tmp_path / "landing", tmp_path / "lake", 0)
    before = everything(tmp_path / "lake")
    with_rule(monkeypatch, 1)
    with pytest.raises(BlockedError, match=r"row_equation of orders: 1 .*quarantine release"):
        without_files(tmp_path / "lake", 1, backfill=Backfill(silver=True))
    assert everything(tmp_path / "lake") == before


# --- A step that is tried again ------------------------------------------------------------------


@pytest.mark.parametrize("place", range(1, 30, 4))
def test_a_step_that_failed_for_a_passing_reason_writes_once(shop: Path, place: int) -> None:
    """After any write: what the first try has written is not written again, and nothing is lost."""
    calm, shaken = shop / "calm", shop / "shaken"
    for lake in (calm, shaken):
        shutil.copytree(shop / "lake", lake)
    fourth = [
        *versions_of_an_order()[1:2],
        delivered(
            "order_items",
            "order_items/9.csv",
            (91, 9, 3, None, 1, 1, 0, "2025-04-01T08:00", "2025-04-01"),
            (92, 77, 3, None, 2, 1, 0, "2025-04-01T08:00", "2025-04-01"),
        ),
    ]
    named = [dataclasses.replace(f, path=f"{f.entity}/again.csv") for f in fourth]
    deliver(shop / "landing", named)
    expected = run(shop / "landing", calm, 6)
    struck: list[int] = []

    def strike(count: int) -> None:
        if count == place and not struck:
            struck.append(count)
            raise PassingError("The disk said no while writing.", "Run again.")

    report = run(shop / "landing", shaken, 6, engine=watched_engine(shaken, strike))

    tried = [note.step for note in report.trace if note.outcome == "tried"]
    assert len(tried) == len(struck)
    assert {n: vars(a) for n, a in report.entities.items()} == {
        n: vars(a) for n, a in expected.entities.items()
    }
    found = compare(calm, shaken, strict=True)
    assert found.equal, str(found)
    for path, note in expected.tables.items():
        assert report.tables[path].version == note.version, path


# --- Two at a time -------------------------------------------------------------------------------


def _simulate(landing: str, lake: str, barrier: Any, wait: str) -> None:
    barrier.wait()
    words = ["simulate", "--landing", landing, "--lake", lake, "--wait", wait, "--json"]
    raise SystemExit(call_cli(words))


@pytest.mark.heavy
def test_two_runs_at_the_same_moment_make_one_lake(tmp_path: Path) -> None:
    """Fifty times: both end well, each file came in once, and the lake is the one of one run."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crashes", "simulator.cli.main"])
    deliver(tmp_path / "landing", FIRST)
    run(tmp_path / "landing", tmp_path / "alone", 0)
    expected = state(tmp_path / "alone")
    for number in range(50):
        lake, barrier = tmp_path / f"lake-{number}", context.Barrier(2)
        words = (str(tmp_path / "landing"), str(lake), barrier, "120")
        both = [context.Process(target=_simulate, args=words) for _ in range(2)]
        for process in both:
            process.start()
        for process in both:
            process.join(120)

        assert [process.exitcode for process in both] == [0, 0], number
        assert state(lake) == expected, number
        assert len(rows(lake, "meta/runs")) == 1
        assert len(rows(lake, "meta/files")) == len(FIRST)
        shutil.rmtree(lake)


def test_a_lock_that_a_dead_run_has_left_keeps_nobody_out(shop: Path) -> None:
    (shop / "lake/_lock").touch()
    assert call_cli(_words(shop)) in {0, None}
    assert not (shop / "lake/_lock").exists()


def test_a_lock_that_is_held_is_told_of(shop: Path) -> None:
    """The second run ends at once, and says how to wait."""
    with (shop / "lake/_lock").open("w") as file:
        assert lock_descriptor(file.fileno(), blocking=False)
        with pytest.raises(Exception, match=r"Another run is working.*--wait SECONDS"):
            call_cli(_words(shop))


def _words(shop: Path) -> list[str]:
    return ["simulate", "--landing", str(shop / "landing"), "--lake", str(shop / "lake"), "--json"]


# --- The commands --------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    capsys.readouterr()
    assert call_cli([*map(str, words), "--json"]) in {0, None}
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_commands_tell_and_undo_and_replay(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, landing = shop / "lake", shop / "landing"
    told = said(capsys, "runs", "--lake", lake)["runs"]
    assert [(r["batch_id"], r["status"], r["accepted_files"], r["rows_read"]) for r in told] == [
        (1, "succeeded", 3, 9),
        (2, "succeeded", 3, 10),
        (3, "succeeded", 1, 1),
    ]
    undone = said(capsys, "rollback", "3", "--lake", lake, "--landing", landing)
    assert (undone["undone"], undone["files"], undone["moved"]) == ([3], ["orders/3.csv"], [])
    told = said(capsys, "runs", "--lake", lake)["runs"]
    assert [run["status"] for run in told] == ["succeeded", "succeeded", "rolled back"]

    again = said(capsys, "replay", "orders/1.csv", "--landing", landing, "--lake", lake)
    taken = {file["path"] for file in again["accepted"]}
    assert taken == {"orders/1.csv", "orders/3.csv"}
    assert again["entities"]["orders"]["rows_read"] == 4
    filled = said(capsys, "backfill", "--lake", lake, "--from", "2025-04-02", "--silver")
    assert filled["tables"]["gold/daily_sales"]["written"]
    released = said(capsys, "quarantine", "release", "--lake", lake)
    assert released["entities"]["orders"]["released"] == 0
    workflow = said(capsys, "workflow")["states"]
    assert workflow[0]["step"] == "check"
