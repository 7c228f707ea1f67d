"""Failures of Polars, delta-rs and the disk, said in the project's own errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from deltalake.exceptions import DeltaError

from pipeline.errors import AmountOverflowError, EngineError, LakehouseError

_FULL = ("No space left on device", "Disk quota exceeded", "os error 28")
_FORBIDDEN = ("Permission denied", "Operation not permitted", "Read-only file system")


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
    text = " ".join(str(error).split())
    number = getattr(error, "errno", None)
    if number in {errno.ENOSPC, errno.EDQUOT} or any(sign in text for sign in _FULL):
        return EngineError(
            f"The disk was full while {doing} in {place}.", "Free some space, then run again."
        )
    if number in {errno.EACCES, errno.EPERM, errno.EROFS} or any(s in text for s in _FORBIDDEN):
        return EngineError(
            f"There is no permission for {doing} in {place}.",
            "Allow this user to read and write the lake, then run again.",
        )
    if isinstance(error, pl.exceptions.InvalidOperationError) and "decimal" in text.lower():
        return AmountOverflowError(
            f"An amount does not fit its decimal type while {doing}: {text[:200]}.",
            "Look for wrong totals among the orders; the table's contract gives the type.",
        )
    return EngineError(
        f"{doing.capitalize()} in {place} failed: {text[:500]}.",
        "Run again; if it fails again, look at the table named above.",
    )
