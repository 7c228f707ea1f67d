"""`lakehouse demo`: a month of a shop that never was, delivered and taken in day by day."""

import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError, LakehouseError
from simulator.cli import console
from simulator.cli.text import count, duration, path_for_user

if TYPE_CHECKING:
    from pipeline.runner.report import RunReport
    from simulator.cli.verify import Deliveries
    from simulator.generate import DayWritten, Manifest

_NAME = "lakehouse-demo"
_HEADINGS = ("day", "rows", "inserted", "updated", "quarantined", "healed", "refused", "seconds")
_WIDTHS = (10, 8, 9, 8, 12, 7, 8, 8)


def demo(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help=f"New folder for everything; by default {_NAME} under the current one.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days of trade.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another shop.")] = 0,
    keep: Annotated[bool, typer.Option(help="Keep the folder afterwards.")] = True,
) -> None:
    """See it work: a month of a believable shop with dirt in its data, day by day.

    Generates the shop, delivers one day after the other, runs after each delivery, checks the
    lake against what the generator planted, and shows where everything lies.
    """
    home = _new_folder(folder)
    try:
        _demonstrate(home, days, seed, keep=keep)
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def _new_folder(wanted: Path | None) -> Path:
    """Return a folder that is free: the one that is wanted, or the first default one.

    Raises:
        CallError: The wanted folder is not free.
    """
    if wanted is None:
        here, number = Path(_NAME), 1
        while not _is_free(here):
            number += 1
            here = Path(f"{_NAME}-{number}")
        return here
    if not _is_free(wanted):
        kind = "not empty" if wanted.is_dir() else "a file, not a folder"
        msg = f"{wanted} is {kind}."
        raise CallError(msg, "The demo overwrites nothing: name a new folder with --dir.")
    return wanted


def _is_free(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False
    except OSError as error:
        msg = f"The folder {folder} cannot be read: {error.strerror}."
        raise CallError(msg, "Name another one with --dir.") from error


def _demonstrate(home: Path, days: int, seed: int, *, keep: bool) -> None:
    from simulator.cli import demo_view
    from simulator.cli.lakes import reading
    from simulator.cli.locking import locked
    from simulator.cli.verify import Deliveries, verify

    shipped, landing, lake = home / "_shipped", home / "landing", home / "lake"
    console.say(f"Everything goes to {path_for_user(home)}.")
    manifest, written = _generate(shipped, days, seed)
    manifest.write(home / "manifest.json")
    files, rows = sum(len(day.files) for day in written), sum(sum(d.rows.values()) for d in written)
    console.say(
        f"The shop: {count(days, 'day')} from {manifest.start}, {count(rows, 'row')} in "
        f"{count(files, 'file')}, with a little of every kind of dirt."
    )
    deliveries = Deliveries()
    with locked(lake):
        report = _live_through(written, shipped, landing, lake, deliveries)
    shutil.rmtree(shipped)
    with reading(lake) as engine:
        demo_view.print_results(engine, report)
        figures = verify(manifest, engine, deliveries)
    wrong = [figure for figure in figures if not figure.agrees]
    console.heading("Check")
    if wrong:
        for figure in wrong[:10]:
            console.verdict(str(figure), good=False)
        msg = f"{len(wrong)} of {len(figures)} figures differ from what the generator planted."
        raise LakehouseError(msg, f"This is a defect; keep {home} and report it with the seed.")
    console.verdict(
        f"all {len(figures)} figures are what the generator planted, revenue to the cent", good=True
    )
    if keep:
        demo_view.print_places(home, landing, lake)


def _generate(shipped: Path, days: int, seed: int) -> "tuple[Manifest, list[DayWritten]]":
    from simulator.generate import Dirt, ShopConfig, generate

    written: list[DayWritten] = []
    shop = ShopConfig(days=days, seed=seed, weekly_catalogue=True)
    return generate(shop, Dirt.demo(), shipped, on_day=written.append), written


def _live_through(
    written: "list[DayWritten]",
    shipped: Path,
    landing: Path,
    lake: Path,
    deliveries: "Deliveries",
) -> "RunReport":
    """Deliver day after day and run after each; return the last report."""
    from pipeline.runner.run import RunRequest
    from simulator.cli.progress import Quiet
    from simulator.cli.running import run

    console.heading("One run a day")
    _print_line(_HEADINGS, style="bold")
    totals: Counter[str] = Counter()
    for day in written:
        for file in day.files:
            target = landing / file.relative_to(shipped)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        report = run(landing, lake, partial(RunRequest, archive=True), shown=Quiet())
        deliveries.add(report)
        line = _line_of(report)
        totals.update(line)
        _print_line((day.day.isoformat(), *_cells(line)))
    _print_line(("all", *_cells(totals)), style="bold")
    return report


def _line_of(report: "RunReport") -> dict[str, float]:
    accounts = report.entities.values()
    return {
        "rows": sum(a.rows_read for a in accounts),
        "inserted": sum(a.inserted for a in accounts),
        "updated": sum(a.updated for a in accounts),
        "quarantined": sum(a.held + a.rejected for a in accounts),
        "healed": sum(a.released for a in accounts),
        "refused": len(report.refused),
        "seconds": sum(report.seconds.values()),
    }


def _cells(line: "dict[str, float] | Counter[str]") -> list[str]:
    *counts, _ = _HEADINGS[1:]
    return [*(f"{line[name]:,}" for name in counts), duration(line["seconds"]).removesuffix(" s")]


def _print_line(cells: "tuple[str, ...]", style: str = "") -> None:
    from rich.text import Text

    first, *others = cells
    text = first.ljust(_WIDTHS[0])
    text += "".join(c.rjust(width) for c, width in zip(others, _WIDTHS[1:], strict=True))
    console.say(Text(text, style=style))
    console.out().file.flush()
