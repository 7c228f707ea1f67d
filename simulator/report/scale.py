"""Round numbers and dates for the axes of pictures, and numbers short enough for them."""

import math
from collections.abc import Sequence
from datetime import date

_STEPS = (1, 2, 2.5, 5, 10)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_FEW_MONTHS = 4


def ticks(greatest: float, wanted: int = 4) -> list[float]:
    """Return round values from 0 to the first one that is not below the greatest value."""
    if greatest <= 0:
        return [0.0, 1.0]
    rough = greatest / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough)
    marks = [0.0]
    while marks[-1] < greatest:
        marks.append(step * len(marks))
    return marks


def short(value: float) -> str:
    """Return a number with at most three digits and a unit: `950`, `12k`, `2.5M`."""
    for size, unit in _UNITS:
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def date_ticks(days: Sequence[date], wanted: int) -> list[tuple[int, str]]:
    """Return places and labels of at most `wanted` dates among consecutive periods.

    A short history is marked every so many periods, a long one where a month begins.
    """
    if not days:
        return []
    months = (days[-1].year - days[0].year) * 12 + days[-1].month - days[0].month
    if months < _FEW_MONTHS:
        every = -(-len(days) // wanted)
        return [(n, f"{days[n].day} {days[n]:%b}") for n in range(0, len(days), every)]
    step = next((s for s in _MONTH_STEPS if months / s <= wanted), _MONTH_STEPS[-1])
    marks = []
    before = None
    for place, day in enumerate(days):
        month = day.year * 12 + day.month - 1
        if month != before and month % step == 0 and (place or day.day == 1):
            marks.append((place, f"{day:%Y}" if step % 12 == 0 else f"{day:%b %Y}"))
        before = month
    return marks
