"""The rows that a run leaves in the tables of quality."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipeline.quality.decision import Score, Verdict
from pipeline.quality.thresholds import share_text


def metric_records(
    verdicts: Iterable[Verdict], batch_id: int | None, recorded_at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of meta.quality_metrics of a run, one per verdict.

    Args:
        verdicts: All verdicts of the run.
        batch_id: Number of the run; None when it took no file in.
        recorded_at: The run's own time, UTC.
    """
    return [
        {
            "batch_id": batch_id,
            "layer": verdict.check.layer.value,
            "check_name": verdict.check.name,
            "subject": verdict.measure.subject,
            "measured": verdict.measure.measured,
            "base": verdict.measure.base,
            "verdict": verdict.outcome.value,
            "severity": verdict.check.severity.value,
            "alert_above": share_text(verdict.limits.alert),
            "block_above": share_text(verdict.limits.block),
            "samples": "\n".join(verdict.measure.samples) or None,
            "recorded_at": recorded_at,
        }
        for verdict in verdicts
    ]


def score_records(
    scores: Iterable[Score], batch_id: int | None, recorded_at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of meta.quality_scores of a run, one per layer."""
    return [
        {
            "batch_id": batch_id,
            "layer": score.layer.value,
            "score": score.ten_thousandths,
            "passed_weight": score.passed_weight,
            "total_weight": score.total_weight,
            "recorded_at": recorded_at,
        }
        for score in scores
    ]
