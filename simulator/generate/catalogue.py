"""The shop's catalogue: departments, names, prices, and how they change over the days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from simulator.generate.chance import EVER, Chance, Ints, Luck, Purpose, below, by_share, unit
from simulator.generate.config import ShopConfig

_DAYS_OF_LATENESS: Final = 6
_DAYS_A_WEEK: Final = 7
_ONE_IN_GONE: Final = 200


class Department(NamedTuple):
    """A department and what it sells."""

    name: str
    things: tuple[str, ...]


DEPARTMENTS: Final[tuple[Department, ...]] = (
    Department(
        "Grocery",
        (
            "Olive Oil", "Rye Bread", "Jalapeño Salsa", "Oat Milk", "Basmati Rice", "Rooibos Tea",
            "Açaí Bowl", "Tomato Passata", "Dark Chocolate", "Espresso Beans", "Gruyère",
        ),
    ),
    Department(
        "Home Goods",
        (
            "Linen Curtain", "Wool Throw", "Table Lamp", "Crème Brûlée Torch", "Cutting Board",
            "Storage Basket", "Picture Frame", "Wall Clock", "Bath Towel", "Door Mat",
        ),
    ),
    Department(
        "Electronics",
        (
            "Headphones", "USB-C Cable", "Power Bank", "Webcam", "Keyboard", "Router",
            "Smart Plug", "E-Reader", "Microphone", "Monitor",
        ),
    ),
    Department(
        "Books",
        (
            "Cookbook", "Road Atlas", "Crossword Collection", "Poetry Anthology", "Field Guide",
            "Graphic Novel", "Chess Primer", "Bird Calendar", "Phrasebook Español",
        ),
    ),
    Department(
        "Clothing",
        (
            "Rain Jacket", "Merino Socks", "Linen Shirt", "Denim Jeans", "Wool Scarf",
            "Running Tights", "Cotton Pyjamas", "Straw Hat", "Leather Belt", "Cardigan",
        ),
    ),
    Department(
        "Sports & Outdoors",
        (
            "Yoga Mat", "Trekking Poles", "Water Bottle", "Tennis Balls", "Climbing Rope",
            "Camping Stove", "Swim Goggles", "Bike Pump", "Kettlebell", "Sleeping Bag",
        ),
    ),
    Department(
        "Toys & Games",
        (
            "Wooden Train", "Jigsaw Puzzle", "Marble Run", "Card Game", "Plush Bear", "Kite",
            "Dollhouse", "Building Bricks", "Spinning Top", "Matryoshka Матрёшка",
        ),
    ),
    Department(
        "Health & Beauty",
        (
            "Hand Cream", "Shampoo Bar", "Bamboo Toothbrush", "Sunscreen", "Lip Balm",
            "Bath Salts", "Eau de Parfum", "Nail Scissors", "Face Mask", "Beard Oil",
        ),
    ),
    Department(
        "Garden",
        (
            "Tulip Bulbs", "Watering Can", "Pruning Shears", "Bird Feeder", "Plant Pot",
            "Compost Bin", "Bonsai 盆栽", "Lavender Seeds", "Garden Gloves", "Rake",
        ),
    ),
    Department(
        "Pet Supplies",
        (
            "Cat Litter", "Dog Leash", "Parrot Swing", "Aquarium Filter", "Chew Bone",
            "Hamster Wheel", "Scratching Post", "Puppy Food", "Rabbit Hay",
        ),
    ),
)  # fmt: skip

_STYLES: Final = (
    "Classic", "Organic", "Compact", "Deluxe", "Everyday", "Handmade", "Mini", "Nordic", "Premium",
    "Recycled", "Rustic", "Soft", "Travel", "Vintage", "Würzburger", "Lightweight", "Smart",
    "Family", "Midnight", "Alpine", "Coastal", "Señor Luz", "Møller", "Étoile",
)  # fmt: skip

_FORMS: Final = (
    "", "", "", "", "", " XL", " Set", " Duo", " No. 5", " Refill", " Gift Box", ", Large",
    ", Small", ", Pack of 6", ", 2 for 1", ' 12" Edition', ' "Limited"',
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of the whole catalogue.

    Attributes:
        day: Index of the day it arrives.
        product_ids: The products in it, ascending.
    """

    day: int
    product_ids: Ints


class Catalogue:
    """All products that the shop ever sells, and which of them it sells when.

    A product holds a slot of the range, and slots differ in popularity. In a weekly catalogue
    some slots pass to new products, so that the range changes but its size does not.
    """

    def __init__(self, config: ShopConfig, late_share: float) -> None:
        chance = Chance(config.seed)
        self._owners = _owners(config, chance)
        count = int(max(owners.max() for owners in self._owners))
        self._weekly = config.weekly_catalogue
        self._appears = _appearances(config, chance, late_share)
        self._rows = _product_rows(chance, count)
        self.prices: Final = _prices(chance, count)
        self.deliveries: Final = tuple(self._plan(config))

    @property
    def count(self) -> int:
        """Products over all days; their ids run from 1 to this."""
        return len(self._rows)

    @property
    def late_products(self) -> Ints:
        """The day on which each late product appears, one value per product that is late."""
        return self._appears[self._appears > 0]

    def sold_on(self, day: int) -> Ints:
        """The product in each slot on a day. Customers buy late products all the same."""
        return self._owners[day // _DAYS_A_WEEK if self._weekly else 0]

    def row(self, product_id: int) -> list[str]:
        """A product's values, in file order."""
        return list(self._rows[product_id - 1])

    def _plan(self, config: ShopConfig) -> list[Delivery]:
        days = {0, *self._appears.tolist()}
        if self._weekly:
            days.update(range(0, config.days, _DAYS_A_WEEK))
        planned = (Delivery(day, self._listed_on(day)) for day in sorted(days))
        return [delivery for delivery in planned if len(delivery.product_ids)]

    def _listed_on(self, day: int) -> Ints:
        owners = np.sort(self.sold_on(day))
        first = np.zeros(self.count + 1, dtype=np.int64)
        first[1 : len(self._appears) + 1] = self._appears
        return owners[first[owners] <= day]


def _owners(config: ShopConfig, chance: Chance) -> list[Ints]:
    """The product in each slot, week by week; a single week if the range never changes."""
    size = config.products
    shuffled = np.argsort(chance.bits(Purpose.CHURN, EVER, size), kind="stable").astype(np.int64)
    owners = [shuffled + 1]
    weeks = (config.days - 1) // _DAYS_A_WEEK if config.weekly_catalogue else 0
    following = size + 1
    for week in range(1, weeks + 1):
        drawn = chance.bits(Purpose.CHURN, EVER, max(1, size // _ONE_IN_GONE), part=week)
        gone = np.unique(below(drawn, size))
        now = owners[-1].copy()
        now[gone] = np.arange(following, following + len(gone))
        following += len(gone)
        owners.append(now)
    return owners


def _appearances(config: ShopConfig, chance: Chance, late_share: float) -> Ints:
    """The day on which each product of the first range enters the catalogue.

    A late one appears before the first change of the range, so that none is gone before.
    """
    latest = min(_DAYS_OF_LATENESS, config.days - 1)
    if latest == 0:
        return np.zeros(config.products, dtype=np.int64)
    late = by_share(chance.bits(Purpose.LATE_PRODUCT, EVER, config.products), [late_share]) == 0
    days = 1 + below(chance.bits(Purpose.LATE_PRODUCT, EVER, config.products, part=1), latest)
    return np.where(late, days, 0)


def _prices(chance: Chance, count: int) -> Ints:
    """Prices in cents by product id, from 1.49 to about 80, most of them low; [0] is unused."""
    x = unit(chance.bits(Purpose.PRICE, EVER, count + 1))
    cents = 149 + (x * x * 8000).astype(np.int64)
    return cents - cents % 10 + 9


def _product_rows(chance: Chance, count: int) -> list[tuple[str, ...]]:
    bits = chance.bits(Purpose.NAME, EVER, count).tolist()
    return [_product_row(number, Luck(draw)) for number, draw in enumerate(bits, start=1)]


def _product_row(product_id: int, luck: Luck) -> tuple[str, ...]:
    number = luck.below(len(DEPARTMENTS))
    department = DEPARTMENTS[number]
    name = f"{luck.pick(_STYLES)} {luck.pick(department.things)}{luck.pick(_FORMS)}"
    return str(product_id), str(number + 1), department.name, name
