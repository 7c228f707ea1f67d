"""What the equivalence tests are fed: every value, rule and outcome that there is, and its reverse.

Looked at is the first example of each property, which is the same in every run and comes from the
properties' own generators. It needs no engine.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, TABLES, bronze, quarantine, silver
from pipeline.contracts.gold import CUSTOMER_INSIGHTS
from pipeline.contracts.model import Column, Entity
from pipeline.contracts.types import Kind
from pipeline.transforms.silver.reasons import reason_codes
from tests import reference
from tests.equivalence import test_gold as gold
from tests.equivalence import test_primitives as primitives
from tests.equivalence import test_silver as refined
from tests.equivalence.frames import Row, plain
from tests.equivalence.worlds import (
    DAY,
    MOST_CASES,
    Case,
    Maker,
    Pack,
    Space,
    pack,
    pooled,
    shop,
)

Sides = Mapping[str, Iterable[bool]]

each_entity = refined.each_entity
referring = refined.referring


def first(make: Maker, most: int = MOST_CASES) -> Pack:
    """Return the simplest example, which Hypothesis tries before all others."""
    return pack(make, seed=0, count=most)


def hold_both_sides(sides: Sides) -> None:
    """Fail unless everything is so at times and otherwise at other times."""
    one_sided = [name for name, found in sides.items() if set(found) != {True, False}]
    assert not one_sided, f"never, or always: {one_sided}"


# --- Values --------------------------------------------------------------------------------------


def is_leap_day(days: int) -> bool:
    day = date(1970, 1, 1) + timedelta(days=days)
    return (day.month, day.day) == (2, 29)


def is_beyond_16_bits(text: str) -> bool:
    return max(map(ord, text)) > 0xFFFF


def is_decomposed(text: str) -> bool:
    return "\u0301" in text or "\u0308" in text


Extremes = Mapping[str, Callable[[Any], bool]]

EXTREMES: Mapping[Kind, Extremes] = {
    Kind.KEY: {"near 2^63": lambda key: key > 2**63 - 10_000, "small": lambda key: key < 2**31},
    Kind.COUNT: {"2^63 - 1": lambda number: number == 2**63 - 1},
    Kind.DAYS: {"0": lambda days: days == 0, "3650": lambda days: days == 3650},
    Kind.INTEGER: {"0": lambda number: number == 0, "2^31 - 1": lambda n: n == 2**31 - 1},
    Kind.FLAG: {"1": lambda flag: flag == 1},
    Kind.BOOLEAN: {"true": bool},
    Kind.MONEY: {"nothing": lambda cents: cents == 0, "most": lambda cents: cents == 10**10 - 1},
    Kind.TIMESTAMP: {
        "midnight": lambda time: time % DAY == 0,
        "a microsecond before midnight": lambda time: time % DAY == DAY - 1,
        "leap day": lambda time: is_leap_day(time // DAY),
    },
    Kind.DATE: {"leap day": is_leap_day},
    Kind.TEXT: {"beyond 16 bits": is_beyond_16_bits},
    Kind.LABEL: {"beyond 16 bits": is_beyond_16_bits, "decomposed": is_decomposed},
}


def filled(columns: Sequence[Column], rows: Sequence[Row]) -> Sides:
    """Return for every column, where it may be null, whether it is; and which extremes it has."""
    sides: dict[str, Iterable[bool]] = {}
    for column in columns:
        values = [row[column.name] for row in rows]
        if not column.required:
            sides[f"{column.name} is null"] = [value is None for value in values]
        for extreme, is_there in EXTREMES[column.type.kind].items():
            name = f"{column.name}: {extreme}"
            sides[name] = [is_there(value) for value in values if value is not None]
    return sides


@each_entity
def test_every_column_of_silver_has_its_extremes_and_nulls(entity: Entity) -> None:
    table = silver(entity)
    rows = pooled(first(shop), table.path)
    days = {column.name for column in entity.columns if column.date_of}
    hold_both_sides(filled([c for c in table.columns if c.name not in days], rows))
    hold_both_sides({name: [is_leap_day(row[name]) for row in rows] for name in days})


@each_entity
def test_every_column_of_quarantine_has_its_extremes_and_nulls(entity: Entity) -> None:
    table = quarantine(entity)

    def make(space: Space) -> Case:
        return {"rows": [refined.quarantine_row(entity, space)]}

    hold_both_sides(filled(table.columns, pooled(first(make), "rows")))


@each_entity
def test_every_column_of_bronze_has_text_and_none(entity: Entity) -> None:
    rows = pooled(first(partial(refined.delivered, entity), 2000), "bronze")
    columns = [c for c in bronze(entity).columns if not c.required or c.name in entity.column_names]
    hold_both_sides({column.name: [row[column.name] is None for row in rows] for column in columns})


def test_every_column_of_the_favourites_has_its_extremes_and_nulls() -> None:
    names = {column.name for column in gold.FAVORITE}
    columns = [column for column in CUSTOMER_INSIGHTS.columns if column.name in names]
    hold_both_sides(filled(columns, pooled(first(gold.fan), "known")))


def test_every_kind_of_value_is_read_stored_or_made() -> None:
    known = {column.type.kind for table in TABLES for column in table.columns}
    stored = {column.type.kind for column in primitives.STORED}
    assert known <= {*EXTREMES, Kind.RATIO}
    assert {c.type.kind for e in ENTITIES for c in e.columns} - {Kind.COUNT, Kind.DAYS} <= {
        *primitives.READ
    }
    assert Kind.RATIO in stored


# --- Rules ---------------------------------------------------------------------------------------


@each_entity
def test_every_reason_is_given_and_not_given(entity: Entity) -> None:
    rows = pooled(first(partial(refined.delivered, entity), 2000), "read")
    found = [refined.text(entity, row["problems"]).split(";") for row in rows]
    own = [code for code in reason_codes(entity) if not code.endswith(":unknown_reference")]
    sides = {code: [code in codes for codes in found] for code in own}
    alone = {f"{code} alone": [codes == [code] for codes in found] for code in own}
    valid = {"no reason": [codes == [""] for codes in found]}
    hold_both_sides(sides | valid | alone)


@referring
def test_every_reference_is_known_and_unknown(entity: Entity) -> None:
    sides: dict[str, list[bool]] = {}
    for case in first(partial(refined.referring_rows, entity)):
        for column, other in reference.REFERENCES[entity.name].items():
            keys = {row[column] for row in case[f"silver/{other}"]}
            for row in case["rows"]:
                is_known = row[column] is not None and row[column] in keys
                state = "valid" if row["problems"] == 0 else "invalid"
                sides.setdefault(f"{column} of a {state} row", []).append(is_known)
                sides.setdefault(f"{column} is null", []).append(row[column] is None)
    hold_both_sides(sides)


@each_entity
def test_every_bound_is_met_from_both_sides(entity: Entity) -> None:
    """The last value that is right and the first that is wrong, at either end."""
    rows = pooled(first(partial(refined.delivered, entity), 2000), "read")
    sides = {}
    for column in entity.columns:
        values = [row[column.name] for row in rows]
        for bound in (column.minimum, column.below):
            if bound is not None:
                edge = plain(bound)
                sides[f"{column.name}: {edge}"] = [value == edge for value in values]
                sides[f"{column.name}: {edge} - 1"] = [value == edge - 1 for value in values]
    hold_both_sides(sides)


def test_offsets_go_over_midnight_and_not() -> None:
    name = "order_timestamp"
    cases = first(partial(refined.delivered, ORDERS), 2000)
    moved = [
        plain(date.fromisoformat(raw[name].strip()[:10])) - row[name] // DAY
        for raw, row in zip(pooled(cases, "bronze"), pooled(cases, "read"), strict=True)
        if row[name] is not None
    ]
    hold_both_sides({f"by {days} days": [days == by for by in moved] for days in (-1, 0, 1)})


# --- Arrival and quarantine ----------------------------------------------------------------------


@each_entity
def test_rows_come_in_new_again_and_otherwise(entity: Entity) -> None:
    sides: dict[str, list[bool]] = {}
    for case in first(partial(refined.encounter, entity)):
        known = {row[entity.key]: row for row in case[silver(entity).path]}
        for row in case["latest"]:
            old = known.get(row[entity.key])
            sides.setdefault("insert", []).append(old is None)
            if old is not None:
                differing = [name for name in entity.column_names if old[name] != row[name]]
                sides.setdefault("unchanged", []).append(not differing)
                for column in entity.columns:
                    if column.name != entity.key:
                        alone = sides.setdefault(f"{column.name} alone", [])
                        alone.append(differing == [column.name])
    hold_both_sides(sides)


@each_entity
def test_every_part_of_the_order_of_arrival_decides(entity: Entity) -> None:
    def make(space: Space) -> Case:
        return {"rows": refined.candidates(entity, space)}

    decides = Counter[str]()
    for case in first(make):
        by_key: dict[Any, list[Row]] = {}
        for row in case["rows"]:
            if row["problems"] == 0:
                by_key.setdefault(row[entity.key], []).append(row)
        for rivals in by_key.values():
            last = sorted(rivals, key=refined.place)[-2:]
            differing = [n for n in refined.SEQUENCE if len({row[n] for row in last}) > 1]
            decides.update(differing[:1])
    assert set(decides) == set(refined.SEQUENCE)


@referring
def test_rows_are_held_rejected_released_and_held_again(entity: Entity) -> None:
    sides: dict[str, list[bool]] = {}
    for case in first(partial(refined.refused, entity)):
        before = {refined.place(row): row for row in case["held"]}
        moved = {refined.place(row) for row in case["displaced"]}
        for row in case["rows"]:
            problems, place = row["problems"], refined.place(row)
            waits = refined.is_waiting(entity, problems)
            if row["retried"]:
                reasons = before[place]["reasons"]
                sides.setdefault("released", []).append(problems == 0)
                same = reasons == refined.text(entity, problems)
                sides.setdefault("held for the same reasons", []).append(waits and same)
                sides.setdefault("displaced now", []).append(place in moved)
                sides.setdefault("displaced before", []).append(row["displaced"])
            else:
                sides.setdefault("held", []).append(waits)
                sides.setdefault("rejected", []).append(problems > 0 and not waits)
    hold_both_sides(sides)


def test_products_come_stay_and_go() -> None:
    sides: dict[str, list[bool]] = {"listed": [], "came back": [], "went": []}
    for case in first(refined.catalogue):
        listed = {row["product_id"] for row in case["listed"]}
        for row in case[silver(PRODUCTS).path]:
            is_listed, was = row["product_id"] in listed, row["is_active"]
            sides["listed"].append(is_listed)
            sides["came back"].append(is_listed and not was)
            sides["went"].append(was and not is_listed)
    hold_both_sides(sides)


# --- Money and customers -------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0, 2, 4])
def test_quotients_lie_half_way_beside_it_and_nowhere(scale: int) -> None:
    rows = pooled(first(partial(gold.quotient, scale), 4000), "numbers")
    divided = [
        (*divmod(row["a"] * 10**scale, row["b"]), row["b"])
        for row in rows
        if row["a"] is not None and row["b"]
    ]
    hold_both_sides(
        {
            "half-way": [2 * rest == whole for _, rest, whole in divided],
            "above half": [2 * rest > whole for _, rest, whole in divided],
            "just below half": [2 * rest in {whole - 1, whole - 2} for _, rest, whole in divided],
            # Rounded to the even side, some of these would go down.
            "half-way to odd": [n % 2 == 0 for n, rest, whole in divided if 2 * rest == whole],
            "null": [None in row.values() for row in rows],
            "of nothing": [row["b"] == 0 for row in rows],
        }
    )


def test_cents_are_left_over_and_places_in_the_cart_are_shared() -> None:
    sides: dict[str, list[bool]] = {"left over": [], "same place": [], "no items": []}
    for case in first(gold.trade):
        items_of = gold.grouped(case["items"], "order_id")
        for order in case["orders"]:
            items = items_of[order["order_id"],]
            sides["no items"].append(not items)
            if items:
                places = [item["add_to_cart_order"] for item in items]
                sides["left over"].append(order["total_amount"] % len(items) > 0)
                sides["same place"].append(len(set(places)) < len(places))
    hold_both_sides(sides)


@pytest.mark.parametrize("name", ["department", "product_id"])
def test_favourites_are_tied_and_not(name: str) -> None:
    tied = []
    for case in first(gold.basket):
        department = {row["product_id"]: row["department"] for row in case["products"]}
        for bought in gold.grouped(case["bought"], "user_id").values():
            numbers = [row["product_id"] for row in bought]
            liked = numbers if name == "product_id" else [department[n] for n in numbers]
            ranks = sorted(Counter(liked).values())
            tied.append(ranks[-1:] == ranks[-2:-1])
    hold_both_sides({"tied": tied})


@pytest.mark.parametrize("as_of", gold.SEEN_FROM)
def test_every_segment_has_customers(as_of: date) -> None:
    rows = [
        row
        for case in first(partial(gold.customer, as_of), 300)
        for row in gold.insights(case, as_of)
    ]
    segments = ("Loyal", "Active", "Regular", "Lapsed", "New")
    ages = [plain(as_of) - row["last_order_date"] for row in rows]
    hold_both_sides(
        {name: [row["customer_segment"] == name for row in rows] for name in segments}
        | {f"{age} days ago": [days == age for days in ages] for age in gold.AGES}
        | {f"{n} orders": [row["total_orders"] == n for row in rows] for n in gold.ORDER_COUNTS}
        | {"likes nothing": [row["favorite_product_id"] is None for row in rows]}
    )


def test_products_and_departments_are_sold_and_not() -> None:
    sides: dict[str, list[bool]] = {}
    for case in first(gold.sums):
        sold = {row["product_id"]: row for row in case["interim/daily_product"]}
        for product in case[silver(PRODUCTS).path]:
            sides.setdefault("sold", []).append(product["product_id"] in sold)
        for row in sold.values():
            sides.setdefault("days known", []).append(row["known_days"] > 0)
            every = row["reordered_items"] == row["items"]
            sides.setdefault("all reordered", []).append(every)
            sides.setdefault("none reordered", []).append(row["reordered_items"] == 0)
    hold_both_sides(sides)
