"""Runs that end badly on purpose: raised out of, or killed without a word."""

import inspect
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, BinaryIO, cast
from unittest.mock import patch

import deltalake

from pipeline.engine import Engine
from pipeline.landing.store import LocalStore, Store
from pipeline.runner.doing import Doing
from pipeline.runner.home import LakeHome
from pipeline.runner.run import Lakehouse, RunRequest
from pipeline.workflow import Outcome, Step
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import OPEN, run, run_time


def _writes() -> tuple[str, ...]:
    """Return the calls of the engine protocol by which a run writes a table.

    They are told a batch's number or stamp; only `create` makes tables without.
    """
    calls = inspect.getmembers(Engine, inspect.isfunction)
    of_batch = {"batch_id", "stamp"}
    told = [name for name, call in calls if of_batch & set(inspect.signature(call).parameters)]
    return ("create", *told)


WRITES = _writes()

KILLED = 77
SURVIVED = 0

ROOT = Path(__file__).resolve().parent.parent


class Watched:
    """Passes every call on and does something before or after the given ones, counted from 1.

    Args:
        inner: The object that does the work.
        calls: Names of the calls that count.
        after: Told the number of each call that has been done.
        before: Told the number of each call that is about to be done.
    """

    def __init__(
        self,
        inner: object,
        calls: Sequence[str],
        after: Callable[[int], None],
        before: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._inner = inner
        self._calls = calls
        self._after = after
        self._before = before
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if name not in self._calls:
            return inner

        def call(*args: Any, **kwargs: Any) -> Any:
            self._before(self.count + 1)
            result = inner(*args, **kwargs)
            self.count += 1
            self._after(self.count)
            return result

        return call


def watched_engine(
    lake: Path, after: Callable[[int], None], calls: Sequence[str] = WRITES
) -> Engine:
    """Return an engine that says after which call it is."""
    return cast("Engine", Watched(PolarsEngine(lake), calls, after))


class ChangingStore(LocalStore):
    """A landing zone where something happens to a file when it is opened again to be taken in."""

    def __init__(self, root: Path, path: str, change: Callable[[Path], None]) -> None:
        super().__init__(root)
        self._path = path
        self._change = change
        self._opened = 0

    def open(self, path: str) -> BinaryIO:
        """Open a file; the second time it is not any more what it was."""
        if path == self._path:
            self._opened += 1
            if self._opened == 2:
                self._change(self.root / path)
        return super().open(path)


# --- Killing -------------------------------------------------------------------------------------


def _die_at(number: int) -> Callable[[int], None]:
    def die(count: int) -> None:
        if count == number:
            os._exit(KILLED)

    return die


def _die(_: object = None) -> None:
    os._exit(KILLED)


def after_write(landing: Path, lake: Path, number: int) -> None:
    """Run and die after a write call; with 0, when the first is about to begin."""
    if number == 0:
        engine = PolarsEngine(lake)
        engine.create = _die  # type: ignore[assignment,method-assign]
        run(landing, lake, 1, engine=cast("Engine", engine))
    run(landing, lake, 1, engine=watched_engine(lake, _die_at(number)))


def at_step(landing: Path, lake: Path, step: Step, after: bool) -> None:  # noqa: FBT001 - by place
    """Run with archiving and die before or after a step of the workflow."""
    perform = Doing.perform

    def dying(self: Doing, asked: Step) -> Outcome:
        if asked is step and not after:
            os._exit(KILLED)
        outcome = perform(self, asked)
        if asked is step:
            os._exit(KILLED)
        return outcome

    patch.object(Doing, "perform", dying).start()  # This process is its own, and ends here.
    archiving(landing, lake)


def archiving(landing: Path, lake: Path, number: int = 1) -> None:
    """Run with archiving, which every step of the workflow has something to do for."""
    lakehouse = Lakehouse(PolarsEngine(lake), LakeHome(lake), LocalStore(landing), thresholds=OPEN)
    lakehouse.run(RunRequest(run_time(number), archive=True))


def within_write(landing: Path, lake: Path, call: str, number: int) -> None:
    """Run and die in the midst of a write: data files of it lie there, and no commit names them.

    A thread watches the lake's folder from the moment the write begins, and ends the process as
    soon as there is a file that was not there; a write without data files ends it afterwards.
    """
    there: set[Path] = set()

    def watch() -> None:
        while True:
            if any(path not in there for path in lake.rglob("*.parquet")):
                os._exit(KILLED)

    def begin(count: int) -> None:
        if count == number:
            there.update(lake.rglob("*.parquet"))
            threading.Thread(target=watch, daemon=True).start()

    engine = Watched(PolarsEngine(lake), (call,), _die_at(number), begin)
    run(landing, lake, 1, engine=cast("Engine", engine))


def at_write(landing: Path, lake: Path, call: str, number: int) -> None:
    """Run and die right after one of a kind of writes."""
    run(landing, lake, 1, engine=watched_engine(lake, _die_at(number), (call,)))


def after_restore(landing: Path, lake: Path, number: int) -> None:
    """Run on an interrupted lake and die after a table has been put back."""
    run(landing, lake, 1, engine=watched_engine(lake, _die_at(number), ("restore",)))


def while_creating(landing: Path, lake: Path, number: int) -> None:
    """Run and die when some of a new lake's tables exist."""
    tables = Watched(deltalake.DeltaTable, ("create",), _die_at(number))
    original = PolarsEngine.create.__globals__
    original["DeltaTable"] = tables
    run(landing, lake, 1)


def while_ingesting(landing: Path, lake: Path, path: str) -> None:
    """Run and die when a file is opened to be taken in, in the middle of bronze's commit."""
    run(landing, lake, 1, store=ChangingStore(landing, path, _die))


def while_archiving(landing: Path, lake: Path, number: int) -> None:
    """Run with archiving and die after some files have been moved."""
    store = cast("Store", Watched(LocalStore(landing), ("move",), _die_at(number)))
    lakehouse = Lakehouse(PolarsEngine(lake), LakeHome(lake), store, thresholds=OPEN)
    lakehouse.run(RunRequest(run_time(1), archive=True))


@cache
def _context() -> ForkServerContext:
    """Return a server of processes that have the heavy imports behind them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crashes"])
    return context


def _alone(target: Callable[..., None], args: Sequence[object]) -> None:
    target(*args)
    os._exit(SURVIVED)


def killed(target: Callable[..., None], *args: object) -> bool:
    """Let a process do something and return whether it was killed, as against came to its end."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), before]))
    try:
        process = _context().Process(target=_alone, args=(target, args))
        process.start()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    process.join(60)
    assert process.exitcode in {KILLED, SURVIVED}
    return process.exitcode == KILLED
