"""How long the parts of a run take, and who is told that they begin."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.runner.report import RunReport
from pipeline.runner.request import Observer


@contextmanager
def timed(report: RunReport, observer: Observer, name: str) -> Iterator[None]:
    """Tell that a part of a run begins, and add its seconds to the report."""
    observer.step(name)
    start = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[name] = report.seconds.get(name, 0.0) + time.perf_counter() - start
