"""`lakehouse compare` as users call it: exit code, words, and the document."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from pipeline.contracts import TABLES
from pipeline.runner.home import Intent, LakeHome
from tests.lakes import Shop, delivered, rows, state
from tests.reference import DeliveredFile

ROOT = Path(__file__).resolve().parents[2]
BYTECODE = sys.pycache_prefix or str(
    Path(tempfile.gettempdir()) / f"lakehouse-bytecode-{os.getuid()}"
)


def day(number: int) -> list[DeliveredFile]:
    """Return a day's catalogue, orders and items; each item of its second order comes too early."""
    date, late = f"2025-04-0{number}", number + 1
    time = f"{date}T08:00"
    return [
        delivered(
            "products",
            f"products/{date}.csv",
            (1, 1, "home  goods", "Tea"),
            (2, 1, "Books", f"Part {number}"),
        ),
        delivered(
            "orders",
            f"orders/{date}.csv",
            (number, 10 * number, 7, time, "10.00", date),
            (number, 10 * number + 1, 8, time, "0.05", date),
            (number, "?", 8, time, "0.05", date),
        ),
        delivered(
            "order_items",
            f"order_items/{date}.csv",
            (100 * number, 10 * number, 7, None, 1, 1, 0, time, date),
            (100 * number + 1, 10 * number, 7, 3, 2, 2, 1, time, date),
            (100 * number + 2, 10 * late, 7, 3, 2, 2, 1, time, date),
        ),
    ]


DAYS = [day(number) for number in (1, 2, 3)]
ALL_DAYS = [file for files in DAYS for file in files]


def built(folder: Path, runs: Sequence[Sequence[DeliveredFile]]) -> Path:
    """Return the lake of a new shop after these runs."""
    shop = Shop(folder)
    for files in runs:
        shop.run(files)
    return shop.lake


@dataclass(frozen=True)
class Lakes:
    """Lakes of the same deliveries."""

    daily: Path
    daily_again: Path
    at_once: Path


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    home = tmp_path_factory.mktemp("lakes")
    return Lakes(
        daily=built(home / "daily", DAYS),
        daily_again=built(home / "again", DAYS),
        at_once=built(home / "at_once", [ALL_DAYS]),
    )


@pytest.fixture
def changed(lakes: Lakes, tmp_path: Path) -> Path:
    """Return a copy of a lake in which one order has another total."""
    lake = Path(shutil.copytree(lakes.at_once, tmp_path / "changed"))
    DeltaTable(lake / "silver/orders").update(
        predicate="order_id = 21", updates={"total_amount": "12.34"}
    )
    return lake


def call(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Compare in a process of its own and hold the exit code."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "simulator.cli.main", "compare", *map(str, words)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            # The sources are compiled once, and not into the checkout.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": BYTECODE,
            "TZ": "Pacific/Kiritimati",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def document(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """Return the document of a comparison."""
    content = json.loads(call("--json", *words, code=code).stdout)
    assert isinstance(content, dict)
    return content


def test_day_by_day_is_at_once(lakes: Lakes) -> None:
    assert rows(lakes.daily, "quarantine/order_items") != []
    assert state(lakes.daily) == state(lakes.at_once)

    told = call(lakes.daily, lakes.at_once)

    assert told.stderr == ""
    assert told.stdout.count("✓") == len(TABLES) + 1
    assert "The lakes are equal." in told.stdout
    assert not any(line.endswith(" ") for line in told.stdout.splitlines())


def test_runs_show_when_strict(lakes: Lakes) -> None:
    found = document(lakes.daily, lakes.at_once, "--strict", code=1)

    different = {table["table"] for table in found["tables"] if not table["equal"]}
    assert {"meta/runs", "bronze/orders", "quarantine/order_items"} <= different
    assert "interim/daily_product" not in different
    (runs,) = (table for table in found["tables"] if table["table"] == "meta/runs")
    assert (runs["rows_a"], runs["rows_b"]) == (3, 1)


def test_the_same_runs_are_equal_even_so(lakes: Lakes) -> None:
    found = document(lakes.daily, lakes.daily_again, "--strict")

    assert found["equal"]
    assert found["strict"]
    assert [table["table"] for table in found["tables"]] == [table.path for table in TABLES]
    assert all(table["rows_compared"] for table in found["tables"])


def test_a_changed_row_is_named(lakes: Lakes, changed: Path) -> None:
    told = call(lakes.daily, changed, code=1)

    assert "The lakes differ in 1 of 21 tables." in told.stdout
    (line,) = (line for line in told.stdout.splitlines() if "order_id" in line)
    assert " ".join(line.split()) == "differs order_id=21 total_amount: 0.05 in A, 12.34 in B"
    assert "✗ rows" in told.stdout


def test_a_changed_row_as_document(lakes: Lakes, changed: Path) -> None:
    found = document(lakes.daily, changed, "--table", "silver/orders", code=1)

    (table,) = found["tables"]
    (order,) = (row for row in rows(lakes.daily, "silver/orders") if row["order_id"] == 21)
    assert order["total_amount"] == Decimal("0.05")
    (difference,) = table["differences"]
    assert (difference["kind"], difference["only_a"], difference["only_b"]) == ("rows", 1, 1)
    (example,) = difference["examples"]
    assert example["key"] == {"order_id": 21}
    assert (example["copies_a"], example["copies_b"]) == (1, 1)
    assert example["columns"] == ["total_amount"]
    assert example["a"]["total_amount"] == "0.05"
    assert example["b"] == {**example["a"], "total_amount": "12.34"}
    assert example["a"]["order_timestamp"] == "2025-04-02T08:00:00Z"


def test_only_the_tables_asked_for(lakes: Lakes, changed: Path) -> None:
    told = call(lakes.daily, changed, "--table", "daily_sales", "--table", "bronze.orders")

    assert told.stdout.count("✓") == 2 + 1
    assert "silver" not in told.stdout


def test_the_first_rows_and_how_many_are_left(lakes: Lakes, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(lakes.daily, tmp_path / "lake"))
    DeltaTable(lake / "silver/order_items").delete("product_id = 1")

    told = call(lakes.daily, lake, "--table", "silver/order_items", "--limit", "2", code=1)
    shown = [line.split() for line in told.stdout.splitlines() if line.startswith("    ")]
    assert [words[:4] for words in shown] == [
        ["only", "in", "A", "id=100,"],
        ["only", "in", "A", "id=200,"],
        ["and", "1", "more;", "--limit"],
    ]
    everything = document(
        lakes.daily, lake, "--table", "silver/order_items", "--limit", "0", code=1
    )
    examples = everything["tables"][0]["differences"][0]["examples"]
    assert [example["key"] for example in examples] == [{"id": 100}, {"id": 200}, {"id": 300}]


def test_a_table_of_one_lake_only(lakes: Lakes, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(lakes.daily, tmp_path / "lake"))
    shutil.move(lake / "gold/daily_sales", lake / "gold/old_sales")

    told = call(lakes.daily, lake, "--table", "daily_sales", "--table", "gold/old_sales", code=1)

    assert [line.split() for line in told.stdout.splitlines() if line.startswith("gold/")] == [
        ["gold/daily_sales", "3", "·", "✗", "table"],
        ["gold/old_sales", "·", "3", "✗", "table"],
        ["gold/daily_sales"],
        ["gold/old_sales"],
    ]
    assert "The table is only in A." in told.stdout


def test_a_lake_without_tables(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    LakeHome(lake).begin(Intent(0, {}))
    LakeHome(lake).end()

    assert document(lake, lake) == {
        "a": str(lake),
        "b": str(lake),
        "strict": False,
        "equal": True,
        "tables": [],
    }


def test_a_run_that_was_interrupted_is_noted(lakes: Lakes, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(lakes.daily, tmp_path / "lake"))
    LakeHome(lake).begin(Intent(4, {}))

    told = call(lakes.daily, lake)

    assert f"A run is under way in {lake} or was interrupted" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{lake}", "{none}"], "There is no lake in"),
        (["{lake}"], "Missing argument 'LAKE_B'"),
        (["{lake}", "{lake}", "--table", "daily_sale"], "Did you mean daily_sales?"),
    ],
)
def test_wrong_calls(words: list[str], said: str, lakes: Lakes, tmp_path: Path) -> None:
    filled = [word.format(lake=lakes.daily, none=tmp_path / "none") for word in words]

    told = call(*filled, code=2)

    assert said in told.stderr
    assert told.stdout == ""


def test_a_table_that_neither_lake_has(lakes: Lakes, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(lakes.daily, tmp_path / "lake"))
    shutil.rmtree(lake / "gold/daily_sales")

    told = call(lake, lake, "--table", "daily_sales", code=2)

    assert "Neither lake has a table gold/daily_sales." in told.stderr


def test_a_damaged_table_is_named(lakes: Lakes, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(lakes.daily, tmp_path / "lake"))
    next((lake / "silver/orders").rglob("*.parquet")).unlink()

    told = call(lakes.daily, lake, code=1)

    assert "silver/orders" in told.stderr
    assert str(lake) in told.stderr
