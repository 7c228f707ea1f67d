"""The commands as users call them: in a process of their own, on small shops."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.contracts import ORDER_ITEMS
from simulator.cli.locking import locked
from simulator.generate import Manifest

ROOT = Path(__file__).resolve().parents[2]
ENTITIES = ("products", "orders", "order_items")
# What would change what the commands print, or make every start compile the sources again.
UNSET = {"COLUMNS", "LAKEHOUSE_COMMAND", "LAKEHOUSE_TRACEBACK", "PYTHONDONTWRITEBYTECODE"}
BYTECODE = {
    "PYTHONPYCACHEPREFIX": sys.pycache_prefix
    or str(Path(tempfile.gettempdir()) / f"lakehouse-bytecode-{os.getuid()}")
}
DATA_LAYERS = ("bronze", "silver", "quarantine", "interim", "gold")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its standard output, which must be one JSON document and nothing else."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


def start(
    *words: str | Path,
    cwd: Path | None = None,
    program: tuple[str, ...] = ("-m", "simulator.cli.main"),
    env: Mapping[str, str] | None = None,
    stdout: int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start the command line, far from UTC and without a terminal."""
    clean = {k: v for k, v in os.environ.items() if k not in UNSET}
    return subprocess.Popen(
        [sys.executable, "-P", *program, *map(str, words)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={
            **clean,
            "PYTHONPATH": str(ROOT),
            "TZ": "Pacific/Kiritimati",
            **BYTECODE,
            **(env or {}),
        },
    )


def call(
    *words: str | Path, code: int = 0, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Ended:
    """Call the command line and hold its exit code."""
    process = start(*words, cwd=cwd, env=env)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
    assert "Traceback" not in err
    return Ended(process.returncode, out, err)


def simulate(landing: Path, lake: Path, *words: str | Path, code: int = 0) -> dict[str, Any]:
    """Run once and return the document."""
    return call(
        "simulate", "--landing", landing, "--lake", lake, "--json", *words, code=code
    ).document


def rows_of(table: str, lake: Path, *words: str) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    shown = call("show", table, "--lake", lake, "--rows", "0", "--json", *words)
    data: list[dict[str, Any]] = shown.document["data"]
    return data


def data_files(lake: Path) -> list[str]:
    """Return every file of the layers that a replay must not touch."""
    return sorted(
        str(path.relative_to(lake))
        for layer in DATA_LAYERS
        for path in (lake / layer).rglob("*")
        if path.is_file()
    )


@dataclass(frozen=True)
class Shop:
    """A generated shop, its lake, and what both say."""

    landing: Path
    lake: Path
    manifest: Manifest
    generated: str
    run: Ended


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("shop")
    landing, lake = home / "landing", home / "lake"
    generated = call(
        *("generate", landing, "--days", "5", "--orders-per-day", "60", "--products", "80"),
        *("--dirt", "demo,wrong_header=0.4,extra_column=0.4,repeated_file=0.4,late_order=0.05"),
        *("--weekly-catalogue", "--seed", "3"),
    )
    run = call("simulate", "--landing", landing, "--lake", lake, "--json")
    return Shop(landing, lake, Manifest.read(landing / "_manifest.json"), generated.out, run)


@pytest.fixture
def copy_of_lake(shop: Shop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop.lake, tmp_path / "lake"))


@pytest.fixture
def corner_shop(tmp_path: Path) -> Path:
    """Return a landing zone with two products, two orders, one of them unreadable, two items."""
    landing = tmp_path / "corner shop"
    files = {
        "products/p.csv": (
            "product_id,department_id,department,product_name",
            "1,1,Garden,Spade",
            "2,1,Garden,Rake",
        ),
        "orders/o.csv": (
            "order_num,order_id,user_id,order_timestamp,total_amount,date",
            "1,10,5,2025-04-01T10:00:00,20.00,2025-04-01",
            '2,11,6,2025-04-01T11:00:00,"12,50",2025-04-01',
        ),
        "order_items/i.csv": (
            ",".join(ORDER_ITEMS.column_names),
            "100,10,5,,1,1,0,2025-04-01T10:00:00,2025-04-01",
            "101,11,6,,2,1,0,2025-04-01T11:00:00,2025-04-01",
            "102,11,6,,2,2,0",
        ),
    }
    for path, lines in files.items():
        (landing / path).parent.mkdir(parents=True)
        (landing / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return landing


# --- Generating and running ----------------------------------------------------------------------


def test_generate_says_what_it_planted(shop: Shop) -> None:
    assert "Dirty rows" in shop.generated
    assert "wrong_header" in shop.generated
    assert f"{shop.manifest.entities['order_items'].rows:,}" in shop.generated


def test_document_is_what_the_manifest_says(shop: Shop) -> None:
    document = shop.run.document
    assert shop.run.err == ""
    assert document["batch_id"] == 1
    assert document["as_of"] is not None
    refused = Counter(file["entity"] for file in document["refused"])
    repeated = Counter(file["entity"] for file in document["duplicates"])
    for name in ENTITIES:
        planted, account = shop.manifest.entities[name], document["entities"][name]
        accepted = [file for file in document["accepted"] if file["entity"] == name]
        assert len(accepted) == planted.files_accepted
        assert sum(file["rows"] for file in accepted) == planted.rows == account["rows_read"]
        drifted = sum(file["extra_columns"] == ["channel"] for file in accepted)
        assert drifted == planted.files_with_extra_column
        assert refused[name] == planted.files_refused.total()
        assert repeated[name] == planted.files_duplicate
        assert account["inserted"] == planted.silver
        assert account["superseded"] == planted.superseded
        assert account["held"] == planted.held.total()
        assert account["rejected"] == planted.rejected.total()
        by_code: Counter[str] = Counter()
        for codes, rows in (planted.held + planted.rejected).items():
            by_code.update(dict.fromkeys(codes.split(";"), rows))
        assert account["reasons"] == by_code
        assert account["balance"] == {
            "files": planted.rows,
            "silver": planted.silver,
            "superseded": planted.superseded,
            "quarantined": planted.quarantined,
            "holds": True,
        }
        assert document["tables"][f"silver/{name}"]["rows"] == planted.silver
        assert document["tables"][f"bronze/{name}"]["rows"] == planted.rows
    assert all(seconds >= 0 for seconds in document["seconds"].values())


def test_human_report_balances_and_names_refused_files(shop: Shop, tmp_path: Path) -> None:
    told = call("simulate", "--landing", shop.landing, "--lake", tmp_path / "lake")
    assert told.err == ""
    assert "Run 1: " in told.out
    assert told.out.count("✓") == len(ENTITIES)
    assert "header: The header" in told.out
    assert "channel" in told.out
    assert not any(line.endswith(" ") for line in told.out.splitlines())


def test_second_run_writes_no_data_file(shop: Shop, copy_of_lake: Path) -> None:
    before = data_files(copy_of_lake)
    document = simulate(shop.landing, copy_of_lake)
    assert data_files(copy_of_lake) == before
    assert document["accepted"] == []
    assert document["known_files"] > 0
    assert not any(table["written"] for table in document["tables"].values())
    for name in ENTITIES:
        account = document["entities"][name]
        assert account["rows_read"] == account["inserted"] == account["updated"] == 0
        assert account["balance"]["holds"]


def test_again_takes_known_bytes_in(shop: Shop, copy_of_lake: Path) -> None:
    path = f"orders/{shop.manifest.start}.csv"
    document = simulate(shop.landing, copy_of_lake, "--again", shop.landing / path)
    assert [file["path"] for file in document["accepted"]] == [path]
    account = document["entities"]["orders"]
    assert account["rows_read"] == document["accepted"][0]["rows"] > 0
    assert account["inserted"] == 0
    assert account["balance"]["holds"]


def test_rebuild_computes_gold_anew_and_nothing_else(shop: Shop, copy_of_lake: Path) -> None:
    before = rows_of("daily_sales", copy_of_lake)
    document = simulate(shop.landing, copy_of_lake, "--rebuild")
    written = {path for path, table in document["tables"].items() if table["written"]}
    assert {path.partition("/")[0] for path in written} == {"interim", "gold", "meta"}
    assert {path for path in written if path.startswith("gold/")} == {
        "gold/daily_sales",
        "gold/product_performance",
        "gold/department_analytics",
        "gold/customer_insights",
    }
    after = rows_of("daily_sales", copy_of_lake)
    stamp = "last_updated_timestamp"
    assert [{**row, stamp: ""} for row in after] == [{**row, stamp: ""} for row in before]
    assert all(new[stamp] > old[stamp] for new, old in zip(after, before, strict=True))


def test_archive_moves_what_is_decided(corner_shop: Path, tmp_path: Path) -> None:
    (corner_shop / "orders" / "bad.csv").write_text("no,header\n1,2\n", encoding="utf-8")
    simulate(corner_shop, tmp_path / "lake", "--archive")
    left = sorted(p.relative_to(corner_shop).as_posix() for p in corner_shop.rglob("*.*"))
    assert [path for path in left if not path.startswith("archive/")] == [
        "rejected/orders/bad.csv",
        "rejected/orders/bad.csv.reason.json",
    ]
    assert len(left) == 5
    assert simulate(corner_shop, tmp_path / "lake")["batch_id"] is None


def test_as_of_is_where_customers_are_seen_from(corner_shop: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert simulate(corner_shop, lake, "--as-of", "2025-04-11")["as_of"] == "2025-04-11"
    (customer,) = rows_of("customer_insights", lake)
    assert customer["days_since_last_order"] == 10


def test_workbooks_by_folder(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    call(
        *("generate", landing, "--days", "2", "--orders", "50", "--products", "30"),
        *("--format", "xlsx", "--one-folder-per-day", "--dirt", "missing=0.02"),
    )
    document = simulate(landing, tmp_path / "lake")
    planted = Manifest.read(landing / "_manifest.json").entities
    assert {name: a["inserted"] for name, a in document["entities"].items()} == {
        name: outcome.silver for name, outcome in planted.items()
    }


# --- Showing -------------------------------------------------------------------------------------


def test_show_lists_tables(shop: Shop) -> None:
    listed = call("show", "--lake", shop.lake)
    assert "gold/daily_sales" in listed.out
    document = call("show", "--lake", shop.lake, "--json").document
    rows = {table["table"]: table["rows"] for table in document["tables"]}
    assert rows["silver/orders"] == shop.manifest.entities["orders"].silver


def test_show_rows_in_every_form(shop: Shop) -> None:
    orders = shop.manifest.entities["orders"].silver
    shown = call("show", "silver/orders", "--lake", shop.lake, "--rows", "3")
    assert shown.out.splitlines()[0].split()[:2] == ["order_num", "order_id"]
    assert len(shown.out.splitlines()) == 2 + 3
    assert f"3 of {orders:,} rows" in shown.err
    records = rows_of("silver/orders", shop.lake)
    assert len(records) == orders
    keys = [record["order_id"] for record in records]
    assert keys == sorted(keys)
    cents = sum(int(record["total_amount"].replace(".", "")) for record in records)
    assert cents == shop.manifest.silver_revenue_cents
    assert records[0]["order_timestamp"].endswith("Z")
    text = call("show", "silver.orders", "--lake", shop.lake, "--rows", "0", "--csv").out
    assert [row["total_amount"] for row in csv.DictReader(text.splitlines())] == [
        record["total_amount"] for record in records
    ]


def test_show_chooses_and_sorts(shop: Shop) -> None:
    everything = rows_of("silver/orders", shop.lake)
    chosen = rows_of(
        *("silver/orders", shop.lake, "--only", "total_amount>=200", "--only", "hour_of_day<12"),
        *("--sort", "total_amount", "--desc"),
    )
    expected = [o for o in everything if float(o["total_amount"]) >= 200 and o["hour_of_day"] < 12]
    amounts = [float(order["total_amount"]) for order in chosen]
    assert 0 < len(chosen) == len(expected)
    assert amounts == sorted(amounts, reverse=True)
    first = rows_of("silver/order_items", shop.lake, "--only", "days_since_prior_order=")
    assert first
    assert all(item["days_since_prior_order"] is None for item in first)


def test_show_schema_history_and_place(shop: Shop) -> None:
    schema = call("show", "daily_sales", "--lake", shop.lake, "--schema")
    assert "decimal(15,2)" in schema.out
    assert "Sum of total_amount over the date's orders." in schema.out
    columns = call("show", "daily_sales", "--lake", shop.lake, "--schema", "--json").document
    assert columns["key"] == ["date"]
    history = call("show", "silver/orders", "--lake", shop.lake, "--history", "--json").document
    assert [commit["run"] for commit in history["history"]] == [1, None]
    assert "(UTC)" in call("show", "silver/orders", "--lake", shop.lake, "--history").out
    place = call("show", "daily_sales", "--lake", shop.lake, "--where").out.strip()
    assert (Path(place) / "_delta_log").is_dir()


def test_narrow_terminals_get_lists(shop: Shop) -> None:
    shown = call("show", "daily_sales", "--lake", shop.lake, "--rows", "2", env={"COLUMNS": "40"})
    assert max(map(len, shown.out.splitlines())) <= 50
    assert shown.out.count("avg_order_value") == 2


# --- Quarantine ----------------------------------------------------------------------------------


def test_counts_and_rows_of_quarantine(shop: Shop) -> None:
    document = call("quarantine", "--lake", shop.lake, "--json").document
    for name in ENTITIES:
        planted = shop.manifest.entities[name]
        found = document["rows"][name]
        assert found.get("held", 0) == planted.held.total()
        assert found.get("rejected", 0) == planted.rejected.total()
    held = call("quarantine", "list", "order_items", "--lake", shop.lake, "--status", "held")
    assert "order_id:unknown_reference" in held.out
    assert "rejected" not in held.out
    missing = call(
        *("quarantine", "list", "--lake", shop.lake, "--reason", "missing", "--limit", "0"),
        "--json",
    ).document["entities"]
    for name in ENTITIES:
        codes = shop.manifest.entities[name].rejected
        assert missing[name]["rows"] == sum(n for code, n in codes.items() if "missing" in code)
        assert len(missing[name]["data"]) == missing[name]["rows"]


def test_mended_rows_come_in(corner_shop: Path, tmp_path: Path) -> None:
    lake, mend = tmp_path / "lake", tmp_path / "mend"
    account = simulate(corner_shop, lake)["entities"]
    assert (account["orders"]["rejected"], account["order_items"]["held"]) == (1, 1)

    told = call("quarantine", "export", "--lake", lake, "--to", mend)
    assert "orders: 1 row" in told.out
    assert sorted(path.name for path in mend.iterdir()) == [
        "_order_items_quarantine.raw.txt",
        "_order_items_quarantine.reasons.csv",
        "_orders_quarantine.reasons.csv",
        "orders_quarantine.csv",
    ]
    exported = mend / "orders_quarantine.csv"
    text = exported.read_text(encoding="utf-8")
    assert text == (
        "order_num,order_id,user_id,order_timestamp,total_amount,date\n"
        '2,11,6,2025-04-01T11:00:00,"12,50",2025-04-01\n'
    )
    with (mend / "_orders_quarantine.reasons.csv").open(encoding="utf-8") as file:
        (why,) = csv.DictReader(file)
    assert (why["source_file"], why["source_row"]) == ("orders/o.csv", "2")
    assert why["reasons"] == "total_amount:malformed"
    assert (mend / "_order_items_quarantine.raw.txt").read_text() == "102,11,6,,2,2,0\n"
    refused = call("quarantine", "export", "--lake", lake, "--to", mend, code=2)
    assert "is there already" in refused.err
    call("quarantine", "export", "--lake", lake, "--to", mend, "--force")

    exported.write_text(text.replace('"12,50"', "12.50"), encoding="utf-8")
    for path in mend.iterdir():  # The notes beside it do no harm in the landing zone.
        shutil.move(path, corner_shop / path.name)
    document = simulate(corner_shop, lake)
    assert document["refused"] == []
    assert document["entities"]["orders"]["inserted"] == 1
    assert document["entities"]["order_items"]["released"] == 1
    (order,) = rows_of("silver/orders", lake, "--only", "order_id=11")
    assert order["total_amount"] == "12.50"


def test_exported_catalogue_rows_are_no_catalogue(corner_shop: Path, tmp_path: Path) -> None:
    with (corner_shop / "products" / "p.csv").open("a", encoding="utf-8") as file:
        file.write(",1,Garden,Hoe\n")
    simulate(corner_shop, tmp_path / "lake")
    told = call("quarantine", "export", "products", "--lake", tmp_path / "lake", "--to", tmp_path)
    assert (tmp_path / "_products_quarantine.csv").exists()
    assert "delivered whole" in told.out


# --- The demo ------------------------------------------------------------------------------------


def test_demo_checks_itself_and_overwrites_nothing(tmp_path: Path) -> None:
    told = call("demo", "--days", "3", cwd=tmp_path)
    home = tmp_path / "lakehouse-demo"
    assert "✓ all " in told.out
    assert f"--lake {home.name}/lake" in told.out
    assert told.err == ""
    assert sorted(path.name for path in home.iterdir()) == ["lake", "landing", "manifest.json"]
    planted = Manifest.read(home / "manifest.json").entities["orders"]
    rows = call("show", "--lake", home / "lake", "--json").document["tables"]
    assert {"silver/orders": planted.silver}.items() <= {
        t["table"]: t["rows"] for t in rows
    }.items()
    refused = call("demo", "--dir", home, code=2)
    assert "is not empty" in refused.err
    assert "lakehouse-demo-2" in call("demo", "--days", "1", "--no-keep", cwd=tmp_path).out
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


# --- Calls that go wrong -------------------------------------------------------------------------

WRONG_CALLS = [
    (("simulat",), "Did you mean 'simulate'?"),
    (("simulate", "--lake", "{lake}"), "Missing option '--landing'"),
    (("simulate", "--landing", "nowhere", "--lake", "new"), "nowhere does not exist"),
    (("simulate", "--landing", "{landing}", "--lake", "{file}"), "is a file, not a folder"),
    (("simulate", "--landing", "{landing}", "--lake", "{full}"), "not empty and not a lake"),
    (("simulate", "--landing", "{empty}", "--lake", "new/lake"), "holds no deliveries"),
    (("simulate", "--landing", "{landing}", "--lake", "{landing}/lake"), "one within the other"),
    (("simulate", "--landing", "{landing}", "--lake", "new", "--as-of", "1.4."), "2025-04-30"),
    (
        ("simulate", "--landing", "{landing}", "--lake", "new", "--again", "x.csv"),
        "no delivery x.csv",
    ),
    (("generate", "{full}"), "is not empty"),
    (("generate", "new", "--dirt", "mising=0.1"), "mising"),
    (("generate", "new", "--days", "0"), "from 1 to"),
    (("show", "orders", "--lake", "{lake}"), "bronze/orders, silver/orders and quarantine/orders"),
    (("show", "daily_sale", "--lake", "{lake}"), "Did you mean daily_sales?"),
    (("show", "daily_sales", "--lake", "nowhere"), "There is no lake in nowhere"),
    (("show", "daily_sales", "--lake", "{lake}", "--only", "date=soon"), "is no date"),
    (("show", "daily_sales", "--lake", "{lake}", "--sort", "sales"), "has no column sales"),
    (("show", "daily_sales", "--lake", "{lake}", "--csv", "--json"), "Give one of them"),
    (("quarantine", "--lake", "{lake}", "--reason", "ugly"), "There is no reason ugly"),
    (("quarantine", "export", "--lake", "{lake}"), "--to DIR"),
]


def test_spark_without_java_says_what_to_install(shop: Shop, tmp_path: Path) -> None:
    """Before anything is written."""
    words = ("simulate", "--landing", shop.landing, "--lake", "new", "--engine", "spark")
    told = call(*words, code=2, cwd=tmp_path, env={"JAVA_HOME": "/nowhere"})
    assert "Spark needs Java 17, and JAVA_HOME is /nowhere" in told.err
    assert "Install Java 17" in told.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("words", "said"), WRONG_CALLS, ids=lambda value: str(value)[:60])
def test_wrong_calls_end_with_one_sentence(
    words: tuple[str, ...], said: str, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    places = {name: tmp_path / name for name in ("file", "empty", "full")}
    filled = [word.format(lake=shop.lake, landing=shop.landing, **places) for word in words]
    ended = call(*filled, code=2, cwd=tmp_path)
    assert said in ended.err
    assert ended.out == ""
    assert ended.err.startswith("lakehouse: ")
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [("simulate", "--landing", "{landing}"), ("show", "daily_sales")])
def test_newer_lakes_are_left_alone(words: tuple[str, ...], shop: Shop, copy_of_lake: Path) -> None:
    (copy_of_lake / "lakehouse.json").write_text('{"format": 99}\n', encoding="utf-8")
    before = sorted(copy_of_lake.rglob("*"))
    filled = [word.format(landing=shop.landing) for word in words]
    ended = call(*filled, "--lake", copy_of_lake, code=1)
    assert "has format 99" in ended.err
    assert "Update the software" in ended.err
    assert sorted(copy_of_lake.rglob("*")) == before


def test_damaged_tables_are_named(copy_of_lake: Path) -> None:
    for log in (copy_of_lake / "gold" / "daily_sales" / "_delta_log").iterdir():
        log.write_text("not a log", encoding="utf-8")
    ended = call("show", "daily_sales", "--lake", copy_of_lake, code=1)
    assert "gold/daily_sales" in ended.err
    assert len(ended.err.splitlines()) == 1


# --- Interplay with the system -------------------------------------------------------------------


def test_two_runs_at_once(corner_shop: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with locked(lake):
        ended = call("simulate", "--landing", corner_shop, "--lake", lake, code=1)
    assert f"Another run is working on the lake {lake}." in ended.err
    assert not lake.exists()
    assert simulate(corner_shop, lake)["batch_id"] == 1
    assert not (lake / "_lock").exists()


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["interrupt", "terminate"]
)
def test_interrupted_run_leaves_nothing(
    sign: signal.Signals, code: int, corner_shop: Path, tmp_path: Path
) -> None:
    # The signal comes when bronze and silver are written and gold is not.
    program = (
        "import os; from simulator.cli.main import main\n"
        "from simulator.engine.polars_engine import PolarsEngine\n"
        f"PolarsEngine.overwrite = lambda *_, **__: os.kill(os.getpid(), {int(sign)})\n"
        "main()"
    )
    process = start(
        *("simulate", "--landing", corner_shop, "--lake", tmp_path / "lake"),
        program=("-c", program),
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert err.splitlines() == [
        "The lake is as it was before the run.",
        "lakehouse: Interrupted.",
    ]
    assert not (tmp_path / "lake").exists()


def test_reader_that_leaves_early(shop: Shop) -> None:
    process = start("show", "bronze/order_items", "--lake", shop.lake, "--rows", "0", "--csv")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE


def test_output_that_cannot_be_written(shop: Shop) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("show", "--lake", shop.lake, stdout=full.fileno())
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == (
        "lakehouse: The output cannot be read or written: No space left on device. "
        "Look at the space of the disk and the rights of this user.\n"
    )


def test_help_is_quick_and_complete() -> None:
    told = call("--help")
    for command in ("demo", "generate", "simulate", "show", "quarantine"):
        assert command in told.out
    assert call().out == told.out
    assert "late_order" in call("generate", "--help").out
    assert call("--version").out.startswith("lakehouse ")
    heavy = "{'polars', 'pyarrow', 'deltalake', 'narwhals', 'numpy'}"
    program = f"import sys, simulator.cli.app; print({heavy} & set(sys.modules) or 'none')"
    found = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "none\n"
