"""The entry point of an AWS Glue job: one step of a run, or the whole of it.

    --step check|bronze|silver|gold|record|archive|run
    --landing s3://bucket/prefix   --lake s3://bucket/prefix
    [--run-time 2026-03-01T06:00:00Z] [--as-of 2026-03-01] [--archive true] [--rebuild true]

Glue hands its arguments over as words of the command line; those of its own are passed over. What
the step did lies afterwards in `<lake>/_results/<run time>/<step>.json`, whether it succeeded or
failed; a failure exits with 1, a wrong call with 2.
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
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.run import Lakehouse, RunRequest, Step
from pipeline.runner.s3_home import S3LakeHome
from pipeline.spark.engine import SparkEngine

WHOLE_RUN = "run"

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
    parser.add_argument("--step", required=True, choices=[*Step, WHOLE_RUN])
    parser.add_argument("--landing", required=True)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--run-time", type=_instant, default=None)
    parser.add_argument("--as-of", type=date.fromisoformat, default=None)
    parser.add_argument("--archive", type=_flag, default=False)
    parser.add_argument("--rebuild", type=_flag, default=False)
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


def main(words: Sequence[str] | None = None) -> int:
    """Run the job on these words, or the process's, and return its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        asked = arguments(sys.argv[1:] if words is None else words)
        perform(asked)
    except LakehouseError as error:
        # One line: the type for alarms to look for, the sentence for people.
        _log.error("%s: %s", type(error).__name__, error)
        return 2 if isinstance(error, CallError) else 1
    return 0


def perform(asked: argparse.Namespace) -> RunReport:
    """Do the step that is asked for, and write what it did beside the lake.

    Raises:
        LakehouseError: The step failed; the lake is what it was before the run.
    """
    lakehouse = _lakehouse(asked)
    run_time = asked.run_time or datetime.now(UTC)
    request = RunRequest(run_time, as_of=asked.as_of, archive=asked.archive, rebuild=asked.rebuild)
    results = _Results(asked.lake, asked.step)
    try:
        if asked.step == WHOLE_RUN:
            report = lakehouse.run(request)
        elif asked.step == Step.CHECK:
            report = lakehouse.begin(request)
        else:
            report = lakehouse.proceed(Step(asked.step))
    except LakehouseError as error:
        failure = {"type": type(error).__name__, "what": error.what, "hint": error.hint}
        results.write(run_time, {"status": "failed", "error": failure})
        raise
    results.write(report.run_time, {"status": "succeeded", **report.document()})
    _log.info("step %s of the run of %s succeeded", asked.step, report.run_time.isoformat())
    return report


def _lakehouse(asked: argparse.Namespace) -> Lakehouse:
    session = SparkSession.builder.appName("lakehouse").getOrCreate()
    if asked.temporary:
        session.sparkContext.setCheckpointDir(f"{asked.temporary.rstrip('/')}/lakehouse")
    home = S3LakeHome(asked.lake) if _is_s3(asked.lake) else LakeHome(Path(asked.lake))
    return Lakehouse(SparkEngine(session, asked.lake), home, _store(asked.landing))


def _store(address: str) -> Store:
    return S3Store(address) if _is_s3(address) else LocalStore(Path(address))


def _is_s3(address: str) -> bool:
    return address.startswith("s3://")


class _Results:
    """Where a step's results go: `<lake>/_results/<run time>/<step>.json`."""

    def __init__(self, lake: str, step: str) -> None:
        self._lake = lake
        self._step = step

    def write(self, run_time: datetime, document: dict[str, Any]) -> None:
        text = json.dumps({"step": self._step, **document}, indent=2) + "\n"
        path = f"_results/{run_time:%Y%m%dT%H%M%S.%fZ}/{self._step}.json"
        if _is_s3(self._lake):
            S3Store(self._lake).write_text(path, text)
        else:
            place = Path(self._lake) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
