"""Verdicts at, under and above every threshold, worked out by hand, and the laws that they keep."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.checks import CHECK_BY_NAME, CHECKS, Check, Layer
from pipeline.quality.decision import (
    Outcome,
    Score,
    alerts,
    blocked,
    blocked_error,
    decide,
    scores,
    verdict_of,
)
from pipeline.quality.measure import Measure, measure_of
from pipeline.quality.thresholds import Limits, Thresholds, thresholds_of

PASSED, ALERT, BLOCKED, NONE = "passed", "alert", "blocked", "not_applicable"
ORDER = [PASSED, ALERT, BLOCKED]


def verdict(check: str, measured: int, base: int, thresholds: Thresholds | None = None) -> str:
    measure = Measure(CHECK_BY_NAME[check], "orders", measured, base)
    return decide([measure], thresholds or Thresholds())[0].outcome.value


# Above is strict: the share that equals a threshold is still under it.
CASES = [
    ("missing_or_malformed", 10, 1000, PASSED),  # 1 %
    ("missing_or_malformed", 11, 1000, ALERT),
    ("missing_or_malformed", 100, 1000, ALERT),  # 10 %
    ("missing_or_malformed", 101, 1000, BLOCKED),
    ("missing_or_malformed", 0, 1000, PASSED),
    ("missing_or_malformed", 99, 99, ALERT),  # All of 99 rows: too few to block.
    ("missing_or_malformed", 11, 100, BLOCKED),
    ("missing_or_malformed", 10, 100, ALERT),
    ("rule_violations", 5, 1000, PASSED),  # 0.5 %
    ("rule_violations", 6, 1000, ALERT),
    ("rule_violations", 50, 1000, ALERT),  # 5 %
    ("rule_violations", 51, 1000, BLOCKED),
    ("rule_violations", 99, 99, ALERT),
    ("rule_violations", 6, 100, BLOCKED),
    ("unknown_references", 1, 1000, PASSED),  # 0.1 %
    ("unknown_references", 2, 1000, ALERT),
    ("unknown_references", 100, 1000, ALERT),  # 10 %
    ("unknown_references", 101, 1000, BLOCKED),
    ("unknown_references", 50, 99, ALERT),
    ("consistency", 5, 1000, PASSED),  # 0.5 %
    ("consistency", 6, 1000, ALERT),
    ("consistency", 1000, 1000, ALERT),  # Never blocks.
    ("anomalies", 1, 1000, PASSED),  # 0.1 %
    ("anomalies", 2, 1000, ALERT),
    ("catalogue_shrink", 500, 1000, PASSED),  # Half is not under half.
    ("catalogue_shrink", 501, 1000, BLOCKED),
    ("catalogue_shrink", 1, 2, PASSED),
    ("catalogue_shrink", 2, 3, BLOCKED),  # Not a share of rows: few products block, too.
    ("required_values", 10, 1000, PASSED),
    ("required_values", 11, 1000, ALERT),
    ("duplicate_keys", 10, 1000, PASSED),
    ("duplicate_keys", 11, 1000, ALERT),
    ("schema_drift", 0, 3, PASSED),
    ("schema_drift", 1, 3, ALERT),
    ("repeated_content", 1, 1, ALERT),
    *[(check.name, 0, 5, PASSED) for check in CHECKS if check.layer is Layer.RAW],
    *[(check.name, 1, 5, ALERT) for check in CHECKS if check.layer is Layer.RAW],
    *[
        (name, measured, 10**9, outcome)
        for name in ("row_count", "row_equation", "revenue_equation", "order_counts")
        for measured, outcome in ((0, PASSED), (1, BLOCKED))
    ],
    ("completeness", 1, 10**9, BLOCKED),
    ("completeness", 0, 1, PASSED),
    ("recomputation", 0, 100, PASSED),
    ("recomputation", 1, 10**9, BLOCKED),  # Any difference.
    ("trend", 0, 1, PASSED),
    ("trend", 1, 1000, ALERT),
    # Something that came of nothing is above every threshold; nothing of nothing is not judged.
    ("row_equation", 1, 0, BLOCKED),
    ("row_equation", 0, 0, NONE),
    ("missing_or_malformed", 0, 0, NONE),
]


@pytest.mark.parametrize(("check", "measured", "base", "outcome"), CASES)
def test_verdicts_by_hand(check: str, measured: int, base: int, outcome: str) -> None:
    assert verdict(check, measured, base) == outcome


def test_every_check_has_cases_on_each_side_of_its_thresholds() -> None:
    seen = {(check, outcome) for check, _, _, outcome in CASES}
    for check in CHECKS:
        assert (check.name, PASSED) in seen
        assert (check.name, BLOCKED if check.block is not None else ALERT) in seen


def test_a_loosened_recomputation_alerts_above_one_per_cent() -> None:
    loose = thresholds_of({"recomputation": {"block": "5 %"}})
    outcomes = [verdict("recomputation", measured, 1000, loose) for measured in (10, 11, 50, 51)]
    assert outcomes == [PASSED, ALERT, ALERT, BLOCKED]


def test_a_threshold_beyond_64_bits_is_still_exact() -> None:
    base = 10**30
    assert verdict("missing_or_malformed", base // 10, base) == ALERT
    assert verdict("missing_or_malformed", base // 10 + 1, base) == BLOCKED


SHARES = st.one_of(st.none(), st.fractions(0, 2, max_denominator=1000))


@given(
    check=st.sampled_from(CHECKS),
    base=st.integers(0, 10**20),
    part=st.fractions(0, 2, max_denominator=10**6),
    more=st.integers(0, 10**19),
    alert=SHARES,
    block=SHARES,
)
def test_verdicts_are_exact_and_never_milder_for_more(  # noqa: PLR0917 - drawn by name
    check: Check,
    base: int,
    part: Fraction,
    more: int,
    alert: Fraction | None,
    block: Fraction | None,
) -> None:
    thresholds = Thresholds({check.name: Limits(alert, block)})
    measured = int(base * part)

    def outcome(count: int) -> str:
        return verdict(check.name, count, base, thresholds)

    if base == 0 and measured == 0:
        assert outcome(0) == NONE
        return
    above = [
        limit is not None and (base == 0 or Fraction(measured, base) > limit)
        for limit in (alert, block)
    ]
    may_block = base >= check.minimum_base
    expected = BLOCKED if above[1] and may_block else ALERT if any(above) else PASSED
    assert outcome(measured) == expected
    assert ORDER.index(outcome(measured + more)) >= ORDER.index(expected)


# --- What is made of verdicts --------------------------------------------------------------------

MEASURES = [
    Measure(CHECK_BY_NAME["row_equation"], "orders", 0, 1000),  # weight 5, passes
    Measure(CHECK_BY_NAME["missing_or_malformed"], "orders", 20, 1000, ("a.csv row 7",)),  # 2
    Measure(CHECK_BY_NAME["rule_violations"], "orders", 51, 1000, ("b.csv row 1", "b.csv row 2")),
    Measure(CHECK_BY_NAME["anomalies"], "orders", 0, 0),  # Not judged.
    Measure(CHECK_BY_NAME["trend"], "gold/daily_sales", 0, 0),
]


def test_scores_weigh_what_was_judged() -> None:
    """5 of 5 + 2 + 3 in silver; of gold nothing was judged; raw and bronze were not looked at."""
    found = scores(decide(MEASURES, Thresholds()))
    assert found == [Score(Layer.SILVER, 5, 10), Score(Layer.GOLD, 0, 0)]
    assert [score.ten_thousandths for score in found] == [5000, None]


@pytest.mark.parametrize(
    ("passed", "total", "rounded"),
    [(1, 3, 3333), (2, 3, 6667), (0, 4, 0), (4, 4, 10000), (1, 16, 625), (1, 32, 313)],
)
def test_scores_round_half_away_from_zero(passed: int, total: int, rounded: int) -> None:
    assert Score(Layer.GOLD, passed, total).ten_thousandths == rounded


def test_alerts_and_blocks_are_told_apart() -> None:
    verdicts = decide(MEASURES, Thresholds())
    assert [v.check.name for v in alerts(verdicts)] == ["missing_or_malformed"]
    assert [v.check.name for v in blocked(verdicts)] == ["rule_violations"]


def test_the_error_names_check_subject_figure_threshold_samples_and_what_to_do() -> None:
    error = blocked_error(decide(MEASURES, Thresholds()))
    assert str(error) == (
        "The quality gate of silver blocks the run. rule_violations of orders: 51 rows out of "
        "range or inconsistent, of 1,000 rows read (5.1 %); the run is undone above 5 %. For "
        "instance: b.csv row 1; b.csv row 2. Look at the quarantine, mend the delivery at its "
        "source, and deliver it again."
    )


def test_documents_come_back_as_they_went() -> None:
    loose = thresholds_of({"trend": {"alert": "1/3"}, "rule_violations": {"block": "none"}})
    for verdict_ in decide(MEASURES, loose):
        assert verdict_of(verdict_.document()) == verdict_
        assert measure_of(verdict_.measure.document()) == verdict_.measure
    assert {v.outcome for v in decide(MEASURES, loose)} == {
        Outcome.PASSED,
        Outcome.ALERT,
        Outcome.NOT_APPLICABLE,
    }


def test_a_document_with_the_declared_thresholds_comes_back() -> None:
    """Recomputation alerts above 1 % and blocks above 0: only as declared."""
    found = decide([Measure(CHECK_BY_NAME["recomputation"], "gold/x", 1, 10)], Thresholds())[0]
    assert verdict_of(found.document()) == found
