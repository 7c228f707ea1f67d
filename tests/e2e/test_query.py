"""SQL on a lake: the named queries against plain Python, what is read for them, and the command."""

import csv
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from pipeline.contracts import ORDER_ITEMS, silver
from pipeline.errors import LakehouseError
from pipeline.queries import named_queries
from simulator.cli import query_prompt
from simulator.cli.guard import guarded
from simulator.cli.main import run as cli
from simulator.cli.query_completion import Words
from simulator.generate import Dirt, ShopConfig, generate
from simulator.sql.session import Session
from tests.e2e.test_cli import BYTECODE, ROOT
from tests.lakes import run
from tests.questions import ANSWERS, Facts
from tests.real_data import copy_csv, real_or_skip

PROGRAM = (sys.executable, "-P", "-m", "simulator.cli.main")
NAMES = [query.name for query in named_queries()]
SQL = {query.name: query.sql for query in named_queries()}


@pytest.fixture(scope="module", params=["generated", "real"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of several runs: a dirty shop with a gap whose days came out of order; real days."""
    folder = tmp_path_factory.mktemp("query")
    landing, made = folder / "landing", folder / "lake"
    if request.param == "real":
        copy_csv(real_or_skip(), landing)
        run(landing, made)
        return made
    config = ShopConfig(
        days=36, orders_per_day=10, products=60, users=50, seed=5, weekly_catalogue=True
    )
    generate(config, Dirt.parse("demo,late_order=0.05"), folder / "all")
    files = sorted(p for p in (folder / "all").rglob("*") if p.is_file() and p.name[0] != "_")
    for number, days in enumerate((range(1, 12), range(20, 37), range(14, 20))):
        for path in files:
            found = re.search(r"(\d{4}-\d{2}-\d{2})", str(path))
            day = (date.fromisoformat(found[1]) - date(2025, 3, 31)).days if found else 1
            if day in days:
                target = landing / path.relative_to(folder / "all")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        run(landing, made, number)
    return made


@pytest.fixture(scope="module")
def session(lake: Path) -> Iterator[Session]:
    with Session(lake) as opened:
        yield opened


@pytest.fixture(scope="module")
def facts(lake: Path) -> Facts:
    def read(table: str) -> list[dict[str, Any]]:
        return pl.read_delta(str(lake / table)).to_dicts()

    runs = sorted(read("meta/runs"), key=lambda row: row["started_at"])
    return Facts(read, runs[-1]["as_of"])


@pytest.mark.parametrize("name", NAMES)
def test_named_query_returns_what_plain_python_returns(
    session: Session, facts: Facts, name: str
) -> None:
    with session.answered(SQL[name]) as result:
        answer = list(result.rows())
        given = [each.type for each in result.reader.schema]
        promised = [str(field.type).replace(",", ", ") for field in result.fields]
    assert answer == ANSWERS[name](facts)
    words = {"int64": "bigint", "int32": "integer", "string": "varchar", "date32[day]": "date",
             "timestamp[us, tz=UTC]": "timestamp with time zone"}  # fmt: skip
    told = [words.get(str(kind), str(kind).replace("decimal128", "decimal")) for kind in given]
    assert told == promised


# --- What is read --------------------------------------------------------------------------------


def _blank(path: Path, kept: tuple[str, ...] = ()) -> None:
    """Overwrite the data of a Parquet file but for some columns; its footer stays."""
    metadata = pq.ParquetFile(path).metadata
    with path.open("r+b") as file:
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                if column.path_in_schema in kept:
                    continue
                start = column.dictionary_page_offset or column.data_page_offset
                file.seek(start)
                file.write(b"\xff" * column.total_compressed_size)


def test_a_day_and_a_column_are_all_that_is_read(lake: Path, facts: Facts, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    day = sorted(facts.days)[3]
    expected = sum(row["product_id"] for row in facts.items if row["date"] == day)
    files = sorted((copy / silver(ORDER_ITEMS).path).rglob("*.parquet"))
    assert len(files) > 8
    for path in files:
        _blank(path, kept=("product_id",) if f"date={day}" in str(path) else ())
    sums = "SELECT SUM(i.product_id) FROM silver.order_items AS i"
    with Session(copy) as session:
        for where in (f"i.date = DATE '{day}'", f"i.date BETWEEN DATE '{day}' AND DATE '{day}'"):
            with session.answered(f"{sums} WHERE {where}") as result:
                assert list(result.rows()) == [(expected,)]
        # Whoever reads more meets what was overwritten.
        with pytest.raises(LakehouseError), session.answered(sums) as result:
            list(result.rows())
        with (
            pytest.raises(LakehouseError),
            session.answered(
                f"SELECT SUM(i.order_id) FROM silver.order_items AS i WHERE i.date = DATE '{day}'"
            ) as result,
        ):
            list(result.rows())


def test_a_lake_in_a_folder_with_a_strange_name(lake: Path, tmp_path: Path) -> None:
    strange = Path(shutil.copytree(lake, tmp_path / "it's [a] läke * x=1?"))
    text = "SELECT department FROM gold.product_performance GROUP BY 1 ORDER BY 1"
    with Session(lake) as one, Session(strange) as other:
        with one.answered(text) as result:
            expected = list(result.rows())
        with other.answered(text) as result:
            assert list(result.rows()) == expected
    assert len(expected) > 1


def test_a_column_that_older_files_lack_is_null(lake: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    path = copy / "meta" / "runs"
    before = pl.read_delta(str(path))
    shutil.rmtree(path)
    before.drop("refused_files").write_delta(str(path))
    before.write_delta(str(path), mode="append", delta_write_options={"schema_mode": "merge"})
    with (
        Session(copy) as session,
        session.answered(
            "SELECT r.refused_files FROM meta.runs AS r ORDER BY 1 NULLS FIRST"
        ) as result,
    ):
        found = [value for (value,) in result.rows()]
    assert found == [None] * before.height + sorted(before["refused_files"])


def test_no_file_beside_the_lake_can_be_read(lake: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    with Session(lake) as session, pytest.raises(duckdb.PermissionException):
        session._duckdb.sql(f"SELECT * FROM read_csv('{secret}')").fetchall()


# --- The command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small lake for the command."""
    folder = tmp_path_factory.mktemp("command")
    config = ShopConfig(days=9, orders_per_day=10, products=40, seed=1)
    generate(config, Dirt(), folder / "landing")
    run(folder / "landing", folder / "lake")
    return folder / "lake"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its standard output as JSON."""
        content: dict[str, Any] = json.loads(self.out)
        return content


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ended]]:
    """Call the command line in this process, which spares the start of another."""

    def made(*words: str | Path, code: int = 0) -> Ended:
        ended = guarded(lambda: cli(list(map(str, words))))
        said = capsys.readouterr()
        assert ended == code, said.err
        return Ended(ended, said.out, said.err)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


SALES = "SELECT date, total_sales, order_count FROM gold.daily_sales ORDER BY date"


def test_forms_of_an_answer(call: Callable[..., Ended], shop: Path, tmp_path: Path) -> None:
    stored = pl.read_delta(str(shop / "gold/daily_sales")).sort("date")
    wanted = list(stored.select("date", "total_sales", "order_count").iter_rows())
    document = call("query", SALES, "--lake", shop, "--format", "json").document
    assert document["columns"] == [
        {"name": "date", "type": "date"},
        {"name": "total_sales", "type": "decimal(15,2)"},
        {"name": "order_count", "type": "bigint"},
    ]
    told = [(str(day), f"{sales}", orders) for day, sales, orders in wanted]
    assert [tuple(row.values()) for row in document["rows"]] == told
    target = tmp_path / "sales.csv"
    assert call("query", SALES, "--lake", shop, "--to", target).out == ""
    lines = list(csv.reader(io.StringIO(target.read_text(encoding="utf-8"))))
    assert lines == [["date", "total_sales", "order_count"], *[[*r[:2], str(r[2])] for r in told]]
    target = tmp_path / "sales.parquet"
    call("query", SALES, "--lake", shop, "--to", target)
    assert list(pl.read_parquet(target).iter_rows()) == wanted
    table = call("query", SALES, "--lake", shop, "--limit", "2")
    assert len(table.out.splitlines()) == 4
    assert f"2 of {len(wanted)} rows; --limit 0 shows all." in table.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales.csv", "sales.parquet"]


def test_pictures(call: Callable[..., Ended], shop: Path) -> None:
    drawn = call("query", "departments", "--lake", shop, "--plot", "--measure", "order_count").out
    document = call("query", "departments", "--lake", shop, "--format", "json").document
    bars = {row["department"]: row["order_count"] for row in document["rows"]}
    lines = [line for line in drawn.splitlines() if "█" in line]
    assert len(lines) == len(bars)
    longest = max(lines, key=lambda line: line.count("█"))
    assert longest.startswith(max(bars, key=lambda name: bars[name]))
    many = call("query", "SELECT order_id, total_amount FROM silver.orders ORDER BY 1",
                "--lake", shop, "--plot")  # fmt: skip
    assert "▁" in many.out or "█" in many.out
    assert len(many.out.splitlines()) == 11


def test_lists_and_statements_of_queries(call: Callable[..., Ended]) -> None:
    listed = call("query", "--list").out
    assert all(name in listed for name in NAMES)
    assert call("query", "top-products", "--sql").out.strip() == SQL["top_products"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("hour_patern",), "There is no query 'hour_patern'. Did you mean hour_pattern?"),
        (("SELECT x FROM gold.daily_sales",), "Line 1, column 8: There is no column x."),
        (("SELECT date FROM daily_sales",), "Write gold.daily_sales."),
        (("SELECT date FROM gld.daily_sales",), "Did you mean gold?"),
        (("SELECT date FROM gold.daily_sale",), "Did you mean gold.daily_sales?"),
        (("SELECT date, COUNT(order_count) FROM gold.daily_sales",), "GROUP BY"),
        (("DROP TABLE gold.daily_sales",), "the tables are only read here"),
        (("SELECT 1 AS a, 2 AS a", "--format", "csv"), "Two columns of the answer are called a."),
        ((SALES, "--format", "parquet"), "Give it with --to FILE."),
        ((SALES, "--to", "x.txt"), "Let it end in .csv, .json or .parquet"),
        ((SALES, "--plot", "--measure", "sales"), "There is no column of numbers sales."),
        (("SELECT date FROM gold.daily_sales", "--plot"), "There is nothing to draw"),
        ((SALES, "--to", "no/such/folder/x.csv"), "cannot be written"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    call: Callable[..., Ended], shop: Path, words: tuple[str, ...], sentence: str
) -> None:
    code = 1 if "cannot be written" in sentence else 2
    ended = call("query", *words, "--lake", shop, code=code)
    assert ended.err.startswith("lakehouse: ")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


def test_statements_come_on_standard_input(shop: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "query", "--lake", shop, "--format", "csv"],
        input="SELECT 1 AS a; -- and\nSELECT 7 / 2 AS b;",
        env={**os.environ, "PYTHONPATH": str(ROOT), **BYTECODE},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert ended.stdout == "a\n1\nb\n3\n"


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, home: Path, *words: str | Path) -> None:
        import pty

        self.said = ""
        self._pid, self._file = pty.fork()
        if not self._pid:
            os.environ.update(
                PYTHONPATH=str(ROOT),
                TERM="xterm",
                NO_COLOR="1",
                XDG_STATE_HOME=str(home),
                **BYTECODE,
            )
            program = [*PROGRAM, *map(str, words)]
            os.execv(sys.executable, program)  # noqa: S606 - the command itself

    def type(self, text: str) -> None:
        """Type some keys."""
        self.said = ""
        os.write(self._file, text.encode())

    def expect(self, text: str) -> None:
        """Wait until the program has written something after what was waited for before."""
        deadline = time.monotonic() + 60
        while text not in self.said:
            assert time.monotonic() < deadline, f"{text!r} was not said: {self.said}"
            if not select.select([self._file], [], [], 1)[0]:
                continue
            said = os.read(self._file, 1 << 16)
            if b"\x1b[6n" in said:  # Where is the cursor?
                os.write(self._file, b"\x1b[1;1R")
            plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", said)
            self.said += plain.decode(errors="replace")
        self.said = self.said.partition(text)[2]

    def end(self) -> int:
        """Wait for the program's end and return its code."""
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        os.kill(self._pid, signal.SIGINT)


def test_the_prompt(shop: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "query", "--lake", shop)
    terminal.expect("lakehouse>")
    terminal.type("SELECT COUNT(*) AS days\r")
    terminal.expect("->")
    terminal.type("FROM gold.daily_sales;\r")
    terminal.expect("1 row.")
    terminal.type("\\d gold.daily_sales\r")
    terminal.expect("decimal(15,2)")
    terminal.type("\\d\r")
    terminal.expect("gold.customer_insights")
    terminal.type("SELECT nope FROM gold.daily_sales;\r")
    terminal.expect("There is no column nope.")
    terminal.type("\\n unsold_products\r")
    terminal.expect("row")
    terminal.expect("lakehouse>")
    terminal.type("SELECT total_it\t")
    terminal.expect("total_it")
    terminal.type("\x03")
    terminal.expect("lakehouse>")
    # A statement that would take for ever is stopped, and the prompt goes on.
    tables = ", ".join(f"silver.orders AS {letter}" for letter in "abcdef")
    endless = f"SELECT COUNT(*) FROM {tables} WHERE a.order_id + f.order_id > b.user_id"
    terminal.type(f"SELECT 1; {endless};\r")
    terminal.expect("1 row.")  # The first one is answered, so the second one is at work.
    terminal.interrupt()
    terminal.expect("Stopped.")
    terminal.type("\\q\r")
    assert terminal.end() == 0
    history = (tmp_path / "lakehouse" / "query_history").read_text(encoding="utf-8")
    assert "+FROM gold.daily_sales;" in history


class _Interrupting(str):
    """A typed line: Ctrl-C comes when it has been read and nothing is done for it yet."""

    __slots__ = ()

    def strip(self, _: str | None = None) -> str:
        return self

    def __hash__(self) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return super().__hash__()


def test_an_interrupt_between_two_statements_ends_nothing(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter([_Interrupting("SELECT COUNT(*) AS days FROM gold.daily_sales;"), "\\q"])
    monkeypatch.setattr(
        query_prompt, "_prompt_session", lambda _: SimpleNamespace(prompt=lambda: next(lines))
    )
    with Session(shop) as session:
        try:
            query_prompt.prompt(session, shop, limit=10)
        except KeyboardInterrupt:
            pytest.fail("the prompt has ended")

    assert "1 row." in capsys.readouterr().err
    assert next(lines, None) is None


@pytest.mark.parametrize(
    ("text", "cursor", "offered"),
    [
        ("SELECT t. FROM gold.daily_sales AS t", 9, "t.unique_customers"),
        ("SELECT uniq FROM gold.daily_sales", 11, "unique_customers"),
        ("SELECT date FROM gold.da", 24, "gold.daily_sales"),
        ("SELECT date FROM go", 19, "gold."),
        ("SELECT date_tr", 14, "DATE_TRUNC("),
        ("sel", 3, "SELECT"),
        ("\\d gold.cust", 12, "gold.customer_insights"),
        ("\\n dep", 6, "department_growth"),
    ],
)
def test_completion(shop: Path, text: str, cursor: int, offered: str) -> None:
    with Session(shop) as session:
        found = Words(session).get_completions(Document(text, cursor), CompleteEvent())
        words = {each.text: each.start_position for each in found}
    assert offered in words
    typed = text[cursor + words[offered] : cursor]
    assert offered.lower().startswith(typed.lower())


def test_help_loads_no_engine() -> None:
    check = (
        "import sys; from simulator.cli.main import run; run(['query', '--help']); "
        "loaded = {'duckdb', 'sqlglot', 'polars', 'pyarrow', 'prompt_toolkit'} & set(sys.modules); "
        "sys.exit(str(loaded) if loaded else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", check],
        env={**os.environ, "PYTHONPATH": str(ROOT), **BYTECODE},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "department_growth" in ended.stdout
