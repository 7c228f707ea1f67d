"""The judgement of measures: plain Python, whole numbers, no engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from pipeline.contracts.checks import Check, Layer
from pipeline.errors import BlockedError
from pipeline.quality.measure import Document, Measure, measure_of
from pipeline.quality.thresholds import Limits, Thresholds, share_text, thresholds_of

_SCORE_SCALE = 10_000


class Outcome(StrEnum):
    """What came of a measure."""

    PASSED = "passed"
    ALERT = "alert"
    BLOCKED = "blocked"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Verdict:
    """A judged measure.

    Attributes:
        measure: What was judged.
        limits: The thresholds that it was held against.
        outcome: What came of it.
    """

    measure: Measure
    limits: Limits
    outcome: Outcome

    @property
    def check(self) -> Check:
        """The check that was judged."""
        return self.measure.check

    @property
    def passed(self) -> bool:
        """Whether nothing has to be said about it."""
        return self.outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}

    def sentence(self) -> str:
        """Say what was found, of how many, and which threshold that is above."""
        measure, check = self.measure, self.check
        said = f"{check.name} of {measure.subject}: {measure.measured:,} {check.counts}, of "
        said += f"{measure.base:,} {check.of}{_percentage(measure)}"
        passed_over = {
            Outcome.BLOCKED: f"; the run is undone above {_above(self.limits.block)}",
            Outcome.ALERT: f"; the alert is above {_above(self.limits.alert)}",
        }
        return f"{said}{passed_over.get(self.outcome, '')}."

    def document(self) -> Document:
        """Return the verdict as values that JSON knows."""
        name = self.check.name
        return {
            **self.measure.document(),
            "severity": self.check.severity.value,
            "layer": self.check.layer.value,
            "outcome": self.outcome.value,
            "limits": Thresholds({name: self.limits}).document()[name],
        }


def verdict_of(document: Mapping[str, Any]) -> Verdict:
    """Return the verdict that a document holds.

    Raises:
        KeyError, ValueError: It is none that `Verdict.document` wrote.
    """
    measure = measure_of(document)
    given = thresholds_of({measure.check.name: document["limits"]})
    return Verdict(measure, given.of(measure.check), Outcome(document["outcome"]))


def decide(measures: Iterable[Measure], thresholds: Thresholds) -> list[Verdict]:
    """Judge each measure by its check's thresholds, in the order given."""
    return [_judge(measure, thresholds.of(measure.check)) for measure in measures]


def _judge(measure: Measure, limits: Limits) -> Verdict:
    may_block = measure.base >= measure.check.minimum_base
    if measure.base == 0 and measure.measured == 0:
        outcome = Outcome.NOT_APPLICABLE
    elif may_block and _is_above(measure, limits.block):
        outcome = Outcome.BLOCKED
    elif _is_above(measure, limits.alert) or _is_above(measure, limits.block):
        outcome = Outcome.ALERT
    else:
        outcome = Outcome.PASSED
    return Verdict(measure, limits, outcome)


def _is_above(measure: Measure, limit: Fraction | None) -> bool:
    """Return whether measured / base > limit; what was found of nothing is above every limit."""
    if limit is None:
        return False
    return measure.measured * limit.denominator > limit.numerator * measure.base


@dataclass(frozen=True)
class Score:
    """The quality of one layer in one run.

    Attributes:
        layer: The layer.
        passed_weight: Weight of the judged measures that passed.
        total_weight: Weight of all judged measures; those that do not apply are not judged.
    """

    layer: Layer
    passed_weight: int
    total_weight: int

    @property
    def ten_thousandths(self) -> int | None:
        """The share that passed in units of 1/10,000, rounded half up; None if none was judged."""
        if not self.total_weight:
            return None
        doubled = 2 * self.passed_weight * _SCORE_SCALE + self.total_weight
        return doubled // (2 * self.total_weight)

    def document(self) -> Document:
        """Return the score as values that JSON knows."""
        return {
            "layer": self.layer.value,
            "passed_weight": self.passed_weight,
            "total_weight": self.total_weight,
            "ten_thousandths": self.ten_thousandths,
        }


def scores(verdicts: Sequence[Verdict]) -> list[Score]:
    """Return the score of each layer that was judged, in the order of the layers."""
    judged = [verdict for verdict in verdicts if verdict.outcome is not Outcome.NOT_APPLICABLE]
    return [
        Score(
            layer,
            passed_weight=_weight(v for v in judged if v.check.layer is layer and v.passed),
            total_weight=_weight(v for v in judged if v.check.layer is layer),
        )
        for layer in Layer
        if any(verdict.check.layer is layer for verdict in verdicts)
    ]


def _weight(verdicts: Iterable[Verdict]) -> int:
    return sum(verdict.check.weight for verdict in verdicts)


def alerts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that people are told of and that do not undo the run."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.ALERT]


def blocked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that undo the run."""
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.BLOCKED]


def blocked_error(verdicts: Sequence[Verdict]) -> BlockedError:
    """Return the error that ends a run with at least one blocked verdict.

    It says for each of them the check, the subject, the figure, the threshold and sample rows, and
    what to do about it.
    """
    found = blocked(verdicts)
    what = " ".join(f"{verdict.sentence()}{_samples(verdict.measure)}" for verdict in found)
    hints = dict.fromkeys(verdict.check.hint for verdict in found)
    layer = found[0].check.layer
    return BlockedError(f"The quality gate of {layer} blocks the run. {what}", " ".join(hints))


def _samples(measure: Measure) -> str:
    return f" For instance: {'; '.join(measure.samples)}." if measure.samples else ""


def _percentage(measure: Measure) -> str:
    """Return the share for people, rounded; the judgement never sees it."""
    return f" ({100 * measure.measured / measure.base:.4g} %)" if measure.base else ""


def _above(limit: Fraction | None) -> str:
    return "0" if limit == 0 else share_text(limit)
