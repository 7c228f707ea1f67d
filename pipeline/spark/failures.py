"""Failures of Spark, Delta Lake and the workers, said in the project's own errors."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from pipeline.errors import AmountOverflowError, LakehouseError, engine_error
from pipeline.portable.spark import OVERFLOW

_FROM_WORKER = "LAKEHOUSE_ERROR"
_WORKER_SAID = re.compile(_FROM_WORKER + r"(\{.*?\})" + _FROM_WORKER, re.DOTALL)
_OVERFLOW_SAID = re.compile(OVERFLOW + r": ([^\n\"\\]*)")


@contextmanager
def told(doing: str, place: str) -> Iterator[None]:
    """Turn a failure of Spark into a `LakehouseError` that says what was done and where.

    Args:
        doing: What was tried, e.g. `writing silver/orders`.
        place: Address of the lake.
    """
    try:
        yield
    except LakehouseError:
        raise
    except (PySparkException, Py4JError, OSError, ValueError) as error:
        raise _told(doing, place, error) from error


def raise_on_driver(error: LakehouseError) -> NoReturn:
    """Fail a worker's task so that `told` can raise the same error where the job was started."""
    said = json.dumps({"what": error.what, "hint": error.hint})
    msg = f"{_FROM_WORKER}{said}{_FROM_WORKER}"
    raise RuntimeError(msg) from error


def _told(doing: str, place: str, error: Exception) -> LakehouseError:
    text = str(error)
    if found := _WORKER_SAID.search(text):
        return LakehouseError(**json.loads(found[1]))
    if found := _OVERFLOW_SAID.search(text):
        return AmountOverflowError(
            f"An amount does not fit its decimal type while {doing}: {found[1].strip()}.",
            "Look for wrong totals among the orders; the table's contract gives the type.",
        )
    return engine_error(doing, place, text, getattr(error, "errno", None))
