"""The report of a run, for people."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from pipeline.runner.report import EntityAccount, RunReport, printable
from simulator.cli import console
from simulator.cli.alerts import print_alerts
from simulator.cli.text import count, duration, listed, shown

if TYPE_CHECKING:
    from pipeline.runner.report import FileNote

_MANY = 20
_BRIEF = 0.005  # Would be shown as 0.00.
_COUNTS = (
    "rows_read",
    "inserted",
    "updated",
    "unchanged",
    "superseded",
    "held",
    "rejected",
    "released",
)
_WORDS = {"rows_read": "read"}


def print_report(report: RunReport, lake: Path) -> None:
    """Print what a run did: files, rows, reasons, warnings, the balance, tables and seconds."""
    _print_title(report, lake)
    accounts = report.entities
    if any(any(getattr(account, name) for name in _COUNTS) for account in accounts.values()):
        console.heading("Rows of this run")
        rows = [
            [_WORDS.get(name, name), *(_number(getattr(a, name)) for a in accounts.values())]
            for name in _COUNTS
        ]
        console.table(("", *accounts), rows, right=tuple(accounts))
    _print_reasons(accounts)
    _print_warnings(accounts)
    _print_files(report)
    print_alerts(report.notices)
    print_balance(accounts)
    _print_tables(report)
    _print_seconds(report)


def _print_title(report: RunReport, lake: Path) -> None:
    if report.undone_batch is not None:
        console.say("An earlier run had been interrupted; it was undone first.")
    number = "Nothing new" if report.batch_id is None else f"Run {report.batch_id}"
    files = [
        f"{count(len(report.accepted), 'file')} taken in",
        f"{len(report.duplicates):,} repeated",
        f"{len(report.refused):,} refused",
        f"{report.known_files:,} known already",
    ]
    title = Text(f"{number}", style="bold")
    title.append(f": {', '.join(files)}", style="not bold")
    console.say(title)
    about = [f"lake: {shown(str(lake))}", f"engine: {report.engine}"]
    if report.as_of:
        about.append(f"customers as of {report.as_of}")
    about.append(duration(sum(report.seconds.values())))
    console.say(Text(", ".join(about), style="dim"))


def _number(value: int) -> Text:
    return Text(f"{value:,}", style="" if value else "dim")


def _print_reasons(accounts: dict[str, EntityAccount]) -> None:
    rows = [
        [name, reason, f"{rows:,}"]
        for name, account in accounts.items()
        for reason, rows in sorted(account.reasons.items(), key=lambda item: -item[1])
    ]
    if rows:
        console.heading("New in quarantine", "a row counts once for each of its reasons")
        console.table(("entity", "reason", "rows"), rows, right=("rows",))


def _print_warnings(accounts: dict[str, EntityAccount]) -> None:
    lines: list[str] = []
    for name, account in accounts.items():
        if account.consistency:
            what = count(account.consistency, "row differs", "rows differ")
            lines.append(f"{name}: {what} from the order in user, time or date (consistency)")
        if account.anomaly:
            what = count(account.anomaly, "amount lies", "amounts lie")
            lines.append(f"{name}: {what} over 4 standard deviations off (anomaly)")
        if account.deactivated:
            what = count(account.deactivated, "product is", "products are")
            lines.append(f"{name}: {what} not in the latest catalogue any more")
    if lines:
        console.heading("Warnings", "the rows are in silver")
        for line in lines:
            console.say(f"  {line}")


def _print_files(report: RunReport) -> None:
    if report.refused:
        console.heading("Refused files", "the other files went on")
        for refusal in report.refused[:_MANY]:
            line = Text("  ")
            line.append(shown(printable(refusal.path)), style="bold")
            line.append(f"  {refusal.check}: {shown(refusal.reason)}")
            console.say(line)
        _print_rest(report.refused)
    if report.duplicates:
        console.heading("Repeated files", "their bytes came in before; skipped")
        _print_paths(report.duplicates)
    drifted = [file for file in report.accepted if file.extra_columns]
    if drifted:
        console.heading("Unknown columns", "kept in bronze, in extra_columns")
        for file in drifted[:_MANY]:
            names = [shown(name) for name in file.extra_columns[:_MANY]]
            console.say(f"  {shown(file.path)}: {listed(names)}")
        _print_rest(drifted)


def _print_paths(files: "list[FileNote]") -> None:
    for file in files[:_MANY]:
        console.say(f"  {shown(file.path)}")
    _print_rest(files)


def _print_rest(things: Iterable[object]) -> None:
    left = len(list(things)) - _MANY
    if left > 0:
        console.say(f"  and {left:,} more (see --json)")


def print_balance(accounts: dict[str, EntityAccount]) -> None:
    """Print where every row of every run is now, and whether that adds up."""
    balances = {name: a.balance for name, a in accounts.items() if a.balance is not None}
    console.heading("Balance of all runs", "in files = silver + superseded + quarantined")
    rows = [
        [
            name,
            f"{b.files:,}",
            f"{b.silver:,}",
            f"{b.superseded:,}",
            f"{b.quarantined:,}",
            Text(console.tick(good=b.holds), style="green" if b.holds else "bold red"),
        ]
        for name, b in balances.items()
    ]
    headings = ("entity", "in files", "silver", "superseded", "quarantined")
    console.table((*headings, ""), rows, right=headings[1:])


def _print_tables(report: RunReport) -> None:
    console.heading("Tables", f"{sum(t.written for t in report.tables.values())} written")
    rows = [
        [
            path,
            f"{table.rows:,}",
            f"{table.version}",
            Text("written" if table.written else "unchanged", style="" if table.written else "dim"),
        ]
        for path, table in report.tables.items()
    ]
    console.table(("table", "rows", "version", ""), rows, right=("rows", "version"))


def _print_seconds(report: RunReport) -> None:
    steps = [
        f"{step} {seconds:.2f}" for step, seconds in report.seconds.items() if seconds >= _BRIEF
    ]
    if steps:
        console.heading("Seconds")
        console.say(Text(f"  {', '.join(steps)}"))
