"""Upkeep changes no row, removes nothing that is needed, and may be ended at any moment."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl
import pytest
from deltalake import DeltaTable
from filelock import FileLock

from pipeline.contracts import ORDER_ITEMS, ORDERS, TABLES, bronze, silver
from pipeline.contracts.gold import PRODUCT_PERFORMANCE
from pipeline.contracts.meta import RUNS
from pipeline.engine import Commit, DataFile, Engine
from pipeline.errors import EngineError
from pipeline.runner.home import Intent, LakeHome
from pipeline.runner.maintenance import (
    TableUpkeep,
    first_kept,
    maintain,
    mergeable_files,
)
from pipeline.runner.rollback import needed_versions
from simulator.engine.polars_engine import PolarsEngine
from tests.crashes import Watched
from tests.e2e.test_cli import call
from tests.lakes import (
    Row,
    Shop,
    delivered,
    everything,
    listing,
    live_files,
    ordered,
    rows,
    run,
    state,
)
from tests.reference import DeliveredFile

DAYS = 4
LAYERS = sorted({table.layer for table in TABLES})
# All files of these tests are written now; seen from here, none is young any more.
NEXT_YEAR = timedelta(days=365)
CALLS = ("compact", "zorder", "write_checkpoint", "vacuum")


def day(number: int) -> list[DeliveredFile]:
    """Return a day's deliveries: two new orders, one that changes, their items."""
    date = f"2025-04-{number:02}"
    placed, first = f"{date}T08:00", 10 * number
    orders = [(n, n, 7, placed, "10.00", date) for n in (1, first, first + 1)]
    items = [(first + i, first, 7, None, 1 + i % 3, 1 + i, 0, placed, date) for i in range(3)]
    catalogue = [(n, 1, name, f"Tea {number}") for n, name in ((1, "É a"), (2, "b"), (3, "b"))]
    return [
        delivered("products", f"products/{date}.csv", *catalogue),
        delivered("orders", f"orders/{date}.csv", *orders),
        delivered("order_items", f"order_items/{date}.csv", *items),
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A lake of a run a day."""
    shop = Shop(tmp_path_factory.mktemp("made"))
    for number in range(1, DAYS + 1):
        shop.run(day(number))
    return shop


@pytest.fixture
def shop(made: Shop, tmp_path: Path) -> Shop:
    """A copy of that lake, for a test to change."""
    shutil.copytree(made.folder, tmp_path / "shop")
    return Shop(tmp_path / "shop", runs=made.runs)


def upkeep(
    lake: Path,
    *,
    later: timedelta = timedelta(0),
    runs: int = 10,
    dry_run: bool = False,
    engine: Engine | None = None,
) -> dict[str, TableUpkeep]:
    """Keep a lake up as of some time after now; return what was done by table."""
    engine = engine or PolarsEngine(lake)
    try:
        needed = needed_versions(engine, runs)
        done = maintain(engine, TABLES, datetime.now(UTC) + later, needed, dry_run=dry_run)
    finally:
        engine.close()
    return {kept.table: kept for kept in done}


def readable(lake: Path, table: str) -> list[int]:
    """Return the versions of a table all of whose files are there."""
    latest = DeltaTable(lake / table).version()
    return [
        version
        for version in range(latest + 1)
        if all(Path(uri).exists() for uri in DeltaTable(lake / table, version=version).file_uris())
    ]


def test_no_row_changes_and_small_files_go(shop: Shop) -> None:
    """Every table, books included, holds what it held, in fewer files where that is possible."""
    before, files = everything(shop.lake), live_files(shop.lake)
    done = upkeep(shop.lake)

    assert everything(shop.lake) == before
    for entity in (ORDERS, ORDER_ITEMS):
        table = bronze(entity).path
        # The runs began late in the evening: three of them on one date, the last on the next.
        assert done[table].compacted == len(files[table]) - 1 == DAYS - 1
        assert len(live_files(shop.lake)[table]) == done[table].after.files == 2
    items = silver(ORDER_ITEMS).path
    assert done[items].clustered == DAYS
    assert done[PRODUCT_PERFORMANCE.path].clustered == 2
    assert done[RUNS.path].before.version + 1 == done[RUNS.path].after.version
    assert not any(kept.problem or kept.removed_files for kept in done.values())


def test_doing_it_again_does_nothing(shop: Shop) -> None:
    """Neither a version nor a file; after another run only what that run wrote is looked at."""
    upkeep(shop.lake)
    before = listing(shop.lake, LAYERS)
    again = upkeep(shop.lake)

    assert listing(shop.lake, LAYERS) == before
    assert not any(kept.did_something for kept in again.values())
    shop.run(day(DAYS + 1))
    assert upkeep(shop.lake)[silver(ORDER_ITEMS).path].clustered == 1


def test_runs_go_on_as_on_a_lake_without_upkeep(shop: Shop, made: Shop, tmp_path: Path) -> None:
    """With upkeep after every run the next ones make the same lake."""
    shutil.copytree(made.folder, tmp_path / "plain")
    plain = Shop(tmp_path / "plain", runs=made.runs)
    for number in (DAYS + 1, 1):
        upkeep(shop.lake, later=NEXT_YEAR, runs=1)
        for one in (shop, plain):
            one.run(day(number))

    assert state(shop.lake, lineage=True) == state(plain.lake, lineage=True)


def test_a_dry_run_tells_the_same_and_does_nothing(shop: Shop) -> None:
    """What it says would be done is what is done then; what is put together stays until later."""
    before = listing(shop.lake, LAYERS)
    told = upkeep(shop.lake, later=NEXT_YEAR, dry_run=True)

    assert listing(shop.lake, LAYERS) == before
    done = upkeep(shop.lake, later=NEXT_YEAR)
    for path, kept in done.items():
        assert (told[path].compacted, told[path].clustered) == (kept.compacted, kept.clustered)
        assert told[path].removed_files == kept.removed_files, path


@pytest.mark.parametrize("runs", [1, 2, DAYS])
def test_what_a_rollback_needs_stays_whatever_its_age(shop: Shop, runs: int) -> None:
    """The versions before the last runs are restored after a vacuum a year later.

    A run writes at least once to silver.orders; the versions before it are told from outside.
    """
    engine = PolarsEngine(shop.lake)
    table = silver(ORDERS)
    oldest = DAYS - runs + 1
    before_run = {
        batch: min(c.version for c in engine.history(table) if c.batch_id == batch) - 1
        for batch in range(oldest, DAYS + 1)
    }
    contents = {version: rows_of(shop.lake, version) for version in before_run.values()}
    done = upkeep(shop.lake, later=NEXT_YEAR, runs=runs)

    assert done[table.path].kept_from == before_run[oldest]
    assert set(before_run.values()) <= set(readable(shop.lake, table.path))
    if runs < DAYS:
        assert sum(kept.removed_files for kept in done.values()) > 0
        assert 1 not in readable(shop.lake, table.path)
    for version, content in contents.items():
        engine.restore(table, version)
        assert rows(shop.lake, table.path) == content
    engine.close()


def rows_of(lake: Path, version: int) -> list[Row]:
    """Return the rows of a version of silver.orders, as the table's rows are told."""
    return ordered(pl.read_delta(str(lake / silver(ORDERS).path), version=version).to_dicts())


def test_young_files_stay(shop: Shop) -> None:
    """Within the retention of its layer every version of a table stays readable."""
    upkeep(shop.lake, later=timedelta(days=29), runs=0)
    orders = silver(ORDERS).path
    assert readable(shop.lake, orders) == list(range(DeltaTable(shop.lake / orders).version() + 1))

    upkeep(shop.lake, later=timedelta(days=31), runs=0)
    assert readable(shop.lake, orders) != list(range(DeltaTable(shop.lake / orders).version() + 1))


class _DeathError(Exception):
    """The process is gone."""


def dying_after(number: int) -> Callable[[int], None]:
    """Return what ends upkeep after one of its calls."""

    def die(count: int) -> None:
        if count == number:
            raise _DeathError

    return die


def test_upkeep_that_is_killed_goes_on_where_it_was(shop: Shop, made: Shop) -> None:
    """After any of its calls: the rows are there, and upkeep ends as an undisturbed one."""
    tables = (bronze(ORDERS), silver(ORDERS), silver(ORDER_ITEMS), PRODUCT_PERFORMANCE)
    before = {table.path: rows(made.lake, table.path) for table in tables}

    def keep_up(dies_after: int) -> int:
        """Return the number of calls, all of them when `dies_after` is none of them."""
        engine = Watched(PolarsEngine(shop.lake), CALLS, dying_after(dies_after))
        now = datetime.now(UTC) + NEXT_YEAR
        try:
            maintain(cast("Engine", engine), tables, now, {})
        except _DeathError:
            assert dies_after == engine.count
        assert {path: rows(shop.lake, path) for path in before} == before
        return engine.count

    count = keep_up(0)
    assert count > 2 * len(tables)
    files = {path: len(live_files(shop.lake)[path]) for path in before}
    for number in range(1, count + 1):
        shutil.rmtree(shop.lake)
        shutil.copytree(made.lake, shop.lake)
        assert keep_up(number) == number
        keep_up(0)
        assert {path: len(live_files(shop.lake)[path]) for path in before} == files


def test_files_that_were_removed_half_way_are_removed_the_next_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vacuum that ends between two files leaves the others to the next one."""
    table = silver(ORDERS)
    engine = PolarsEngine(shop.lake)
    version = engine.version(table) or 0
    far = 4_000_000_000_000
    gone = engine.vacuum(table, version, far, dry_run=True)
    assert len(gone) > 1
    (shop.lake / table.path / gone[0].path).unlink()

    assert engine.vacuum(table, version, far) == gone[1:]
    assert len(rows(shop.lake, table.path)) == engine.row_count(table)
    engine.close()


def test_a_table_that_cannot_be_rewritten_is_told_and_the_others_go_on(shop: Shop) -> None:
    """The engine's own words; its files stay."""

    class Refusing(PolarsEngine):
        def compact(self, table: object) -> None:
            if table == bronze(ORDERS):
                msg = "bronze/orders cannot be written by Polars."
                raise EngineError(msg, "Run with Spark on this lake.")
            super().compact(table)  # type: ignore[arg-type] # It is a table.

    done = upkeep(shop.lake, engine=Refusing(shop.lake))

    assert done[bronze(ORDERS).path].problem == (
        "bronze/orders cannot be written by Polars. Run with Spark on this lake."
    )
    assert done[bronze(ORDERS).path].compacted == 0
    assert done[bronze(ORDER_ITEMS).path].compacted == DAYS - 1
    assert len(live_files(shop.lake)[bronze(ORDERS).path]) == DAYS


# --- As users call it ----------------------------------------------------------------------------


def test_the_command_tells_what_it_did_and_refuses_a_lake_at_work(shop: Shop) -> None:
    """A dry run, the work itself, nothing to gain; a run that waits to be undone; a lock."""
    lake = shop.lake
    told = call("maintain", "--lake", lake, "--dry-run", "bronze/orders", "silver/order_items").out
    assert "4 partitions clustered" in told
    assert "would be put in order" in told
    (orders,) = call("maintain", "--lake", lake, "--json", "bronze/orders").document["tables"]
    assert (orders["before"]["files"], orders["after"]["files"]) == (DAYS, 2)
    assert orders["did_something"]
    again = call("maintain", "--lake", lake, "bronze/orders")
    assert again.out == "Nothing to gain in 1 table.\n"

    with FileLock(lake / "_lock"):
        assert "Another run is working" in call("maintain", "--lake", lake, code=1).err
    LakeHome(lake).begin(Intent(9, {}))
    refused = call("maintain", "--lake", lake, code=2).err
    assert "A run was interrupted in" in refused
    assert "The next run undoes it" in refused


# --- Decisions -----------------------------------------------------------------------------------


def file(size: int, *partition: str) -> DataFile:
    """Return a file of a size in a partition."""
    return DataFile(f"{partition}/{size}", size, 0, partition)


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ([], 0),
        ([file(1, "a"), file(1, "b")], 0),
        ([file(40, "a"), file(60, "a"), file(1, "b")], 2),
        ([file(41, "a"), file(60, "a")], 0),
        ([file(99, "a"), file(3, "a"), file(2, "a"), file(100, "a")], 2),
    ],
)
def test_files_are_put_together_where_two_fit_the_target(files: list[DataFile], count: int) -> None:
    """A target of 100: only files of one partition, only where the sum fits."""
    assert mergeable_files(files, 100) == count


@pytest.mark.parametrize(
    ("before_ms", "needed", "first"),
    [(350, (), 3), (350, (2,), 2), (350, (4,), 3), (50, (), 1), (900, (), 4), (900, (1, 3), 1)],
)
def test_kept_is_what_was_the_latest_at_the_end_of_the_retention(
    before_ms: int, needed: tuple[int, ...], first: int
) -> None:
    """Versions 1 to 4 of the times 100 to 400; a needed one goes before."""
    history = [Commit(version, 100 * version, "WRITE", None) for version in (4, 3, 2, 1)]

    assert first_kept(history, before_ms, needed) == first


def test_a_lake_without_runs_needs_nothing(tmp_path: Path) -> None:
    """Neither one that does not exist nor one whose books are empty."""
    engine = PolarsEngine(tmp_path / "lake")
    assert needed_versions(engine) == {}
    engine.create([RUNS])
    assert needed_versions(engine) == {}


def test_runs_without_files_are_rolled_back_too(shop: Shop) -> None:
    """Such a run has a number and noted versions like any other."""
    for number in (DAYS, DAYS + 1):  # To the first of them the copied files are new names.
        run(shop.landing, shop.lake, number, rebuild=True)
    engine = PolarsEngine(shop.lake)
    found = needed_versions(engine, 1)
    history = engine.history(PRODUCT_PERFORMANCE)
    before_the_last = min(c.version for c in history if c.batch_id == DAYS + 2) - 1

    assert found[PRODUCT_PERFORMANCE.path] == {before_the_last}
    engine.close()
