"""Days unlike those before, held against plain fractions."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.trend import judged_days, unusual_days

FIRST = date(2025, 1, 1)


def series(*totals: int, gap: int = 1) -> dict[date, int]:
    return {FIRST + timedelta(days=gap * n): total for n, total in enumerate(totals)}


# Fourteen of 90 and fourteen of 110: mean 100, deviation 10, so 70 to 130 is usual.
STEADY = [90, 110] * 14


@pytest.mark.parametrize(
    ("last", "unusual"), [(100, False), (130, False), (131, True), (70, False), (69, True)]
)
@pytest.mark.parametrize("gap", [1, 3])
def test_the_border_is_usual(last: int, gap: int, *, unusual: bool) -> None:
    """Days without orders are passed over, so a gap changes nothing."""
    totals = series(*STEADY, last, gap=gap)
    day = max(totals)
    assert unusual_days(totals, [day]) == ([day] if unusual else [])


def test_fewer_than_28_days_say_nothing() -> None:
    totals = series(*STEADY[1:], 10**9)
    assert judged_days(totals, totals) == []
    assert unusual_days(totals, totals) == []


def test_only_the_28_days_before_count_and_not_the_day_itself() -> None:
    # Long ago sales were wild; that is more than 28 days before the last day.
    totals = series(10**6, 0, *STEADY, 131)
    assert unusual_days(totals, [max(totals)]) == [max(totals)]


def test_after_equal_days_any_other_total_is_unusual() -> None:
    totals = series(*[50] * 28, 51)
    assert unusual_days(totals, [max(totals)]) == [max(totals)]
    totals = series(*[50] * 29)
    assert unusual_days(totals, [max(totals)]) == []


def test_days_that_were_not_asked_for_or_have_no_orders_are_passed_over() -> None:
    totals = series(*STEADY, 131, 131)
    asked = [max(totals), date(1999, 1, 1)]
    assert judged_days(totals, asked) == [max(totals)]


def expected(totals: Mapping[date, int]) -> list[date]:
    days = sorted(totals)
    found = []
    for place in range(28, len(days)):
        before = [Fraction(totals[day]) for day in days[place - 28 : place]]
        mean = sum(before) / 28
        variance = sum((amount - mean) ** 2 for amount in before) / 28
        if (totals[days[place]] - mean) ** 2 > 9 * variance:
            found.append(days[place])
    return found


@given(st.lists(st.integers(0, 200) | st.integers(0, 10**15), min_size=28, max_size=45))
def test_days_are_judged_exactly(amounts: list[int]) -> None:
    totals = series(*amounts)
    assert unusual_days(totals, totals) == expected(totals)
