"""How a long command gets on, shown on standard error of a terminal and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from simulator.cli.console import err


class Progress(Protocol):
    """Is told how work gets on; an `Observer` of runs."""

    def step(self, name: str, files: int = 0) -> None:
        """Begin a step; `files` is the number of things it goes through, 0 when unknown."""

    def advance(self) -> None:
        """One of them is done."""


class Quiet:
    """Progress that nobody sees."""

    def step(self, name: str, files: int = 0) -> None:
        """See `Progress.step`."""

    def advance(self) -> None:
        """See `Progress.advance`."""


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[Progress]:
    """Show a bar while work goes on, if standard error is a terminal."""
    if not wanted or not err().is_terminal or err().is_dumb_terminal:
        yield Quiet()
        return
    from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    class Shown:
        """Progress as one line with a bar."""

        def __init__(self, bars: Bars, task: TaskID) -> None:
            self._bars = bars
            self._task = task

        def step(self, name: str, files: int = 0) -> None:
            """See `Progress.step`."""
            self._bars.reset(self._task, total=files or None, description=name)

        def advance(self) -> None:
            """See `Progress.advance`."""
            self._bars.advance(self._task)

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=err(), transient=True) as bars:
        yield Shown(bars, bars.add_task("starting", total=None))
