"""Runs as the commands start them: engine, lock, thresholds, alerts, and what an interrupt says."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.engines import EngineName, open_engine
from simulator.cli.progress import Progress

if TYPE_CHECKING:
    from pipeline.quality.thresholds import Thresholds
    from pipeline.runner.report import RunReport
    from pipeline.runner.run import Lakehouse, RunRequest

# The wait before a step is tried again is meant for services of the cloud; a disk is quicker.
_LONGEST_PAUSE = 1.0


def run(
    landing: Path | None,
    lake: Path,
    request: "Callable[[datetime], RunRequest]",
    *,
    shown: Progress,
    engine: EngineName = EngineName.POLARS,
    thresholds: "Thresholds | None" = None,
) -> "RunReport":
    """Run once with the clock's time; whoever calls holds the lake's lock.

    Args:
        landing: The landing zone; None to run on what the lake holds.
        lake: The lake.
        request: Makes the request from the run's time.
        shown: Is told how the run gets on.
        engine: Name of the engine that does the work.
        thresholds: What the quality checks are held to; None for the contract's own.

    Raises:
        LakehouseError: The run failed; the lake is what it was before it.
    """
    lakehouse = _opened(landing, lake, shown=shown, engine=engine, thresholds=thresholds)
    try:
        return lakehouse.run(request(datetime.now(UTC)))
    except KeyboardInterrupt:
        if lakehouse.home.interrupted() is None:
            console.note("The lake is as it was before the run.")
        else:
            console.note("The run is not undone yet; the next one undoes it before it begins.")
        raise


def _opened(
    landing: Path | None,
    lake: Path,
    *,
    shown: Progress,
    engine: EngineName,
    thresholds: "Thresholds | None",
) -> "Lakehouse":
    import time

    from pipeline.landing.store import LocalStore, NoDeliveries
    from pipeline.quality.thresholds import Thresholds
    from pipeline.runner.home import LakeHome
    from pipeline.runner.run import Lakehouse
    from simulator.cli.alerts import LaptopSink

    store = NoDeliveries() if landing is None else LocalStore(landing)
    return Lakehouse(
        open_engine(engine, lake, shown, landing),
        LakeHome(lake),
        store,
        observer=shown,
        thresholds=thresholds or Thresholds(),
        sink=LaptopSink(lake),
        pause=lambda seconds: time.sleep(min(seconds, _LONGEST_PAUSE)),
    )


def chosen_thresholds(file: Path | None, words: Sequence[str]) -> "Thresholds":
    """Return the thresholds of a file, and over them those of single words `check.kind=share`.

    Raises:
        CallError: The file or a word makes no sense.
    """
    from pipeline.quality.thresholds import Thresholds, read_thresholds, thresholds_of

    settings: dict[str, dict[str, Any]] = {}
    for word in words:
        place, equals, share = word.partition("=")
        check, dot, kind = place.strip().partition(".")
        if not (equals and dot):
            msg = f"--threshold expects CHECK.KIND=SHARE, got {word!r}."
            raise CallError(msg, 'For instance: --threshold "catalogue_shrink.block=none"')
        settings.setdefault(check, {})[kind] = share.strip()
    of_file = Thresholds() if file is None else read_thresholds(file)
    of_words = thresholds_of(settings, "--threshold")
    return Thresholds({**of_file.overrides, **of_words.overrides})


def below(landing: Path, given: str) -> str:
    """Return a path below the landing zone, also if it was given from where the user stands."""
    path = Path(given)
    if not (landing / path).exists() or path.is_absolute():
        for base in (landing, landing.resolve()):
            if path.is_relative_to(base):
                return path.relative_to(base).as_posix()
    return path.as_posix()
