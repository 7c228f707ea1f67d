from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.scale import date_ticks, short, ticks


@given(st.floats(1e-3, 1e15), st.integers(1, 8))
def test_ticks_are_round_and_reach_the_greatest_value(greatest: float, wanted: int) -> None:
    marks = ticks(greatest, wanted)
    step = marks[1]
    assert marks[0] == 0
    assert marks[-2] < greatest <= marks[-1]
    assert 2 <= len(marks) <= wanted + 1
    assert f"{step:.1e}".partition("e")[0] in {"1.0", "2.0", "2.5", "5.0"}


def test_ticks_of_nothing_are_an_axis_all_the_same() -> None:
    assert ticks(0) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (2500, "2.5k"), (12_000, "12k"), (1_250_000, "1.25M"), (3e9, "3G")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 1500), st.integers(2, 9))
def test_dates_are_few_in_order_and_where_they_say(first: date, length: int, wanted: int) -> None:
    days = [first + timedelta(days=n) for n in range(length)]
    marks = date_ticks(days, wanted)
    places = [place for place, _ in marks]
    assert places == sorted(set(places))
    assert len(marks) <= wanted + 1
    for place, label in marks:
        day = days[place]
        assert label in {f"{day.day} {day:%b}", f"{day:%b %Y}", f"{day:%Y}"}
