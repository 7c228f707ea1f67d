"""`lakehouse report`: a lake as one HTML file."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.lakes import reading
from simulator.cli.options import AsJson, Lake
from simulator.cli.text import path_for_user, size

DEFAULT = Path("lakehouse-report.html")
# Within the first bytes of every report, and of hardly anything else.
_HEAD = 2_000


def report(
    *,
    lake: Lake,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FILE", help="File to write; an earlier report is replaced."),
    ] = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show a lake as one HTML file: the shop, and the pipeline that its figures came through.

    The file is complete: it needs no network, opens in any browser, and may be sent by mail. It
    holds sums, and of quarantined rows a few examples as they were delivered.
    """
    from simulator.report import gather, render

    check_replaceable(to)
    with reading(lake) as engine:
        facts = gather(engine, lake, datetime.now(UTC))
    written = write_report(to, render(facts))
    if as_json:
        console.document({"lake": str(lake), "report": str(to), "bytes": written})
        return
    console.say(f"{path_for_user(to)}  {size(written)}; open it in a browser.")


def check_replaceable(file: Path) -> None:
    """Refuse a place where something else than an earlier report lies.

    Raises:
        CallError: There is a folder or another file.
        LakehouseError: The file cannot be read.
    """
    from simulator.report import GENERATOR

    if file.is_dir():
        msg = f"{file} is a folder."
        raise CallError(msg, f"Name a file with --to, for instance {file / DEFAULT.name}.")
    if not file.parent.is_dir():
        msg = f"The folder {file.parent} does not exist."
        raise CallError(msg, "Make it, or name another file with --to.")
    if not file.exists():
        return
    with file.open("rb") as content:
        if f'content="{GENERATOR}"'.encode() not in content.read(_HEAD):
            msg = f"{file} exists and is no report of a lake."
            raise CallError(msg, "Move it away, or name another file with --to.")


def write_report(file: Path, page: str) -> int:
    """Write a page so that it is there whole or not at all; return its bytes."""
    content = page.encode()
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return len(content)
