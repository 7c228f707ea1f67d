"""The entry point of an AWS Lambda function: the steps of a run that need no engine.

    {"step": "validate_silver", "landing": "s3://…", "lake": "s3://…", "run_id": "…"}

It answers with what the step did, as a Glue job leaves it beside the lake: `step`, `outcome`, and
the `notices` of the run so far. `LAKEHOUSE_THRESHOLDS` (JSON) holds the environment's own
thresholds of the quality checks, `LAKEHOUSE_DATABASES` what the names of the Glue databases begin
with.
"""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from pipeline.errors import CallError
from pipeline.glue_catalog import GlueCatalog
from pipeline.landing.s3 import S3Store
from pipeline.quality.notices import MemorySink
from pipeline.quality.thresholds import Thresholds, thresholds_of
from pipeline.runner.control import ControlSteps
from pipeline.runner.doing import Doing, kept_state, one_step
from pipeline.runner.report import RunReport
from pipeline.runner.results import result_of
from pipeline.runner.s3_home import S3LakeHome
from pipeline.workflow import WORKFLOW, Actor, Step

THRESHOLDS = "LAKEHOUSE_THRESHOLDS"
DATABASES = "LAKEHOUSE_DATABASES"

_log = logging.getLogger("lakehouse")

STEPS = tuple(state.step for state in WORKFLOW if state.actor is Actor.CONTROL)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Do the step that is asked for; an error fails the invocation, with its type and sentence."""
    del context
    step, landing, lake, run_id = (_asked(event, n) for n in ("step", "landing", "lake", "run_id"))
    if step not in STEPS:
        msg = f"The step {step!r} is none that a function does."
        raise CallError(msg, f"Ask for one of {', '.join(STEPS)}.")
    home = S3LakeHome(lake)
    state = kept_state(home, run_id)
    databases = os.environ.get(DATABASES)
    steps = ControlSteps(
        state,
        home,
        S3Store(landing),
        thresholds=_thresholds(os.environ.get(THRESHOLDS, "")),
        # The messages go on with the answer; the state machine sends them.
        sink=MemorySink(),
        publish=GlueCatalog(databases).publish if databases is not None else lambda _: None,
    )
    outcome = one_step(Doing(state, steps.perform), Step(step), home)
    if step == Step.VALIDATE_SILVER:
        # The runtime writes it as a field of a JSON line, of which CloudWatch makes a metric.
        percent = quarantine_percent(state.report)
        _log.info("rows in quarantine", extra={"quarantine_percent": percent})
    return result_of(Step(step), outcome, state.report)


def quarantine_percent(report: RunReport) -> float:
    """Return how many of a hundred rows that a run has read went to quarantine; 0 of none."""
    read = sum(account.rows_read for account in report.entities.values())
    kept = sum(account.held + account.rejected for account in report.entities.values())
    return round(100 * kept / read, 3) if read else 0.0


def _asked(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        msg = f"The event lacks {name!r}, or it is no text: {value!r}."
        raise CallError(msg, "The state machine gives step, landing, lake and run_id.")
    return value


def _thresholds(text: str) -> Thresholds:
    if not text:
        return Thresholds()
    try:
        settings = json.loads(text)
    except ValueError as error:
        msg = f"{THRESHOLDS} is no JSON: {error}."
        raise CallError(msg, "Deploy again from a configuration that is valid.") from error
    return thresholds_of(settings, THRESHOLDS)
