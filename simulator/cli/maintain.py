"""`lakehouse maintain`: a lake's files put in order."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.contracts import TABLES, Table
from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.engines import EngineName, open_engine
from simulator.cli.guard import FAILED
from simulator.cli.lakes import check_lake, find_table, suggestion
from simulator.cli.locking import locked
from simulator.cli.options import AsJson, Lake
from simulator.cli.progress import progress
from simulator.cli.text import count, size

if TYPE_CHECKING:
    from pipeline.runner.maintenance import TableUpkeep


def maintain(
    *,
    table: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE",
            help="gold/daily_sales, or daily_sales where that is clear; without it: all tables.",
            show_default=False,
        ),
    ] = None,
    lake: Lake,
    engine: Annotated[
        EngineName, typer.Option(help="Engine that does the work.")
    ] = EngineName.POLARS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put the files of a lake in order: small ones together, rows clustered, old ones removed.

    No row changes. Every table gets the file sizes, the clustering and the retention that its
    contract asks for, and a checkpoint of its log. What a rollback of one of the last ten runs
    needs stays, whatever its age. Where there is nothing to gain, nothing is written; it may be
    ended and started again at any time.
    """
    tables = _chosen(table or [])
    check_lake(lake)
    with locked(lake):
        check_settled(lake)
        done = _maintain(lake, tables, engine, dry_run=dry_run)
    if as_json:
        console.document(_document(lake, done, dry_run=dry_run))
    else:
        _print(done, dry_run=dry_run)
    if any(upkeep.problem for upkeep in done):
        raise typer.Exit(FAILED)


def _chosen(words: Sequence[str]) -> list[Table]:
    chosen = {find_table(word).path for word in words}
    return [table for table in TABLES if not words or table.path in chosen]


def check_settled(lake: Path) -> None:
    """Refuse a lake in which a run waits to be undone: its files are not what they seem.

    Raises:
        CallError: It has one.
    """
    from pipeline.runner.home import LakeHome

    if LakeHome(lake).interrupted() is not None:
        msg = f"A run was interrupted in {lake}, and is not undone yet."
        hint = f"The next run undoes it: {suggestion('simulate --landing DIR --lake', lake)}"
        raise CallError(msg, hint)


def _maintain(
    lake: Path, tables: Sequence[Table], name: EngineName, *, dry_run: bool
) -> "list[TableUpkeep]":
    from pipeline.runner.maintenance import maintain as keep_up
    from pipeline.runner.rollback import needed_versions

    with progress() as shown:
        engine = open_engine(name, lake, shown)
        try:
            needed = needed_versions(engine)
            return keep_up(
                engine,
                tables,
                datetime.now(UTC),
                needed,
                dry_run=dry_run,
                begins=lambda table: shown.step(table.path),
            )
        finally:
            engine.close()


def _print(done: "Sequence[TableUpkeep]", *, dry_run: bool) -> None:
    rows = [
        [
            upkeep.table,
            _change(f"{upkeep.before.files:,}", f"{upkeep.after.files:,}"),
            _change(size(upkeep.before.bytes), size(upkeep.after.bytes)),
            _change(str(upkeep.before.version), str(upkeep.after.version)),
            ", ".join(_works(upkeep)),
        ]
        for upkeep in done
        if upkeep.did_something or upkeep.problem
    ]
    if rows:
        columns = ("table", "files", "size", "version", "would do" if dry_run else "done")
        console.table(columns, rows, right=("files", "size", "version"))
        console.say("")
    for upkeep in done:
        if upkeep.problem:
            console.verdict(upkeep.problem, good=False)
    console.say(_summary(done, dry_run=dry_run))


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _works(upkeep: "TableUpkeep") -> list[str]:
    works = []
    if upkeep.compacted:
        works.append(f"{count(upkeep.compacted, 'file')} put together")
    if upkeep.clustered:
        works.append(f"{count(upkeep.clustered, 'partition')} clustered")
    if upkeep.checkpoint:
        works.append("checkpoint")
    if upkeep.removed_files:
        removed = f"{count(upkeep.removed_files, 'old file')} removed"
        works.append(f"{removed} ({size(upkeep.removed_bytes)})")
    return works or ["not possible"]


def _summary(done: "Sequence[TableUpkeep]", *, dry_run: bool) -> str:
    idle = sum(not upkeep.did_something and not upkeep.problem for upkeep in done)
    busy = [upkeep for upkeep in done if upkeep.did_something]
    if not busy:
        return f"Nothing to gain in {count(idle, 'table')}."
    files = sum(upkeep.removed_files for upkeep in busy)
    freed = size(sum(upkeep.removed_bytes for upkeep in busy))
    tables = count(len(busy), "table")
    if dry_run:
        return f"{tables} would be put in order, {count(files, 'file')} ({freed}) removed."
    rest = f"; nothing to gain in {count(idle, 'other')}" if idle else ""
    return f"{tables} put in order, {count(files, 'file')} ({freed}) removed{rest}."


def _document(lake: Path, done: "Sequence[TableUpkeep]", *, dry_run: bool) -> dict[str, Any]:
    tables = [{**asdict(upkeep), "did_something": upkeep.did_something} for upkeep in done]
    return {"lake": str(lake), "dry_run": dry_run, "tables": tables}
