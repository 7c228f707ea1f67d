"""Silver's transforms, each on its own: Spark, Polars and a few lines of plain Python agree."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, bronze, quarantine, silver
from pipeline.contracts.layers import LINEAGE
from pipeline.contracts.model import Column, Entity
from pipeline.contracts.types import BOOLEAN, COUNT, TEXT
from pipeline.portable import Frame, key_span
from pipeline.transforms.silver import arrival, reading, reasons, references, rows
from pipeline.transforms.silver import quarantine as quarantined
from pipeline.transforms.silver import tally as tally_of
from tests import reference
from tests.equivalence.frames import Both, Given, Row
from tests.equivalence.worlds import (
    DAY,
    FILES,
    Case,
    Space,
    examples,
    given_table,
    hold,
    packs,
    pooled,
    value,
)
from tests.reference import DeliveredRow
from tests.strategies import random_values

Rows = list[dict[str, Any]]

SEQUENCE = ("batch_id", "source_file", "source_row")
TIMES = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)

PROBLEMS = Column("problems", COUNT, "")
RETRIED = Column("retried", BOOLEAN, "")
DISPLACED = Column("displaced", BOOLEAN, "")
DIFFERS = Column("differs_from_reference", BOOLEAN, "")
CHANGE = Column("change", TEXT, "")
SLICE = Column("slice", COUNT, "")
STATE = (RETRIED, DISPLACED, PROBLEMS)

each_entity = pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
referring = pytest.mark.parametrize(
    "entity", [e for e in ENTITIES if e.references], ids=lambda entity: entity.name
)


def candidate_columns(entity: Entity) -> tuple[Column, ...]:
    """Return the columns of rows on their way into silver."""
    return (*entity.columns, *LINEAGE, *STATE)


def only(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """Return some columns of a row."""
    return {column.name: row[column.name] for column in columns}


def key_column(entity: Entity) -> tuple[Column, ...]:
    return (entity.column(entity.key),)


SEQUENCE_COLUMNS = tuple(c for name in SEQUENCE for c in LINEAGE if c.name == name)


def place(row: Row) -> tuple[int, bytes, int]:
    """Return a row's place in the order of arrival: files go by the bytes of their paths."""
    return row["batch_id"], row["source_file"].encode(), row["source_row"]


# --- Reasons, independent of the pipeline's ------------------------------------------------------


def codes(entity: Entity) -> list[str]:
    """Return every reason code that a row can have, sorted; a code's place is its bit."""
    found = [reference.ROW_MALFORMED]
    for name, field in reference.ENTITIES[entity.name].items():
        is_text = field.read in {reference.read_text, reference.read_label}
        found += [f"{name}:{reference.MISSING}"] if field.required else []
        found += [] if is_text else [f"{name}:{reference.MALFORMED}"]
        found += [f"{name}:{reference.OUT_OF_RANGE}"] if field.low is not None else []
        found += [f"{name}:{reference.INCONSISTENT}"] if field.date_of else []
    found += [f"{name}:{reference.UNKNOWN_REFERENCE}" for name in reference.REFERENCES[entity.name]]
    return sorted(found)


def bits(entity: Entity, found: set[str]) -> int:
    """Return the reason codes as one number."""
    return sum(1 << codes(entity).index(code) for code in found)


def text(entity: Entity, problems: int) -> str:
    """Return the reason codes of a number as quarantine tells them."""
    return ";".join(code for i, code in enumerate(codes(entity)) if problems & (1 << i))


def unknown(entity: Entity) -> list[int]:
    """Return the bits of the references that a row can wait for."""
    return [1 << i for i, c in enumerate(codes(entity)) if c.endswith("unknown_reference")]


def is_waiting(entity: Entity, problems: int) -> bool:
    """Return whether a row waits for references and has no other problem."""
    return problems > 0 and problems & ~sum(unknown(entity)) == 0


# --- Reading -------------------------------------------------------------------------------------


def delivered(entity: Entity, space: Space) -> Case:
    """Return one row as it was delivered, and what must be read of it."""
    values: list[str | None] = list(random_values(entity, space.random))
    _go_to_the_edge(entity, values, space)
    _agree_on_dates(entity, values, space)
    place = space.random.randrange(len(values))
    if space.happens(10):
        values[place] = f"{values[place]}{space.random.choice(_ENDINGS)}"
    if space.happens(3):
        values[place] = None
    raw = space.random.choice(["", "1,2", "a\nb"]) if space.happens(4) else None
    if raw is not None:
        values = [None] * len(values)
    row = {column.name: value(column, space) for column in bronze(entity).columns}
    row |= dict(zip(entity.column_names, values, strict=True)) | {"raw_record": raw}
    texts = None if raw is not None else tuple(cell or "" for cell in values)
    read, found = reference.check_row(entity.name, DeliveredRow(texts, raw))
    typed = {name: read.get(name) for name in entity.column_names}
    amount = typed.get("total_amount")
    if amount is not None:
        typed["total_amount"] = reference.cents(amount)
    state = {"retried": False, "displaced": False, "problems": bits(entity, found)}
    return {"bronze": [row], "read": [typed | only(LINEAGE, row) | state]}


# What some engines take for the end of a text, and for a blank.
_ENDINGS = ("\n", "\r\n", "\x85", "\u2028", "\xa0", "\n1", " \t", "\x00")


def _go_to_the_edge(entity: Entity, values: list[str | None], space: Space) -> None:
    """Put a time, now and then, on either end of its range or beside it."""
    for i, column in enumerate(entity.columns):
        bound = space.random.choice([column.minimum, column.below])
        if isinstance(bound, datetime) and space.happens(5):
            edge = bound + timedelta(microseconds=space.random.choice([-1, 0]))
            values[i] = edge.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _agree_on_dates(entity: Entity, values: list[str | None], space: Space) -> None:
    """Make the date that of the timestamp more often than chance would."""
    for i, column in enumerate(entity.columns):
        if column.date_of is None or space.happens(30):
            continue
        stamp = str(values[entity.column_names.index(column.date_of)]).strip(reference.SPACE)
        try:
            day = reference.read_timestamp(stamp) // DAY if stamp else 0
            values[i] = (date(1970, 1, 1) + timedelta(days=day)).isoformat()
        except (reference.MalformedError, OverflowError):
            continue


@each_entity
@examples(2)
@given(data=st.data())
def test_text_is_read_and_held_against_its_rules(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    def read(frame: Frame) -> Frame:
        typed = reading.read_rows(reading.new_rows(frame, entity), entity)
        return typed.with_columns(reasons.reasons_text(entity).alias("reasons"))

    def check(cases: list[Case]) -> None:
        both.agree(
            read,
            given_rows(bronze(entity).columns, cases, "bronze"),
            expected=[
                row | {"reasons": text(entity, row["problems"])} for row in pooled(cases, "read")
            ],
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(delivered, entity), most=2000)))


def given_rows(columns: Sequence[Column], cases: Sequence[Case], name: str) -> Given:
    return Given(columns, pooled(cases, name))


def problem(entity: Entity, space: Space) -> Case:
    """Return some problems of a row: none, one, a few, all."""
    number = len(codes(entity))
    chosen = space.random.choice(
        [0, 1 << space.random.randrange(number), space.random.randrange(1 << number), 2**number - 1]
    )
    waiting = [bit for bit in unknown(entity) if space.happens(70)]
    return {"rows": [{"problems": sum(waiting) if waiting and space.happens(50) else chosen}]}


@each_entity
@examples(2)
@given(data=st.data())
def test_problems_are_told_by_their_codes(both: Both, entity: Entity, data: st.DataObject) -> None:
    def check(cases: list[Case]) -> None:
        found = pooled(cases, "rows")
        both.agree(
            lambda frame: frame.with_columns(
                reasons.reasons_text(entity).alias("reasons"),
                reasons.is_held(entity).alias("held"),
            ),
            Given([PROBLEMS], found),
            expected=[
                row
                | {
                    "reasons": text(entity, row["problems"]),
                    "held": is_waiting(entity, row["problems"]),
                }
                for row in found
            ],
            cases=len(cases),
        )
        for row in found:
            number = row["problems"]
            assert reasons.waits(entity, number) == is_waiting(entity, number)
            assert ";".join(reasons.decode(entity, number)) == text(entity, number)
        assert list(reasons.reason_codes(entity)) == codes(entity)
        assert [reasons.bit(entity, c) for c in codes(entity)] == [
            1 << i for i in range(len(codes(entity)))
        ]

    hold(check, data.draw(packs(partial(problem, entity), most=2000)))


def quarantine_row(entity: Entity, space: Space) -> dict[str, Any]:
    """Return a row of quarantine with any values."""
    return {column.name: value(column, space) for column in quarantine(entity).columns}


@each_entity
@examples(1)
@given(data=st.data())
def test_held_rows_keep_their_place_in_the_order_of_arrival(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    def make(space: Space) -> Case:
        return {"held": [quarantine_row(entity, space)]}

    def check(cases: list[Case]) -> None:
        expected = [
            only([*entity.columns, *SEQUENCE_COLUMNS, DISPLACED], row)
            | {"ingestion_timestamp": row["first_seen"], "retried": True}
            | {"raw_record": row["raw_record"]}
            for row in pooled(cases, "held")
        ]
        both.agree(
            lambda held: reading.held_rows(held, entity),
            given_rows(quarantine(entity).columns, cases, "held"),
            expected=expected,
            cases=len(cases),
        )

    hold(check, data.draw(packs(make)))


# --- Arrival -------------------------------------------------------------------------------------


def candidates(entity: Entity, space: Space) -> Rows:
    """Return rows of a few keys, in any order, of every outcome."""
    random = space.random
    places = list(product((1, 2, 3), random.sample(FILES, 3), (1, 2, 10)))
    contents = [
        {column.name: value(column, space) for column in (*entity.columns, *LINEAGE)}
        for _ in range(3)
    ]
    made = []
    for batch, file, number in random.sample(places, random.randint(0, 7)):
        row = dict(random.choice(contents))
        row |= {entity.key: space.key(random.randint(1, 3)), "batch_id": space.key(batch)}
        row |= {"source_file": file, "source_row": number, "problems": _problems(entity, space)}
        if row["problems"] and not is_waiting(entity, row["problems"]) and space.happens(60):
            row |= dict.fromkeys(random.sample(entity.column_names, 2))
        row["retried"] = bool(entity.references) and space.happens(30)
        row["displaced"] = row["retried"] and space.happens(40)
        made.append(row)
    return made


def _problems(entity: Entity, space: Space) -> int:
    if space.happens(60):
        return 0
    if unknown(entity) and space.happens(60):
        return space.random.choice([*unknown(entity), sum(unknown(entity))])
    return space.random.randrange(1 << len(codes(entity)))


def latest(found: Sequence[Row]) -> dict[Any, Row]:
    """Return the latest row of each key; the key is whatever `found` is sorted into."""
    return {row["the_key"]: row for row in sorted(found, key=place)}


def keyed(entity: Entity, found: Sequence[Row]) -> Rows:
    return [dict(row) | {"the_key": row[entity.key]} for row in found]


def hold_rows(
    both: Both,
    data: st.DataObject,
    entity: Entity,
    transform: Callable[[Frame], Frame],
    expected: Callable[[Rows], Rows],
) -> None:
    """Hold a transform of candidates against plain Python."""

    def make(space: Space) -> Case:
        return {"rows": candidates(entity, space)}

    def check(cases: list[Case]) -> None:
        both.agree(
            transform,
            given_rows(candidate_columns(entity), cases, "rows"),
            expected=[row for case in cases for row in expected(case["rows"])],
            cases=len(cases),
        )

    hold(check, data.draw(packs(make)))


@each_entity
@examples(1)
@given(data=st.data())
def test_rows_without_problems_are_valid_and_may_be_inserted(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    hold_rows(
        both,
        data,
        entity,
        lambda frame: arrival.as_inserts(arrival.valid_rows(frame)),
        lambda found: [row | {"change": "insert"} for row in found if row["problems"] == 0],
    )


@each_entity
@examples(2)
@given(data=st.data())
def test_of_the_valid_rows_of_a_key_the_latest_counts(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    def expected(found: Rows) -> Rows:
        standing = [row for row in found if row["problems"] == 0 and not row["displaced"]]
        columns = candidate_columns(entity)
        return [only(columns, row) for row in latest(keyed(entity, standing)).values()]

    hold_rows(
        both,
        data,
        entity,
        lambda frame: arrival.latest_rows(arrival.valid_rows(frame), entity),
        expected,
    )


@each_entity
@examples(2)
@given(data=st.data())
def test_held_rows_with_a_later_rival_are_displaced(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    def expected(found: Rows) -> Rows:
        rivals = latest(keyed(entity, [row for row in found if row["problems"] == 0]))
        return [
            only(SEQUENCE_COLUMNS, row)
            for row in found
            if is_waiting(entity, row["problems"])
            and row[entity.key] in rivals
            and place(rivals[row[entity.key]]) > place(row)
        ]

    hold_rows(both, data, entity, lambda frame: arrival.displaced_rows(frame, entity), expected)


@each_entity
@examples(2)
@given(data=st.data())
def test_valid_rows_with_a_later_rival_are_outrun(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    """And marked as displaced, beside those that were so already."""

    def later(found: Rows) -> set[tuple[Any, ...]]:
        rivals = latest(keyed(entity, [row for row in found if row["problems"] == 0]))
        return {
            place(row)
            for row in found
            if row["problems"] == 0 and place(rivals[row[entity.key]]) > place(row)
        }

    def transform(frame: Frame) -> Frame:
        valid = arrival.valid_rows(frame)
        return quarantined.with_displacement(frame, arrival.outrun(valid, valid, entity))

    def expected(found: Rows) -> Rows:
        outrun = later(found)
        return [row | {"displaced": row["displaced"] or place(row) in outrun} for row in found]

    hold_rows(both, data, entity, transform, expected)


def encounter(entity: Entity, space: Space) -> Case:
    """Return latest rows and silver, where some keys are known, as they are or otherwise."""
    random, keys = space.random, range(1, 6)
    known = {}
    for key in random.sample(keys, random.randint(0, 5)):
        row = {column.name: value(column, space) for column in silver(entity).columns}
        known[key] = row | {entity.key: space.key(key)}
    came = []
    for key in random.sample(keys, random.randint(0, 5)):
        row = {column.name: value(column, space) for column in candidate_columns(entity)}
        if key in known and space.happens(90):
            row |= only(entity.columns, known[key])
            column = random.choice(entity.columns)
            if space.happens(60):
                row[column.name] = value(column, space)
        came.append(row | {entity.key: space.key(key)})
    return {"latest": came, silver(entity).path: list(known.values())}


@each_entity
@examples(2)
@given(data=st.data())
def test_rows_are_compared_with_silver(both: Both, entity: Entity, data: st.DataObject) -> None:
    also = data.draw(st.sampled_from([(), tuple(column.name for column in entity.derived)]))

    def compared(case: Case) -> Rows:
        known = {row[entity.key]: row for row in case[silver(entity).path]}
        found = []
        for row in case["latest"]:
            old = known.get(row[entity.key], {})
            kept = (*entity.column_names, *also)
            same = all(old.get(name) == row[name] for name in entity.column_names)
            change = "insert" if not old else "unchanged" if same else "update"
            earlier = {f"before__{name}": old.get(name) for name in kept}
            found.append(row | earlier | {"change": change})
        return found

    def check(cases: list[Case]) -> None:
        both.agree(
            lambda rows, known: arrival.compare(rows, known, entity, also),
            given_rows(candidate_columns(entity), cases, "latest"),
            given_table(cases, silver(entity)),
            expected=[row for case in cases for row in compared(case)],
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(encounter, entity))))


# --- References ----------------------------------------------------------------------------------


def referring_rows(entity: Entity, space: Space) -> Case:
    """Return candidates, and of what they refer to a part."""
    case: Case = {"rows": candidates(entity, space)}
    for other in ENTITIES:
        table = silver(other)
        keys = space.random.sample(range(1, 4), space.random.randint(0, 3))
        case[table.path] = [
            {column.name: value(column, space) for column in table.columns}
            | {other.key: space.key(key)}
            for key in keys
        ]
        for row in case["rows"]:
            for known in case[table.path]:
                same = [r for r in entity.references if r.entity == other.name and r.same]
                if same and row[other.key] == known[other.key] and space.happens(50):
                    row |= {name: known[name] for r in same for name in r.same}
    return case


@each_entity
@examples(3)
@given(data=st.data())
def test_rows_with_unknown_references_wait(both: Both, entity: Entity, data: st.DataObject) -> None:
    def transform(rows: Frame, *tables: Frame) -> Frame:
        known = {other.name: table for other, table in zip(ENTITIES, tables, strict=True)}
        return references.check_references(rows, entity, known)

    def looked_up(case: Case) -> Rows:
        found = []
        for row in case["rows"]:
            missing, copies, differs = set(), dict[str, Any](), False
            for column, other in reference.REFERENCES[entity.name].items():
                known = {r[column]: r for r in case[f"silver/{other}"] if row[column] is not None}
                if row["problems"] == 0 and row[column] not in known:
                    missing.add(f"{column}:unknown_reference")
                if other == "orders":
                    copy = known.get(row[column], {})
                    for name in ("user_id", "order_timestamp"):
                        copies[f"orders__{name}"] = copy.get(name)
                        differs = differs or copy.get(name) != row[name]
            state = {
                "problems": row["problems"] + bits(entity, missing),
                "differs_from_reference": differs,
            }
            found.append(row | copies | state)
        return found

    def check(cases: list[Case]) -> None:
        both.agree(
            transform,
            given_rows(candidate_columns(entity), cases, "rows"),
            *(given_table(cases, silver(other)) for other in ENTITIES),
            expected=[row for case in cases for row in looked_up(case)],
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(referring_rows, entity))))


# --- Quarantine ----------------------------------------------------------------------------------


def refused(entity: Entity, space: Space) -> Case:
    """Return candidates with their raw rows, of which some that wait have been displaced."""
    made = candidates(entity, space)
    waiting = [row for row in made if is_waiting(entity, row["problems"])]
    case: Case = {
        "rows": made,
        "displaced": [only(SEQUENCE_COLUMNS, row) for row in waiting if space.happens(50)],
        "bronze": [],
        "held": [],
    }
    for row in made:
        if row["retried"]:
            before = _earlier_reasons(entity, row["problems"], space)
            state = {"reasons": before, "displaced": row["displaced"], "status": "held"}
            held = quarantine_row(entity, space) | only(SEQUENCE_COLUMNS, row) | state
            case["held"].append(held)
        else:
            raw = {column.name: value(column, space) for column in bronze(entity).columns}
            case["bronze"].append(raw | only(LINEAGE, row))
    return case


def _earlier_reasons(entity: Entity, problems: int, space: Space) -> str:
    waiting = [*unknown(entity), sum(unknown(entity)), *([problems] * 3 if problems else [])]
    return text(entity, space.random.choice(waiting))


@each_entity
@examples(2)
@given(data=st.data())
def test_rows_with_problems_go_to_quarantine_as_delivered(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    def expected(case: Case) -> Rows:
        raw = {place(row): row for row in case["bronze"]}
        displaced = {place(row) for row in case["displaced"]}
        kept = [*entity.columns, *SEQUENCE_COLUMNS]
        return [
            only(kept, raw[place(row)])
            | {name: raw[place(row)][name] for name in ("extra_columns", "raw_record")}
            | {
                "reasons": text(entity, row["problems"]),
                "first_seen": row["ingestion_timestamp"],
                "status": "held" if is_waiting(entity, row["problems"]) else "rejected",
                "resolved_batch_id": None,
                "displaced": row["displaced"] or place(row) in displaced,
            }
            for row in case["rows"]
            if row["problems"] and not row["retried"]
        ]

    def check(cases: list[Case]) -> None:
        found = both.agree(
            lambda rows, moved, raw: quarantined.newly_quarantined(rows, moved, raw, entity),
            given_rows(candidate_columns(entity), cases, "rows"),
            given_rows(SEQUENCE_COLUMNS, cases, "displaced"),
            given_rows(bronze(entity).columns, cases, "bronze"),
            expected=[row for case in cases for row in expected(case)],
            cases=len(cases),
        )
        assert [name for name, _ in found.schema] == list(quarantine(entity).column_names)

    hold(check, data.draw(packs(partial(refused, entity))))


@referring
@examples(3)
@given(data=st.data(), batch_id=st.integers(1, 2**63 - 1))
def test_rows_that_were_tried_again_tell_what_became_of_them(
    both: Both, entity: Entity, data: st.DataObject, batch_id: int
) -> None:
    def expected(case: Case) -> Rows:
        held = {place(row): row for row in case["held"]}
        displaced = {place(row) for row in case["displaced"]}
        found = []
        for row in case["rows"]:
            if not row["retried"]:
                continue
            before = held[place(row)]
            is_displaced = row["displaced"] or place(row) in displaced
            after = {"displaced": is_displaced, "resolved_batch_id": None, "status": "held"}
            if row["problems"] == 0:
                after |= {"status": "released", "resolved_batch_id": batch_id}
            else:
                waits = is_waiting(entity, row["problems"])
                after |= {"status": "held" if waits else "rejected"}
                after["reasons"] = text(entity, row["problems"])
            said = ("reasons", "displaced", "status")
            if row["problems"] == 0 or any((before | after)[n] != before[n] for n in said):
                found.append(before | after)
        return found

    def check(cases: list[Case]) -> None:
        columns = quarantine(entity).columns
        both.agree(
            lambda rows, moved, held: quarantined.retried_rows(rows, moved, held, entity, batch_id),
            given_rows(candidate_columns(entity), cases, "rows"),
            given_rows(SEQUENCE_COLUMNS, cases, "displaced"),
            given_rows(columns, cases, "held"),
            expected=[only(columns, row) for case in cases for row in expected(case)],
            cases=len(cases),
        )

    hold(check, data.draw(packs(partial(refused, entity))))


# --- Silver rows ---------------------------------------------------------------------------------


@each_entity
@examples(2)
@given(data=st.data())
def test_silver_rows_know_day_and_hour(both: Both, entity: Entity, data: st.DataObject) -> None:
    def derived(row: Row) -> dict[str, Any]:
        if entity is not ORDERS:
            return dict(row)
        day, clock = divmod(row["order_timestamp"], DAY)
        # The first of January 1970 was a Thursday.
        return dict(row) | {"day_of_week": (day + 3) % 7 + 1, "hour_of_day": clock * 24 // DAY}

    def make(space: Space) -> Case:
        return {"rows": [{column.name: value(column, space) for column in entity.columns}]}

    def check(cases: list[Case]) -> None:
        both.agree(
            lambda frame: rows.with_derived(frame, entity),
            given_rows(entity.columns, cases, "rows"),
            expected=[derived(row) for row in pooled(cases, "rows")],
            cases=len(cases),
        )

    hold(check, data.draw(packs(make)))


CATALOGUE = (*PRODUCTS.columns, *LINEAGE, CHANGE)


def catalogue(space: Space) -> Case:
    """Return what a catalogue changes, silver before it, and which products it lists."""
    case = encounter(PRODUCTS, space)
    known = {row["product_id"]: row for row in case[silver(PRODUCTS).path]}
    for row in case["latest"]:
        old = known.get(row["product_id"])
        same = old is not None and all(old[name] == row[name] for name in PRODUCTS.column_names)
        row["change"] = "unchanged" if same else "update" if old else "insert"
    listed = space.random.sample(range(1, 7), space.random.randint(0, 6))
    return case | {"listed": [{"product_id": space.key(key)} for key in listed]}


@examples(2)
@given(cases=packs(catalogue), time=TIMES)
def test_products_change_by_content_and_by_being_listed(
    both: Both, cases: list[Case], time: datetime
) -> None:
    def changed(case: Case) -> Rows:
        listed = {row["product_id"] for row in case["listed"]}
        found = {}
        for row in case[silver(PRODUCTS).path]:
            is_listed = row["product_id"] in listed
            if row["is_active"] != is_listed:
                found[row["product_id"]] = dict(row) | {"change": "update"}
        for row in case["latest"]:
            if row["change"] != "unchanged":
                found[row["product_id"]] = row
        added = {"last_updated_timestamp": time}
        return [
            only(CATALOGUE, row) | added | {"is_active": row["product_id"] in listed}
            for row in found.values()
        ]

    def check(cases: list[Case]) -> None:
        both.agree(
            lambda changes, known, listed: rows.product_changes(changes, known, listed, time),
            given_rows((*candidate_columns(PRODUCTS), CHANGE), cases, "latest"),
            given_table(cases, silver(PRODUCTS)),
            given_rows(key_column(PRODUCTS), cases, "listed"),
            expected=[row for case in cases for row in changed(case)],
            cases=len(cases),
        )

    hold(check, cases)


# --- Counts --------------------------------------------------------------------------------------

SLICES = 6


def hold_slices(
    both: Both,
    cases: list[Case],
    transform: Callable[..., Frame],
    sources: Mapping[str, Sequence[Column]],
    expected: Callable[..., Rows],
) -> None:
    """Hold what sums up whole frames: slices of the cases, the last of them without any row.

    Args:
        both: The engines.
        cases: The cases.
        transform: From the sources, in their order, to a frame.
        sources: Columns of the rows that the cases have under these names.
        expected: From the sources' rows to those of the frame.
    """

    def of_slices(*frames: Frame) -> Frame:
        parts = []
        for number in range(SLICES):
            chosen = [frame.filter(nw.col("slice") == number).drop("slice") for frame in frames]
            parts.append(transform(*chosen).with_columns(nw.lit(number, nw.Int64).alias("slice")))
        return nw.concat(parts)

    def check(cases: list[Case]) -> None:
        slices = [cases[number :: SLICES - 1] for number in range(SLICES - 1)] + [[]]
        numbered = {
            name: [
                row | {"slice": number}
                for number, part in enumerate(slices)
                for row in pooled(part, name)
            ]
            for name in sources
        }
        both.agree(
            of_slices,
            *(Given((*columns, SLICE), numbered[name]) for name, columns in sources.items()),
            expected=[
                row | {"slice": number}
                for number, part in enumerate(slices)
                for row in expected(*(pooled(part, name) for name in sources))
            ],
            cases=len(cases),
        )

    hold(check, cases)


def checked(entity: Entity, space: Space) -> Case:
    """Return candidates that were held against their references, and by then perhaps changed."""
    made = candidates(entity, space)
    for row in made:
        change = space.random.choice(["insert", "update", "unchanged"])
        row |= {"differs_from_reference": space.happens(40), "change": change}
    return {"rows": made, "valid": [row for row in made if row["problems"] == 0]}


def count(found: Sequence[Row], *names: str) -> Rows:
    """Count rows by the values of some columns."""
    counted = Counter(tuple(row[name] for name in names) for row in found)
    return [
        dict(zip(names, values, strict=True)) | {"rows": rows} for values, rows in counted.items()
    ]


def checked_columns(entity: Entity) -> tuple[Column, ...]:
    return (*candidate_columns(entity), DIFFERS, CHANGE)


@each_entity
@examples(1)
@given(data=st.data())
def test_outcomes_are_counted(both: Both, entity: Entity, data: st.DataObject) -> None:
    names = ("problems", "retried", "differs_from_reference")
    hold_slices(
        both,
        data.draw(packs(partial(checked, entity))),
        tally_of.rows_by_outcome,
        {"rows": checked_columns(entity)},
        lambda found: count(found, *names),
    )


@each_entity
@examples(2)
@given(data=st.data())
def test_changes_are_counted(both: Both, entity: Entity, data: st.DataObject) -> None:
    names = ("change", "retried", "differs_from_reference")
    hold_slices(
        both,
        data.draw(packs(partial(checked, entity))),
        tally_of.rows_by_arrival,
        {"valid": checked_columns(entity)},
        lambda found: count(found, *names),
    )


@each_entity
@examples(1)
@given(data=st.data())
def test_only_changed_rows_count_as_changed(
    both: Both, entity: Entity, data: st.DataObject
) -> None:
    hold_slices(
        both,
        data.draw(packs(partial(checked, entity))),
        lambda frame: tally_of.rows_by_arrival(rows.changed_rows(frame)),
        {"valid": checked_columns(entity)},
        lambda found: count(
            [r for r in found if r["change"] != "unchanged"],
            *("change", "retried", "differs_from_reference"),
        ),
    )


@each_entity
@examples(1)
@given(data=st.data())
def test_the_span_of_keys_is_found(both: Both, entity: Entity, data: st.DataObject) -> None:
    def span(found: Rows) -> Rows:
        keys = {row[entity.key] for row in found}
        low, high = min(keys, default=None), max(keys, default=None)
        return [{"rows": len(found), "keys": len(keys), "lowest": low, "highest": high}]

    hold_slices(
        both,
        data.draw(packs(partial(checked, entity))),
        lambda frame: key_span(frame, entity.key),
        {"valid": checked_columns(entity)},
        span,
    )


@referring
@examples(1)
@given(data=st.data())
def test_the_spans_of_references_are_found(both: Both, entity: Entity, data: st.DataObject) -> None:
    def span(found: Rows) -> Rows:
        row = {}
        for column in reference.REFERENCES[entity.name]:
            known = [r[column] for r in found if r[column] is not None]
            row[f"lowest__{column}"] = min(known, default=None)
            row[f"highest__{column}"] = max(known, default=None)
        return [row]

    hold_slices(
        both,
        data.draw(packs(partial(checked, entity))),
        lambda frame: tally_of.reference_spans(frame, entity),
        {"rows": checked_columns(entity)},
        span,
    )


@examples(2)
@given(packs(partial(checked, ORDERS)))
def test_amounts_and_their_squares_are_summed(both: Both, cases: list[Case]) -> None:
    def spread(found: Rows) -> Rows:
        amounts = [row["total_amount"] for row in found if not row["retried"]]
        parts = [divmod(amount, 10**6) for amount in amounts]
        row = {
            "rows": len(amounts),
            "total": sum(amounts),
            "high_high": sum(high * high for high, _ in parts),
            "high_low": sum(high * low for high, low in parts),
            "low_low": sum(low * low for _, low in parts),
        }
        squares = tally_of.sum_of_squares(row["high_high"], row["high_low"], row["low_low"])
        assert squares == sum(amount**2 for amount in amounts)
        return [row]

    hold_slices(
        both,
        tried_again(cases),
        lambda frame: tally_of.spread(frame, ORDERS),
        {"valid": checked_columns(ORDERS)},
        spread,
    )


def tried_again(cases: list[Case]) -> list[Case]:
    """Say of some rows that they were tried again, of an entity whose rows never are."""
    for case in cases:
        for row in case["valid"]:
            row["retried"] = row["source_row"] == 10
    return cases


@examples(2)
@given(cases=packs(partial(checked, ORDERS)), data=st.data())
def test_amounts_out_of_bounds_are_counted(
    both: Both, cases: list[Case], data: st.DataObject
) -> None:
    amounts = sorted({row["total_amount"] for row in pooled(cases, "valid")})
    low, high = sorted(data.draw(st.tuples(*[st.sampled_from(amounts or [0])] * 2)))

    def outlying(found: Rows) -> Rows:
        new = [row["total_amount"] for row in found if not row["retried"]]
        return [{"rows": sum(amount < low or amount > high for amount in new)}]

    hold_slices(
        both,
        tried_again(cases),
        lambda frame: tally_of.outlying_rows(frame, ORDERS, low, high),
        {"valid": checked_columns(ORDERS)},
        outlying,
    )


@examples(1)
@given(packs(partial(checked, PRODUCTS)))
def test_a_catalogue_lists_the_products_of_its_valid_rows(both: Both, cases: list[Case]) -> None:
    for file in FILES[-2:]:
        hold_slices(
            both,
            cases,
            partial(rows.listed_keys, catalogue_file=file),
            {"valid": checked_columns(PRODUCTS)},
            lambda found, file=file: [
                {"product_id": key}
                for key in {row["product_id"] for row in found if row["source_file"] == file}
            ],
        )


@examples(1)
@given(packs(catalogue))
def test_products_that_come_and_go_are_counted(both: Both, cases: list[Case]) -> None:
    def turned(known: Rows, listed: Rows) -> Rows:
        keys = {row["product_id"] for row in listed}
        return count([r for r in known if r["is_active"] != (r["product_id"] in keys)], "is_active")

    table = silver(PRODUCTS)
    sources = {table.path: table.columns, "listed": key_column(PRODUCTS)}
    hold_slices(both, cases, rows.turned, sources, turned)


# The property of every transform of silver; of names and codes, the one that spells them out.
PROPERTIES = {
    arrival.as_inserts: test_rows_without_problems_are_valid_and_may_be_inserted,
    arrival.before: test_rows_are_compared_with_silver,
    arrival.compare: test_rows_are_compared_with_silver,
    arrival.displaced_rows: test_held_rows_with_a_later_rival_are_displaced,
    arrival.latest_rows: test_of_the_valid_rows_of_a_key_the_latest_counts,
    arrival.outrun: test_valid_rows_with_a_later_rival_are_outrun,
    arrival.valid_rows: test_rows_without_problems_are_valid_and_may_be_inserted,
    quarantined.newly_quarantined: test_rows_with_problems_go_to_quarantine_as_delivered,
    quarantined.retried_rows: test_rows_that_were_tried_again_tell_what_became_of_them,
    quarantined.with_displacement: test_valid_rows_with_a_later_rival_are_outrun,
    reading.held_rows: test_held_rows_keep_their_place_in_the_order_of_arrival,
    reading.new_rows: test_text_is_read_and_held_against_its_rules,
    reading.read_rows: test_text_is_read_and_held_against_its_rules,
    reasons.bit: test_problems_are_told_by_their_codes,
    reasons.decode: test_problems_are_told_by_their_codes,
    reasons.is_held: test_problems_are_told_by_their_codes,
    reasons.reason_codes: test_problems_are_told_by_their_codes,
    reasons.reasons_text: test_problems_are_told_by_their_codes,
    reasons.waits: test_problems_are_told_by_their_codes,
    references.check_references: test_rows_with_unknown_references_wait,
    references.of_reference: test_rows_with_unknown_references_wait,
    rows.changed_rows: test_only_changed_rows_count_as_changed,
    rows.listed_keys: test_a_catalogue_lists_the_products_of_its_valid_rows,
    rows.product_changes: test_products_change_by_content_and_by_being_listed,
    rows.turned: test_products_that_come_and_go_are_counted,
    rows.with_derived: test_silver_rows_know_day_and_hour,
    tally_of.outlying_rows: test_amounts_out_of_bounds_are_counted,
    tally_of.reference_spans: test_the_spans_of_references_are_found,
    tally_of.rows_by_arrival: test_changes_are_counted,
    tally_of.rows_by_outcome: test_outcomes_are_counted,
    tally_of.spread: test_amounts_and_their_squares_are_summed,
    tally_of.sum_of_squares: test_amounts_and_their_squares_are_summed,
}
