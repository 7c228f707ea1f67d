"""Where the alerts of a run go on a laptop: to a file of the lake, and to people in its report."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.quality.notices import FileSink, Notice
from simulator.cli import console
from simulator.cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

ALERTS = "_alerts.jsonl"

_STYLES = {"low": "dim", "medium": "yellow", "high": "bold yellow", "critical": "bold red"}


class LaptopSink:
    """Appends every notice to `_alerts.jsonl` of a lake that is there.

    Args:
        lake: Folder of the lake. A first run that failed leaves none, and no file either.
    """

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._file = FileSink(lake / ALERTS)

    def send(self, notice: Notice) -> None:
        """See `AlertSink.send`."""
        if (self._lake / "lakehouse.json").exists():
            self._file.send(notice)


def print_alerts(notices: "Iterable[Notice]") -> None:
    """Print what the quality checks have to say of a run, with examples and what to do."""
    from rich.text import Text

    told = [notice for notice in notices if notice.check]
    if not told:
        return
    console.heading("Alerts", "of the quality checks; the run went on")
    for notice in told:
        line = Text()
        line.append(f"{notice.severity.upper()} ", style=_STYLES[notice.severity])
        line.append(shown(notice.subject), style="bold")
        line.append(f"\n  {shown(notice.message)}")
        for sample in notice.samples:
            line.append(f"\n  e.g. {shown(sample)}", style="dim")
        if notice.hint:
            line.append(f"\n  {shown(notice.hint)}")
        console.say(line)
