"""`lakehouse watch`: run again whenever files or code change, and show what that does to gold."""

import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.options import AsJson, Lake, Landing
from simulator.cli.text import count, listed, path_for_user

if TYPE_CHECKING:
    from simulator.watch.changes import Changes

_SHOWN = 3


def watch(*, landing: Landing, lake: Lake, as_json: AsJson = False) -> None:
    """Run whenever deliveries or the code change, and show what that changes in gold.

    A change of the pipeline's contracts or transforms computes gold anew, by the code as it is
    then. A run that fails is shown, and watching goes on. Ctrl-C ends it.
    """
    from simulator.cli.lakes import check_apart
    from simulator.watch.changes import watching

    if not landing.is_dir():
        kind = "is not a folder" if landing.exists() else "does not exist"
        msg = f"The landing zone {landing} {kind}."
        raise CallError(msg, "Give the folder that holds products/, orders/ and order_items/.")
    check_apart(landing, lake)
    with (
        watching(landing, code_folders()) as watcher,
        _Runs(landing, lake, as_json=as_json) as runs,
    ):
        console.note(f"Watching {path_for_user(landing)} and the pipeline's code; Ctrl-C ends it.")
        runs.run("the first run")
        while True:
            changes = watcher.wait()
            runs.run(_named(changes, landing), rebuild=bool(changes.code))


def code_folders() -> tuple[Path, ...]:
    """Return the folders whose code decides what a run does."""
    import pipeline
    from simulator import engine

    return tuple(Path(folder) for package in (pipeline, engine) for folder in package.__path__)


class _Runs:
    """Runs, each in a process that was made ready while the one before was looked at."""

    def __init__(self, landing: Path, lake: Path, *, as_json: bool) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="lakehouse-watch-")
        form = "json" if as_json else "text"
        words = (str(landing), str(lake), self._scratch.name, form)
        self._words = [sys.executable, "-P", "-m", "simulator.watch.child", *words]
        self._next = self._made_ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._scratch.cleanup()

    def run(self, why: str, *, rebuild: bool = False) -> None:
        """Let the process that is ready run to its end; its failure is shown by itself."""
        from simulator.watch.asked import now
        from simulator.watch.child import GO, REBUILD

        console.note(f"{now()}  {why}")
        with suppress(BrokenPipeError):  # It could not even begin, and has said why.
            self._next.communicate(f"{REBUILD if rebuild else GO}\n")
        self._next.wait()
        self._next = self._made_ready()

    def _made_ready(self) -> "subprocess.Popen[str]":
        # In a session of its own, so that Ctrl-C reaches it through `_end` and not twice.
        return subprocess.Popen(
            self._words, stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def _end(self) -> None:
        """End the process: one that waits at once, one that runs when it has undone its run."""
        process = self._next
        if process.stdin is not None and not process.stdin.closed:
            process.kill()
            process.stdin.close()
        elif process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait()


def _named(changes: "Changes", landing: Path) -> str:
    """Return what has changed, as a user calls it."""
    root = landing.resolve()
    files = sorted(str(path.relative_to(root)) for path in changes.files)
    code = sorted(path.name for path in changes.code)
    said = [_few(files, "delivery", "deliveries"), _few(code, "file of code", "files of code")]
    return listed([part for part in said if part])


def _few(names: list[str], noun: str, plural: str) -> str:
    if len(names) > _SHOWN:
        return count(len(names), noun, plural)
    return listed(names)
