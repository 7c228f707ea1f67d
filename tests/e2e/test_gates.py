"""Deliveries that trip the quality gates: told of above one threshold, undone above the other.

The figures are counted by hand from the rows that each delivery is made of.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from pipeline.engine import Engine
from pipeline.errors import BlockedError, RejectedError
from pipeline.landing.store import LocalStore
from pipeline.quality.notices import MemorySink
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import deliver, delivered, everything, live_files, rows, run_time
from tests.reference import DeliveredFile

DAY = "2025-04-01"
NOON = f"{DAY}T12:00"

Rows = list[tuple[object, ...]]


def catalogue(count: int, *, name: str = "1") -> DeliveredFile:
    made = [(number, 1, "tea", f"Tea {number}") for number in range(1, count + 1)]
    return delivered("products", f"products/{name}.csv", *made)


def good_orders(count: int, first: int = 1) -> Rows:
    return [(n, n, n, NOON, "10.00", DAY) for n in range(first, first + count)]


def good_items(count: int, orders: int, first: int = 1) -> Rows:
    made: Rows = []
    for number in range(first, first + count):
        order = 1 + number % orders
        made.append((number, order, order, None, 1, 1, 0, NOON, DAY))
    return made


@dataclass
class Gated:
    """A lake that has taken one clean delivery in, and whose gates are as the contract has them."""

    folder: Path
    sink: MemorySink
    runs: int = 0

    @property
    def lake(self) -> Path:
        """Folder of the lake."""
        return self.folder / "lake"

    @property
    def landing(self) -> Path:
        """The landing zone."""
        return self.folder / "landing"

    def run(self, files: Iterable[DeliveredFile], engine: Engine | None = None) -> RunReport:
        """Deliver and run."""
        deliver(self.landing, files)
        self.sink.sent.clear()
        self.runs += 1
        lakehouse = Lakehouse(
            engine or PolarsEngine(self.lake),
            LakeHome(self.lake),
            LocalStore(self.landing),
            sink=self.sink,
        )
        return lakehouse.run(RunRequest(run_time(self.runs)))

    def alerts(self) -> set[tuple[str, str]]:
        """Return check and severity of what was sent."""
        return {(notice.check, notice.severity.value) for notice in self.sink.sent}


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    found = Gated(tmp_path, MemorySink())
    found.run(
        [
            catalogue(10),
            delivered("orders", "orders/1.csv", *good_orders(100)),
            delivered("order_items", "order_items/1.csv", *good_items(200, 100)),
        ]
    )
    assert found.alerts() == set()
    return found


@dataclass(frozen=True)
class Trip:
    """A second delivery of orders or items, and which check of which subject it trips."""

    check: str
    severity: str
    subject: str
    bad: Rows
    good: Rows

    @property
    def file(self) -> DeliveredFile:
        """The delivery."""
        return delivered(self.subject, f"{self.subject}/2.csv", *self.good, *self.bad)


def missing(count: int) -> Rows:
    return [(n, n, "", NOON, "10.00", DAY) for n in range(900, 900 + count)]


def out_of_range(count: int) -> Rows:
    return [(n, n, 0, NOON, "10.00", DAY) for n in range(900, 900 + count)]


def unknown_orders(count: int) -> Rows:
    return [(n, 999_999, 1, None, 1, 1, 0, NOON, DAY) for n in range(900, 900 + count)]


def of_another_user(count: int) -> Rows:
    return [(n, 1, 77, None, 1, 1, 0, NOON, DAY) for n in range(900, 900 + count)]


def extreme(count: int) -> Rows:
    return [(n, n, 1, NOON, "99999999.00", DAY) for n in range(900, 900 + count)]


# Of 200 rows: 1 % are 2, 0.5 % is 1, 0.1 % is less than 1, 10 % are 20 and 5 % are 10.
ORDERS, ITEMS = good_orders(200, 300), good_items(200, 100, 300)
ALERTS = [
    Trip("missing_or_malformed", "medium", "orders", missing(3), ORDERS[:197]),
    Trip("rule_violations", "high", "orders", out_of_range(2), ORDERS[:198]),
    Trip("unknown_references", "high", "order_items", unknown_orders(1), ITEMS[:199]),
    Trip("consistency", "high", "order_items", of_another_user(2), ITEMS[:198]),
    Trip("anomalies", "low", "orders", extreme(1), ORDERS[:199]),
]
BLOCKS = [
    Trip("missing_or_malformed", "medium", "orders", missing(21), ORDERS[:179]),
    Trip("rule_violations", "high", "orders", out_of_range(11), ORDERS[:189]),
    Trip("unknown_references", "high", "order_items", unknown_orders(21), ITEMS[:179]),
]


def named(trip: Trip) -> str:
    return trip.check


@pytest.mark.parametrize("trip", ALERTS, ids=named)
def test_above_its_alert_a_check_is_told_of_and_the_run_goes_on(gated: Gated, trip: Trip) -> None:
    report = gated.run([trip.file])

    verdict = next(v for v in report.verdicts if v.check.name == trip.check and not v.passed)
    assert (verdict.measure.subject, verdict.measure.measured) == (trip.subject, len(trip.bad))
    assert (trip.check, trip.severity) in gated.alerts()
    told = next(notice for notice in gated.sink.sent if notice.check == trip.check)
    assert f"{len(trip.bad)} " in told.message
    assert told.samples
    kept = [row for row in rows(gated.lake, "meta/quality_metrics") if row["verdict"] == "alert"]
    assert trip.check in {row["check_name"] for row in kept}
    scores = {r["layer"]: r["score"] for r in rows(gated.lake, "meta/quality_scores")}
    assert min(scores.values()) < 1


@pytest.mark.parametrize("trip", BLOCKS, ids=named)
def test_above_its_block_a_check_undoes_the_run(gated: Gated, trip: Trip) -> None:
    """Version for version the lake is what it was; the files wait; the message tells it all."""
    before, files = everything(gated.lake), live_files(gated.lake)
    there = sorted(gated.landing.rglob("*.csv"))
    with pytest.raises(BlockedError) as raised:
        gated.run([trip.file])

    assert everything(gated.lake) == before
    assert live_files(gated.lake) == files
    assert sorted(gated.landing.rglob("*.csv")) == sorted([*there, gated.landing / trip.file.path])
    for said in (str(raised.value), *_failure_told(gated)):
        assert trip.check in said
        assert f"{len(trip.bad)} " in said
        assert "of 200 rows read" in said
        assert "undone above" in said
        assert f"{trip.file.path} row " in said
    account = json.loads(next((gated.lake / "_undone").glob("*.json")).read_text())
    assert account["status"] == "blocked"
    assert trip.check in account["reason"]


def _failure_told(gated: Gated) -> list[str]:
    return [notice.message for notice in gated.sink.sent if notice.severity == "critical"]


def test_a_share_of_few_rows_blocks_nothing(gated: Gated) -> None:
    """Half of 99 rows is missing: it is told of, since a share blocks from 100 rows on only."""
    report = gated.run([delivered("orders", "orders/2.csv", *ORDERS[:49], *missing(50))])

    assert report.batch_id == 2
    assert ("missing_or_malformed", "medium") in gated.alerts()


@pytest.mark.parametrize(("listed", "blocks"), [(5, False), (4, True)])
def test_a_catalogue_under_half_of_the_active_products_blocks(
    gated: Gated,
    listed: int,
    blocks: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    """Of 10 active products half may go, and no more."""
    if not blocks:
        gated.run([catalogue(listed, name="2")])
        active = [row for row in rows(gated.lake, "silver/products") if row["is_active"]]
        assert len(active) == listed
        return
    with pytest.raises(BlockedError, match=r"catalogue_shrink of products: 6 .* 10"):
        gated.run([catalogue(listed, name="2")])
    assert all(row["is_active"] for row in rows(gated.lake, "silver/products"))


def test_schema_drift_and_repeated_keys_are_told_of(gated: Gated) -> None:
    columns = "order_num,order_id,user_id,order_timestamp,total_amount,date,channel\n"
    lines = [f"{','.join(map(str, row))},web\n" for row in [*ORDERS[:150], *ORDERS[:2]]]
    (gated.landing / "orders/2.csv").write_text(columns + "".join(lines))
    gated.run([])

    assert {("schema_drift", "medium"), ("duplicate_keys", "medium")} <= gated.alerts()


def test_a_refused_file_is_told_of_and_the_others_come_in(gated: Gated) -> None:
    (gated.landing / "orders/bad.csv").write_text("order_id\n1\n")
    report = gated.run([delivered("orders", "orders/2.csv", *ORDERS)])

    assert [file.path for file in report.accepted] == ["orders/2.csv"]
    assert gated.alerts() == {("file_header", "high")}


def test_a_landing_zone_of_refused_files_alone_fails_the_run(tmp_path: Path) -> None:
    """Not one file can be taken in: the run says which and why, and leaves nothing behind."""
    gated = Gated(tmp_path, MemorySink())
    (gated.landing / "orders").mkdir(parents=True)
    (gated.landing / "orders/bad.csv").write_text("order_id\n1\n")
    with pytest.raises(RejectedError, match=r"orders/bad\.csv: .*header"):
        gated.run([])
    assert not gated.lake.exists()
    assert [notice.severity.value for notice in gated.sink.sent] == ["critical"]


# --- Gold ----------------------------------------------------------------------------------------


class Tampered:
    """An engine that writes one gold table a little wrong, as a fault in its transform would."""

    def __init__(self, inner: PolarsEngine, path: str, column: str) -> None:
        self._inner = inner
        self._path = path
        self._column = column

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def overwrite(self, table, frames, batch_id, *, dates=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as the protocol has it
        """See `Engine.overwrite`; one unit is added to every value of the column."""
        import narwhals.stable.v2 as nw

        if table.path == self._path:
            frames = [f.with_columns(nw.col(self._column) + 1) for f in frames]
        self._inner.overwrite(table, frames, batch_id, dates=dates)


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("gold/daily_sales", "total_sales"),
        ("gold/product_performance", "order_count"),
        ("gold/department_analytics", "customer_count"),
        ("gold/customer_insights", "total_orders"),
    ],
)
def test_a_wrong_gold_table_undoes_the_run(gated: Gated, path: str, column: str) -> None:
    """One cent, order or customer too many is found by the second computation."""
    before = everything(gated.lake)
    tampered = cast("Engine", Tampered(PolarsEngine(gated.lake), path, column))
    with pytest.raises(BlockedError, match=rf"recomputation of {path}"):
        gated.run([delivered("orders", "orders/2.csv", *ORDERS)], tampered)
    assert everything(gated.lake) == before


def test_an_unusual_day_is_told_of(tmp_path: Path) -> None:
    """Twenty-eight days of 100.00 or 101.00, then one of 1,000.00: low, and the run goes on."""
    gated = Gated(tmp_path, MemorySink())
    days = [f"2025-03-{day:02}" for day in range(1, 30)]
    totals = ["100.00", "101.00"] * 14 + ["1000.00"]
    made: Sequence[tuple[object, ...]] = [
        (n, n, n, f"{day}T12:00", total, day)
        for n, (day, total) in enumerate(zip(days, totals, strict=True), start=1)
    ]
    gated.run([catalogue(1), delivered("orders", "orders/1.csv", *made)])

    assert ("trend", "low") in gated.alerts()
    told = next(notice for notice in gated.sink.sent if notice.check == "trend")
    assert "2025-03-29" in " ".join(told.samples)
