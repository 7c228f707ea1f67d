"""One run in a process of its own, which has everything ready before it is asked to begin.

The process imports the code as it is now and waits for a line on standard input. When the code
changes in the meantime, whoever started it ends it and starts another one; so a run always is of
the current code, and yet begins at once.
"""

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

REBUILD = "rebuild"
GO = "go"


def main() -> int:
    """Make ready, wait for the word, run, and tell what has changed."""
    landing, lake, form = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    failure = _made_ready()
    word = sys.stdin.readline().strip()
    if not word:
        return 0  # Nobody needs this run any more.
    if failure is not None:
        raise failure
    try:
        report, changed = _run(landing, lake, rebuild=word == REBUILD)
    except (LakehouseError, OSError):
        raise
    except Exception as error:
        raise _in_code(error) from error
    except KeyboardInterrupt:
        sys.stderr = io.StringIO()  # Whoever started us was interrupted as well, and says so.
        raise
    _tell(report, changed, rebuild=word == REBUILD, as_json=form == "json")
    return 0


def _made_ready() -> Exception | None:
    """Import all that a run needs; return why that is impossible, to be told when it is asked."""
    try:
        import simulator.cli.running
        import simulator.engine.polars_engine
        import simulator.watch.gold  # noqa: F401 - imported to be ready
    except Exception as error:  # noqa: BLE001 - the code may be wrong in any way
        return _in_code(error)
    return None


def _run(landing: Path, lake: Path, *, rebuild: bool) -> "tuple[RunReport, list[TableChange]]":
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
        return report, gold.changes(PolarsEngine(lake), before)


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


if __name__ == "__main__":
    sys.exit(guarded(main))
