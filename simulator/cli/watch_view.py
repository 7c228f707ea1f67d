"""What a run has changed in gold, for people."""

from typing import TYPE_CHECKING

from rich.text import Text

from pipeline.runner.report import printable
from simulator.cli import console
from simulator.cli.text import cents, count, duration, listed, shown

_MOST_REFUSED = 5

if TYPE_CHECKING:
    from pipeline.runner.report import RunReport
    from simulator.watch.gold import TableChange


def print_run(report: "RunReport", *, rebuild: bool) -> None:
    """Print what a run did, in a line or two."""
    title = Text(
        "Nothing new" if report.batch_id is None else f"Run {report.batch_id}", style="bold"
    )
    accounts = report.entities.values()
    rows = sum(account.rows_read for account in accounts)
    said = ["gold computed anew"] if rebuild else []
    if report.accepted:
        said.append(f"{count(len(report.accepted), 'file')} taken in, {count(rows, 'row')}")
    waiting = sum(account.held + account.rejected for account in accounts)
    if waiting:
        said.append(f"{count(waiting, 'row')} into quarantine")
    if report.duplicates:
        said.append(f"{count(len(report.duplicates), 'file')} repeated")
    said.append(duration(sum(report.seconds.values())))
    title.append(f": {', '.join(said)}", style="not bold")
    console.say(title)
    for refusal in report.refused[:_MOST_REFUSED]:
        line = Text("refused ", style="bold red")
        line.append(f"{shown(printable(refusal.path))}  {shown(refusal.reason)}", style="not bold")
        console.say(line)
    if len(report.refused) > _MOST_REFUSED:
        console.say(f"and {len(report.refused) - _MOST_REFUSED:,} more refused")


def print_changes(changes: "list[TableChange]") -> None:
    """Print the tables of gold that say something else than before, and name the others."""
    rows = [line for change in changes if not change.is_none for line in _lines(change)]
    if not rows:
        console.say(Text("Gold says what it said before.", style="dim"))
        return
    headings = ("gold", "", "before", "after", "difference")
    console.table(headings, rows, right=headings[2:])
    same = [change.table for change in changes if change.is_none]
    if same:
        console.say(Text(f"As before: {listed(same)}.", style="dim"))


def _lines(change: "TableChange") -> list[list[object]]:
    keys = {"added": change.added, "removed": change.removed, "changed": change.changed}
    said = ", ".join(f"{number:,} {word}" for word, number in keys.items() if number)
    before, after = change.rows
    lines: list[list[object]] = [
        [
            Text(change.table.partition("/")[2], style="bold"),
            f"rows: {said}",
            f"{before:,}",
            f"{after:,}",
            _difference(after - before, f"{after - before:+,}"),
        ]
    ]
    for name, (old, new) in change.sums.items():
        money = name in change.money
        values = [cents(v) if money else f"{v:,}" for v in (old, new, new - old)]
        sign = "+" if new > old else ""
        lines.append(["", name, *values[:2], _difference(new - old, sign + values[2])])
    return lines


def _difference(value: int, text: str) -> Text:
    if not value:
        return Text("")
    return Text(text, style="green" if value > 0 else "red")
