"""`lakehouse doctor`: whether a lake is healthy, and how to mend what is not."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.contracts import TABLES
from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.guard import FAILED
from simulator.cli.locking import locked
from simulator.cli.options import AsJson, Lake
from simulator.cli.progress import progress
from simulator.cli.text import count, shown

if TYPE_CHECKING:
    from simulator.doctor import Finding


def doctor(
    *,
    lake: Lake,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend",
            help="Remove what dead runs have left: scratch files, and files that no version needs "
            "and that are older than their table's retention. Nothing else is touched.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Examine a lake: its root, logs, schemas, files, books, rows, and each layer's fit.

    Every finding says what is wrong, where, and how to mend it. Nothing is written without --mend.

    Exit code 0 means healthy, advice aside; 1 that something is wrong.
    """
    _check_is_lake(lake)
    mended: list[str] = []
    found = _examined(lake)
    if mend and _may_be_mended(found):
        mended = _mend(lake)
        found = _examined(lake)
    healthy = all(finding.severity == "advice" for finding in found)
    if as_json:
        findings = [asdict(finding) for finding in found]
        document = {"lake": str(lake), "healthy": healthy, "mended": mended, "findings": findings}
        console.document(document)
    else:
        _print(found, mended, healthy=healthy)
    if not healthy:
        raise typer.Exit(FAILED)


def _check_is_lake(lake: Path) -> None:
    """Make sure that there is something to examine, however sick it is.

    Raises:
        CallError: There is no lake.
    """
    signs = [lake / "lakehouse.json", *(lake / table.path / "_delta_log" for table in TABLES)]
    if not any(sign.exists() for sign in signs):
        msg = f"There is no lake in {lake}."
        raise CallError(msg, "Make one with: lakehouse simulate --landing DIR --lake DIR")


def _may_be_mended(found: "list[Finding]") -> bool:
    """Return whether nothing is wrong that what lies around might help to put right."""
    grave = [f for f in found if f.severity == "broken" or f.check == "unfinished"]
    if grave:
        console.note("Nothing is removed from this lake before what is wrong has been put right.")
    return not grave


def _examined(lake: Path) -> "list[Finding]":
    from simulator.doctor import examine

    with progress() as watching:
        return examine(
            lake, datetime.now(UTC), begins=lambda check: watching.step(f"checking {check.name}")
        )


def _mend(lake: Path) -> list[str]:
    """Remove what nobody needs, and say so."""
    from simulator.doctor.mending import remove_leftovers, remove_unneeded
    from simulator.doctor.roots import stale

    left = stale(lake)
    with locked(lake):
        return [*remove_leftovers(left), *remove_unneeded(lake, datetime.now(UTC))]


def _print(found: "list[Finding]", mended: list[str], *, healthy: bool) -> None:
    for sentence in mended:
        console.verdict(sentence, good=True)
    for finding in found:
        console.heading(f"{finding.severity}: {shown(finding.where)}", finding.check)
        console.say(f"  {shown(finding.what)}")
        console.say(f"  {shown(finding.mend)}")
    if found or mended:
        console.say("")
    advice = sum(finding.severity == "advice" for finding in found)
    if healthy:
        aside = f", with {count(advice, 'piece')} of advice" if advice else ""
        console.verdict(f"The lake is healthy{aside}.", good=True)
    else:
        console.verdict(f"{count(len(found) - advice, 'finding')} to mend.", good=False)
