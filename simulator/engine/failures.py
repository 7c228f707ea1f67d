"""Failures of Polars, delta-rs and the disk, said in the project's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from deltalake.exceptions import DeltaError

from pipeline.errors import AmountOverflowError, LakehouseError, engine_error


@contextmanager
def told(doing: str, place: Path | str) -> Iterator[None]:
    """Turn a failure of a library into an `EngineError` that says what was done and where.

    Args:
        doing: What was tried, e.g. `writing silver/orders`.
        place: The lake's folder.
    """
    try:
        yield
    except LakehouseError:
        raise
    except (DeltaError, pl.exceptions.PolarsError, OSError, ValueError, RuntimeError) as error:
        raise _told(doing, place, error) from error


def _told(doing: str, place: Path | str, error: Exception) -> LakehouseError:
    text = str(error)
    if isinstance(error, pl.exceptions.InvalidOperationError) and "decimal" in text.lower():
        said = " ".join(text.split())[:200]
        return AmountOverflowError(
            f"An amount does not fit its decimal type while {doing}: {said}.",
            "Look for wrong totals among the orders; the table's contract gives the type.",
        )
    return engine_error(doing, str(place), text, getattr(error, "errno", None))
