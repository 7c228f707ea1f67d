"""A run moves every table forward, or none: however it ends, and however often."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.contracts import TABLES
from pipeline.errors import (
    AmountOverflowError,
    CallError,
    LakeError,
    LakehouseError,
)
from simulator.cli.lakes import reading
from simulator.sql.session import Session
from simulator.sql.tables import LakeTables
from tests import crashes
from tests.crashes import ChangingStore, killed, watched_engine
from tests.lakes import (
    Row,
    content,
    deliver,
    delivered,
    everything,
    live_files,
    rows,
    run,
    state,
)
from tests.reference import DeliveredFile

# Two runs that between them write to every table in every way: new rows, corrections, rows that are
# held, released and rejected, products that change and disappear.
FIRST = [
    delivered(
        "products", "products/1.csv", (1, 1, "a", "Tea"), (2, 1, "a", "Milk"), (3, 2, "b", "X")
    ),
    delivered(
        "orders",
        "orders/1.csv",
        (1, 1, 7, "2025-04-01T08:00", "10.00", "2025-04-01"),
        (2, 2, 8, "2025-04-02T08:00", "0.05", "2025-04-02"),
        (3, 3, "x", "2025-04-02T08:00", "0.05", "2025-04-02"),
    ),
    delivered(
        "order_items",
        "order_items/1.csv",
        (1, 1, 7, None, 1, 1, 0, "2025-04-01T08:00", "2025-04-01"),
        (2, 1, 7, 3, 2, 2, 1, "2025-04-01T08:00", "2025-04-01"),
        (3, 9, 7, 3, 2, 2, 1, "2025-04-01T08:00", "2025-04-01"),
    ),
]
SECOND = [
    delivered(
        "products",
        "products/2.csv",
        (1, 1, "c", "Tea"),
        (2, 1, "a", "Milk"),
        (4, 1, "a", "New"),
        (0, 1, "a", "Bad"),
    ),
    delivered(
        "orders",
        "orders/2.csv",
        (1, 1, 7, "2025-04-03T08:00", "11.00", "2025-04-03"),
        (9, 9, 7, "2025-04-01T08:00", "1.00", "2025-04-01"),
        (3, 3, 7, "2025-04-02T08:00", "-1", "2025-04-02"),
    ),
    delivered(
        "order_items",
        "order_items/2.csv",
        (2, 2, 7, 3, 2, 2, 1, "2025-04-01T08:00", "2025-04-01"),
        (4, 9, 7, 3, 4, 1, 0, "2025-04-01T08:00", "2025-04-01"),
        (5, 77, 7, 3, 4, 1, 0, "2025-04-01T08:00", "2025-04-01"),
    ),
]

Said = dict[str, list[Row]]


class _FailureError(Exception):
    """No error of the pipeline's own."""


def fail_at(number: int, error: type[BaseException] = _FailureError) -> Callable[[int], None]:
    """Return what raises after one call."""

    def fail(count: int) -> None:
        if count == number:
            raise error

    return fail


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing zone with both deliveries, and a lake that has taken the first one in."""
    folder = tmp_path_factory.mktemp("shops")
    deliver(folder / "landing", FIRST)
    run(folder / "landing", folder / "lake", 0)
    deliver(folder / "landing", SECOND)
    return folder


@pytest.fixture(scope="module")
def undisturbed(shops: Path) -> Said:
    """What the lake says after a second run that nothing disturbed."""
    lake = shops / "undisturbed"
    shutil.copytree(shops / "lake", lake)
    report = run(shops / "landing", lake, 1)
    assert report.undone_batch is None
    written = {path for path, note in report.tables.items() if note.written}
    assert written == {table.path for table in TABLES}, "the second run must write to every table"
    return state(lake)


@pytest.fixture(scope="module")
def new_undisturbed(shops: Path) -> Said:
    """What a new lake says that has taken both deliveries in at once."""
    run(shops / "landing", shops / "new", 1)
    return state(shops / "new")


@pytest.fixture
def landing(shops: Path) -> Path:
    return shops / "landing"


@pytest.fixture
def lake(shops: Path, tmp_path: Path) -> Path:
    """A lake of the test's own that has taken the first delivery in."""
    shutil.copytree(shops / "lake", tmp_path / "lake")
    return tmp_path / "lake"


def write_calls(landing: Path, lake: Path) -> int:
    """Return how many write calls a run makes."""
    counts: list[int] = []
    run(landing, lake, 1, engine=watched_engine(lake, counts.append))
    return counts[-1]


def books_of(lake: Path) -> list[str]:
    """Return the names of what lies at the root of a lake, but for the accounts of failed runs."""
    return sorted(path.name for path in lake.iterdir() if path.name != "_undone")


# --- Killed --------------------------------------------------------------------------------------


def test_a_first_run_killed_after_any_write_is_undone_and_done_again(
    landing: Path, tmp_path: Path, new_undisturbed: Said
) -> None:
    """A new lake that was never finished is removed before the next run makes it."""
    for number in range(0, write_calls(landing, tmp_path / "lake") + 1, 3):
        lake = tmp_path / f"killed-{number}"
        assert killed(crashes.after_write, landing, lake, number)

        report = run(landing, lake, 2)

        assert report.undone_batch == 1, number
        assert state(lake) == new_undisturbed, number


def test_a_first_run_that_is_killed_and_then_fails_can_be_tried_again(
    landing: Path, tmp_path: Path, new_undisturbed: Said
) -> None:
    """What a dead run leaves lying about does not make the folder something else than a lake."""
    lake = tmp_path / "lake"
    assert killed(crashes.after_write, landing, lake, 12)
    with pytest.raises(_FailureError):
        run(landing, lake, 2, engine=watched_engine(lake, fail_at(1)))
    assert killed(crashes.after_write, landing, lake, 0)

    run(landing, lake, 3)
    assert state(lake) == new_undisturbed


@pytest.mark.parametrize("tables", [1, 7, 15])
def test_a_run_killed_while_it_creates_tables(
    landing: Path, tmp_path: Path, new_undisturbed: Said, tables: int
) -> None:
    lake = tmp_path / "lake"
    assert killed(crashes.while_creating, landing, lake, tables)
    assert run(landing, lake, 2).undone_batch == 1
    assert state(lake) == new_undisturbed


@pytest.mark.parametrize("path", ["products/2.csv", "orders/2.csv", "order_items/2.csv"])
def test_a_run_killed_while_it_takes_a_file_in(
    landing: Path, lake: Path, undisturbed: Said, path: str
) -> None:
    """Data files that no commit speaks of are no rows."""
    assert killed(crashes.while_ingesting, landing, lake, path)
    assert run(landing, lake, 2).undone_batch == 2
    assert state(lake) == undisturbed


@pytest.mark.parametrize("restored", [1, 5, 12])
def test_a_run_killed_while_it_undoes_another(
    landing: Path, lake: Path, undisturbed: Said, restored: int
) -> None:
    """Undoing can be interrupted and done again, as often as it takes."""
    assert killed(crashes.after_write, landing, lake, 15)
    assert killed(crashes.after_restore, landing, lake, restored)
    assert killed(crashes.after_restore, landing, lake, 1)

    assert run(landing, lake, 2).undone_batch == 2
    assert state(lake) == undisturbed


@pytest.mark.parametrize("moved", [1, 3])
def test_a_run_killed_while_it_archives(
    shops: Path, tmp_path: Path, lake: Path, undisturbed: Said, moved: int
) -> None:
    """The lake is finished by then; the next run moves the files that were left behind."""
    landing = tmp_path / "landing"
    shutil.copytree(shops / "landing", landing)
    assert killed(crashes.while_archiving, landing, lake, moved)
    left = [file for file in FIRST + SECOND if (landing / file.path).exists()]
    assert len(left) == len(FIRST + SECOND) - moved

    assert not killed(crashes.while_archiving, landing, lake, 0)

    assert state(lake) == undisturbed
    archived = {path.read_bytes() for path in (landing / "archive").rglob("*.csv")}
    assert archived == {content(file) for file in FIRST + SECOND}
    assert not [file for file in FIRST + SECOND if (landing / file.path).exists()]


# --- Read meanwhile ------------------------------------------------------------------------------


def read_as_users_do(lake: Path, session: Session) -> dict[str, list[Row]]:
    """Return silver and gold as the commands read them; SQL has to count the same rows."""
    with reading(lake) as engine:
        found = {}
        for table in (t for t in TABLES if t.layer in {"silver", "gold"} and engine.exists(t)):
            rows_read = engine.read(table).to_native().collect().rows()
            found[table.path] = sorted(rows_read, key=repr)
    counted = [f"SELECT COUNT(*) FROM {path.replace('/', '.')}" for path in found]
    if counted:
        with session.answered(" UNION ALL ".join(counted)) as answer:
            assert sorted(n for (n,) in answer.rows()) == sorted(map(len, found.values()))
    return found


def test_whoever_reads_while_a_run_writes_sees_the_lake_from_before_it(
    landing: Path, lake: Path, undisturbed: Said
) -> None:
    """After every second write of a run; at its end everything that it wrote is there."""
    with Session(lake) as session:
        before = read_as_users_do(lake, session)
        seen: list[bool] = []

        def look(count: int) -> None:
            if count % 2 == 0:
                seen.append(read_as_users_do(lake, session) == before)

        run(landing, lake, 1, engine=watched_engine(lake, look))

        assert len(seen) > 10
        assert all(seen)
        assert state(lake) == undisturbed
        after = read_as_users_do(lake, session)
        assert all(after[table] != rows_before for table, rows_before in before.items())


def test_whoever_reads_while_the_first_run_writes_sees_no_table(
    landing: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "new"
    seen: set[str] = set()

    def look(count: int) -> None:
        del count
        seen.update(LakeTables(lake).databases())
        with reading(lake) as engine:
            seen.update(table.path for table in TABLES if engine.exists(table))

    run(landing, lake, 1, engine=watched_engine(lake, look))

    assert seen == set()
    assert "gold" in LakeTables(lake).databases()


# --- Failed --------------------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.parametrize(("error", "step"), [(_FailureError, 1), (KeyboardInterrupt, 6)])
def test_a_run_that_fails_after_any_write_leaves_the_lake_as_it_was(
    landing: Path, shops: Path, lake: Path, error: type[BaseException], step: int
) -> None:
    """Every row of every table and every live file is as before the run."""
    shutil.copytree(lake, lake.with_name("counted"))
    places = write_calls(landing, lake.with_name("counted"))
    before, files, names = everything(lake), live_files(lake), books_of(lake)
    for number in range(1, places + 1, step):
        with pytest.raises(error):
            run(landing, lake, 1, engine=watched_engine(lake, fail_at(number, error)))
        assert everything(lake) == before, number
        assert live_files(lake) == files, number
        assert books_of(lake) == names


def test_a_run_after_failed_ones_is_an_undisturbed_one(
    landing: Path, lake: Path, undisturbed: Said
) -> None:
    """Failed runs have used batch numbers up, nothing else."""
    for number in (2, 9, 14):
        with pytest.raises(_FailureError):
            run(landing, lake, 1, engine=watched_engine(lake, fail_at(number)))
    report = run(landing, lake, 2)
    assert report.undone_batch is None
    assert report.batch_id is not None
    assert report.batch_id > 2
    assert state(lake) == undisturbed


@pytest.mark.parametrize("number", [1, 2, 8, 14])
@pytest.mark.parametrize("existed", [False, True])
def test_a_new_lake_whose_first_run_fails_is_removed_again(
    landing: Path, tmp_path: Path, number: int, *, existed: bool
) -> None:
    lake = tmp_path / "lake"
    if existed:
        lake.mkdir()
    with pytest.raises(_FailureError):
        run(landing, lake, 1, engine=watched_engine(lake, fail_at(number)))
    assert not lake.exists()


@pytest.mark.parametrize("path", ["products/2.csv", "orders/2.csv", "order_items/2.csv"])
@pytest.mark.parametrize("change", ["longer", "shorter", "replaced", "gone"])
def test_a_file_that_changes_while_it_is_taken_in(
    shops: Path, tmp_path: Path, lake: Path, path: str, change: str
) -> None:
    """What was checked and what was read must be the same bytes, or nothing is taken in."""
    landing = tmp_path / "landing"
    shutil.copytree(shops / "landing", landing)
    before, files = everything(lake), live_files(lake)

    def happen(file: Path) -> None:
        old = file.read_bytes()
        if change == "longer":
            with file.open("ab") as more:
                more.write(old.splitlines(keepends=True)[-1])
        elif change == "shorter":
            file.write_bytes(b"".join(old.splitlines(keepends=True)[:-1]))
        elif change == "replaced":
            file.unlink()
            file.write_bytes(old.replace(b"1", b"2"))
        else:
            file.unlink()

    with pytest.raises(LakehouseError, match=path):
        run(landing, lake, 1, store=ChangingStore(landing, path, happen))
    assert everything(lake) == before
    assert live_files(lake) == files


def _many_orders(days: list[str], users: int, total: int = 10**15) -> DeliveredFile:
    """Return orders of a total in cents, by default one more than DECIMAL(15,2) holds."""
    greatest = 10**10 - 1
    amounts = [greatest] * (total // greatest)
    amounts.append(total - sum(amounts))
    orders = []
    for number, cents in enumerate(amounts, start=1):
        day = days[number % len(days)]
        amount = f"{cents // 100}.{cents % 100:02}"
        orders.append((0, number, 1 + number % users, f"{day}T00:00:00", amount, day))
    return delivered("orders", "orders/many.csv", *orders)


@pytest.mark.parametrize(
    ("days", "users", "table"),
    [(["2025-04-05"], 1000, "daily_sales"), (["2025-04-05", "2025-04-06"], 1, "customer_insights")],
    ids=["a day", "a customer"],
)
def test_an_amount_beyond_its_decimal_fails_the_run(
    tmp_path: Path, lake: Path, days: list[str], users: int, table: str
) -> None:
    """A total of 10,000,000,000,000.00 is said, with the table, and changes nothing."""
    before, files = everything(lake), live_files(lake)
    many = _many_orders(days, users)
    deliver(tmp_path / "landing", [many])
    with pytest.raises(AmountOverflowError, match=f"gold/{table}"):
        run(tmp_path / "landing", lake, 1)
    assert everything(lake) == before
    assert live_files(lake) == files


def test_an_amount_that_just_fits_its_decimal(tmp_path: Path, lake: Path) -> None:
    """A total of 9,999,999,999,999.99 is no overflow."""
    deliver(tmp_path / "landing", [_many_orders(["2025-04-05"], 1, 10**15 - 1)])
    run(tmp_path / "landing", lake, 1)
    sales = rows(lake, "gold/daily_sales")
    assert Decimal("9999999999999.99") in [row["total_sales"] for row in sales]


# --- No room, no right ---------------------------------------------------------------------------


@contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    """Mount a small file system of its own; skip where that is not allowed."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


FULL = r"disk was full|No space left"


def failure_of(landing: Path, lake: Path) -> LakehouseError | None:
    """Run and return what the run fails with."""
    try:
        run(landing, lake, 1)
    except LakehouseError as error:
        return error
    return None


def test_a_full_disk_leaves_the_lake_as_it_was(
    landing: Path, shops: Path, tmp_path: Path, undisturbed: Said
) -> None:
    """However much room there is, the run goes through or nothing has happened; then it does."""
    before, files = everything(shops / "lake"), live_files(shops / "lake")
    names = {path: [Path(name).name for name in found] for path, found in files.items()}
    failed = 0
    for room in [*range(0, 1000, 250), *range(1000, 2000, 100)]:
        disk = tmp_path / f"disk-{room}"
        with mounted(disk, "64m"):
            lake = disk / "lake"
            shutil.copytree(shops / "lake", lake)
            used = shutil.disk_usage(disk).used
            remount(disk, f"size={used // 1024 + room}k")
            error = failure_of(landing, lake)
            if error is not None:
                failed += 1
                assert re.search(FULL, str(error)), room
                assert everything(lake) == before, room
                found = live_files(lake)
                assert {p: [Path(n).name for n in f] for p, f in found.items()} == names
                remount(disk, "size=64m")
                run(landing, lake, 2)
            assert state(lake) == undisturbed, room
    assert failed > 5


def test_a_full_disk_removes_a_new_lake_again(
    landing: Path, tmp_path: Path, new_undisturbed: Said
) -> None:
    """Also where the lake's folder is itself the root of a file system and has to stay."""
    with mounted(tmp_path / "lake", "1200k"):
        lake = tmp_path / "lake"
        with pytest.raises(LakehouseError, match=FULL):
            run(landing, lake, 1)
        assert not any(lake.iterdir())
        remount(lake, "size=64m")
        run(landing, lake, 2)
        assert state(lake) == new_undisturbed


def test_a_lake_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said, and what is there can still be read; with nothing to do there is no complaint."""
    disk, own = tmp_path / "disk", tmp_path / "landing"
    with mounted(disk, "64m"):
        lake = disk / "lake"
        deliver(own, FIRST)
        run(own, lake, 0)
        deliver(own, SECOND)
        before = everything(lake)
        remount(disk, "ro")
        with pytest.raises(LakeError, match="cannot be written"):
            run(own, lake, 1)
        assert everything(lake) == before
        for file in SECOND:
            (own / file.path).unlink()
        assert run(own, lake, 1).accepted == []
        remount(disk, "rw")


# --- What is no lake, or not any more ------------------------------------------------------------


def test_a_lake_of_a_newer_format_is_left_alone(landing: Path, lake: Path) -> None:
    before = everything(lake)
    (lake / "lakehouse.json").write_text('{"format": 2}')
    with pytest.raises(LakeError, match=r"has format 2; .* up to 1\. Update"):
        run(landing, lake, 1)
    assert everything(lake) == before


def test_a_folder_that_is_no_lake_is_left_alone(landing: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"miaow")
    with pytest.raises(CallError, match="not empty and not a lake"):
        run(landing, tmp_path / "photos", 1)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


def test_a_file_is_no_lake(landing: Path, tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("not a folder")
    with pytest.raises(CallError, match="is a file"):
        run(landing, tmp_path / "lake", 1)
    assert (tmp_path / "lake").read_text() == "not a folder"


@pytest.mark.parametrize(
    "text", [b"", b"not json", b"{}", b"[]", b"null", b'{"format": "x"}', b"\xff\xfe{", b"\0\0\0\0"]
)
def test_a_damaged_marker_is_said(landing: Path, lake: Path, text: bytes) -> None:
    before = everything(lake)
    (lake / "lakehouse.json").write_bytes(text)
    with pytest.raises(LakeError, match=r"lakehouse\.json cannot be understood"):
        run(landing, lake, 1)
    assert everything(lake) == before


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not json",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe{",
        b"\0\0\0\0",
        b'{"batch_id": 2, "versions": []}',
        b'{"batch_id": 2, "versions": {"silver/nothing": 1}}',
        b'{"batch_id": 2, "versions": {"silver/orders": "x"}}',
        b'{"batch_id": "x", "versions": {}}',
    ],
)
def test_a_damaged_note_of_an_interrupted_run_is_said(
    landing: Path, lake: Path, text: bytes
) -> None:
    """It is not guessed what has to be undone: nothing is restored, removed or written."""
    before = everything(lake)
    (lake / "_run.json").write_bytes(text)
    with pytest.raises(LakeError, match=r"_run\.json.* cannot be understood"):
        run(landing, lake, 1)
    assert everything(lake) == before
    assert (lake / "_run.json").read_bytes() == text


def test_the_note_of_an_interrupted_run_names_what_to_undo(landing: Path, lake: Path) -> None:
    """The note is complete before anything is written."""
    assert killed(crashes.after_write, landing, lake, 0)
    noted = json.loads((lake / "_run.json").read_text())
    assert noted["batch_id"] == 2
    assert set(noted["versions"]) == {table.path for table in TABLES}
    assert (lake / "_reserve").stat().st_size > 0
