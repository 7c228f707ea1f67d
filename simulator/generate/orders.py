"""The orders and items of a day, before anything goes wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from simulator.generate.catalogue import Catalogue
from simulator.generate.chance import (
    EVER,
    Chance,
    Ints,
    Purpose,
    below,
    skewed,
    unit,
    weighted,
)
from simulator.generate.columns import Entity
from simulator.generate.config import ShopConfig

NEVER_BEFORE: Final = -1
"""In place of days since the prior order: there was none."""

FIRST_ORDER_ID: Final = 10_000
"""The id of the shop's first order."""

_FIRST_USER_ID: Final = 1_001
_MOST_ITEMS: Final = 10
_BY_WEEKDAY: Final = (960, 930, 920, 950, 1060, 1140, 1040)
_BY_HOUR: Final = (
    12, 8, 5, 4, 4, 7, 15, 30, 46, 58, 64, 66, 68, 62, 58, 57, 60, 68, 80, 92, 96, 84, 52, 26,
)  # fmt: skip
_ONE_IN_NEW_USERS: Final = 3
_DAYS_OF_PAST: Final = 30


@dataclass(frozen=True, slots=True)
class DayDraft:
    """One day of trade: a row per order, and a row per item, both in file order.

    Attributes:
        day: Index of the day.
        date: Its date as ISO text.
        order_id: Per order.
        user_id: Per order.
        order_num: Per order, the how-manieth of its user, from 1.
        second: Per order, second of the day in UTC.
        total: Per order, in cents.
        since: Per order, days since the user's prior order, or `NEVER_BEFORE`.
        item_id: Per item.
        order: Per item, the row of its order.
        product_id: Per item.
        place: Per item, add_to_cart_order from 1.
        reordered: Per item, 0 or 1.
    """

    day: int
    date: str
    order_id: Ints
    user_id: Ints
    order_num: Ints
    second: Ints
    total: Ints
    since: Ints
    item_id: Ints
    order: Ints
    product_id: Ints
    place: Ints
    reordered: Ints

    def row(self, entity: Entity, index: int) -> list[str]:
        """One order or item as the texts of its file."""
        return self._order_row(index) if entity == "orders" else self._item_row(index)

    def frame(self, entity: Entity) -> pl.DataFrame:
        """All orders or items as they go to a file."""
        return self._order_frame() if entity == "orders" else self._item_frame()

    def _order_row(self, index: int) -> list[str]:
        return [
            str(self.order_num[index]),
            str(self.order_id[index]),
            str(self.user_id[index]),
            f"{self.date}T{_clock()[int(self.second[index])]}",
            money(int(self.total[index])),
            self.date,
        ]

    def _item_row(self, index: int) -> list[str]:
        order = int(self.order[index])
        since = int(self.since[order])
        return [
            str(self.item_id[index]),
            str(self.order_id[order]),
            str(self.user_id[order]),
            "" if since == NEVER_BEFORE else str(since),
            str(self.product_id[index]),
            str(self.place[index]),
            str(self.reordered[index]),
            f"{self.date}T{_clock()[int(self.second[order])]}",
            self.date,
        ]

    def _timestamps(self) -> pl.Series:
        return (self.date + "T") + _clock_series().gather(pl.Series(self.second))

    def _order_frame(self) -> pl.DataFrame:
        total = pl.col("total_amount")
        cents = (total % 100).cast(pl.String).str.zfill(2)
        columns = {
            "order_num": self.order_num,
            "order_id": self.order_id,
            "user_id": self.user_id,
            "order_timestamp": self._timestamps(),
            "total_amount": self.total,
            "date": pl.repeat(self.date, len(self.order_id), eager=True),
        }
        frame = pl.DataFrame(columns)
        return frame.with_columns((total // 100).cast(pl.String) + "." + cents)

    def _item_frame(self) -> pl.DataFrame:
        since = pl.Series(self.since[self.order])
        columns = {
            "id": self.item_id,
            "order_id": self.order_id[self.order],
            "user_id": self.user_id[self.order],
            "days_since_prior_order": since.set(since == NEVER_BEFORE, None),
            "product_id": self.product_id,
            "add_to_cart_order": self.place,
            "reordered": self.reordered,
            "order_timestamp": self._timestamps().gather(pl.Series(self.order)),
            "date": pl.repeat(self.date, len(self.item_id), eager=True),
        }
        return pl.DataFrame(columns)


class Trade:
    """The shop's trade, day after day.

    Args:
        config: The shop.
        catalogue: What it sells.
    """

    def __init__(self, config: ShopConfig, catalogue: Catalogue) -> None:
        self._config = config
        self._catalogue = catalogue
        self._chance = Chance(config.seed)

    def drafts(self, last: int) -> Iterator[DayDraft]:
        """Yield the days from the first through the one with index `last`."""
        customers = _Customers(self._config, self._chance)
        order_id, item_id = FIRST_ORDER_ID, 1
        for day, count in enumerate(orders_by_day(self._config)[: last + 1]):
            draft = self._draft(day, count, order_id, item_id, customers)
            order_id += count
            item_id += len(draft.item_id)
            yield draft

    def _draft(
        self, day: int, count: int, order_id: int, item_id: int, customers: _Customers
    ) -> DayDraft:
        second = self._seconds(day, count)
        user, order_num, since = customers.come(day, count)
        sizes = 1 + below(self._chance.bits(Purpose.BASKET, day, count), _MOST_ITEMS)
        starts = np.cumsum(sizes) - sizes
        items = int(sizes.sum())
        order = np.repeat(np.arange(count), sizes)
        product_id = self._products(day, items)
        prices = self._catalogue.prices[product_id]
        return DayDraft(
            day=day,
            date=self._config.day(day).isoformat(),
            order_id=np.arange(order_id, order_id + count),
            user_id=user,
            order_num=order_num,
            second=second,
            total=np.add.reduceat(prices, starts) if count else prices,
            since=since,
            item_id=np.arange(item_id, item_id + items),
            order=order,
            product_id=product_id,
            place=np.arange(items) - np.repeat(starts, sizes) + 1,
            reordered=self._reordered(day, order_num[order]),
        )

    def _seconds(self, day: int, count: int) -> Ints:
        hour = weighted(self._chance.bits(Purpose.TIME, day, count), _BY_HOUR)
        within = below(self._chance.bits(Purpose.TIME, day, count, part=1), 3600)
        return np.sort(hour * 3600 + within)

    def _products(self, day: int, items: int) -> Ints:
        slots = self._catalogue.sold_on(day)
        bits = self._chance.bits(Purpose.PRODUCT, day, items)
        return slots[skewed(bits, len(slots))]

    def _reordered(self, day: int, order_num: Ints) -> Ints:
        """Nothing in a first order was bought before; the more orders, the more was."""
        share = np.minimum(0.2 + 0.08 * order_num, 0.75)
        drawn = unit(self._chance.bits(Purpose.REORDER, day, len(order_num)))
        again: Ints = ((drawn < share) & (order_num > 1)).astype(np.int64)
        return again


class _Customers:
    """Who has ordered how often, and when last, up to a day."""

    def __init__(self, config: ShopConfig, chance: Chance) -> None:
        self._chance = chance
        self._count = config.user_count
        bits = chance.bits(Purpose.PAST, EVER, self._count)
        new = below(bits, _ONE_IN_NEW_USERS) == 0
        past = 1 + skewed(chance.bits(Purpose.PAST, EVER, self._count, part=1), 20)
        ago = 1 + below(chance.bits(Purpose.PAST, EVER, self._count, part=2), _DAYS_OF_PAST)
        self._orders = np.where(new, 0, past)
        self._last = -ago
        self._stride = _coprime_near(self._count * 5 // 8, self._count)

    def come(self, day: int, count: int) -> tuple[Ints, Ints, Ints]:
        """Draw who orders on a day, order by order.

        Returns:
            Per order: user_id, the number of the order among the user's (from 1), and days
            since the one before or `NEVER_BEFORE`.
        """
        bits = self._chance.bits(Purpose.USER, day, count)
        who = skewed(bits, self._count)
        today = _occurrence(who)
        number = self._orders[who] + today + 1
        since = np.where(today > 0, 0, day - self._last[who])
        since = np.where(number == 1, NEVER_BEFORE, since)
        self._orders += np.bincount(who, minlength=self._count)
        self._last[who] = day
        return _FIRST_USER_ID + who * self._stride % self._count, number, since


def _occurrence(values: Ints) -> Ints:
    """How often each value came before, within the same array."""
    by_value = np.argsort(values, kind="stable")
    ordered = values[by_value]
    first = np.searchsorted(ordered, ordered, side="left")
    result = np.empty(len(values), dtype=np.int64)
    result[by_value] = np.arange(len(values)) - first
    return result


def _coprime_near(start: int, count: int) -> int:
    """The first number from `start` on that shares no divisor with `count`: it scatters ids."""
    number = max(1, start)
    while math.gcd(number, count) != 1:
        number += 1
    return number


def orders_by_day(config: ShopConfig) -> list[int]:
    """How many orders each day sees: a weekly rhythm, some noise, and the exact total if set."""
    noise = 940 + below(Chance(config.seed).bits(Purpose.VOLUME, EVER, config.days), 121)
    weights = [_BY_WEEKDAY[config.day(day).weekday()] * int(each) for day, each in enumerate(noise)]
    if config.orders is not None:
        return _spread(config.orders, weights)
    return [max(1, round(config.orders_per_day * weight / 10**6)) for weight in weights]


def _spread(total: int, weights: list[int]) -> list[int]:
    """Spread a total by weights; what rounding leaves goes to the largest remainders."""
    whole = sum(weights)
    parts = [divmod(total * weight, whole) for weight in weights]
    counts = [part for part, _ in parts]
    by_remainder = sorted(range(len(weights)), key=lambda day: (-parts[day][1], day))
    for day in by_remainder[: total - sum(counts)]:
        counts[day] += 1
    return counts


def money(cents: int) -> str:
    """Cents, not negative, as text with two decimals."""
    return f"{cents // 100}.{cents % 100:02}"


@cache
def _clock() -> tuple[str, ...]:
    """Every second of a day as `HH:MM:SS`."""
    minutes = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
    return tuple(f"{minute}:{second:02}" for minute in minutes for second in range(60))


@cache
def _clock_series() -> pl.Series:
    return pl.Series(_clock())
