"""`lakehouse runs`: what took place on a lake, undone runs included."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulator.cli import console
from simulator.cli.lakes import reading
from simulator.cli.options import AsJson, Lake
from simulator.cli.text import duration, shown

if TYPE_CHECKING:
    from pipeline.engine import Engine

_COLUMNS = ("run", "started (UTC)", "status", "engine", "files", "rows", "alerts", "took")


def runs(
    *,
    lake: Lake,
    limit: Annotated[int, typer.Option(min=0, help="Runs to show; 0 for all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the runs of a lake, the latest last: when, files, rows, alerts, how long.

    Runs that failed, were blocked by a quality check or were rolled back have left nothing in the
    tables; the lake keeps their accounts beside them. `show quality_metrics` has every verdict.
    """
    with reading(lake) as engine:
        found = sorted([*_recorded(engine), *_undone(lake)], key=lambda run: run["started_at"])
    chosen = found[-limit:] if limit else found
    if as_json:
        console.document({"lake": str(lake), "runs": chosen})
        return
    rows = [[run["batch_id"] or "", *_cells(run)] for run in chosen]
    console.table(_COLUMNS, rows, right=("run", "files", "rows", "alerts", "took"))
    for run in chosen:
        if run["reason"]:
            console.say()
            console.say(f"{run['batch_id'] or 'a run'} {run['status']}: {shown(run['reason'])}")


def _cells(run: dict[str, Any]) -> list[str]:
    took = "" if run["duration_ms"] is None else duration(run["duration_ms"] / 1000)
    return [
        run["started_at"][:19].replace("T", " "),
        run["status"],
        run["engine"],
        f"{run['accepted_files']:,}",
        f"{run['rows_read']:,}",
        "" if run["alerts"] is None else f"{run['alerts']:,}",
        took,
    ]


def _recorded(engine: "Engine") -> list[dict[str, Any]]:
    from pipeline.contracts.meta import ROW_ACCOUNTS, RUNS

    if not engine.exists(RUNS):
        return []
    rows: dict[int, int] = {}
    for account in engine.fetch(engine.read(ROW_ACCOUNTS).select("batch_id", "rows_read")):
        number = account["batch_id"]
        rows[number] = rows.get(number, 0) + account["rows_read"]
    return [
        {
            "batch_id": run["batch_id"],
            "run_id": run["run_id"],
            "started_at": run["started_at"].isoformat(),
            "status": run["status"],
            "engine": run["engine"],
            "accepted_files": run["accepted_files"],
            "rows_read": rows.get(run["batch_id"], 0),
            "alerts": run["alerts"],
            "duration_ms": run["duration_ms"],
            "reason": "",
        }
        for run in engine.fetch(engine.read(RUNS))
    ]


def _undone(lake: Path) -> list[dict[str, Any]]:
    """Return the accounts of runs that no table knows of any more."""
    from pipeline.runner.accounts import Undone
    from pipeline.runner.home import LakeHome

    return [Undone.of(document).summary() for document in LakeHome(lake).undone()]
