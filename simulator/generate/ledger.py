"""Dirties the shop's rows, and keeps account of what must become of each.

The account is kept from what is done to the rows, not by reading them back: a row that is
spoiled is rejected for the reason it was spoiled with, and an item waits as long as its order or
its product is not there. Every dirtied row gets one kind of dirt, so no two consequences meet,
but for an item that lacks its order and its product both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from simulator.generate.catalogue import Catalogue, Delivery
from simulator.generate.chance import Chance, Ints, Luck, Purpose, by_share
from simulator.generate.columns import ENTITIES, Entity, header, place
from simulator.generate.config import ShopConfig
from simulator.generate.dirt import Dirt
from simulator.generate.files import Sheet
from simulator.generate.manifest import EntityOutcome
from simulator.generate.orders import DayDraft
from simulator.generate.soil import (
    UNKNOWN_ORDER,
    UNKNOWN_PRODUCT,
    cents_of,
    correct,
    spoil,
    untidy,
)

NEVER: Final = 2**31
"""The day on which a row that never arrives would arrive."""

_REJECTING: Final = ("missing", "malformed", "wrong_field_count", "out_of_range", "inconsistent")
_REPEATING: Final = ("duplicate_row", "correction")

KINDS_OF: Final[dict[Entity, tuple[str, ...]]] = {
    "products": (*_REJECTING[:-1], *_REPEATING, "untidy"),
    "orders": (*_REJECTING, *_REPEATING, "untidy", "late_order"),
    "order_items": (*_REJECTING, *_REPEATING, "untidy", "unknown_order", "unknown_product"),
}
"""The row kinds that each source can have."""

_NO_ORDER: Final = "order_id:unknown_reference"
_NO_PRODUCT: Final = "product_id:unknown_reference"


_Rows: TypeAlias = dict[Entity, list[list[str]]]


def _no_rows() -> _Rows:
    return {"orders": [], "order_items": []}


class _Stain(NamedTuple):
    """A row that gets dirty.

    Attributes:
        at: Its place among the clean rows of its file.
        kind: What happens to it.
        luck: Decides how.
    """

    at: int
    kind: str
    luck: Luck


@dataclass(frozen=True, slots=True)
class _Frame:
    """What holds for the whole generation.

    Attributes:
        config: The shop.
        dirt: What goes wrong with its data.
        through: Index of the last day that counts.
    """

    config: ShopConfig
    dirt: Dirt
    through: int

    @property
    def last(self) -> int:
        """Index of the shop's last day."""
        return self.config.days - 1

    @property
    def may_lack(self) -> bool:
        """Whether a row may have too few fields."""
        return self.config.format != "xlsx"

    def stains(self, entity: Entity, day: int, count: int) -> Iterator[_Stain]:
        """Choose the rows of a day that get dirty."""
        kinds = KINDS_OF[entity]
        shares = [self.dirt.shares()[kind] for kind in kinds]
        if not any(shares):
            return
        chance, part = Chance(self.config.seed), ENTITIES.index(entity)
        chosen = by_share(chance.bits(Purpose.ROW_KIND, day, count, part), shares)
        dirty = np.flatnonzero(chosen < len(kinds))
        luck = chance.bits(Purpose.ROW_LUCK, day, len(dirty), part)
        for index, kind, bits in zip(
            dirty.tolist(), chosen[dirty].tolist(), luck.tolist(), strict=True
        ):
            yield _Stain(index, kinds[kind], Luck(bits))


class Ledger:
    """Turns days of trade into the rows of their files, and counts.

    Args:
        config: The shop.
        dirt: What goes wrong with its data.
        catalogue: What the shop sells.
        through: Index of the last day that counts: what would arrive after it is missing.
    """

    def __init__(self, config: ShopConfig, dirt: Dirt, catalogue: Catalogue, through: int) -> None:
        frame = _Frame(config, dirt, through)
        self.outcomes: Final = {name: EntityOutcome() for name in ENTITIES}
        self._products = _ProductLedger(frame, catalogue, self.outcomes["products"])
        self._trade = _TradeLedger(frame, self.outcomes, self._products.arrival)

    @property
    def silver_revenue_cents(self) -> int:
        """Sum of the totals of silver orders."""
        return self._trade.revenue

    @property
    def active_products(self) -> int:
        """Products with a valid row in the latest catalogue."""
        return self._products.active

    def sheets(self, draft: DayDraft) -> list[Sheet]:
        """The rows of a day's files, in order of arrival. To be called day after day."""
        sheets = [self._products.sheet(draft.day), *self._trade.sheets(draft)]
        for sheet in sheets:
            self.outcomes[sheet.entity].rows += sheet.rows
        return [sheet for sheet in sheets if sheet.rows]


class _ProductLedger:
    """The deliveries of the catalogue."""

    def __init__(self, frame: _Frame, catalogue: Catalogue, outcome: EntityOutcome) -> None:
        self._frame = frame
        self._catalogue = catalogue
        self._outcome = outcome
        self.arrival: Final[Ints] = np.full(catalogue.count + 1, NEVER, dtype=np.int64)
        """The day of each product's first valid row, by product id."""
        self.active = 0
        self._sheets = {each.day: self._soiled(each) for each in catalogue.deliveries}
        self._close()

    def sheet(self, day: int) -> Sheet:
        """The catalogue of a day; empty if none is delivered."""
        nothing = pl.DataFrame(schema=dict.fromkeys(header("products"), pl.String))
        return self._sheets.pop(day, Sheet("products", nothing))

    def _soiled(self, delivery: Delivery) -> Sheet:
        """Dirty a catalogue and note which of its products are valid."""
        ids = delivery.product_ids.tolist()
        rows = [self._catalogue.row(each) for each in ids]
        clean = pl.DataFrame(
            rows, schema=dict.fromkeys(header("products"), pl.String), orient="row"
        )
        sheet = Sheet("products", clean)
        outcome = self._outcome if delivery.day <= self._frame.through else EntityOutcome()
        valid = np.ones(len(ids), dtype=np.bool_)
        for stain in self._frame.stains("products", delivery.day, len(ids)):
            outcome.planted[stain.kind] += 1
            valid[stain.at] = stain.kind not in _REJECTING
            self._dirty(sheet, stain, rows[stain.at], outcome)
        arrived = delivery.product_ids[valid]
        self.arrival[arrived] = np.minimum(self.arrival[arrived], delivery.day)
        if delivery.day <= self._frame.through:
            self.active = len(arrived)
            outcome.superseded += len(arrived)
        return sheet

    def _dirty(self, sheet: Sheet, stain: _Stain, row: list[str], outcome: EntityOutcome) -> None:
        index, kind, luck = stain
        if kind in _REJECTING:
            may_lack = self._frame.may_lack
            sheet.replaced[index], reason = spoil("products", kind, row, luck, may_lack=may_lack)
            outcome.rejected[reason] += 1
        elif kind == "untidy":
            sheet.replaced[index] = untidy("products", row, luck)
        else:
            again = row if kind == "duplicate_row" else correct("products", row, luck)
            sheet.appended.append(again)
            outcome.superseded += 1

    def _close(self) -> None:
        """One of a product's valid rows is silver, the others are superseded."""
        silver = int((self.arrival <= self._frame.through).sum())
        self._outcome.silver = silver
        self._outcome.superseded -= silver
        late = self._catalogue.late_products <= self._frame.through
        if late.any():
            self._outcome.planted["late_product"] = int(late.sum())


@dataclass(slots=True)
class _Waiting:
    """When the references of a day's items arrive, per item."""

    order: Ints
    product: Ints


class _TradeLedger:
    """The orders and items, day after day."""

    def __init__(
        self, frame: _Frame, outcomes: dict[Entity, EntityOutcome], product_arrival: Ints
    ) -> None:
        self._frame = frame
        self._outcomes = outcomes
        self._product_arrival = product_arrival
        self._later: defaultdict[int, _Rows] = defaultdict(_no_rows)
        self.revenue = 0

    def sheets(self, draft: DayDraft) -> list[Sheet]:
        """The rows of a day's two files."""
        orders = Sheet("orders", draft.frame("orders"))
        items = Sheet("order_items", draft.frame("order_items"))
        arrival = self._orders(draft, orders)
        self._items(draft, items, arrival)
        later = self._later.pop(draft.day, _no_rows())
        orders.appended += later["orders"]
        items.appended += later["order_items"]
        return [orders, items]

    def _orders(self, draft: DayDraft, sheet: Sheet) -> Ints:
        """Dirty a day's orders; return the day on which each arrives, or `NEVER`."""
        arrival = np.full(len(draft.order_id), draft.day, dtype=np.int64)
        for stain in self._frame.stains("orders", draft.day, len(arrival)):
            row = draft.row("orders", stain.at)
            if stain.kind == "late_order":
                arrival[stain.at] = self._delay(sheet, draft.day, stain, row)
            elif self._dirty(sheet, stain, row):
                arrival[stain.at] = NEVER
            elif stain.kind in _REPEATING:
                self._repeat_order(draft.day, stain, row)
        here = arrival <= self._frame.through
        self._outcomes["orders"].silver += int(here.sum())
        self.revenue += int(draft.total[here].sum())
        return arrival

    def _delay(self, sheet: Sheet, day: int, stain: _Stain, row: list[str]) -> int:
        """Let an order come one to three days late, if days are left; return the day."""
        if day == self._frame.last:
            return day
        on = min(day + 1 + stain.luck.below(3), self._frame.last)
        sheet.replaced[stain.at] = None
        self._later[on]["orders"].append(row)
        self._outcomes["orders"].planted["late_order"] += 1
        return on

    def _dirty(self, sheet: Sheet, stain: _Stain, row: list[str]) -> bool:
        """Dirty one row in a way that orders and items share; return whether it is rejected."""
        index, kind, luck = stain
        outcome = self._outcomes[sheet.entity]
        outcome.planted[kind] += 1
        if kind in _REJECTING:
            may_lack = self._frame.may_lack
            sheet.replaced[index], reason = spoil(sheet.entity, kind, row, luck, may_lack=may_lack)
            outcome.rejected[reason] += 1
            return True
        if kind == "untidy":
            sheet.replaced[index] = untidy(sheet.entity, row, luck)
        return False

    def _again(
        self, entity: Entity, day: int, stain: _Stain, row: list[str]
    ) -> tuple[list[str], int]:
        """Let a row come again, equal or corrected; return what comes and on which day."""
        corrected = stain.kind == "correction"
        on = min(day + stain.luck.below(4 if corrected else 3), self._frame.last)
        again = correct(entity, row, stain.luck) if corrected else row
        self._later[on][entity].append(again)
        return again, on

    def _repeat_order(self, day: int, stain: _Stain, row: list[str]) -> None:
        again, on = self._again("orders", day, stain, row)
        if on <= self._frame.through:
            self._outcomes["orders"].superseded += 1
            self.revenue += cents_of(again) - cents_of(row)

    def _items(self, draft: DayDraft, sheet: Sheet, order_arrival: Ints) -> None:
        """Dirty a day's items and settle which of them are held."""
        waiting = _Waiting(order_arrival[draft.order], self._product_arrival[draft.product_id])
        good = np.ones(len(draft.item_id), dtype=np.bool_)
        repeated: list[tuple[int, int]] = []
        for stain in self._frame.stains("order_items", draft.day, len(good)):
            row = draft.row("order_items", stain.at)
            if stain.kind in ("unknown_order", "unknown_product"):
                self._orphan(sheet, stain, row, waiting)
            elif self._dirty(sheet, stain, row):
                good[stain.at] = False
            elif stain.kind in _REPEATING:
                _, on = self._again("order_items", draft.day, stain, row)
                repeated.append((stain.at, on))
        self._settle(waiting, good, draft.day)
        self._settle_repeated(waiting, repeated)

    def _orphan(self, sheet: Sheet, stain: _Stain, row: list[str], waiting: _Waiting) -> None:
        """Let an item name an order or a product that does not exist."""
        item_id = int(row[0])
        if stain.kind == "unknown_order":
            row[place("order_items", "order_id")] = str(UNKNOWN_ORDER + item_id)
            waiting.order[stain.at] = NEVER
        else:
            row[place("order_items", "product_id")] = str(UNKNOWN_PRODUCT + item_id % 1000)
            waiting.product[stain.at] = NEVER
        sheet.replaced[stain.at] = row
        self._outcomes["order_items"].planted[stain.kind] += 1

    def _settle(self, waiting: _Waiting, good: npt.NDArray[np.bool_], day: int) -> None:
        """Count the items that are good in themselves: held, healed, silver."""
        out = self._outcomes["order_items"]
        no_order = good & (waiting.order > self._frame.through)
        no_product = good & (waiting.product > self._frame.through)
        complete = good & ~no_order & ~no_product
        counts = {
            _NO_ORDER: no_order & ~no_product,
            _NO_PRODUCT: no_product & ~no_order,
            f"{_NO_ORDER};{_NO_PRODUCT}": no_order & no_product,
        }
        out.held += Counter({name: int(rows.sum()) for name, rows in counts.items()})
        out.silver += int(complete.sum())
        out.healed += int((complete & (np.maximum(waiting.order, waiting.product) > day)).sum())

    def _settle_repeated(self, waiting: _Waiting, repeated: list[tuple[int, int]]) -> None:
        """Count the items that came again: they wait for what the first one waits for."""
        out = self._outcomes["order_items"]
        through = self._frame.through
        for index, on in repeated:
            order, product = int(waiting.order[index]), int(waiting.product[index])
            absent = [_NO_ORDER] * (order > through) + [_NO_PRODUCT] * (product > through)
            if on > through:
                continue
            if absent:
                out.held[";".join(absent)] += 1
            else:
                out.superseded += 1
                out.healed += max(order, product) > on
