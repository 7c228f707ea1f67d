"""Where the alerts of a run go on a laptop: to standard error, and to a file of the lake."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.quality.notices import FileSink, Notice
from simulator.cli import console
from simulator.cli.text import shown

if TYPE_CHECKING:
    from pipeline.quality.notices import AlertSink

ALERTS = "_alerts.jsonl"

_STYLES = {"low": "dim", "medium": "yellow", "high": "bold yellow", "critical": "bold red"}


class LaptopSink:
    """Shows every alert, and appends it to `_alerts.jsonl` of a lake that is there.

    What has failed a run is not shown: the command ends with it.

    Args:
        lake: Folder of the lake. A first run that failed leaves none, and no file either.
        quiet: Whether nothing is shown.
    """

    def __init__(self, lake: Path, *, quiet: bool = False) -> None:
        self._lake = lake
        self._quiet = quiet
        self._file: AlertSink = FileSink(lake / ALERTS)

    def send(self, notice: Notice) -> None:
        """See `AlertSink.send`."""
        if notice.check and not self._quiet:
            _show(notice)
        if self._lake.is_dir():
            self._file.send(notice)


def _show(notice: Notice) -> None:
    from rich.text import Text

    line = Text()
    line.append(f"{notice.severity.upper()} ", style=_STYLES[notice.severity])
    line.append(shown(notice.subject), style="bold")
    line.append(f"\n  {shown(notice.message)}")
    for sample in notice.samples:
        line.append(f"\n  e.g. {shown(sample)}", style="dim")
    if notice.hint:
        line.append(f"\n  {shown(notice.hint)}")
    console.err().print(line, soft_wrap=True)
