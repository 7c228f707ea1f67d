"""`lakehouse quarantine`: what silver could not take, why, and how to mend it."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.contracts import ENTITIES, Entity
from pipeline.contracts import quarantine as quarantine_of
from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.model import (
    INCONSISTENT,
    MALFORMED,
    MISSING,
    OUT_OF_RANGE,
    ROW_MALFORMED,
    UNKNOWN_REFERENCE,
)
from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.lakes import check_lake, reading, suggestion
from simulator.cli.options import AsJson, EntityName, Lake
from simulator.cli.text import count, did_you_mean, listed, path_for_user, plain, shown

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.portable import Frame

_WORDS = (MISSING, MALFORMED, OUT_OF_RANGE, INCONSISTENT, UNKNOWN_REFERENCE)


class Action(StrEnum):
    """What to do with the quarantine."""

    COUNTS = "counts"
    LIST = "list"
    EXPORT = "export"
    RELEASE = "release"


class Status(StrEnum):
    """What has become of quarantined rows."""

    HELD = HELD
    REJECTED = REJECTED
    RELEASED = RELEASED
    ALL = "all"


def quarantine(
    *,
    lake: Lake,
    action: Annotated[
        Action,
        typer.Argument(
            help="counts: by reason; list: row by row; export: to mend them; release: try rejected "
            "rows again, after a rule has changed.",
        ),
    ] = Action.COUNTS,
    entity: Annotated[
        EntityName | None,
        typer.Argument(help="Only this entity.", show_default=False),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Only rows with this reason: order_id:missing, or missing for any column.",
            show_default=False,
        ),
    ] = None,
    status: Annotated[
        Status | None,
        typer.Option(
            help="held: waits for a reference; rejected: can never be valid; released: healed. "
            "By default counts and list take held and rejected rows, export rejected ones.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(metavar="N", help="Only rows that this run took in.", show_default=False),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(min=0, help="Rows to list; 0 for all.", rich_help_panel="With list"),
    ] = 20,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to export to, made if it does not exist.",
            show_default=False,
            rich_help_panel="With export",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace files of an earlier export.", rich_help_panel="With export"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the rows that silver could not take, with the reasons, and export them for mending.

    A mended file goes back into the landing zone; the next run takes it in. Held rows need no
    mending: each run tries them again. Rejected ones are tried again by `release`: a row that the
    rules allow by now enters silver at its own place in the order of arrival.
    """
    if action is Action.EXPORT and to is None:
        msg = "An export needs a folder."
        raise CallError(msg, "Give it with --to DIR.")
    if action is not Action.EXPORT and (to is not None or force):
        msg = f"--{'force' if to is None else 'to'} is for export."
        raise CallError(msg, "Use: lakehouse quarantine export --lake DIR --to DIR")
    if action is Action.RELEASE:
        if entity is not None or reason is not None or status is not None or run is not None:
            msg = "release tries every row that is held or rejected."
            raise CallError(msg, "Use: lakehouse quarantine release --lake DIR")
        _release(lake, as_json=as_json)
        return
    if reason is not None:
        check_reason(reason)
    chosen = [e for e in ENTITIES if entity is None or e.name == entity]
    with reading(lake) as engine:
        present = [e for e in chosen if engine.exists(quarantine_of(e))]
        rows = {e: select(engine, e, reason, _statuses(action, status), run) for e in present}
        if to is not None:
            _export(rows, to, force=force, as_json=as_json)
        elif action is Action.LIST:
            _show_rows(engine, rows, limit, as_json=as_json)
        else:
            _show_counts(engine, rows, as_json=as_json)


def _release(lake: Path, *, as_json: bool) -> None:
    """Hold every held and rejected row against the rules as they are now, in a run of its own."""
    from functools import partial

    from pipeline.runner.request import RunRequest
    from simulator.cli.locking import locked
    from simulator.cli.progress import progress
    from simulator.cli.report_view import print_report
    from simulator.cli.running import run

    check_lake(lake)
    with locked(lake), progress() as seen:
        report = run(None, lake, partial(RunRequest, release=True), shown=seen)
    if as_json:
        console.document({"lake": str(lake), **report.document()})
    else:
        print_report(report, lake)


def _statuses(action: Action, status: Status | None) -> tuple[str, ...]:
    match status:
        case None:
            return (REJECTED,) if action is Action.EXPORT else (HELD, REJECTED)
        case Status.ALL:
            return (HELD, REJECTED, RELEASED)
        case _:
            return (status.value,)


def check_reason(reason: str) -> None:
    """Refuse a reason that no row can have.

    Raises:
        CallError: It is neither a code such as `order_id:missing` nor a bare word of one.
    """
    codes = {f"{c.name}:{word}" for e in ENTITIES for c in e.columns for word in _WORDS}
    if reason not in {*codes, *_WORDS, ROW_MALFORMED}:
        guess = did_you_mean(reason, sorted({*codes, *_WORDS, ROW_MALFORMED}))
        msg = f"There is no reason {reason}.{guess}"
        raise CallError(msg, f"A reason is row:malformed, or column:word with {', '.join(_WORDS)}.")


def select(
    engine: "Engine",
    entity: Entity,
    reason: str | None,
    statuses: tuple[str, ...],
    run: int | None,
) -> "Frame":
    """Return the quarantined rows of an entity that are asked for."""
    import narwhals.stable.v2 as nw

    frame = engine.read(quarantine_of(entity)).filter(nw.col("status").is_in(list(statuses)))
    if run is not None:
        frame = frame.filter(nw.col("batch_id") == run)
    if reason is not None:
        codes = nw.concat_str([nw.lit(";"), nw.col("reasons"), nw.lit(";")])
        sought = f";{reason};" if ":" in reason else f":{reason};"
        frame = frame.filter(codes.str.contains(sought, literal=True))
    return frame


def reason_counts(engine: "Engine", rows: "dict[Entity, Frame]") -> list[dict[str, Any]]:
    """Count rows by entity, reason and status; a row counts once for each of its reasons."""
    return [
        {"entity": entity.name, "reason": code, "status": status, "rows": number}
        for entity, frame in rows.items()
        for (code, status), number in _by_code(_groups(engine, frame))
    ]


def _groups(engine: "Engine", frame: "Frame") -> list[dict[str, Any]]:
    import narwhals.stable.v2 as nw

    return engine.fetch(frame.group_by("status", "reasons").agg(nw.len().alias("rows")))


def _by_code(groups: list[dict[str, Any]]) -> list[tuple[tuple[str, str], int]]:
    counts: Counter[tuple[str, str]] = Counter()
    for group in groups:
        for code in group["reasons"].split(";"):
            counts[code, group["status"]] += int(group["rows"])
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _show_counts(engine: "Engine", rows: "dict[Entity, Frame]", *, as_json: bool) -> None:
    found = reason_counts(engine, rows)
    totals: dict[str, dict[str, int]] = {}
    for entity, frame in rows.items():
        by_status: Counter[str] = Counter()
        for group in _groups(engine, frame):
            by_status[group["status"]] += int(group["rows"])
        totals[entity.name] = dict(sorted(by_status.items()))
    if as_json:
        console.document({"rows": totals, "reasons": found})
        return
    if not found:
        console.say("No such rows in quarantine.")
        return
    cells = [[f["entity"], f["reason"], f["status"], f"{f['rows']:,}"] for f in found]
    console.table(("entity", "reason", "status", "rows"), cells, right=("rows",))
    console.say("")
    for name, statuses in totals.items():
        told = [f"{number:,} {status}" for status, number in statuses.items()]
        if told:
            console.say(f"{name}: {listed(told)}")
    console.note("A row has one line above for each of its reasons.")


def _show_rows(engine: "Engine", rows: "dict[Entity, Frame]", limit: int, *, as_json: bool) -> None:
    import narwhals.stable.v2 as nw

    document: dict[str, Any] = {}
    any_row = False
    for entity, frame in rows.items():
        in_order = frame.sort("batch_id", "source_file", "source_row")
        records = engine.fetch(in_order.head(limit) if limit else in_order)
        found = int(engine.fetch(frame.select(nw.len().alias("rows")))[0]["rows"])
        any_row = any_row or bool(records)
        if as_json:
            entries = [{k: plain(v) for k, v in record.items()} for record in records]
            document[entity.name] = {"rows": found, "data": entries}
        elif records:
            _print_rows(entity, records, found)
    if as_json:
        console.document({"entities": document})
    elif not any_row:
        console.say("No such rows in quarantine.")


def _print_rows(entity: Entity, records: list[dict[str, Any]], found: int) -> None:
    from rich.text import Text

    left = found - len(records)
    console.heading(entity.name, f"{len(records):,} of {found:,} rows" if left else "")
    for record in records:
        where = shown(f"{record['source_file']}:{record['source_row']}")
        line = Text(f"{where}  ", style="bold")
        style = "red" if record["status"] == REJECTED else "yellow"
        line.append(record["status"], style=f"not bold {style}")
        line.append(f"  {record['reasons'].replace(';', ', ')}", style="not bold")
        console.say(line)
        if record["raw_record"] is not None:
            console.say(Text(f"    {shown(record['raw_record'])}", style="dim"))
            continue
        bad = {code.partition(":")[0] for code in record["reasons"].split(";")}
        values = Text("    ")
        for number, name in enumerate(entity.column_names):
            values.append(", " if number else "", style="dim")
            values.append(f"{name}=", style="dim")
            text = shown(record[name] or "")
            values.append(text or "''", style="bold red" if name in bad else "")
        console.say(values)
    if left > 0:
        console.note(f"{left:,} more; --limit N lists more.")


def _export(rows: "dict[Entity, Frame]", to: Path, *, force: bool, as_json: bool) -> None:
    from simulator.cli.export import export

    exported = export(rows, to, force=force)
    if as_json:
        console.document(
            {
                "exported": [
                    {
                        "entity": e.entity,
                        "rows": e.rows,
                        "malformed_rows": e.malformed,
                        "files": [str(path) for path in e.files],
                    }
                    for e in exported
                ]
            }
        )
        return
    if not exported:
        console.say("No such rows in quarantine; nothing was written.")
        return
    for each in exported:
        what = count(each.rows, "row")
        if each.malformed:
            what += f" and {count(each.malformed, 'record')} with a wrong field count"
        console.say(f"{each.entity}: {what}")
        for path in each.files:
            console.say(f"  {path_for_user(path)}")
    console.heading("Next")
    console.say(
        "  Mend the values in the CSV, move it into the landing zone, then run: "
        f"{suggestion('simulate', '--landing DIR', '--lake DIR')}"
    )
    console.say("  Files that begin with _ are notes, which runs ignore: why each row was refused.")
    if any(e.snapshot for e in rows if e.name in {each.entity for each in exported}):
        console.say(
            "  A catalogue is delivered whole: put mended products into the next full one, since a "
            "file with them alone would make all others inactive."
        )
