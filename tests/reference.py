"""What a lake must hold, computed the slow and plain way: the semantics as a specification.

Dictionaries, `Decimal`, `Fraction` and integers; no frames, and nothing of `pipeline`, so that a
mistake there is not repeated here. A `ReferenceLake` remembers every row that ever arrived and
works everything out anew after each run: which rows are valid, which of a key's valid rows is the
silver row, which rows wait or are rejected, and what gold says.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

Row = dict[str, Any]

# --- Deliveries ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeliveredRow:
    """One data row of a file.

    Attributes:
        values: Text of the entity's columns in the entity's order; None for a row with too few or
            too many fields.
        raw: Text of such a row; None for every other row.
        extra: JSON text of the unknown columns; None when the file has none.
    """

    values: tuple[str, ...] | None
    raw: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class DeliveredFile:
    """One file of the landing zone.

    Attributes:
        entity: Name of the entity.
        path: Path below the landing zone.
        rows: Its data rows in file order.
        form: How the rows were written. Files that agree in form and rows agree in their bytes.
    """

    entity: str
    path: str
    rows: tuple[DeliveredRow, ...]
    form: Hashable = None

    @property
    def content(self) -> Hashable:
        """What the bytes of the file depend on."""
        return self.entity, self.rows, self.form, self.path.endswith(".gz")


# --- Parsing: text to type, leniently ------------------------------------------------------------

SPACE = " \t\n\v\f\r"

MISSING = "missing"
MALFORMED = "malformed"
OUT_OF_RANGE = "out_of_range"
INCONSISTENT = "inconsistent"
UNKNOWN_REFERENCE = "unknown_reference"
ROW_MALFORMED = "row:malformed"

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class MalformedError(Exception):
    """The text is no value of its type."""


def read_integer(text: str) -> int:
    """`[+-]?digits` within 64 bits."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise MalformedError
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise MalformedError
    return value


def read_money(text: str) -> Decimal:
    """`[+-]?digits(.digits)?`, 8 digits before the point, 2 after it, then only zeros."""
    match = re.fullmatch(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", text)
    if match is None:
        raise MalformedError
    sign, whole, fraction = match[1], match[2].lstrip("0") or "0", match[3] or ""
    if len(whole) > 8 or fraction[2:].strip("0"):
        raise MalformedError
    amount = Decimal(f"{whole}.{fraction[:2]:0<2}")
    return -amount if sign == "-" and amount else amount


def read_day(text: str) -> int:
    """`YYYY-MM-DD`, a day that exists; as days since 1970."""
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    if match is None:
        raise MalformedError
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise MalformedError from None
    return day.toordinal() - _EPOCH_DAY


def _read_clock(text: str) -> int:
    """`HH:MM[:SS[.1 to 6 digits]]`; as microseconds since midnight."""
    match = re.fullmatch(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?", text)
    if match is None:
        raise MalformedError
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise MalformedError
    micros = int(f"{match[4] or '':0<6}")
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros


def read_timestamp(text: str) -> int:
    """A date, `T` or a space, a clock, perhaps a zone; as microseconds since 1970 UTC."""
    match = re.fullmatch(r"(.{10})[T ]([0-9:.]+)(Z|[+-][0-9]{2}:[0-9]{2})?", text)
    if match is None:
        raise MalformedError
    offset = 0
    if match[3] and match[3] != "Z":
        offset = _read_clock(match[3][1:]) * (-1 if match[3][0] == "-" else 1)
    return read_day(match[1]) * _DAY + _read_clock(match[2]) - offset


def read_date(text: str) -> int:
    """`YYYY-MM-DD`, or a timestamp at exactly midnight without a zone; as days since 1970."""
    if len(text) == 10:
        return read_day(text)
    if text[-1] == "Z" or "+" in text or "-" in text[10:]:
        raise MalformedError
    instant = read_timestamp(text)
    if instant % _DAY:
        raise MalformedError
    return instant // _DAY


def read_flag(text: str) -> int:
    """`0`, `1`, `true`, `false` in any ASCII case."""
    if re.fullmatch("1|[Tt][Rr][Uu][Ee]", text):
        return 1
    if re.fullmatch("0|[Ff][Aa][Ll][Ss][Ee]", text):
        return 0
    raise MalformedError


def read_text(text: str) -> str:
    """Return anything that is left after trimming."""
    return text


def read_label(text: str) -> str:
    """Anything, runs of white space as one space, ASCII letters in upper case."""
    single = re.sub("[ \t\n\v\f\r]+", " ", text)
    return "".join(c.upper() if c.isascii() else c for c in single)


Reader = Callable[[str], Any]

# --- The entities --------------------------------------------------------------------------------

_FROM = read_timestamp("2000-01-01T00:00")
_UNTIL = read_timestamp("2100-01-01T00:00")


@dataclass(frozen=True)
class Field:
    """A delivered column: how its text is read and what it may be.

    Attributes:
        read: Reads trimmed text.
        low: Smallest value in range.
        high: Greatest value in range.
        required: Whether a row without it is invalid.
        date_of: Column whose UTC date this must be.
    """

    read: Reader
    low: Any = None
    high: Any = None
    required: bool = True
    date_of: str | None = None


ENTITIES: dict[str, dict[str, Field]] = {
    "products": {
        "product_id": Field(read_integer, low=1),
        "department_id": Field(read_integer, low=1),
        "department": Field(read_label),
        "product_name": Field(read_text),
    },
    "orders": {
        "order_num": Field(read_integer, low=0),
        "order_id": Field(read_integer, low=1),
        "user_id": Field(read_integer, low=1),
        "order_timestamp": Field(read_timestamp, low=_FROM, high=_UNTIL - 1),
        "total_amount": Field(read_money, low=0),
        "date": Field(read_date, date_of="order_timestamp"),
    },
    "order_items": {
        "id": Field(read_integer, low=1),
        "order_id": Field(read_integer, low=1),
        "user_id": Field(read_integer, low=1),
        "days_since_prior_order": Field(read_integer, low=0, high=3650, required=False),
        "product_id": Field(read_integer, low=1),
        "add_to_cart_order": Field(read_integer, low=1),
        "reordered": Field(read_flag),
        "order_timestamp": Field(read_timestamp, low=_FROM, high=_UNTIL - 1),
        "date": Field(read_date, date_of="order_timestamp"),
    },
}
KEYS = {"products": "product_id", "orders": "order_id", "order_items": "id"}
REFERENCES: dict[str, dict[str, str]] = {
    "products": {},
    "orders": {},
    "order_items": {"order_id": "orders", "product_id": "products"},
}


def check_row(entity: str, row: DeliveredRow) -> tuple[Row, set[str]]:
    """Read a row and find what is wrong with it on its own.

    Returns:
        The values by column, null where missing or malformed, instants in microseconds and dates in
        days; and the reason codes.
    """
    if row.values is None:
        return {}, {ROW_MALFORMED}
    fields = ENTITIES[entity]
    values: Row = {}
    reasons = set()
    for (name, rule), text in zip(fields.items(), row.values, strict=True):
        trimmed = text.strip(SPACE)
        values[name] = None
        if not trimmed:
            if rule.required:
                reasons.add(f"{name}:{MISSING}")
            continue
        try:
            value = rule.read(trimmed)
        except MalformedError:
            reasons.add(f"{name}:{MALFORMED}")
            continue
        values[name] = value
        too_low = rule.low is not None and value < rule.low
        too_high = rule.high is not None and value > rule.high
        if too_low or too_high:
            reasons.add(f"{name}:{OUT_OF_RANGE}")
    for name, rule in fields.items():
        if rule.date_of is not None:
            day, instant = values[name], values[rule.date_of]
            if day is not None and instant is not None and day != instant // _DAY:
                reasons.add(f"{name}:{INCONSISTENT}")
    return values, reasons


def at_rest(entity: str, values: Row) -> Row:
    """Return a valid row's values in the types that people read."""
    made: Row = {}
    for name, rule in ENTITIES[entity].items():
        value = values[name]
        if rule.read is read_timestamp:
            value = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        elif rule.read is read_date:
            value = date.fromordinal(value + _EPOCH_DAY)
        made[name] = value
    if entity == "orders":
        made["day_of_week"] = made["order_timestamp"].isoweekday()
        made["hour_of_day"] = made["order_timestamp"].hour
    return made


# --- Silver and quarantine -----------------------------------------------------------------------


@dataclass
class Arrival:
    """One ingested row and what has become of it so far.

    Attributes:
        sequence: Place in the order of arrival: batch, file within it, row within the file.
        file: Path of its file.
        row: The row as delivered.
        seen: Time of the run that took it in.
        values: Its values, if it is readable.
        faults: What is wrong with the row on its own.
        unknown: References that it waits for, as of the latest try.
        reasons: Reasons of the latest try that failed.
        resolved: Batch that released it; None if none did.
    """

    sequence: tuple[int, int, int]
    file: str
    row: DeliveredRow
    seen: datetime
    values: Row
    faults: set[str]
    unknown: set[str] = field(default_factory=set)
    reasons: str = ""
    resolved: int | None = None

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with it as of the latest try."""
        return not self.faults and not self.unknown

    @property
    def status(self) -> str:
        """What quarantine says of it; empty when it never was there."""
        if self.valid:
            return "released" if self.resolved is not None else ""
        return "rejected" if self.faults else "held"

    @property
    def place(self) -> tuple[str, int, int]:
        """Where it came from: file, row, batch."""
        return self.file, self.sequence[2], self.sequence[0]


@dataclass
class Account:
    """What a run did to one entity; the words are those of the run's report."""

    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    held: int = 0
    rejected: int = 0
    released: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    consistency: int = 0
    anomaly: int = 0
    activated: int = 0
    deactivated: int = 0


class ReferenceLake:
    """A lake that works out everything anew after each run.

    Attributes:
        arrivals: Every ingested row, by entity.
        silver: Rows by key, by entity; without lineage.
        accounts: What the last run did, by entity.
        superseded: Valid rows that are no silver rows, by entity.
        as_of: Date that customers are seen from; None without orders.
    """

    def __init__(self) -> None:
        self.arrivals: dict[str, list[Arrival]] = {entity: [] for entity in ENTITIES}
        self.silver: dict[str, dict[int, Row]] = {entity: {} for entity in ENTITIES}
        self.accounts: dict[str, Account] = {}
        self.superseded = dict.fromkeys(ENTITIES, 0)
        self.as_of: date | None = None
        self._contents: set[Hashable] = set()
        self._batch = 0
        self._catalogue: tuple[str, int] | None = None

    def run(
        self, files: Iterable[DeliveredFile], time: datetime, as_of: date | None = None
    ) -> list[DeliveredFile]:
        """Take in the new ones of some files; return them in the order of arrival.

        Args:
            files: What lies in the landing zone; contents that came in before are skipped.
            time: The run's own time, UTC.
            as_of: Date that customers are seen from; by default the latest order date.
        """
        accepted = self._accept(files)
        self.accounts = {entity: Account() for entity in ENTITIES}
        for entity in ENTITIES:
            mine = [file for file in accepted if file.entity == entity]
            new = [
                arrival
                for place, file in enumerate(mine)
                for arrival in self._read(file, place, time)
            ]
            self.arrivals[entity] += new
            if accepted:
                self._refine(entity, new, time)
        dates = [order["date"] for order in self.silver["orders"].values()]
        self.as_of = (as_of or max(dates)) if dates else None
        return accepted

    def _accept(self, files: Iterable[DeliveredFile]) -> list[DeliveredFile]:
        """Skip known contents; products, then orders, then items, each by the bytes of its path."""
        place = {entity: i for i, entity in enumerate(ENTITIES)}
        accepted, repeated = [], False
        for file in sorted(files, key=lambda file: (place[file.entity], file.path.encode())):
            if file.content in self._contents:
                repeated = True
            else:
                self._contents.add(file.content)
                accepted.append(file)
        if accepted or repeated:
            self._batch += 1
        catalogues = [file.path for file in accepted if file.entity == "products"]
        if catalogues:
            self._catalogue = (catalogues[-1], self._batch)
        return accepted

    def _read(self, file: DeliveredFile, place: int, time: datetime) -> Iterable[Arrival]:
        for number, row in enumerate(file.rows, start=1):
            values, faults = check_row(file.entity, row)
            yield Arrival((self._batch, place, number), file.path, row, time, values, faults)

    def _refine(self, entity: str, new: Sequence[Arrival], time: datetime) -> None:
        account, before = self.accounts[entity], self.silver[entity]
        waited = [arrival for arrival in self.arrivals[entity] if arrival.status == "held"]
        waited = [arrival for arrival in waited if arrival.sequence[0] < self._batch]
        for arrival in self.arrivals[entity]:
            self._try(entity, arrival)
        released = [arrival for arrival in waited if arrival.valid]
        for arrival in released:
            arrival.resolved = self._batch
        came = [arrival for arrival in new if arrival.valid] + released

        valid = [arrival for arrival in self.arrivals[entity] if arrival.valid]
        latest = latest_by_key(entity, valid)
        after = {key: at_rest(entity, arrival.values) for key, arrival in latest.items()}
        if entity == "products":
            self._mark_active(after, before, valid, time)
        self.silver[entity] = after

        account.rows_read = len(new)
        account.released = len(released)
        account.held = sum(arrival.status == "held" for arrival in new)
        account.rejected = sum(arrival.status == "rejected" for arrival in new)
        account.reasons = dict(
            Counter(r for a in new if not a.valid for r in sorted(a.faults | a.unknown))
        )
        account.superseded = len(valid) - len(after) - self.superseded[entity]
        self.superseded[entity] = len(valid) - len(after)
        self._compare(entity, before, latest, came)
        if entity == "orders":
            account.anomaly = anomalies([a.values["total_amount"] for a in new if a.valid])
        if entity == "products":
            turned = [k for k in before if before[k]["is_active"] != after[k]["is_active"]]
            account.activated = sum(after[key]["is_active"] for key in turned)
            account.deactivated = len(turned) - account.activated

    def _try(self, entity: str, arrival: Arrival) -> None:
        """Look the references of a row up that is not invalid anyway."""
        if not arrival.faults:
            arrival.unknown = {
                f"{column}:{UNKNOWN_REFERENCE}"
                for column, other in REFERENCES[entity].items()
                if arrival.values[column] not in self.silver[other]
            }
        if not arrival.valid:
            arrival.reasons = ";".join(sorted(arrival.faults | arrival.unknown))

    def _compare(
        self,
        entity: str,
        before: Mapping[int, Row],
        latest: Mapping[int, Arrival],
        came: Sequence[Arrival],
    ) -> None:
        """Count what the rows that became valid in this run have changed."""
        account = self.accounts[entity]
        new = {arrival.sequence for arrival in came}
        for key, arrival in latest.items():
            if arrival.sequence not in new:
                continue
            row = at_rest(entity, arrival.values)
            changed = key not in before or any(before[key][name] != row[name] for name in row)
            account.inserted += key not in before
            account.updated += key in before and changed
            account.unchanged += not changed
            if entity == "order_items" and (changed or arrival.resolved is not None):
                order = self.silver["orders"][row["order_id"]]
                copied = ("user_id", "order_timestamp", "date")
                account.consistency += any(row[name] != order[name] for name in copied)

    def _mark_active(
        self,
        after: Mapping[int, Row],
        before: Mapping[int, Row],
        valid: Sequence[Arrival],
        time: datetime,
    ) -> None:
        """A product is active if the latest catalogue has a valid row of it."""
        listed = {
            a.values["product_id"] for a in valid if (a.file, a.sequence[0]) == self._catalogue
        }
        for key, product in after.items():
            product["is_active"] = key in listed
            old = before.get(key, {})
            same = all(old.get(name) == value for name, value in product.items())
            product["last_updated_timestamp"] = old["last_updated_timestamp"] if same else time

    def quarantine(self, entity: str) -> list[Row]:
        """Return the rows of an entity's quarantine, released ones too."""
        nothing = (None,) * len(ENTITIES[entity])
        return [
            {
                **dict(zip(ENTITIES[entity], arrival.row.values or nothing, strict=True)),
                "extra_columns": arrival.row.extra,
                "raw_record": arrival.row.raw,
                "source_file": arrival.file,
                "source_row": arrival.sequence[2],
                "batch_id": arrival.sequence[0],
                "reasons": arrival.reasons,
                "first_seen": arrival.seen,
                "status": arrival.status,
                "resolved_batch_id": arrival.resolved,
            }
            for arrival in self.arrivals[entity]
            if arrival.status
        ]

    def carriers(self, entity: str) -> dict[int, list[Arrival]]:
        """Return, by key, the valid rows that carried a silver row's content; it names one."""
        found: dict[int, list[Arrival]] = defaultdict(list)
        for arrival in self.arrivals[entity]:
            if arrival.valid:
                values = at_rest(entity, arrival.values)
                row = self.silver[entity][values[KEYS[entity]]]
                if all(row[name] == value for name, value in values.items()):
                    found[values[KEYS[entity]]].append(arrival)
        return found

    def gold(self) -> dict[str, list[Row]]:
        """Return the gold tables."""
        return gold(self.silver, self.as_of)


def latest_by_key(entity: str, valid: Iterable[Arrival]) -> dict[int, Arrival]:
    """Of the valid rows of a key the latest is the silver row."""
    latest: dict[int, Arrival] = {}
    for arrival in sorted(valid, key=lambda arrival: arrival.sequence):
        latest[arrival.values[KEYS[entity]]] = arrival
    return latest


def anomalies(amounts: Sequence[Decimal]) -> int:
    """Count amounts with |z| > 4 against mean and population deviation, from 30 rows on."""
    count = len(amounts)
    if count < 30:
        return 0
    exact = [Fraction(amount) for amount in amounts]
    mean = sum(exact, Fraction()) / count
    variance = sum(((amount - mean) ** 2 for amount in exact), Fraction()) / count
    return sum((amount - mean) ** 2 > 16 * variance for amount in exact) if variance else 0


# --- Gold ----------------------------------------------------------------------------------------


def rounded(value: Fraction, digits: int) -> Decimal:
    """Round half away from zero."""
    scaled = abs(value) * 10**digits
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    return Decimal(whole if value >= 0 else -whole).scaleb(-digits)


def mean(total: Decimal | int, count: int, digits: int = 2) -> Decimal | None:
    """Return total / count, rounded once; None without anything to divide by."""
    return rounded(Fraction(total) / count, digits) if count else None


def cents(amount: Decimal) -> int:
    """Return an amount in cents."""
    return int(amount * 100)


def money(in_cents: int) -> Decimal:
    """Return cents as an amount."""
    return Decimal(in_cents).scaleb(-2)


def segment(orders: int, days: int) -> str:
    """Return the segment of a customer; the first match counts."""
    if orders > 10:
        return "Loyal"
    if orders > 5 and days <= 30:
        return "Active"
    if orders > 1 and days <= 90:
        return "Regular"
    if days > 90:
        return "Lapsed"
    return "New"


def share(total: int, positions: Collection[tuple[int, int]]) -> dict[int, int]:
    """Share an order's cents among its items, given as (add_to_cart_order, id); by id."""
    each, left_over = divmod(total, len(positions))
    return {
        item: each + (1 if place < left_over else 0)
        for place, (_, item) in enumerate(sorted(positions))
    }


def favorite(values: Iterable[Any], order: Callable[[Any], Any]) -> Any:
    """Return the most frequent value; of equals the first by `order`; None of nothing."""
    counted = Counter(values)
    return min(counted, key=lambda value: (-counted[value], order(value)), default=None)


def gold(silver: Mapping[str, Mapping[int, Row]], as_of: date | None) -> dict[str, list[Row]]:
    """Return the rows of the gold tables, without the run's time.

    Args:
        silver: Silver rows by key, by entity.
        as_of: Date that customers are seen from.
    """
    orders, products = silver["orders"], silver["products"]
    items_of: dict[int, list[Row]] = defaultdict(list)
    for item in silver["order_items"].values():
        items_of[item["order_id"]].append(item)
    revenue: dict[int, int] = {}
    for order_id, items in items_of.items():
        positions = [(item["add_to_cart_order"], item["id"]) for item in items]
        revenue |= share(cents(orders[order_id]["total_amount"]), positions)
    return {
        "daily_sales": _daily_sales(orders, items_of),
        "product_performance": _product_performance(silver, revenue),
        "department_analytics": _department_analytics(silver, revenue),
        "customer_insights": _customer_insights(orders, products, items_of, as_of),
    }


def _daily_sales(orders: Mapping[int, Row], items_of: Mapping[int, Sequence[Row]]) -> list[Row]:
    rows = []
    by_date = sorted(orders.values(), key=lambda order: order["date"])
    for day, group in groupby(by_date, key=lambda order: order["date"]):
        placed = list(group)
        total = sum((order["total_amount"] for order in placed), Decimal())
        items = sum(len(items_of.get(order["order_id"], ())) for order in placed)
        rows.append(
            {
                "date": day,
                "total_sales": total,
                "order_count": len(placed),
                "avg_order_value": mean(total, len(placed)),
                "unique_customers": len({order["user_id"] for order in placed}),
                "total_items": items,
                "avg_items_per_order": mean(items, len(placed)),
            }
        )
    return rows


def _product_performance(
    silver: Mapping[str, Mapping[int, Row]], revenue: Mapping[int, int]
) -> list[Row]:
    rows = []
    for product_id, product in silver["products"].items():
        items = [i for i in silver["order_items"].values() if i["product_id"] == product_id]
        known = [
            item["days_since_prior_order"]
            for item in items
            if item["days_since_prior_order"] is not None
        ]
        rows.append(
            {
                "product_id": product_id,
                "department": product["department"],
                "product_name": product["product_name"],
                "total_quantity": len(items),
                "total_sales": money(sum(revenue[item["id"]] for item in items)),
                "order_count": len({item["order_id"] for item in items}),
                "reorder_rate": mean(sum(item["reordered"] for item in items), len(items), 4),
                "avg_days_between_orders": mean(sum(known), len(known)),
            }
        )
    return rows


def _department_analytics(
    silver: Mapping[str, Mapping[int, Row]], revenue: Mapping[int, int]
) -> list[Row]:
    rows = []
    products, orders = silver["products"], silver["orders"]
    for name in {product["department"] for product in products.values()}:
        items = [
            item
            for item in silver["order_items"].values()
            if products[item["product_id"]]["department"] == name
        ]
        ordered = {item["order_id"] for item in items}
        total = money(sum(revenue[item["id"]] for item in items))
        rows.append(
            {
                "department": name,
                "total_sales": total,
                "product_count": sum(
                    p["is_active"] for p in products.values() if p["department"] == name
                ),
                "order_count": len(ordered),
                "customer_count": len({orders[order_id]["user_id"] for order_id in ordered}),
                "avg_order_value": mean(total, len(ordered)),
            }
        )
    return rows


def _customer_insights(
    orders: Mapping[int, Row],
    products: Mapping[int, Row],
    items_of: Mapping[int, Sequence[Row]],
    as_of: date | None,
) -> list[Row]:
    if as_of is None:
        return []
    rows = []
    for user_id in {order["user_id"] for order in orders.values()}:
        placed = [order for order in orders.values() if order["user_id"] == user_id]
        bought = [item for order in placed for item in items_of.get(order["order_id"], ())]
        total = sum((order["total_amount"] for order in placed), Decimal())
        last = max(order["date"] for order in placed)
        days = max((as_of - last).days, 0)
        rows.append(
            {
                "user_id": user_id,
                "total_orders": len(placed),
                "total_spend": total,
                "avg_order_value": mean(total, len(placed)),
                "first_order_date": min(order["date"] for order in placed),
                "last_order_date": last,
                "days_since_last_order": days,
                "favorite_department": favorite(
                    (products[item["product_id"]]["department"] for item in bought), str.encode
                ),
                "favorite_product_id": favorite((item["product_id"] for item in bought), int),
                "customer_segment": segment(len(placed), days),
            }
        )
    return rows
