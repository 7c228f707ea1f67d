"""The customer segments, said as regions that do not overlap."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.quality.measuring.comparing import expected

# Segment, orders from and to, days since the last order from and to; None is without end. Every
# customer with at least one order and 0 days lies in exactly one.
REGIONS: tuple[tuple[str, int, int | None, int, int | None], ...] = (
    ("Loyal", 11, None, 0, None),
    ("Active", 6, 10, 0, 30),
    ("Regular", 6, 10, 31, 90),
    ("Regular", 2, 5, 0, 90),
    ("Lapsed", 1, 10, 91, None),
    ("New", 1, 1, 0, 90),
)


@dataclass(frozen=True)
class SegmentRule:
    """The segment is that of the region in which the expected orders and days lie."""

    column: str = "customer_segment"

    def holds(self) -> nw.Expr:
        """See `Rule.holds`."""
        orders = nw.col(expected("total_orders"))
        days = nw.col(expected("days_since_last_order"))
        regions = [
            (nw.col(self.column) == segment) & _within(orders, *placed) & _within(days, *since)
            for segment, *bounds in REGIONS
            for placed, since in [(bounds[:2], bounds[2:])]
        ]
        return nw.any_horizontal(*regions, ignore_nulls=True).fill_null(nw.lit(value=False))

    def wanted(self, row: Mapping[str, Any]) -> Any:
        """See `Rule.wanted`."""
        orders, days = row[expected("total_orders")], row[expected("days_since_last_order")]
        return next(
            segment
            for segment, fewest, most, first, last in REGIONS
            if orders >= fewest
            and (most is None or orders <= most)
            and days >= first
            and (last is None or days <= last)
        )


def _within(value: nw.Expr, low: int | None, high: int | None) -> nw.Expr:
    inside = value >= (low or 0)
    return inside if high is None else inside & (value <= high)
