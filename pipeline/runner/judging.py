"""Holding what a layer has measured against the thresholds: verdicts, alerts, and an end to it."""

from pipeline.contracts.checks import Layer
from pipeline.quality.decision import blocked, decide
from pipeline.quality.notices import notices
from pipeline.quality.thresholds import Thresholds
from pipeline.runner.state import RunState


def blocks(state: RunState, layer: Layer, thresholds: Thresholds) -> bool:
    """Judge a layer; note its verdicts and alerts, and return whether it undoes the run.

    A layer that is judged again is noted once.
    """
    report = state.report
    verdicts = decide((m for m in state.measures if m.check.layer is layer), thresholds)
    report.verdicts = [v for v in report.verdicts if v.check.layer is not layer] + verdicts
    told = notices(verdicts, report.batch_id)
    report.notices += [notice for notice in told if notice not in report.notices]
    return bool(blocked(verdicts))
