"""One measured run of the pipeline, in a process of its own: `child ENGINE LANDING LAKE`.

Prints one JSON document: seconds, rows and peak bytes by step, and in all. What an engine takes to
start is not counted, nor is it of what is written by hand.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engine import Engine
from pipeline.landing.store import LocalStore
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.bench.memory import forget_peak, peak_bytes
from simulator.engine.polars_engine import PolarsEngine


class _PeakByStep:
    """Observes a run and notes the peak memory of each of its steps.

    Attributes:
        peaks: Peak bytes by step.
        seconds: What looking at the memory took; it is not the run's.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self.seconds = 0.0
        self._current = ""

    def step(self, name: str, files: int = 0) -> None:
        """See `Observer.step`."""
        del files
        self.finish()
        self._current = name

    def advance(self) -> None:
        """See `Observer.advance`."""

    def finish(self) -> None:
        """Note the peak of the step that ends now."""
        start = time.perf_counter()
        if self._current:
            self.peaks[self._current] = max(self.peaks.get(self._current, 0), peak_bytes())
        forget_peak()
        self.seconds += time.perf_counter() - start


def measure(engine: Engine, landing: Path, lake: Path) -> dict[str, Any]:
    """Run once and return what it cost."""
    observer = _PeakByStep()
    lakehouse = Lakehouse(engine, LakeHome(lake), LocalStore(landing), observer)
    # Where pandas is installed, as it is beside Spark, pyarrow imports it for its first array. That
    # takes a second, and imports are not counted.
    pa.array([0])
    start = time.perf_counter()
    report = lakehouse.run(RunRequest(datetime.now(UTC)))
    seconds = time.perf_counter() - start - observer.seconds
    observer.finish()
    steps = [
        {
            "step": step,
            "seconds": spent,
            "rows": _rows(report, step),
            "peak_bytes": observer.peaks.get(step, 0),
        }
        for step, spent in report.seconds.items()
    ]
    peak = max(observer.peaks.values())
    return {"total_seconds": seconds, "peak_rss_bytes": peak, "steps": steps}


def _rows(report: RunReport, step: str) -> int:
    """Return the rows that a step goes through; gold goes through the items."""
    layer, _, name = step.partition(" ")
    if layer in {"bronze", "silver"} and name in report.entities:
        return report.entities[name].rows_read
    return report.entities["order_items"].rows_read if layer == "gold" and name else 0


def _open(engine: str, lake: Path) -> Engine:
    if engine == PolarsEngine.name:
        return PolarsEngine(lake)
    from pipeline.spark.engine import SparkEngine
    from pipeline.spark.session import laptop_session

    return SparkEngine(laptop_session(), str(lake.resolve()))


def main(engine: str, landing: Path, lake: Path) -> None:
    """Measure one engine on these folders and print what it took."""
    print(json.dumps(measure(_open(engine, lake), landing, lake)))  # noqa: T201 - its only output


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
