"""What a run is asked to do, and who is told how it gets on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


class Observer(Protocol):
    """Is told how a run gets on; a progress bar, a log, or nothing."""

    def step(self, name: str, files: int = 0) -> None:
        """A part of the work begins; `files` is the number of its files, 0 when it has none."""

    def advance(self) -> None:
        """One of the part's files is done."""


class Silent:
    """An observer that is not interested."""

    def step(self, name: str, files: int = 0) -> None:
        """See `Observer.step`."""

    def advance(self) -> None:
        """See `Observer.advance`."""


@dataclass(frozen=True)
class Backfill:
    """Which dates a run computes anew from what the lake holds.

    Attributes:
        first: First order date, inclusive; None for the earliest there is.
        last: Last order date, inclusive; None for the latest there is.
        silver: Whether silver of these dates is made anew from bronze, before gold is from silver.
    """

    first: date | None = None
    last: date | None = None
    silver: bool = False

    def holds(self, day: date) -> bool:
        """Return whether a date is meant."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do.

    Attributes:
        run_time: The run's own time, UTC; it stamps every row that the run writes.
        as_of: Date that customers are seen from; None for the latest order date in silver.
        archive: Whether files move to `archive/` and `rejected/` once they are decided on.
        again: Paths to take in although their bytes came in before.
        rebuild: Whether gold is computed anew from silver, touched or not.
        backfill: Dates to compute anew; such a run takes no files in. None for a run that does.
        release: Whether rejected rows are held against the rules once more, as they are now.
        run_id: Name of the run; its time when empty.
    """

    run_time: datetime
    as_of: date | None = None
    archive: bool = False
    again: Sequence[str] = ()
    rebuild: bool = False
    backfill: Backfill | None = None
    release: bool = False
    run_id: str = ""

    @property
    def name(self) -> str:
        """The run's name, fit for a file's name."""
        return self.run_id or f"{self.run_time:%Y%m%dT%H%M%S.%fZ}"
