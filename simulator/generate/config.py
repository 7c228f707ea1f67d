"""What shop to generate: its size, its dates and the form of its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal, get_args

from simulator.generate.errors import GenerateError

FileFormat = Literal["csv", "csv.gz", "xlsx"]

FORMATS: Final[tuple[str, ...]] = get_args(FileFormat)
"""The file formats a landing zone takes."""

_FIRST_START: Final = date(2000, 1, 3)
_LAST_END: Final = date(2099, 12, 29)
_MOST_ORDERS: Final = 10**8
_MOST_USERS: Final = 3 * 10**7


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopConfig:
    """The shop before anything goes wrong with its data.

    Every setting is part of what the bytes depend on, `days` too: a shop of 31 days does not begin
    with the files of one of 30. To deliver day after day, keep the settings and use `only_day`.

    Attributes:
        days: Days of trade, one delivery a day.
        start: First day of trade.
        orders_per_day: Mean orders a day; weekends are busier and no two days are alike.
        orders: Total orders over all days, met exactly; replaces `orders_per_day`.
        products: Products in the catalogue on any day.
        users: Customers who may order; by default one for every four orders.
        seed: Same seed, same bytes.
        format: Form of the delivered files.
        one_folder_per_day: Deliver `orders/2025-04-01/part-0.csv` in place of
            `orders/2025-04-01.csv`.
        weekly_catalogue: Deliver the catalogue every seventh day, each time with a few new
            products and a few gone. Otherwise it is delivered on day one, and again only when
            `Dirt.late_product` changes it.
    """

    days: int = 30
    start: date = field(default=date(2025, 4, 1))
    orders_per_day: int = 500
    orders: int | None = None
    products: int = 1000
    users: int | None = None
    seed: int = 0
    format: FileFormat = "csv"
    one_folder_per_day: bool = False
    weekly_catalogue: bool = False

    def __post_init__(self) -> None:
        """Refuse a shop that cannot be.

        Raises:
            GenerateError: If a setting has the wrong type or is out of its range.
        """
        _whole("days", self.days, 1, 36_500)
        _whole("orders_per_day", self.orders_per_day, 1, 10**6)
        _whole("products", self.products, 1, 10**6)
        _whole("seed", self.seed, 0, 2**64 - 1)
        if self.orders is not None:
            _whole("orders", self.orders, 0, _MOST_ORDERS)
        if self.users is not None:
            _whole("users", self.users, 1, _MOST_USERS)
        if self.format not in FORMATS:
            raise GenerateError("format", expected=" or ".join(FORMATS), got=self.format)
        self._check_dates()

    def _check_dates(self) -> None:
        if type(self.start) is not date:
            raise GenerateError("start", expected="a date such as 2025-04-01", got=self.start)
        last = _LAST_END - timedelta(days=self.days - 1)
        if not _FIRST_START <= self.start <= last:
            expected = f"{_FIRST_START} to {last} for {self.days} days"
            raise GenerateError("start", expected=expected, got=self.start.isoformat())

    @property
    def expected_orders(self) -> int:
        """Total orders over all days: exact if `orders` is set, about right otherwise."""
        return self.orders_per_day * self.days if self.orders is None else self.orders

    @property
    def user_count(self) -> int:
        """Customers who may order."""
        if self.users is not None:
            return self.users
        return min(max(50, self.expected_orders // 4), _MOST_USERS)

    def day(self, index: int) -> date:
        """The date of a day of trade, counted from 0."""
        return self.start + timedelta(days=index)

    def index_of(self, day: date) -> int:
        """The place of a date among the days of trade, counted from 0.

        Raises:
            GenerateError: If the shop does not trade on that day.
        """
        index = (day - self.start).days
        if not 0 <= index < self.days:
            expected = f"a day from {self.start} to {self.day(self.days - 1)}"
            raise GenerateError("day", expected=expected, got=day.isoformat())
        return index


def _whole(name: str, value: object, low: int, high: int) -> None:
    """Check that a setting is a whole number within bounds, both inclusive."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise GenerateError(name, expected=f"a whole number from {low} to {high}", got=value)
