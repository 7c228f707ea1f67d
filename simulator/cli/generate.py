"""`lakehouse generate`: a shop's files, as clean or as dirty as wanted."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.options import a_date
from simulator.cli.progress import progress
from simulator.cli.text import count, path_for_user, size
from simulator.generate.config import ShopConfig
from simulator.generate.dirt import Dirt, catalogue_of_dirt

if TYPE_CHECKING:
    from simulator.generate import DayWritten, Manifest

MANIFEST = "_manifest.json"
_DEFAULTS = ShopConfig()


class FormatName(StrEnum):
    """The forms of delivered files."""

    CSV = "csv"
    CSV_GZ = "csv.gz"
    XLSX = "xlsx"


_KINDS = "\n".join(f"[cyan]{kind}[/]: {what}" for kind, what in catalogue_of_dirt().items())

EPILOG = f"""\
[bold]Kinds of dirt[/], each with a share from 0 to 1, for instance \
[cyan]--dirt missing=0.01,late_order=0.002[/]. [cyan]demo[/] is a little of everything; \
[cyan]demo,bom=0[/] changes one of its shares.

{_KINDS}"""


def generate(
    *,
    landing: Annotated[
        Path, typer.Argument(metavar="LANDING", help="Folder to write to.", show_default=False)
    ],
    days: Annotated[int, typer.Option(help="Days of trade, one delivery a day.")] = _DEFAULTS.days,
    orders_per_day: Annotated[
        int, typer.Option(help="Mean orders a day.")
    ] = _DEFAULTS.orders_per_day,
    orders: Annotated[
        int | None,
        typer.Option(
            help="Orders over all days, met exactly, instead of --orders-per-day.",
            show_default=False,
        ),
    ] = None,
    products: Annotated[int, typer.Option(help="Products in the catalogue.")] = _DEFAULTS.products,
    users: Annotated[
        int | None,
        typer.Option(
            help="Customers who may order; by default one for every four orders.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = _DEFAULTS.seed,
    start: Annotated[
        date | None,
        typer.Option(
            parser=a_date,
            metavar="DATE",
            help=f"First day of trade; by default {_DEFAULTS.start}.",
            show_default=False,
        ),
    ] = None,
    file_format: Annotated[
        FormatName, typer.Option("--format", help="Form of the files.")
    ] = FormatName.CSV,
    dirt: Annotated[
        str,
        typer.Option(
            metavar="KIND=SHARE,...",
            help="What goes wrong: none, demo, or shares of the kinds below.",
        ),
    ] = "none",
    weekly_catalogue: Annotated[
        bool, typer.Option("--weekly-catalogue", help="Deliver a changed catalogue every week.")
    ] = False,
    one_folder_per_day: Annotated[
        bool,
        typer.Option("--one-folder-per-day", help="Write orders/2025-04-01/part-0.csv and so on."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Write to a folder that is not empty; files of the same name go."
        ),
    ] = False,
) -> None:
    """Write a believable shop's files, clean or dirty, of any size; same seed, same bytes.

    Beside them _manifest.json says what a lake must hold once it has taken them in.
    """
    shop = ShopConfig(
        days=days,
        start=start or _DEFAULTS.start,
        orders_per_day=orders_per_day,
        orders=orders,
        products=products,
        users=users,
        seed=seed,
        format=file_format.value,
        one_folder_per_day=one_folder_per_day,
        weekly_catalogue=weekly_catalogue,
    )
    wanted = Dirt.parse(dirt)
    _check_free(landing, force=force)
    written: list[DayWritten] = []
    from simulator.generate import generate as write

    with progress() as shown:
        shown.step("writing days", shop.days)

        def on_day(day: "DayWritten") -> None:
            written.append(day)
            shown.advance()

        manifest = write(shop, wanted, landing, on_day=on_day)
        manifest.write(landing / MANIFEST)
    files = sum(len(day.files) for day in written)
    in_all = sum(day.size for day in written)
    console.say(
        f"{count(files, 'file')} ({size(in_all)}) for {count(len(written), 'day')} "
        f"of trade in {path_for_user(landing)}"
    )
    print_manifest(manifest)
    from simulator.cli.lakes import suggestion

    console.heading("Next")
    console.say(f"  {suggestion('simulate', '--landing', landing, '--lake', Path('lake'))}")


def _check_free(landing: Path, *, force: bool) -> None:
    """Refuse a folder with files of another origin: the manifest would not be true of them.

    Raises:
        CallError: The folder is not empty, or is none.
    """
    if landing.exists() and not landing.is_dir():
        msg = f"{landing} is a file, not a folder."
        raise CallError(msg, "Name a folder to write to.")
    try:
        taken = landing.is_dir() and any(landing.iterdir())
    except OSError as error:
        msg = f"The folder {landing} cannot be read: {error.strerror}."
        raise CallError(msg, "Name a folder that this user may read and write.") from error
    if taken and not force:
        msg = f"{landing} is not empty."
        raise CallError(msg, "Name a new folder, or add --force to write between what is there.")


def print_manifest(manifest: "Manifest") -> None:
    """Print what was planted, and what a lake must make of it."""
    entities = manifest.entities
    planted = {kind: [e.planted[kind] for e in entities.values()] for kind in catalogue_of_dirt()}
    refused = sorted({kind for e in entities.values() for kind in e.files_refused})
    files = {kind: [e.files_refused[kind] for e in entities.values()] for kind in refused}
    files["repeated_file"] = [e.files_duplicate for e in entities.values()]
    files["extra_column"] = [e.files_with_extra_column for e in entities.values()]
    for title, counts in (("Dirty rows", planted), ("Dirty files", files)):
        rows = [[kind, *map(_dimmed, numbers)] for kind, numbers in counts.items() if any(numbers)]
        if rows:
            console.heading(title)
            console.table(("kind of dirt", *entities), rows, right=tuple(entities))
    console.heading("What a lake must make of it", f"also in {MANIFEST}")
    headings = ("entity", "rows", "silver", "superseded", "held", "rejected")
    rows = [
        [
            name,
            *(
                f"{number:,}"
                for number in (e.rows, e.silver, e.superseded, e.held.total(), e.rejected.total())
            ),
        ]
        for name, e in entities.items()
    ]
    console.table(headings, rows, right=headings[1:])


def _dimmed(number: int) -> str:
    return f"{number:,}" if number else "·"
