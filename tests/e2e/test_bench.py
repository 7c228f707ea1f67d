"""What the pipeline costs, measured beside scripts that do the same work."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.by_hand import Lake, run
from tests.by_hand import assert_tables_are_the_pipelines
from tests.e2e.test_cli import call


def test_the_script_on_polars_makes_the_tables_of_the_pipeline(tmp_path: Path) -> None:
    def script(landing: Path, lake: Path) -> None:
        run(landing, Lake(lake, datetime(2026, 3, 1, tzinfo=UTC)))

    assert_tables_are_the_pipelines(tmp_path, script)


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
        "polars gates and transaction / rest of the pipeline",
        "polars one more day seconds / pipeline seconds",
    }
    assert list(tmp_path.iterdir()) == []
