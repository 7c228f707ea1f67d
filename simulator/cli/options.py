"""Options that several commands share."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.engines import EngineName


class EntityName(StrEnum):
    """The three entities, as words of a call."""

    PRODUCTS = "products"
    ORDERS = "orders"
    ORDER_ITEMS = "order_items"


def a_date(text: str) -> date:
    """Read a date as users write it.

    Raises:
        BadParameter: It is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        msg = f"expected a date such as 2025-04-30, got {text!r}"
        raise typer.BadParameter(msg) from error


Landing = Annotated[
    Path,
    typer.Option(
        "--landing",
        metavar="DIR",
        help="Folder with the delivered files: products/, orders/, order_items/.",
        show_default=False,
    ),
]
Lake = Annotated[
    Path,
    typer.Option("--lake", metavar="DIR", help="Folder of the lake.", show_default=False),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document instead, and nothing else."),
]
Engine = Annotated[EngineName, typer.Option("--engine", help="Engine that does the work.")]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="How long to wait for another run on the lake to end; by default not at all.",
        show_default=False,
    ),
]
ThresholdFile = Annotated[
    Path | None,
    typer.Option(
        "--thresholds",
        metavar="FILE",
        help="TOML file with thresholds of quality checks, a section for each.",
        show_default=False,
        rich_help_panel="Quality gates",
    ),
]
ThresholdWords = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="CHECK.KIND=SHARE",
        help='One threshold for this run, such as "catalogue_shrink.block=none"; may be repeated.',
        show_default=False,
        rich_help_panel="Quality gates",
    ),
]
