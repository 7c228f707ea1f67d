"""What the pipeline costs, measured beside scripts that do the same work."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.by_hand import Lake, run
from simulator.bench import child
from simulator.engine.polars_engine import PolarsEngine
from simulator.generate import Dirt, ShopConfig, generate
from tests.by_hand import assert_tables_are_the_pipelines
from tests.e2e.test_cli import call


def test_the_script_on_polars_makes_the_tables_of_the_pipeline(tmp_path: Path) -> None:
    def script(landing: Path, lake: Path) -> None:
        run(landing, Lake(lake, datetime(2026, 3, 1, tzinfo=UTC)))

    assert_tables_are_the_pipelines(tmp_path, script)


def test_looking_at_the_memory_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that stands still but for an hour each time the memory is looked at."""
    clock = {"seconds": 0.0}

    def look() -> int:
        clock["seconds"] += 3600.0
        return 1

    monkeypatch.setattr(child, "peak_bytes", look)
    monkeypatch.setattr(child, "time", SimpleNamespace(perf_counter=lambda: clock["seconds"]))
    generate(
        ShopConfig(days=1, orders_per_day=5, products=5, users=5), Dirt.none(), tmp_path / "shop"
    )
    lake = tmp_path / "lake"
    assert child.measure(PolarsEngine(lake), tmp_path / "shop", lake)["total_seconds"] == 0.0
    assert clock["seconds"] > 10 * 3600


def test_a_bench_tells_what_each_contestant_cost(tmp_path: Path) -> None:
    ended = call("bench", "--orders", "300", "--dir", ".", "--json", cwd=tmp_path)

    measured = ended.document["measurements"]
    assert [(m["engine"], m["name"]) for m in measured] == [
        ("polars", "by hand"),
        ("polars", "pipeline"),
        ("polars", "one more day"),
    ]
    assert all(m["seconds"] > 0 and m["peak_bytes"] > 0 and m["steps"] for m in measured)
    assert set(ended.document["ratios"]) == {
        "polars pipeline seconds / by hand seconds",
        "polars pipeline peak / by hand peak",
        "polars gates and transaction / pipeline seconds",
        "polars one more day seconds / pipeline seconds",
    }
    assert list(tmp_path.iterdir()) == []
