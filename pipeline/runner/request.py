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
class RunRequest:
    """What a run is asked to do.

    Attributes:
        run_time: The run's own time, UTC; it stamps every row that the run writes.
        as_of: Date that customers are seen from; None for the latest order date in silver.
        archive: Whether files move to `archive/` and `rejected/` once they are decided on.
        again: Paths to take in although their bytes came in before.
        rebuild: Whether gold is computed anew from silver, touched or not.
        run_id: Name of the run; its time when empty.
    """

    run_time: datetime
    as_of: date | None = None
    archive: bool = False
    again: Sequence[str] = ()
    rebuild: bool = False
    run_id: str = ""

    @property
    def name(self) -> str:
        """The run's name, fit for a file's name."""
        return self.run_id or f"{self.run_time:%Y%m%dT%H%M%S.%fZ}"
