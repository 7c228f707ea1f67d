"""Both engines take turns on one lake: each goes on where the other has stopped, or died.

After every step both read every table that the step has changed and see the same rows, and the lake
is the one that Polars alone makes of the same deliveries; that Spark alone makes the same of them
is shown by `test_runs`. A case is a step, or a version of a table that both have read.

Upkeep of tables by either engine is shown by `test_upkeep`.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import narwhals.stable.v2 as nw
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pyspark.sql import SparkSession

from pipeline.contracts import PRODUCTS, TABLES, Table
from pipeline.contracts.gold import PRODUCT_PERFORMANCE
from pipeline.engine import Engine
from pipeline.errors import EngineError
from pipeline.runner.report import RunReport
from pipeline.spark.engine import SparkEngine
from simulator.compare import compare
from simulator.engine.polars_engine import PolarsEngine
from tests.crashes import WRITES, Watched
from tests.equivalence.frames import Given, on_polars, on_spark
from tests.equivalence.recording import Tally
from tests.lakes import Row, Shop, deliver, listing, ordered, run
from tests.reference import DeliveredFile, DeliveredRow
from tests.strategies import Deliveries, deliveries

OTHER = {"polars": "spark", "spark": "polars"}
LAYERS = sorted({table.layer for table in TABLES})


def opened(name: str, lake: Path, session: SparkSession) -> Engine:
    """Open an engine as another process would: with nothing in mind of the lake."""
    if name == "polars":
        return PolarsEngine(lake)
    jvm: Any = session._jvm
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    return SparkEngine(session, str(lake))


def rows_seen(engine: Engine, table: Table) -> list[Row]:
    return ordered(engine.fetch(engine.read(table)))


def in_ascii(made: Deliveries) -> Deliveries:
    """Spell departments in ASCII; Polars cannot replace what Spark writes under other names."""
    return [
        replace(file, rows=tuple(map(_in_ascii, file.rows))) if file.entity == "products" else file
        for file in made
    ]


def _in_ascii(row: DeliveredRow) -> DeliveredRow:
    if row.values is None:
        return row
    values = dict(zip(PRODUCTS.column_names, row.values, strict=True))
    values["department"] = values["department"].encode("ascii", "replace").decode()
    return replace(row, values=tuple(values.values()))


# --- Whole runs ----------------------------------------------------------------------------------


class _DeathError(Exception):
    """The process is gone."""


class Turns:
    """A lake that the engines take turns on, and one that Polars has for itself."""

    def __init__(self, folder: Path, session: SparkSession, tally: Tally) -> None:
        self._session = session
        self._tally = tally
        self._shared = Shop(folder / "shared")
        self._alone = Shop(folder / "alone", self._counting)
        self._writes = Watched(None, (), lambda _: None)
        self._seen: dict[str, int | None] = {}
        self._somebody_died = False

    def _counting(self, lake: Path) -> Engine:
        self._writes = Watched(PolarsEngine(lake), WRITES, lambda _: None)
        return cast("Engine", self._writes)

    def _open(self, name: str) -> Engine:
        return opened(name, self._shared.lake, self._session)

    def run(
        self,
        engine: str,
        files: Iterable[DeliveredFile] = (),
        *,
        as_of: date | None = None,
        rebuild: bool = False,
        dying_at: int | None = None,
    ) -> None:
        """Deliver and run, by an engine on the shared lake and by Polars on the other.

        Args:
            engine: Name of the engine.
            files: What is delivered before.
            as_of: See `RunRequest`.
            rebuild: See `RunRequest`.
            dying_at: Where the engine dies, as a place among its writes, counted around; the other
                one then puts the lake back and runs. None when it lives.
        """
        group = list(files)
        expected = self._alone.run(group, as_of=as_of, rebuild=rebuild)
        if dying_at is not None:
            deliver(self._shared.landing, group)
            self._die(engine, 1 + dying_at % self._writes.count)
            engine = OTHER[engine]
        self._shared.engine = lambda _: self._open(engine)
        report = self._shared.run(group, as_of=as_of, rebuild=rebuild)

        assert report.engine == engine
        assert (report.undone_batch is not None) == (dying_at is not None)
        assert _told(report) == _told(expected)

    def _die(self, engine: str, number: int) -> None:
        """Run and come no further than a write; nothing is put back, or only one table is."""

        def die(count: int) -> None:
            if count >= number:
                raise _DeathError

        dying = cast("Engine", Watched(self._open(engine), (*WRITES, "restore"), die))
        number, name = self._shared.runs, f"died-{self._shared.runs}"
        with pytest.raises(_DeathError):
            run(self._shared.landing, self._shared.lake, number, engine=dying, run_id=name)
        self._somebody_died = True

    def replay(self, engine: str) -> None:
        """Run with nothing new: not a byte of the lake changes."""
        before = listing(self._shared.lake, LAYERS)
        self.run(engine)
        assert listing(self._shared.lake, LAYERS) == before

    def check(self) -> None:
        """Let both engines read what has changed, and hold the lake against the other one."""
        polars, spark = self._open("polars"), self._open("spark")
        for table in TABLES:
            version = polars.version(table)
            assert spark.version(table) == version
            if self._seen.get(table.path) == version:
                continue
            of_polars, of_spark = rows_seen(polars, table), rows_seen(spark, table)
            self._tally.compared(cases=1, rows=len(of_polars))
            assert of_spark == of_polars, table.path
            self._seen[table.path] = version
        # A run that died has used its number up, which rows name.
        strict = not self._somebody_died
        found = compare(self._shared.lake, self._alone.lake, strict=strict)
        self._tally.compared(cases=1, rows=sum(t.rows_a or 0 for t in found.tables))
        assert found.equal, str(found)


def _told(report: RunReport) -> dict[str, Any]:
    """Return what a report says of the data; versions and numbers tell of deaths as well."""
    document = report.document()
    kept = ("run_time", "as_of", "accepted", "duplicates", "refused", "known_files", "entities")
    rows = {path: note.rows for path, note in report.tables.items()}
    return {name: document[name] for name in kept} | {"rows": rows}


def examples(count: int) -> settings:
    """Ask for a few examples of few steps by default; nightly for more and longer ones."""
    default = settings().derandomize
    return settings(
        max_examples=count if default else 15 * count,
        stateful_step_count=4 if default else 12,
        phases=(Phase.explicit, Phase.generate),
    )


@pytest.mark.heavy
@examples(1)
@given(made=deliveries(min_files=9, max_files=9).map(in_ascii), place=st.integers(0, 20))
def test_each_goes_on_where_the_other_died(
    spark: SparkSession, tally: Tally, made: Deliveries, place: int
) -> None:
    """On a new lake and an old one; nightly each also tries again, moves dates, rebuilds gold."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        turns = Turns(Path(folder), spark, tally)
        steps: list[Callable[[], None]] = [
            partial(turns.run, "spark", made[:4], dying_at=place),
            partial(turns.run, "polars", made[4:6], dying_at=place + 3),
            partial(turns.replay, "spark"),
        ]
        if not settings().derandomize:
            steps += [
                partial(turns.run, "spark", made[6:], dying_at=place + 7),
                partial(turns.replay, "polars"),
                partial(turns.run, "spark", as_of=date(2025, 12, 24)),
                partial(turns.run, "polars", rebuild=True),
            ]
        for step in steps:
            step()
            turns.check()


class AnyTurns(RuleBasedStateMachine):
    """Deliveries, replays, moves of the date, rebuilds and deaths, each by any engine."""

    engines = st.sampled_from(list(OTHER))
    deaths = st.none() | st.integers(0, 20)

    def __init__(self, session: SparkSession, tally: Tally) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="lakehouse-"))
        self._turns = Turns(self._folder, session, tally)
        self._waiting: Deliveries = []

    @initialize(
        engine=engines, made=deliveries(min_files=10, max_files=14).map(in_ascii), dying_at=deaths
    )
    def begin(self, engine: str, made: Deliveries, dying_at: int | None) -> None:
        self._waiting = made[4:]
        self._turns.run(engine, made[:4], dying_at=dying_at)

    @precondition(lambda self: self._waiting)
    @rule(engine=engines, count=st.integers(1, 4), dying_at=deaths)
    def deliver(self, engine: str, count: int, dying_at: int | None) -> None:
        files, self._waiting = self._waiting[:count], self._waiting[count:]
        self._turns.run(engine, files, dying_at=dying_at)

    @rule(engine=engines)
    def replay(self, engine: str) -> None:
        self._turns.replay(engine)

    @rule(engine=engines, as_of=st.sampled_from([date(2025, 4, 2), date(2025, 12, 24)]))
    def see_from(self, engine: str, as_of: date) -> None:
        self._turns.run(engine, as_of=as_of)

    @rule(engine=engines)
    def rebuild(self, engine: str) -> None:
        self._turns.run(engine, rebuild=True)

    @invariant()
    def the_lake_is_the_same_to_both(self) -> None:
        self._turns.check()

    def teardown(self) -> None:
        shutil.rmtree(self._folder)


@pytest.mark.heavy
def test_any_turns_make_the_lake_that_one_engine_makes(spark: SparkSession, tally: Tally) -> None:
    machine = cast("type[AnyTurns]", partial(AnyTurns, spark, tally))
    run_state_machine_as_test(machine, settings=examples(1))


# --- One table -----------------------------------------------------------------------------------

NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# What paths, URLs, globs and Hive's own escaping have a word for; and no name at all.
ASCII_NAMES = (
    *("FROZEN FOODS", "A/B", "A=B", "100%", "%20", "A%2FB", "A+B", "A:B", "A?B#C", "A\\B", "A&B;C"),
    *("..", "~", "_A", ".A", "A,B", "'A'", '"A"', "[A]", "{A}", "*", "A|B", "<A>", "A^B`C", "$A@!"),
    *("null", "NULL", "None", None),
)
LETTERS = ("Ä", "A\u0308", "ß", "\ufb01SH", "漢😀", "\u00a0", "A\u2003B", "é")


def sold(product_id: int, department: str | None, cents: int) -> Row:
    """Return a row of gold.product_performance in the types that transforms use."""
    return {
        "product_id": product_id,
        "department": department,
        "product_name": f"{department} {product_id}",
        "total_quantity": cents,
        "total_sales": cents,
        "order_count": 1,
        "reorder_rate": None if product_id % 3 else product_id,
        "avg_days_between_orders": -cents,
        "last_updated_timestamp": NOON + cents * MICROSECOND,
    }


class OneTable:
    """A table of a new lake, which any engine may write and which then both read."""

    def __init__(self, lake: Path, session: SparkSession, tally: Tally) -> None:
        self._lake = lake
        self._session = session
        self._tally = tally
        self.open("polars").create([PRODUCT_PERFORMANCE])

    @property
    def log(self) -> Path:
        """The folder of the log."""
        return self._lake / PRODUCT_PERFORMANCE.path / "_delta_log"

    def open(self, name: str) -> Engine:
        """Open an engine that has nothing in mind of the table."""
        return opened(name, self._lake, self._session)

    def append(self, name: str, rows: Sequence[Row], batch_id: int) -> None:
        """Append by one of the engines."""
        self.open(name).append_records(PRODUCT_PERFORMANCE, rows, batch_id)

    def assert_rows(self, expected: Iterable[Row]) -> None:
        """Let both read all rows, and those of the greatest value of a column with statistics."""
        wanted = ordered(expected)
        self._tally.compared(cases=2, rows=2 * len(wanted))
        for name in OTHER:
            engine = self.open(name)
            assert rows_seen(engine, PRODUCT_PERFORMANCE) == wanted, name
            assert engine.row_count(PRODUCT_PERFORMANCE) == len(wanted)
            for column in ("last_updated_timestamp", "product_id"):
                greatest = max(row[column] for row in wanted)
                read = engine.read(PRODUCT_PERFORMANCE)
                last = engine.fetch(read.filter(nw.col(column) >= nw.lit(greatest)))
                assert last == [row for row in wanted if row[column] == greatest], name

    def merge(self, name: str, rows: Sequence[Row], batch_id: int) -> None:
        """Merge by one of the engines."""
        given_rows = Given(PRODUCT_PERFORMANCE.columns, rows)
        frame = on_polars(given_rows) if name == "polars" else on_spark(self._session, given_rows)
        self.open(name).merge(PRODUCT_PERFORMANCE, frame, batch_id)

    def restore(self, name: str, version: int) -> None:
        """Restore by one of the engines."""
        self.open(name).restore(PRODUCT_PERFORMANCE, version)


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path, tally: Tally) -> OneTable:
    return OneTable(tmp_path / "a lake of Ä", spark, tally)


def take_turns(table: OneTable, first: str, names: Sequence[str | None]) -> None:
    """Append a partition of each name, move every row to another one, move them back, restore."""
    second = OTHER[first]
    rows = [sold(number, name, 7 * number) for number, name in enumerate(names, start=1)]
    table.append(first, rows, 1)
    table.assert_rows(rows)
    moved = [
        sold(row["product_id"], name, 1_000 + row["total_sales"])
        for row, name in zip(rows, names[1:], strict=False)
    ]
    table.merge(second, moved, 2)
    table.assert_rows([*moved, rows[-1]])
    table.merge(first, rows, 3)
    table.assert_rows(rows)
    table.restore(second, 2)
    table.assert_rows([*moved, rows[-1]])


@pytest.mark.heavy
@pytest.mark.parametrize("first", list(OTHER))
def test_partitions_of_any_name_are_the_same_to_both(table: OneTable, first: str) -> None:
    """Names that paths and URLs spell otherwise, and no name: written, merged, restored in turn."""
    take_turns(table, first, ASCII_NAMES)


@pytest.mark.heavy
def test_polars_leaves_partitions_alone_that_it_cannot_replace(table: OneTable) -> None:
    """Of what Spark wrote under letters beyond ASCII, delta-rs would remove nothing.

    Both read it, and Spark may go on with what Polars wrote under such names.
    """
    rows = [sold(number, name, 7 * number) for number, name in enumerate(LETTERS, start=1)]
    table.append("polars", rows, 1)
    table.merge("spark", rows[:-1], 2)
    table.assert_rows(rows)

    for write in (partial(table.merge, rows=rows, batch_id=3), partial(table.restore, version=1)):
        with pytest.raises(EngineError, match="gold/product_performance cannot be written"):
            write("polars")
    table.assert_rows(rows)
    table.append("polars", [sold(9, LETTERS[0], 99)], 4)
    table.assert_rows([*rows, sold(9, LETTERS[0], 99)])


@pytest.mark.heavy
@pytest.mark.parametrize("first", list(OTHER))
def test_checkpoints_of_the_log_are_the_same_to_both(table: OneTable, first: str) -> None:
    """Each restores across a checkpoint of the other, and reads on when the log before is gone.

    Spark writes one after version 10 and 20, and after restoring; delta-rs after 9 and 19.
    """
    second = OTHER[first]
    places = {"polars": 9, "spark": 10}
    rows = [sold(number, ASCII_NAMES[number - 1], 11 * number) for number in range(30)]
    for version in range(1, 11):
        table.append("polars" if version < 9 else first, [rows[version]], version)
    assert checkpoints(table.log) == {places[first]}
    table.assert_rows(rows[1:11])

    table.restore(second, 5)
    for version in range(12, 21):
        table.append("polars" if version < 19 else second, [rows[version]], version)
    assert checkpoints(table.log) >= {places[first], 10 + places[second]}
    table.assert_rows([*rows[1:6], *rows[12:21]])

    table.restore(first, 10)
    table.assert_rows(rows[1:11])
    for commit in table.log.glob("*.json"):
        if int(commit.stem) <= 10 + places[second]:
            commit.unlink()
    table.assert_rows(rows[1:11])
    table.append(first, [rows[20]], 20)  # The batch was undone; it has been there all the same.
    table.append(first, [rows[22]], 22)
    table.append(second, [rows[22]], 22)
    table.append(second, [rows[23]], 23)
    table.assert_rows([*rows[1:11], rows[22], rows[23]])


def checkpoints(log: Path) -> set[int]:
    """Return the versions that the log has a checkpoint of."""
    return {int(path.name.partition(".")[0]) for path in log.glob("*.checkpoint*.parquet")}
