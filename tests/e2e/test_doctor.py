"""Every defect that is planted in a lake is named by the doctor, at its place, with a way out."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from filelock import FileLock

from pipeline.contracts.meta import FILES
from pipeline.runner.home import Intent, LakeHome
from simulator.doctor import CHECKS, Finding, examine
from simulator.doctor.mending import remove_leftovers, remove_unneeded
from simulator.doctor.roots import stale
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import Shop, delivered, listing, live_files

NOW = datetime.now(UTC)

# One line of a table's log.
Action = dict[str, Any]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two runs, with rows of every status in quarantine."""
    shop = Shop(tmp_path_factory.mktemp("healthy"))
    orders = [(n, n, n, f"2025-04-0{n}T08:00", "10.00", f"2025-04-0{n}") for n in (1, 2, 3)]
    items = [
        (n, n, n, None, 1 + n % 2, 1, 0, f"2025-04-0{n}T08:00", f"2025-04-0{n}") for n in (1, 2)
    ]
    shop.run(
        [
            delivered("products", "products/a.csv", (1, 1, "a", "Tea"), (2, 1, "b", "Milk")),
            delivered("orders", "orders/a.csv", *orders[:2], ("x", *orders[0][1:])),
            delivered("order_items", "order_items/a.csv", *items, (9, 3, *items[0][2:])),
        ]
    )
    shop.run([delivered("orders", "orders/b.csv", orders[2], orders[0])])
    return shop.lake


@pytest.fixture
def lake(healthy: Path, tmp_path: Path) -> Path:
    """A copy of that lake, for a test to do harm to."""
    return Path(shutil.copytree(healthy, tmp_path / "lake"))


def found(lake: Path) -> list[Finding]:
    """Return what the doctor finds."""
    return examine(lake, NOW)


def places(findings: list[Finding]) -> set[tuple[str, str]]:
    """Return which checks have found something, and where."""
    return {(finding.check, finding.where) for finding in findings}


def only(lake: Path, check: str, where: str) -> Finding:
    """Return the only finding, which must be this check's, at this place."""
    findings = found(lake)
    assert [(f.check, f.where) for f in findings] == [(check, where)], findings
    return findings[0]


def commit(table: Path, *actions: Action) -> None:
    """Add a commit to a table's log by hand."""
    version = DeltaTable(table).version() + 1
    lines = "\n".join(map(json.dumps, actions))
    (table / "_delta_log" / f"{version:020}.json").write_text(lines)


def with_metadata(table: Path, change: Callable[[Action, list[Action]], None]) -> None:
    """Change a table's metadata and the fields of its schema by hand."""
    first = (table / "_delta_log" / f"{0:020}.json").read_text().splitlines()
    (metadata,) = (a["metaData"] for a in map(json.loads, first) if "metaData" in a)
    schema = json.loads(metadata["schemaString"])
    change(metadata, schema["fields"])
    metadata["schemaString"] = json.dumps(schema)
    commit(table, {"metaData": metadata})


def append(lake: Path, table: str, frame: pl.DataFrame) -> None:
    """Append rows behind the pipeline's back."""
    write_deltalake(lake / table, frame.to_arrow(), mode="append")


def test_a_healthy_lake_has_no_findings_and_is_left_alone(lake: Path) -> None:
    """Nothing is written into it, not even for a moment that is seen afterwards."""
    before = listing(lake, ["."])

    assert found(lake) == []
    assert listing(lake, ["."]) == before
    assert pl.read_delta(str(lake / "quarantine/order_items"))["status"].to_list() == ["released"]


def test_every_check_has_a_name_of_its_own() -> None:
    """Findings can be told apart by it."""
    assert len({check.name for check in CHECKS}) == len(CHECKS)


# --- The root ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "cannot be understood"), ('{"format": 99}', "has format 99"), (None, "not a lake")],
)
def test_a_lake_that_does_not_say_what_it_is(lake: Path, text: str | None, words: str) -> None:
    """Damaged, of a later version, or gone."""
    if text is None:
        (lake / "lakehouse.json").unlink()
    else:
        (lake / "lakehouse.json").write_text(text)
    finding = only(lake, "marker", "lakehouse.json")

    assert words in finding.what
    assert finding.severity == "broken"
    assert finding.mend


def test_a_run_that_stopped_half_way(lake: Path) -> None:
    """Rows are not checked then: they do not fit together, and the next run puts them right."""
    LakeHome(lake).begin(Intent(7, {}))
    pl_silver = DeltaTable(lake / "silver/orders")
    pl_silver.delete("order_id = 1")
    finding = only(lake, "unfinished", "_run.json")

    assert finding.what.startswith("Run 7 has stopped half-way")
    assert "simulate" in finding.mend


def test_a_note_that_cannot_be_read(lake: Path) -> None:
    """Nobody knows any more what has to be undone."""
    (lake / "_run.json").write_text("{")

    assert only(lake, "unfinished", "_run.json").severity == "broken"


@pytest.mark.parametrize("text", ["{}", "{"])
def test_a_run_between_two_steps(lake: Path, text: str) -> None:
    """Its state is there, readable or not, and its note is not."""
    (lake / "_state.json").write_text(text)

    assert only(lake, "unfinished", "_state.json").severity == "warning"


def test_a_run_that_is_going_on(lake: Path) -> None:
    """Its lock is held; what it uses is no leftover."""
    (lake / "_scratch").mkdir()
    with FileLock(lake / "_lock"):
        assert "going on" in only(lake, "unfinished", "_lock").what
        assert stale(lake) == []


def test_leftovers_are_named_and_mended(lake: Path) -> None:
    """Scratch, a dead lock, a reserve, half a file: named one by one, removed on request."""
    (lake / "_scratch/0123").mkdir(parents=True)
    (lake / "_scratch/0123/x.parquet").write_bytes(b"x")
    (lake / "_lock").touch()
    (lake / "_reserve").write_bytes(b"0")
    (lake / "_catalog.json.new").write_bytes(b"{")
    names = {"_scratch", "_lock", "_reserve", "_catalog.json.new"}
    assert places(found(lake)) == {("leftovers", name) for name in names}
    assert {finding.severity for finding in found(lake)} == {"advice"}

    assert len(list(remove_leftovers(stale(lake)))) == 4
    assert found(lake) == []


def test_a_table_that_is_missing(lake: Path) -> None:
    """With the way out of its layer: gold is computed anew, silver is not."""
    shutil.rmtree(lake / "gold/daily_sales")
    shutil.rmtree(lake / "silver/products")
    by_place = {finding.where: finding for finding in found(lake) if finding.check == "complete"}

    assert set(by_place) == {"gold/daily_sales", "silver/products"}
    assert "--rebuild" in by_place["gold/daily_sales"].mend
    assert "copy" in by_place["silver/products"].mend


# --- Tables --------------------------------------------------------------------------------------


def test_a_log_that_cannot_be_read(lake: Path) -> None:
    """A commit that was cut off; the other tables are examined all the same."""
    log = lake / "silver/orders/_delta_log" / f"{1:020}.json"
    log.write_text(log.read_text()[:40])
    (lake / "gold/daily_sales/lost.parquet").write_bytes(b"x")

    assert places(found(lake)) == {
        ("logs", "silver/orders/_delta_log"),
        ("orphans", "gold/daily_sales"),
    }


def test_a_table_that_asks_for_more_than_every_engine_has(lake: Path) -> None:
    """Somebody has switched deletion vectors on."""
    asked = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors"],
    }
    commit(lake / "gold/daily_sales", {"protocol": asked})
    finding = only(lake, "protocol", "gold/daily_sales")

    assert "reader 3 and writer 7 with deletionVectors" in finding.what


def test_columns_that_are_not_the_contracts(lake: Path) -> None:
    """One that is missing, one too many, one of another type; other partitions."""

    def change(metadata: Action, fields: list[Action]) -> None:
        by_name = {field["name"]: field for field in fields}
        by_name["bytes"]["type"] = "string"
        fields.remove(by_name["recorded_at"])
        fields.append({**by_name["path"], "name": "colour"})
        metadata["partitionColumns"] = ["entity"]

    shutil.rmtree(lake / "meta/files")
    PolarsEngine(lake).create([FILES])
    with_metadata(lake / "meta/files", change)
    said = {f.what for f in found(lake) if (f.check, f.where) == ("schema", "meta/files")}

    assert said == {
        "Column recorded_at (timestamp) of the contract is missing.",
        "Column bytes is string; expected bigint.",
        "Column colour (string) is in no contract.",
        "The table is partitioned by entity; expected nothing.",
    }


def test_files_that_are_missing_or_cut_off(lake: Path) -> None:
    """Named one by one; the rows of their tables are not read, those of the others are."""
    (gone,) = (lake / "bronze/products").rglob("*.parquet")
    cut = Path(live_files(lake)["gold/customer_insights"][0])
    torn = next((lake / "silver/order_items").rglob("*.parquet"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    torn.write_bytes(torn.read_bytes()[:-4] + b"\0\0\0\0")
    DeltaTable(lake / "gold/daily_sales").update(updates={"order_count": "5"})
    findings = found(lake)

    named = {f.where: f.what for f in findings if f.check == "files"}
    assert set(named) == {str(path.relative_to(lake)) for path in (gone, cut, torn)}
    assert "missing" in named[str(gone.relative_to(lake))]
    assert "bytes; the log says" in named[str(cut.relative_to(lake))]
    assert "no Parquet file" in named[str(torn.relative_to(lake))]
    assert {(f.check, f.where) for f in findings if f.check != "files"} == {
        ("gold", "gold/daily_sales")
    }


def test_files_of_no_version_are_named_and_mended_when_they_are_old(lake: Path) -> None:
    """A young one may be somebody's who is writing; an old one nobody's."""
    folder = lake / "silver/orders/date=2025-04-01"
    young, old = folder / "y.parquet", folder / "o.parquet"
    for path in (young, old):
        path.write_bytes(b"12345")
    os.utime(old, (1.6e9, 1.6e9))
    finding = only(lake, "orphans", "silver/orders")
    assert "date=2025-04-01/o.parquet and 1 other file (10 bytes)" in finding.what

    said = list(remove_unneeded(lake, NOW))
    assert said == ["Removed 1 file (5 bytes) that silver/orders needs not."]
    assert young.exists()
    assert not old.exists()
    assert only(lake, "orphans", "silver/orders").severity == "advice"


def test_a_lake_that_upkeep_would_do_good(lake: Path) -> None:
    """A log without checkpoints, and very many small files; it is healthy all the same."""
    row = pl.read_delta(str(lake / "meta/runs")).head(1)
    for _ in range(50):
        append(lake, "meta/runs", row)
    (lake / "meta/runs/_delta_log/_last_checkpoint").unlink()
    findings = found(lake)

    assert places(findings) == {("order", "meta/runs")}
    assert {f.what for f in findings} == {
        "The log has 52 commits since its last checkpoint.",
        "52 files could be put together into fewer.",
    }


# --- Rows ----------------------------------------------------------------------------------------


def test_bronze_rows_that_the_ledger_does_not_have_and_the_other_way(lake: Path) -> None:
    """File by file: rows that are lost, and rows that nobody took in."""
    DeltaTable(lake / "bronze/orders").delete("source_file = 'orders/a.csv' AND source_row = 1")
    rows = pl.read_delta(str(lake / "bronze/products"))
    append(lake, "bronze/products", rows.with_columns(source_file=pl.lit("products/z.csv")))

    assert [(f.check, f.where, f.what) for f in found(lake)] == [
        ("ledger", "bronze/products", "products/z.csv of run 1 has 2 rows; the ledger has none."),
        ("ledger", "bronze/orders", "orders/a.csv of run 1 has 2 rows; the ledger says 3."),
    ]


def test_a_key_that_silver_has_twice(lake: Path) -> None:
    """The row too many is missed nowhere else: the balance sees it, and so does gold."""
    rows = pl.read_delta(str(lake / "silver/orders"))
    append(lake, "silver/orders", rows.filter(order_id=2))
    findings = found(lake)

    assert {f.check for f in findings} == {"keys", "balance", "gold"}
    (keys,) = (f for f in findings if f.check == "keys")
    assert keys.what == "1 key occur more than once, for instance order_id 2."


def test_a_row_that_is_lost(lake: Path) -> None:
    """The equation says it in figures."""
    DeltaTable(lake / "silver/order_items").delete("id = 1")
    finding = only(lake, "balance", "silver/order_items")

    assert finding.what == (
        "The rows of order_items do not balance: 3 in accepted files, but 2 in silver + "
        "0 superseded + 0 in quarantine."
    )


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("orders", {"status": "'mislaid'"}, "have a status that does not exist"),
        ("order_items", {"resolved_batch_id": "NULL"}, "are released, by no run"),
        ("orders", {"resolved_batch_id": "2"}, "are not released, and name the run that did it"),
        ("orders", {"reasons": "''"}, "have no reason to be there"),
    ],
)
def test_quarantined_rows_in_no_state_that_exists(
    lake: Path, table: str, change: dict[str, str], words: str
) -> None:
    """With the first of the rows by file and number."""
    DeltaTable(lake / "quarantine" / table).update(updates=change)
    finding = only(lake, "statuses", f"quarantine/{table}")

    assert finding.what == f"1 row {words}, for instance {table}/a.csv row 3."


GOLD = {
    "daily_sales": ("date", "date = '2025-04-02'", "2025-04-02"),
    "product_performance": ("product_id", "product_id = 2", "2"),
    "department_analytics": ("department", "department = 'B'", "B"),
    "customer_insights": ("user_id", "user_id = 3", "3"),
}


@pytest.mark.parametrize("name", GOLD)
def test_gold_that_does_not_have_what_silver_has(lake: Path, name: str) -> None:
    """A row that is missing; the same row twice; a row of something that silver does not know."""
    column, condition, value = GOLD[name]
    table = DeltaTable(lake / "gold" / name)
    rows = pl.read_delta(table)
    row = rows.filter(pl.col(column).cast(str) == value)

    table.delete(condition)
    said = {f.what for f in found(lake)}
    assert f"1 {column} is missing, for instance {value}." in said
    append(lake, f"gold/{name}", pl.concat([row, row]))
    said = {f.what for f in found(lake)}
    assert f"1 key occur more than once, for instance {column} {value}." in said
    DeltaTable(lake / "gold" / name).delete(condition)
    unknown = {"date": date(2020, 1, 1), "department": "Z"}.get(column, 99)
    strange = row.with_columns(pl.lit(unknown, row.schema[column]).alias(column))
    append(lake, f"gold/{name}", pl.concat([row, strange]))
    (finding,) = (f for f in found(lake) if "not in silver" in f.what)
    assert finding.where == f"gold/{name}"
    assert "--rebuild" in finding.mend


def test_orders_that_no_day_counts(lake: Path) -> None:
    """Every date is there, with other figures."""
    DeltaTable(lake / "gold/daily_sales").update(updates={"order_count": "5"})

    assert only(lake, "gold", "gold/daily_sales").what == (
        "The orders of all dates are 15; silver has 3."
    )


# --- As users call it ----------------------------------------------------------------------------


def doctor(*words: str | Path) -> tuple[int, str, str]:
    """Call the command in a process of its own; return its exit code and what it says."""
    program = (sys.executable, "-P", "-m", "simulator.cli.main", "doctor")
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [*program, *map(str, words)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_the_command_tells_and_exits_by_what_it_finds(lake: Path, tmp_path: Path) -> None:
    """Healthy is 0, sick is 1, no lake is 2; nothing is removed from a sick lake."""
    (lake / "_scratch/0").mkdir(parents=True)
    code, out, err = doctor("--lake", lake, "--mend")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "✓ Removed _scratch, left by a run that was killed."
    assert out.splitlines()[-1] == "✓ The lake is healthy."

    (lake / "_scratch/0").mkdir(parents=True)
    next((lake / "gold/daily_sales").rglob("*.parquet")).unlink()
    code, out, _ = doctor("--lake", lake, "--mend", "--json")
    document = json.loads(out)
    assert (code, document["healthy"], document["mended"]) == (1, False, [])
    assert {"files", "leftovers"} <= {finding["check"] for finding in document["findings"]}
    assert (lake / "_scratch").exists()

    code, out, err = doctor("--lake", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert "There is no lake in" in err
