"""What gold has to be brought up to date with."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Touched:
    """What a batch has changed, as far as gold minds.

    Attributes:
        dates: Order dates whose orders or items changed, ascending.
        all_dates: Whether that is every date there is.
        products: Whether any product changed.
        left_users: Customers who lost an order to another customer.
    """

    dates: list[date]
    all_dates: bool
    products: bool
    left_users: list[int]
