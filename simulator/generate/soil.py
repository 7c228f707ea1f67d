"""How a row gets dirty: from good text to bad text, and the reasons it will be rejected for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from simulator.generate.catalogue import DEPARTMENTS
from simulator.generate.chance import Luck
from simulator.generate.columns import COLUMNS, Column, Entity, Kind, place
from simulator.generate.orders import money

UNKNOWN_ORDER: Final = 900_000_000_000
"""Orders from this id on do not exist."""

UNKNOWN_PRODUCT: Final = 900_000_000
"""Products from this id on do not exist."""

_TWICE_ONE_IN: Final = 4

_MALFORMED: Final[dict[Kind, tuple[str, ...]]] = {
    "integer": (
        "abc", "12a", "1.5", "1.0", "1e3", "1 000", "1,000", "0x1F", "٣٤", "--5", "+", "NaN",
        "9223372036854775808", "99999999999999999999",
    ),
    "money": (
        "12.345", "1e2", "$5.00", "5,00", "NaN", "123456789.00", ".5", "5.", "1 000.00", "twelve",
        "1,000.00", "٣.00",
    ),
    "timestamp": (
        "2025-02-30T10:00:00", "2025-13-01T10:00:00", "2025-04-01T24:00:00", "2025-04-01T10:61:00",
        "2025-04-01T10:00:60", "01/04/2025 10:00", "yesterday", "2025-04-01", "2025-04-01T10",
        "2025-4-1T10:00:00", "2025-04-01T10:00:00.", "2025-04-01T10:00:00.1234567",
        "2025-04-01T10:00:00+24:00", "2025-04-01  10:00:00", "20250401T100000",
        "0000-01-01T00:00:00", "2025-04-01T10:00:00+0200",
    ),
    "date": (
        "2025-02-30", "2025-13-01", "20250401", "01.04.2025", "2025-04-01T10:00:00",
        "2025-04-01T00:00:00Z", "2025-4-1", "today", "0000-01-01",
    ),
    "flag": ("2", "-1", "yes", "no", "t", "1.0", "01", "+1"),
}  # fmt: skip

_TOO_SOON_OR_LATE: Final = (
    ("1999-12-31T23:59:59", "1999-12-31"),
    ("2100-01-01T00:00:00", "2100-01-01"),
    ("1970-01-01T00:00:00Z", "1970-01-01"),
    ("2000-01-01T00:00:00+00:01", "1999-12-31"),
    ("2099-12-31T23:59:00-00:01", "2100-01-01"),
)
"""Timestamps out of range, each with its UTC date."""

_BLANKS: Final = ("", "", "", " ", "\t")


class Quoted(str):
    """A value that goes to CSV in quotes even where none are needed."""

    __slots__ = ()


class Wide(str):
    """A value beyond the last column, which makes its row malformed in a workbook too."""

    __slots__ = ()


def spoil(
    entity: Entity, kind: str, values: list[str], luck: Luck, *, may_lack: bool
) -> tuple[list[str], str]:
    """Spoil a good row so that it will be rejected.

    Args:
        entity: The source of the row.
        kind: A row kind of `Dirt` whose rows are rejected.
        values: The good row, in file order.
        luck: Decides which column, and how.
        may_lack: Whether a row may have too few fields; in a workbook none can.

    Returns:
        The bad row and its reason code.
    """
    bad = list(values)
    if kind == "wrong_field_count":
        return _miscount(bad, luck, may_lack=may_lack), "row:malformed"
    spoilers: dict[str, Callable[[Entity, list[str], Luck], list[str]]] = {
        "missing": _blank,
        "malformed": _mangle,
        "out_of_range": _exceed,
        "inconsistent": _contradict,
    }
    reasons = spoilers[kind](entity, bad, luck)
    return bad, ";".join(sorted(reasons))


def untidy(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    """Write one value of a row unusually; the row stays valid and its keys the same."""
    result = list(values)
    at = luck.below(len(values))
    column = COLUMNS[entity][at]
    if column.name == "department":
        result[at] = _untidy_department(values[at], luck)
    else:
        result[at] = _UNTIDY[column.kind](values[at], luck)
    return result


def correct(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    """A later version of a row: same key, other business columns, still valid."""
    corrections: dict[Entity, Callable[[list[str], Luck], None]] = {
        "products": _correct_product,
        "orders": _correct_order,
        "order_items": _correct_item,
    }
    result = list(values)
    corrections[entity](result, luck)
    return result


def cents_of(order: list[str]) -> int:
    """The total of a tidy order, in cents."""
    return int(order[place("orders", "total_amount")].replace(".", ""))


def _some(columns: list[int], luck: Luck) -> list[int]:
    """One of the columns, at times a second one."""
    first = luck.pick(columns)
    others = [at for at in columns if at != first]
    if others and luck.one_in(_TWICE_ONE_IN):
        return [first, luck.pick(others)]
    return [first]


def _blank(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    columns = COLUMNS[entity]
    chosen = _some([at for at, column in enumerate(columns) if column.required], luck)
    for at in chosen:
        values[at] = luck.pick(_BLANKS)
    return [f"{columns[at].name}:missing" for at in chosen]


def _mangle(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    columns = COLUMNS[entity]
    chosen = _some([at for at, column in enumerate(columns) if column.kind != "text"], luck)
    for at in chosen:
        values[at] = luck.pick(_MALFORMED[columns[at].kind])
    return [f"{columns[at].name}:malformed" for at in chosen]


def _miscount(values: list[str], luck: Luck, *, may_lack: bool) -> list[str]:
    if may_lack and luck.one_in(2):
        return values[: -1 - luck.below(2)]
    return values + [Wide("surplus")] * (1 + luck.below(2))


def _exceed(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    columns = COLUMNS[entity]
    bounded = [
        at
        for at, column in enumerate(columns)
        if column.low is not None or column.kind == "timestamp"
    ]
    at = luck.pick(bounded)
    name = columns[at].name
    if columns[at].kind != "timestamp":
        values[at] = _beyond(columns[at], luck)
        return [f"{name}:out_of_range"]
    values[at], utc_date = luck.pick(_TOO_SOON_OR_LATE)
    if luck.one_in(2):
        return [f"{name}:out_of_range", "date:inconsistent"]
    values[place(entity, "date")] = utc_date
    return [f"{name}:out_of_range"]


def _beyond(column: Column, luck: Luck) -> str:
    if column.kind == "money":
        return luck.pick(("-0.01", "-1", "-12.50"))
    low = column.low or 0
    choices = [low - 1, low - 18]
    if column.high is not None:
        choices += [column.high + 1, column.high + 90_000]
    return str(luck.pick(choices))


def _contradict(entity: Entity, values: list[str], luck: Luck) -> list[str]:
    at = place(entity, "date")
    day = date.fromisoformat(values[at])
    if luck.one_in(2):
        elsewhere = luck.pick(("T00:30:00+01:00", "T23:30:00-01:00"))
        values[place(entity, "order_timestamp")] = f"{day}{elsewhere}"
    else:
        values[at] = str(day + timedelta(days=luck.pick((1, -1))))
    return ["date:inconsistent"]


def _spaced(text: str, luck: Luck) -> str:
    return luck.pick((f" {text}", f"{text} ", f"\t{text}", f"  {text} "))


def _untidy_integer(text: str, luck: Luck) -> str:
    if not text:
        return luck.pick((" ", "\t", Quoted("")))
    return luck.pick((f"+{text}", f"00{text}", f"+0{text}", _spaced(text, luck), Quoted(text)))


def _untidy_money(text: str, luck: Luck) -> str:
    whole, _, cents = text.partition(".")
    short = f"{whole}.{cents.rstrip('0')}".rstrip(".")
    variants = (f"{text}0", f"{text}000", f"+{text}", f"000000{text}", short)
    return luck.pick((*variants, _spaced(text, luck), Quoted(text)))


def _untidy_timestamp(text: str, luck: Luck) -> str:
    if text.endswith(":00"):
        return text.removesuffix(":00")
    day, _, clock = text.partition("T")
    variants = [f"{text}{zone}" for zone in ("Z", "+00:00", "-00:00")]
    variants += [f"{text}.{'0' * digits}" for digits in (1, 3, 6)]
    variants += [f"{day} {clock}", f"{day} {clock}.000Z", _spaced(text, luck), Quoted(text)]
    variants += [_in_zone(text, minutes) for minutes in (120, -330, 845, -1439)]
    return luck.pick(variants)


def _in_zone(text: str, minutes: int) -> str:
    """The same instant on the clocks of a zone so many minutes east of UTC."""
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    zone = timezone(timedelta(minutes=minutes))
    return instant.astimezone(zone).isoformat(timespec="seconds")


def _untidy_date(text: str, luck: Luck) -> str:
    variants = (f"{text}T00:00:00", f"{text} 00:00", f"{text}T00:00:00.000")
    return luck.pick((*variants, _spaced(text, luck), Quoted(text)))


def _untidy_flag(text: str, luck: Luck) -> str:
    words = ("TRUE", "True", "true") if text == "1" else ("FALSE", "False", "false")
    return luck.pick((*words, _spaced(text, luck), Quoted(text)))


def _untidy_name(text: str, luck: Luck) -> str:
    return luck.pick((_spaced(text, luck), Quoted(text), text.replace(" ", "\n", 1)))


def _untidy_department(text: str, luck: Luck) -> str:
    wide = text.replace(" ", "  ")
    return luck.pick((text.upper(), wide.lower(), wide.swapcase(), _spaced(wide, luck)))


_UNTIDY: Final[dict[Kind, Callable[[str, Luck], str]]] = {
    "integer": _untidy_integer,
    "money": _untidy_money,
    "timestamp": _untidy_timestamp,
    "date": _untidy_date,
    "flag": _untidy_flag,
    "text": _untidy_name,
}


def _correct_product(values: list[str], luck: Luck) -> None:
    if luck.one_in(2):
        values[3] += luck.pick((" (new recipe)", ' "2nd Edition"', ", improved"))
        return
    number = (int(values[1]) + luck.below(len(DEPARTMENTS) - 1)) % len(DEPARTMENTS)
    values[1:3] = str(number + 1), DEPARTMENTS[number].name


def _correct_order(values: list[str], luck: Luck) -> None:
    """Mostly another total; at times the order moves to the day before."""
    if luck.one_in(4):
        at, on = place("orders", "order_timestamp"), place("orders", "date")
        before = str(date.fromisoformat(values[on]) - timedelta(days=1))
        values[at] = values[at].replace(values[on], before)
        values[on] = before
        return
    total = cents_of(values) + 1 + luck.below(2000)
    values[place("orders", "total_amount")] = money(total)


def _correct_item(values: list[str], luck: Luck) -> None:
    at = place("order_items", "reordered")
    values[at] = "1" if values[at] == "0" else "0"
    if luck.one_in(3):
        values[place("order_items", "days_since_prior_order")] = str(1 + luck.below(30))
