"""Whole runs: the same deliveries at the same times through both engines make the same lake.

Schema, partitions, protocol and every row of every table are the same, run metadata and books
included, and so is what the runs report. Only the engine's name and the fingerprints of files,
which name a place on disk, may differ.

A case is a delivered file; a file of a generated shop is dirty in several ways at once.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from pipeline.engine import Engine
from pipeline.runner.report import RunReport
from pipeline.spark.engine import SparkEngine
from simulator.cli.verify import Deliveries as SeenOnTheWay
from simulator.cli.verify import verify
from simulator.compare import compare
from simulator.generate import DayWritten, Dirt, ShopConfig, generate
from tests.agreement import assert_accounts_agree, assert_lake_agrees
from tests.equivalence.recording import Tally
from tests.lakes import Shop
from tests.real_data import copy_csv, copy_workbooks, real_or_skip
from tests.reference import DeliveredFile, ReferenceLake
from tests.strategies import Deliveries, deliveries, groupings


def on_spark(session: SparkSession, lake: Path) -> Engine:
    return SparkEngine(session, str(lake))


@dataclass(frozen=True)
class Twins:
    """Two shops that get the same deliveries; each engine has one."""

    polars: Shop
    spark: Shop

    @classmethod
    def within(cls, folder: Path, session: SparkSession) -> "Twins":
        """Open both in folders of their own."""
        return cls(Shop(folder / "polars"), Shop(folder / "spark", partial(on_spark, session)))

    def take_over(self, files: Iterable[Path], root: Path) -> None:
        """Deliver some files of a folder under the names that they have there."""
        for path in files:
            for shop in (self.polars, self.spark):
                goal = shop.landing / path.relative_to(root)
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, goal)

    def run(self, files: Iterable[DeliveredFile] = ()) -> RunReport:
        """Run both; what they report must be the same. Return the report of Spark."""
        group = list(files)
        reports = [shop.run(group) for shop in (self.polars, self.spark)]
        of_polars, of_spark = map(said, reports)
        assert of_spark == of_polars
        assert reports[1].engine == "spark"
        assert all(balance_holds(report) for report in reports)
        return reports[1]

    def assert_equal(self, tally: Tally) -> None:
        """Compare both lakes, in everything that can be told apart."""
        found = compare(self.polars.lake, self.spark.lake, strict=True)
        files = sum(len(report.accepted) for report in self.spark.reports)
        tally.compared(cases=files, rows=sum(table.rows_a or 0 for table in found.tables))
        assert found.equal, str(found)


def said(report: RunReport) -> dict[str, Any]:
    """Return what a report says of the data: rows, reasons, warnings, files, balances."""
    document = report.document()
    del document["engine"], document["seconds"]
    # Where nothing is overwritten by nothing, Spark writes no version.
    document["tables"] = {path: note.rows for path, note in report.tables.items()}
    document["trace"] = [(note.step, note.outcome) for note in report.trace]
    return document


def balance_holds(report: RunReport) -> bool:
    balances = [account.balance for account in report.entities.values()]
    return all(balance is not None and balance.holds for balance in balances)


@contextmanager
def new_twins(session: SparkSession) -> Iterator[Twins]:
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        yield Twins.within(Path(folder), session)


@pytest.fixture
def twins(spark: SparkSession, tmp_path: Path) -> Twins:
    return Twins.within(tmp_path, spark)


# --- Real days -----------------------------------------------------------------------------------


@pytest.mark.heavy
def test_ten_real_days_make_the_same_lake(twins: Twins, tally: Tally) -> None:
    """5,000 orders and their items, one CSV a day."""
    for shop in (twins.polars, twins.spark):
        copy_csv(real_or_skip(), shop.landing)
    report = twins.run()

    assert report.entities["orders"].inserted == 5_000
    twins.assert_equal(tally)


@pytest.mark.heavy
def test_fifteen_real_days_of_workbooks_make_the_same_lake(twins: Twins, tally: Tally) -> None:
    """7,500 orders and 40,803 items, a worksheet a day; numbers are floats there."""
    for shop in (twins.polars, twins.spark):
        copy_workbooks(real_or_skip(), shop.landing)
    report = twins.run()

    assert report.entities["order_items"].inserted == 40_803
    twins.assert_equal(tally)


# --- A generated month ---------------------------------------------------------------------------


@pytest.mark.heavy
def test_a_dirty_month_makes_the_same_lake(
    twins: Twins, tmp_path: Path, tally: Tally, spark: SparkSession
) -> None:
    """Every kind of dirt; in the lake of Spark is what was planted.

    Orders of a few days come with the second delivery only: their items wait for them.
    """
    days: list[DayWritten] = []
    config = ShopConfig(days=30, orders_per_day=8, products=60, seed=11, weekly_catalogue=True)
    manifest = generate(config, Dirt.demo(), tmp_path / "shipped", on_day=days.append)
    late = [path for day in days[12:15] for path in day.files if path.parent.name == "orders"]
    first = [path for day in days[:15] for path in day.files if path not in late]
    second = [*late, *(path for day in days[15:] for path in day.files)]
    on_the_way = SeenOnTheWay()
    for files in (first, second):
        twins.take_over(files, tmp_path / "shipped")
        report = twins.run()
        on_the_way.refused.clear()  # Refused files stay where they are and are refused again.
        on_the_way.add(report)

    assert report.entities["order_items"].released > 0
    twins.assert_equal(tally)
    figures = verify(manifest, on_spark(spark, twins.spark.lake), on_the_way)
    wrong = [str(figure) for figure in figures if not figure.agrees]
    # Of how many rows had to wait the manifest speaks for daily runs.
    assert [figure for figure in wrong if ", healed rows:" not in figure] == []


# --- Whatever is delivered -----------------------------------------------------------------------


def examples(count: int) -> settings:
    """Ask for a few examples by default, as a run of Spark takes its time; nightly for many."""
    default = settings().derandomize
    phases = (Phase.explicit, Phase.generate)
    return settings(max_examples=count if default else 15 * count, phases=phases)


@pytest.mark.heavy
@examples(1)
@given(data=st.data(), made=deliveries())
def test_any_deliveries_make_the_same_lake(
    spark: SparkSession, tally: Tally, data: st.DataObject, made: Deliveries
) -> None:
    """Malformed rows, unknown columns, files that come again, references that come later."""
    expected = ReferenceLake()
    with new_twins(spark) as twins:
        for group in data.draw(groupings(made, max_runs=2)):
            expected.run(group, twins.spark.next_time())
            report = twins.run(group)
            assert report.as_of == expected.as_of
            assert_accounts_agree(report, expected)
            assert_lake_agrees(twins.spark, expected)
        twins.assert_equal(tally)
