"""What a step did, as a document for whoever orchestrates the steps."""

from typing import Any

from pipeline.errors import LakehouseError
from pipeline.runner.report import RunReport
from pipeline.workflow import Outcome, Step


def result_path(run_id: str, step: str) -> str:
    """Return the place of a step's result below the lake's root."""
    return f"_results/{run_id}/{step}.json"


def result_of(step: Step | str, outcome: Outcome, report: RunReport) -> dict[str, Any]:
    """Return the result of a step that was done: how it came out, and the report so far."""
    return {
        "step": str(step),
        "status": "succeeded",
        "outcome": outcome.value,
        **report.document(),
    }


def failure_result(step: str, error: LakehouseError) -> dict[str, Any]:
    """Return the result of a step that failed."""
    said = {"type": type(error).__name__, "what": error.what, "hint": error.hint}
    return {"step": step, "status": "failed", "error": said}
