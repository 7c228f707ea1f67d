"""A process that has everything ready before it is asked to run.

It imports the code, rehearses a run, and waits for a line on standard input: what a process does
for the first time takes several times as long. When it is told that the code has changed meanwhile,
it forgets the project's own modules and imports them anew; libraries stay. So a run always is of
the current code, and yet begins at once.
"""

import importlib
import io
import select
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

REBUILD = "rebuild"
GO = "go"

_OWN = {"pipeline", "simulator"}


def main() -> int:
    """Make ready, wait for the word, and run; the end of the input is no word."""
    landing, lake, scratch = map(Path, sys.argv[1:4])
    if not _is_asked():
        _make_ready(scratch)
    word = sys.stdin.readline().strip()
    if not word:
        return 0
    if word == REBUILD:
        forget_code()
    perform = importlib.import_module("simulator.watch.asked").perform
    code: int = perform(landing, lake, rebuild=word == REBUILD, as_json=sys.argv[4] == "json")
    return code


def _is_asked() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _make_ready(scratch: Path) -> None:
    """Rehearse a run; what is wrong with the code, the run that is asked for will tell."""
    quiet = io.StringIO()
    with suppress(Exception), redirect_stdout(quiet), redirect_stderr(quiet):
        importlib.import_module("simulator.watch.rehearsal").rehearse(scratch)


def forget_code() -> None:
    """Let the next import of any of the project's modules read its file."""
    # A file that is saved twice within a second would else be taken from the cache as it was first.
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.partition(".")[0] in _OWN]:
        del sys.modules[name]
    importlib.invalidate_caches()


if __name__ == "__main__":
    sys.exit(main())
