"""Whether a day's sales are unlike those of the days before; plain Python, whole numbers."""

from collections.abc import Collection, Mapping
from datetime import date

DAYS = 28
_DEVIATIONS = 3


def judged_days(totals: Mapping[date, int], days: Collection[date]) -> list[date]:
    """Return those of some days that have orders and 28 earlier days with orders, ascending."""
    with_orders = sorted(totals)
    return [day for place, day in enumerate(with_orders) if place >= DAYS and day in days]


def unusual_days(totals: Mapping[date, int], days: Collection[date]) -> list[date]:
    """Return the days whose total lies outside mean +- 3 sd of the 28 days with orders before.

    The deviation is that of the 28 days themselves (population), the day is not among them, and a
    total at the very border is usual. With n days, their sum S and sum of squares Q:
    |n*x - S| > 3 * sqrt(n*Q - S^2), without a root and without a rounding.

    Args:
        totals: Sales by date that has orders, in cents.
        days: The days to judge; those with fewer than 28 days before them are passed over.
    """
    with_orders = sorted(totals)
    place_of = {day: place for place, day in enumerate(with_orders)}
    found = []
    for day in judged_days(totals, days):
        place = place_of[day]
        before = [totals[other] for other in with_orders[place - DAYS : place]]
        total = sum(before)
        variance = DAYS * sum(amount * amount for amount in before) - total * total
        if (DAYS * totals[day] - total) ** 2 > _DEVIATIONS**2 * variance:
            found.append(day)
    return found
