"""The run that a process which is ready is asked for, of the code as it is now."""

import io
import sys
import traceback
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import LakehouseError
from simulator.cli.guard import guarded
from simulator.cli.text import path_for_user

if TYPE_CHECKING:
    from pipeline.runner.report import RunReport
    from simulator.watch.gold import TableChange


def perform(landing: Path, lake: Path, *, rebuild: bool, as_json: bool) -> int:
    """Run, tell what has changed, and return the exit code; what went wrong is told as well."""

    def run() -> None:
        try:
            run_once(landing, lake, rebuild=rebuild, as_json=as_json)
        except (LakehouseError, OSError):
            raise
        except Exception as error:
            raise _in_code(error) from error
        except KeyboardInterrupt:
            sys.stderr = io.StringIO()  # Whoever started us was interrupted as well, and says so.
            raise

    return guarded(run)


def run_once(landing: Path, lake: Path, *, rebuild: bool, as_json: bool) -> None:
    """Run, and tell what the run says and what it has changed in gold."""
    from pipeline.runner.run import RunRequest
    from simulator.cli.locking import locked
    from simulator.cli.progress import Quiet
    from simulator.cli.running import run
    from simulator.engine.polars_engine import PolarsEngine
    from simulator.watch import gold

    with locked(lake):
        before = gold.states(PolarsEngine(lake))
        request = partial(RunRequest, rebuild=rebuild)
        report = run(landing, lake, request, shown=Quiet())
        changed = gold.changes(PolarsEngine(lake), before)
    _tell(report, changed, rebuild=rebuild, as_json=as_json)


def _in_code(error: Exception) -> LakehouseError:
    """Return what is wrong with code that is being worked on, and where."""
    if isinstance(error, SyntaxError):
        place, line, said = error.filename or "the code", error.lineno, error.msg
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place, line, said = last.filename, last.lineno, " ".join(str(error).split())
    msg = f"{type(error).__name__} in {path_for_user(Path(place))}, line {line}: {said[:300]}."
    return LakehouseError(msg, "Saving the mended file runs again.")


def _tell(
    report: "RunReport", changed: "list[TableChange]", *, rebuild: bool, as_json: bool
) -> None:
    if as_json:
        import json

        print(json.dumps({"run": report.document(), "gold": [_document(c) for c in changed]}))  # noqa: T201 - results
        return
    from simulator.cli.watch_view import print_changes, print_run

    print_run(report, rebuild=rebuild)
    print_changes(changed)


def _document(change: "TableChange") -> dict[str, Any]:
    from simulator.cli.text import cents

    def plain(name: str, value: int) -> str | int:
        return cents(value).replace(",", "") if name in change.money else value

    return {
        "table": change.table,
        "rows": {"before": change.rows[0], "after": change.rows[1]},
        "added": change.added,
        "removed": change.removed,
        "changed": change.changed,
        "sums": {
            name: {"before": plain(name, before), "after": plain(name, after)}
            for name, (before, after) in change.sums.items()
        },
    }


def now() -> str:
    """Return the time as it stands before each run."""
    return datetime.now(UTC).astimezone().strftime("%H:%M:%S")
