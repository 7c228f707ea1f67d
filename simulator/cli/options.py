"""Options that several commands share."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
