"""The page on costs: its tables are what the configuration makes, and the sums are right."""

import re

import pytest

from infra.costs import PRICES, Load, idle, per_million, table
from infra.reading import read
from tests.infra.graph import ROOT, graph_of, values

PAGE = (ROOT / "docs" / "costs.md").read_text("utf-8")
SETTINGS = {name: read(values(name), name) for name in ("dev", "test", "prod")}


def test_the_page_holds_the_tables() -> None:
    for columns in (
        {name: idle(settings) for name, settings in SETTINGS.items()},
        {name: per_million(settings) for name, settings in SETTINGS.items()},
    ):
        assert table(columns) in PAGE, f"docs/costs.md should hold:\n{table(columns)}"


def test_the_page_names_every_price() -> None:
    named = {float(price) for price in re.findall(r"\$(\d+\.?\d*)", PAGE)}
    assert set(PRICES.values()) <= named


def test_alarms_are_counted_as_they_are_made() -> None:
    for name, settings in SETTINGS.items():
        made = len(graph_of(name).of("MetricAlarm"))
        assert idle(settings)["Alarms"] == pytest.approx(made * 0.10)


def test_the_arithmetic_by_hand() -> None:
    """30 runs of 2 + 2 + 3 + 3 + 2 minutes on two workers of one DPU each, at list price."""
    assert Load().job_minutes() == 12
    prod = per_million(SETTINGS["prod"])
    assert prod["Glue jobs"] == pytest.approx(30 * 12 / 60 * 2 * 0.44)
    assert prod["State transitions"] == pytest.approx(30 * 45 * 0.025 / 1000)
    assert prod["Queries"] == pytest.approx(0.25)
    assert per_million(SETTINGS["dev"])["Glue jobs"] == pytest.approx(30 * 12 / 60 * 2 * 0.29)
    empty = Load(runs=0, stored_gb=0, delivered_gb=0, objects=0, log_gb=0, scanned_tb=0)
    assert sum(per_million(SETTINGS["prod"], empty).values()) == 0


def test_what_is_assumed_fits_what_is_deployed() -> None:
    """A run passes no more states than are counted for it, and uses no more workers than it may."""
    turn, look, jobs, functions, notices, end = 6, 4 + 2 * 5, 3 + 4 * 2, 3 * 2 + 2, 3, 1
    assert turn + look + jobs + functions + notices + end <= Load().transitions
    for settings in SETTINGS.values():
        assert Load().workers <= settings.job.max_workers
