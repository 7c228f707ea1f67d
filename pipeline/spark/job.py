"""The entry point of an AWS Glue job: one step of a run, or the whole of it.

    --step validate_raw|bronze|silver|gold|record|roll_back|run
    --landing s3://bucket/prefix   --lake s3://bucket/prefix
    [--run-id NAME] [--run-time 2026-03-01T06:00:00Z] [--as-of 2026-03-01]
    [--archive true] [--rebuild true] [--thresholds JSON]

Glue hands its arguments over as words of the command line; those of its own are passed over. What
the step did lies afterwards in `<lake>/_results/<run>/<step>.json`, whether it succeeded or failed;
a failure exits with 1, a wrong call with 2. A step may be done again after it has failed; what it
began is undone by `roll_back`. Steps without an engine are those of `pipeline.control`.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

from pyspark.sql import SparkSession

from pipeline.errors import CallError, LakehouseError
from pipeline.landing.s3 import S3Store
from pipeline.landing.store import LocalStore, Store
from pipeline.quality.notices import Notice
from pipeline.quality.thresholds import Thresholds, thresholds_of
from pipeline.runner.doing import BEGIN
from pipeline.runner.home import LakeHome
from pipeline.runner.request import RunRequest
from pipeline.runner.results import failure_result, result_of, result_path
from pipeline.runner.run import Lakehouse
from pipeline.runner.s3_home import S3LakeHome
from pipeline.spark.engine import SparkEngine
from pipeline.spark.session import AT_THE_START
from pipeline.workflow import WORKFLOW, Actor, Outcome, Step

WHOLE_RUN = "run"
STEPS = tuple(state.step for state in WORKFLOW if state.actor is Actor.ENGINE)

_log = logging.getLogger("lakehouse")


class _Words(argparse.ArgumentParser):
    """Reads the job's arguments; a wrong one is a `CallError`."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong."""
        raise CallError(f"The job's arguments are wrong: {message}.")


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the job's arguments, passing over those that Glue adds for itself.

    Raises:
        CallError: One is missing or makes no sense.
    """
    parser = _Words(prog="lakehouse job", allow_abbrev=False, add_help=False)
    parser.add_argument("--step", required=True, choices=[*STEPS, WHOLE_RUN])
    parser.add_argument("--landing", required=True)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--run-id", default="")
    parser.add_argument("--run-time", type=_instant, default=None)
    parser.add_argument("--as-of", type=date.fromisoformat, default=None)
    parser.add_argument("--archive", type=_flag, default=False)
    parser.add_argument("--rebuild", type=_flag, default=False)
    parser.add_argument("--thresholds", type=_thresholds, default=Thresholds())
    # Where Glue keeps temporary files; what a run evaluates once lies there.
    parser.add_argument("--TempDir", dest="temporary", default=None)
    return parser.parse_known_args(words)[0]


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _thresholds(text: str) -> Thresholds:
    return thresholds_of(json.loads(text), "--thresholds") if text else Thresholds()


def main(words: Sequence[str] | None = None) -> int:
    """Run the job on these words, or the process's, and return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    # It tells of every connection to the JVM that it closes.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    try:
        asked = arguments(sys.argv[1:] if words is None else words)
        perform(asked)
    except LakehouseError as error:
        # One line: the type for alarms to look for, the sentence for people.
        _log.error("%s: %s", type(error).__name__, error)
        return 2 if isinstance(error, CallError) else 1
    return 0


def perform(asked: argparse.Namespace) -> Outcome:
    """Do the step that is asked for, and write what it did beside the lake.

    Raises:
        LakehouseError: The step failed. The whole run undoes itself then; a step on its own may be
            done again, or undone by `roll_back`.
    """
    lakehouse = _lakehouse(asked)
    run_time = asked.run_time or datetime.now(UTC)
    request = RunRequest(
        run_time,
        as_of=asked.as_of,
        archive=asked.archive,
        rebuild=asked.rebuild,
        run_id=asked.run_id,
    )
    results = _Results(asked.lake, request.name, asked.step)
    try:
        if asked.step == WHOLE_RUN:
            outcome, report = Outcome.DONE, lakehouse.run(request)
        elif asked.step == BEGIN:
            outcome, report = lakehouse.begin(request)
        else:
            outcome, report = lakehouse.proceed(Step(asked.step), request)
    except LakehouseError as error:
        results.write(failure_result(asked.step, error))
        raise
    results.write(result_of(asked.step, outcome, report))
    _log.info("step %s of the run %s: %s", asked.step, request.name, outcome)
    return outcome


class _LogSink:
    """Alerts of a whole run, where alarms on the job's log find them."""

    def send(self, notice: Notice) -> None:
        """See `AlertSink.send`."""
        _log.warning("%s: %s %s", notice.severity.upper(), notice.subject, notice.message)


def _lakehouse(asked: argparse.Namespace) -> Lakehouse:
    session = SparkSession.builder.appName("lakehouse").config(map=AT_THE_START).getOrCreate()
    if asked.temporary:
        session.sparkContext.setCheckpointDir(f"{asked.temporary.rstrip('/')}/lakehouse")
    home = S3LakeHome(asked.lake) if _is_s3(asked.lake) else LakeHome(Path(asked.lake))
    return Lakehouse(
        SparkEngine(session, asked.lake),
        home,
        _store(asked.landing),
        thresholds=asked.thresholds,
        sink=_LogSink(),
    )


def _store(address: str) -> Store:
    return S3Store(address) if _is_s3(address) else LocalStore(Path(address))


def _is_s3(address: str) -> bool:
    return address.startswith("s3://")


class _Results:
    """Where a step's results go."""

    def __init__(self, lake: str, run_id: str, step: str) -> None:
        self._lake = lake
        self._path = result_path(run_id, step)

    def write(self, document: dict[str, Any]) -> None:
        text = json.dumps(document, indent=2) + "\n"
        if _is_s3(self._lake):
            S3Store(self._lake).write_text(self._path, text)
        else:
            place = Path(self._lake) / self._path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
