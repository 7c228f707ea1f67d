"""Silver's transforms on frames of a few rows, with values worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, cast

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.contracts import ORDER_ITEMS, ORDERS, PRODUCTS
from pipeline.contracts.model import Entity
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.runner.refine import _count_anomalies
from pipeline.transforms.silver import arrival, reasons, rows, tally
from pipeline.transforms.silver.quarantine import newly_quarantined, retried_rows
from pipeline.transforms.silver.reading import new_rows, read_rows
from pipeline.transforms.silver.references import check_references

SEEN = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
LINEAGE = {
    "source_file": pl.String,
    "source_row": pl.Int64,
    "batch_id": pl.Int64,
    "ingestion_timestamp": TIME,
}
RAW = {"extra_columns": pl.String, "raw_record": pl.String}
PLACE = ("batch_id", "source_file", "source_row")


def frame(schema: Mapping[str, Any], made: Sequence[Sequence[object]]) -> Frame:
    return nw.from_native(pl.DataFrame(made, schema=dict(schema), orient="row").lazy())


def dicts(lazy: Frame) -> list[dict[str, Any]]:
    native: pl.LazyFrame = lazy.to_native()
    return native.collect().to_dicts()


def bronze(entity: Entity, *texts: Sequence[str | None], raw: str | None = None) -> Frame:
    """Return bronze rows of one file, in order."""
    schema = {**dict.fromkeys(entity.column_names, pl.String), **LINEAGE, **RAW}
    made = [(*row, "f.csv", n, 1, SEEN, None, raw) for n, row in enumerate(texts, start=1)]
    return frame(schema, made)


def problems(entity: Entity, *texts: str | None, raw: str | None = None) -> str:
    """Return the reasons of one row."""
    checked = read_rows(new_rows(bronze(entity, texts, raw=raw), entity), entity)
    return str(dicts(checked.select(reasons.reasons_text(entity).alias("reasons")))[0]["reasons"])


# --- Rules of a row ------------------------------------------------------------------------------

ORDER = ("1", "2", "3", "2025-04-01T10:00:00", "9.99", "2025-04-01")
ITEM = ("1", "2", "3", "4", "5", "6", "1", "2025-04-01T10:00:00", "2025-04-01")


def changed(row: Sequence[str], **texts: str) -> list[str]:
    """Return a row of orders or items with other texts in some columns."""
    entity = ORDERS if len(row) == len(ORDERS.columns) else ORDER_ITEMS
    by_name = dict(zip(entity.column_names, row, strict=True)) | texts
    return list(by_name.values())


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, ""),
        ({"order_id": ""}, "order_id:missing"),
        ({"order_id": " \t\n\v\f\r"}, "order_id:missing"),
        ({"order_id": "x"}, "order_id:malformed"),
        ({"order_id": "0"}, "order_id:out_of_range"),
        ({"order_id": "1"}, ""),
        ({"order_num": "0"}, ""),
        ({"order_num": "-1"}, "order_num:out_of_range"),
        ({"total_amount": "-0.00"}, ""),
        ({"total_amount": "-0.01"}, "total_amount:out_of_range"),
        ({"date": "2025-04-02"}, "date:inconsistent"),
        ({"date": ""}, "date:missing"),
        ({"order_timestamp": ""}, "order_timestamp:missing"),
        ({"order_timestamp": "2025-04-01T23:30-01:00"}, "date:inconsistent"),
        ({"order_timestamp": "2025-04-01T23:30-01:00", "date": "2025-04-02"}, ""),
        ({"order_timestamp": "2000-01-01T00:00", "date": "2000-01-01"}, ""),
        (
            {"order_timestamp": "1999-12-31T23:59:59.999999", "date": "1999-12-31"},
            "order_timestamp:out_of_range",
        ),
        ({"order_timestamp": "2099-12-31T23:59:59.999999", "date": "2099-12-31"}, ""),
        (
            {"order_timestamp": "2100-01-01T00:00"},
            "date:inconsistent;order_timestamp:out_of_range",
        ),
        (
            {"user_id": "0", "order_id": "", "total_amount": "1,0"},
            "order_id:missing;total_amount:malformed;user_id:out_of_range",
        ),
    ],
)
def test_what_is_wrong_with_an_order(texts: dict[str, str], expected: str) -> None:
    assert problems(ORDERS, *changed(ORDER, **texts)) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"days_since_prior_order": ""}, ""),
        ({"days_since_prior_order": "0"}, ""),
        ({"days_since_prior_order": "3650"}, ""),
        ({"days_since_prior_order": "3651"}, "days_since_prior_order:out_of_range"),
        ({"days_since_prior_order": "-1"}, "days_since_prior_order:out_of_range"),
        ({"days_since_prior_order": "?"}, "days_since_prior_order:malformed"),
        ({"reordered": "2"}, "reordered:malformed"),
        ({"reordered": ""}, "reordered:missing"),
        ({"add_to_cart_order": "0"}, "add_to_cart_order:out_of_range"),
    ],
)
def test_what_is_wrong_with_an_item(texts: dict[str, str], expected: str) -> None:
    assert problems(ORDER_ITEMS, *changed(ITEM, **texts)) == expected


def test_a_wrong_field_count_is_the_only_reason() -> None:
    assert problems(ORDERS, *[None] * 6, raw="1,2") == "row:malformed"


def test_a_text_cannot_be_malformed() -> None:
    assert problems(PRODUCTS, "1", "1", "\u00a0", "null") == ""
    assert problems(PRODUCTS, "1", "1", " ", "") == "department:missing;product_name:missing"


def test_reasons_and_bits_are_each_others_inverse() -> None:
    for entity in (PRODUCTS, ORDERS, ORDER_ITEMS):
        codes = reasons.reason_codes(entity)
        assert list(codes) == sorted(set(codes))
        for code in codes:
            assert reasons.decode(entity, reasons.bit(entity, code)) == (code,)
        every = sum(reasons.bit(entity, code) for code in codes)
        assert reasons.decode(entity, every) == codes
        assert not reasons.waits(entity, every)
        assert not reasons.waits(entity, 0)


# --- References ----------------------------------------------------------------------------------

CHECKED = {
    "id": pl.Int64,
    "order_id": pl.Int64,
    "user_id": pl.Int64,
    "product_id": pl.Int64,
    "order_timestamp": TIME,
    **LINEAGE,
    "retried": pl.Boolean,
    "displaced": pl.Boolean,
    "problems": pl.Int64,
}
AT = datetime(2025, 4, 1, 10, tzinfo=UTC)


def checked_item(number: int, order: int | None, product: int | None, problems: int = 0) -> Any:
    return (number, order, 7, product, AT, "f.csv", number, 1, SEEN, False, False, problems)


def test_references_are_asked_for_only_when_nothing_else_is_wrong() -> None:
    silver = {
        "orders": frame(
            {"order_id": pl.Int64, "user_id": pl.Int64, "order_timestamp": TIME}, [(1, 7, AT)]
        ),
        "products": frame({"product_id": pl.Int64}, [(1,)]),
    }
    wrong = reasons.bit(ORDER_ITEMS, "reordered:missing")
    items = frame(
        CHECKED,
        [
            checked_item(1, 1, 1),
            checked_item(2, 2, 1),
            checked_item(3, 1, 2),
            checked_item(4, 2, 2),
            checked_item(5, 2, 2, wrong),
            checked_item(6, None, None, wrong),
        ],
    )
    found = dicts(check_references(items, ORDER_ITEMS, silver))
    order, product = "order_id:unknown_reference", "product_id:unknown_reference"
    by_id = {row["id"]: reasons.decode(ORDER_ITEMS, row["problems"]) for row in found}
    assert by_id == {
        1: (),
        2: (order,),
        3: (product,),
        4: (order, product),
        5: ("reordered:missing",),
        6: ("reordered:missing",),
    }
    held = dicts(check_references(items, ORDER_ITEMS, silver).filter(reasons.is_held(ORDER_ITEMS)))
    assert sorted(row["id"] for row in held) == [2, 3, 4]
    for row in found:
        assert reasons.waits(ORDER_ITEMS, row["problems"]) == (row["id"] in {2, 3, 4})


# --- Arrival -------------------------------------------------------------------------------------

VALID = {
    **dict.fromkeys(("product_id", "department_id"), pl.Int64),
    **dict.fromkeys(("department", "product_name"), pl.String),
    **LINEAGE,
    "retried": pl.Boolean,
    "displaced": pl.Boolean,
    "problems": pl.Int64,
}


def product(
    name: str, batch: int, file: str, row: int, *, displaced: bool = False, key: int = 1
) -> Any:
    return (key, 1, "A", name, file, row, batch, SEEN, False, displaced, 0)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (product("x", 2, "a", 1), product("y", 1, "b", 9)),
        (product("x", 1, "b", 1), product("y", 1, "a", 9)),
        (product("x", 1, "a", 10), product("y", 1, "a", 9)),
        # Paths are compared by their bytes: `-` < `.` < `/` < digits < `Z` < `a` < `ä`.
        (product("x", 1, "p/a/1.csv", 1), product("y", 1, "p/a.csv", 2)),
        (product("x", 1, "p/a.csv", 1), product("y", 1, "p/a-1.csv", 2)),
        (product("x", 1, "p/a.csv", 1), product("y", 1, "p/Z.csv", 2)),
        (product("x", 1, "p/10.csv", 1), product("y", 1, "p/1.csv", 2)),
        (product("x", 1, "p/\U00010000.csv", 1), product("y", 1, "p/\uffff.csv", 2)),
    ],
)
def test_the_latest_row_of_a_key_wins(later: Any, earlier: Any) -> None:
    for made in ([later, earlier], [earlier, later]):
        found = dicts(arrival.latest_rows(frame(VALID, made), PRODUCTS))
        assert [row["product_name"] for row in found] == ["x"]


def test_a_displaced_row_never_wins() -> None:
    made = [product("x", 2, "a", 1, displaced=True), product("y", 1, "a", 1)]
    found = dicts(arrival.latest_rows(frame(VALID, made), PRODUCTS))
    assert [row["product_name"] for row in found] == ["y"]


def test_a_row_is_new_or_another_or_the_same() -> None:
    columns = {name: VALID[name] for name in PRODUCTS.column_names}
    silver = frame(columns, [(1, 1, "A", "Tea"), (2, 1, "A", "Milk"), (4, 1, "A", "Oil")])
    latest = frame(
        VALID,
        [
            product("Tea", 2, "a", 1),
            product("Cream", 2, "a", 2, key=2),
            product("X", 2, "a", 3, key=3),
        ],
    )
    found = dicts(arrival.compare(latest, silver, PRODUCTS))
    said = {row["product_id"]: (row["change"], row["before__product_name"]) for row in found}
    assert said == {1: ("unchanged", "Tea"), 2: ("update", "Milk"), 3: ("insert", None)}


def test_null_is_a_content_of_its_own() -> None:
    """A value that appears or disappears is a change; null again is none."""
    columns = [column for column in ORDER_ITEMS.columns if column.name != "id"]
    schema = {"id": pl.Int64, **{column.name: pl.Int64 for column in columns}}

    def item(number: int, days: int | None) -> tuple[int | None, ...]:
        rest = (days if column.name == "days_since_prior_order" else 1 for column in columns)
        return (number, *rest)

    before = frame(schema, [item(1, None), item(2, None), item(3, 5), item(4, 5)])
    latest = frame(schema, [item(1, None), item(2, 5), item(3, None), item(4, 5)])
    found = dicts(arrival.compare(latest, before, ORDER_ITEMS))
    assert {row["id"]: row["change"] for row in found} == {
        1: "unchanged",
        2: "update",
        3: "update",
        4: "unchanged",
    }


HELD = reasons.bit(ORDER_ITEMS, "order_id:unknown_reference")


def test_held_rows_are_displaced_by_later_valid_rows_of_their_key() -> None:
    def item(number: int, place: tuple[int, str, int], problems: int) -> Any:
        batch, file, row = place
        return (number, 1, 7, 1, AT, file, row, batch, SEEN, False, False, problems)

    wrong = reasons.bit(ORDER_ITEMS, "id:malformed")
    made = [
        item(1, (1, "a", 1), HELD),
        item(1, (1, "a", 2), 0),  # Displaces the row before,
        item(1, (1, "a", 3), HELD),  # but not this one.
        item(2, (1, "b", 9), HELD),
        item(2, (2, "a", 1), 0),
        item(3, (1, "a", 4), HELD),
        item(3, (1, "a", 5), wrong),  # An invalid row displaces nothing,
        item(3, (1, "a", 6), HELD),  # nor does one that waits.
        item(4, (1, "b", 1), HELD),
        item(4, (1, "a", 7), 0),
        item(5, (1, "a", 9), wrong),
        item(5, (1, "a", 10), 0),
    ]
    found = dicts(arrival.displaced_rows(frame(CHECKED, made), ORDER_ITEMS))
    assert sorted(tuple(row[name] for name in PLACE) for row in found) == [
        (1, "a", 1),
        (1, "b", 9),
    ]


# --- Quarantine ----------------------------------------------------------------------------------


def test_quarantine_keeps_the_text_and_tells_held_from_rejected() -> None:
    texts = [
        changed(ITEM, id=" 1 "),
        changed(ITEM, id="2", order_id="77"),
        changed(ITEM, id="x", reordered="?"),
    ]
    given_rows = bronze(ORDER_ITEMS, *texts)
    typed = read_rows(new_rows(given_rows, ORDER_ITEMS), ORDER_ITEMS)
    problem = nw.when(nw.col("order_id") == 77).then(HELD).otherwise(nw.col("problems"))
    checked = typed.with_columns(problem.alias("problems"))
    displaced = frame({"batch_id": pl.Int64, "source_file": pl.String, "source_row": pl.Int64}, [])
    found = dicts(newly_quarantined(checked, displaced, given_rows, ORDER_ITEMS))
    said = {row["source_row"]: row for row in found}
    assert sorted(said) == [2, 3]
    assert [said[2][name] for name in ORDER_ITEMS.column_names] == texts[1]
    assert [said[3][name] for name in ORDER_ITEMS.column_names] == texts[2]
    assert (said[2]["status"], said[2]["reasons"]) == ("held", "order_id:unknown_reference")
    assert (said[3]["status"], said[3]["reasons"]) == (
        "rejected",
        "id:malformed;reordered:malformed",
    )
    assert {row["first_seen"] for row in found} == {SEEN}
    assert {row["resolved_batch_id"] for row in found} == {None}


def test_a_try_that_changes_nothing_writes_nothing() -> None:
    both = HELD + reasons.bit(ORDER_ITEMS, "product_id:unknown_reference")
    place = {"batch_id": pl.Int64, "source_file": pl.String, "source_row": pl.Int64}
    table = {
        **dict.fromkeys(ORDER_ITEMS.column_names, pl.String),
        **RAW,
        "source_file": pl.String,
        "source_row": pl.Int64,
        "batch_id": pl.Int64,
        "reasons": pl.String,
        "first_seen": TIME,
        "status": pl.String,
        "resolved_batch_id": pl.Int64,
        "displaced": pl.Boolean,
    }
    order, product_too = (
        "order_id:unknown_reference",
        "order_id:unknown_reference;product_id:unknown_reference",
    )

    def waiting(row: int, reason: str, *, displaced: bool = False) -> Any:
        return (*ITEM, None, None, "f", row, 1, reason, SEEN, "held", None, displaced)

    held = frame(
        table, [waiting(1, order), waiting(2, product_too), waiting(3, order), waiting(4, order)]
    )
    tried_schema = {**place, "retried": pl.Boolean, "displaced": pl.Boolean, "problems": pl.Int64}
    tried = frame(
        tried_schema,
        [
            (1, "f", 1, True, False, HELD),  # As before.
            (1, "f", 2, True, False, HELD),  # One reference less to wait for.
            (1, "f", 3, True, False, 0),  # Released.
            (1, "f", 4, True, False, HELD),  # Displaced meanwhile.
            (2, "g", 1, False, False, both),  # New, not tried again.
        ],
    )
    displaced = frame(place, [(1, "f", 4)])
    found = dicts(retried_rows(tried, displaced, held, ORDER_ITEMS, 5))
    said = {
        row["source_row"]: (
            row["reasons"],
            row["status"],
            row["resolved_batch_id"],
            row["displaced"],
        )
        for row in found
    }
    assert said == {
        2: (order, "held", None, False),
        3: (order, "released", 5, False),
        4: (order, "held", None, True),
    }


# --- Silver rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "weekday", "hour"),
    [
        (datetime(2025, 3, 31, 0, 0, tzinfo=UTC), 1, 0),
        (datetime(2025, 4, 6, 23, 59, 59, 999999, tzinfo=UTC), 7, 23),
        (datetime(2000, 2, 29, 12, 30, tzinfo=UTC), 2, 12),
    ],
)
def test_day_and_hour_of_an_order(instant: datetime, weekday: int, hour: int) -> None:
    found = dicts(rows.with_derived(frame({"order_timestamp": TIME}, [(instant,)]), ORDERS))
    assert (found[0]["day_of_week"], found[0]["hour_of_day"]) == (weekday, hour)


def test_products_that_must_be_written_after_a_catalogue() -> None:
    """New and changed ones, and those that appear again or not any more; the others stay."""
    silver_schema = {name: VALID[name] for name in (*PRODUCTS.column_names, *LINEAGE)}
    old = datetime(2025, 1, 1, tzinfo=UTC)
    silver = frame(
        {**silver_schema, "is_active": pl.Boolean, "last_updated_timestamp": TIME},
        [
            (key, 1, "A", "same", "f", key, 1, SEEN, active, old)
            for key, active in ((1, True), (2, True), (3, False), (4, False), (5, True))
        ],
    )
    changes = frame(
        {**silver_schema, "change": pl.String},
        [
            (1, 1, "A", "same", "g", 1, 2, SEEN, "unchanged"),
            (3, 1, "A", "same", "g", 2, 2, SEEN, "unchanged"),
            (5, 1, "A", "other", "g", 3, 2, SEEN, "update"),
            (6, 1, "A", "new", "g", 4, 2, SEEN, "insert"),
            (7, 1, "A", "new, of an earlier file", "f", 4, 2, SEEN, "insert"),
        ],
    )
    listed = frame({"product_id": pl.Int64}, [(1,), (3,), (5,), (6,)])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = dicts(rows.product_changes(changes, silver, listed, now))
    said = {row["product_id"]: (row["change"], row["is_active"]) for row in found}
    assert said == {
        2: ("update", False),
        3: ("update", True),
        5: ("update", True),
        6: ("insert", True),
        7: ("insert", False),
    }
    assert {row["last_updated_timestamp"] for row in found} == {now}
    turned = {row["is_active"]: row["rows"] for row in dicts(rows.turned(silver, listed))}
    assert turned == {True: 1, False: 1}


def test_only_valid_rows_of_the_last_catalogue_list_a_product() -> None:
    valid = frame(
        VALID,
        [
            product("x", 1, "p/1.csv", 1, key=1),
            product("x", 1, "p/2.csv", 1, key=2),
            product("x", 1, "p/2.csv", 2, key=2),
        ],
    )
    assert dicts(rows.listed_keys(valid, "p/2.csv")) == [{"product_id": 2}]


# --- Anomalies -----------------------------------------------------------------------------------


class _Fetching:
    """As much of an engine as counting needs."""

    def fetch(self, lazy: Frame) -> list[dict[str, Any]]:
        return dicts(lazy)


def anomalies(amounts: Sequence[int], retried: Sequence[int] = ()) -> int:
    """Count the anomalies among amounts in cents, rows that were tried again beside."""
    schema = {"total_amount": pl.Int64, "retried": pl.Boolean}
    made = [(amount, False) for amount in amounts] + [(amount, True) for amount in retried]
    return _count_anomalies(cast("Engine", _Fetching()), ORDERS, frame(schema, made))


def expected_anomalies(amounts: Sequence[int]) -> int:
    """|z| > 4 by the definition, with exact fractions and no square root."""
    count = len(amounts)
    if count < 30:
        return 0
    mean = Fraction(sum(amounts), count)
    variance = sum(((amount - mean) ** 2 for amount in amounts), Fraction()) / count
    return sum((amount - mean) ** 2 > 16 * variance for amount in amounts) if variance else 0


@pytest.mark.parametrize(
    ("amounts", "count"),
    [
        # Of n rows k are x and the others 0: z of an x is exactly sqrt((n - k) / k).
        ([0] * 32 + [100] * 2, 0),  # z = 4, not beyond it.
        ([0] * 33 + [100] * 2, 2),
        ([0] * 29, 0),
        ([0] * 28 + [100], 0),  # z = 5.3, but of 29 rows.
        ([0] * 29 + [100], 1),
        ([7] * 40, 0),
        ([9_999_999_999] * 33 + [0] * 2, 2),  # Far below the mean.
        ([9_999_999_999] * 32 + [0] * 2, 0),
        ([0] * 64 + [1] * 4, 0),
        ([0] * 65 + [1] * 4, 4),
    ],
)
def test_anomalies_at_the_boundary(amounts: list[int], count: int) -> None:
    assert expected_anomalies(amounts) == count
    assert anomalies(amounts) == count


@given(
    st.lists(
        st.sampled_from([0, 1, 99, 10_000, 10_001, 12_345, 9_999_999_998, 9_999_999_999])
        | st.integers(0, 9_999_999_999),
        max_size=6,
    ),
    st.integers(0, 90),
    st.integers(0, 9_999_999_999),
)
@example([9_999_999_999, 0], 33, 9_999_999_998)
def test_anomalies_are_those_of_exact_fractions(odd: list[int], usual: int, amount: int) -> None:
    amounts = odd + [amount] * usual
    assert anomalies(amounts) == expected_anomalies(amounts)


def test_rows_of_earlier_runs_are_no_part_of_the_batch() -> None:
    assert anomalies([0] * 29 + [100], retried=[100] * 50) == 1


def test_the_parts_of_the_sum_of_squares() -> None:
    amounts = [0, 1, 999_999, 1_000_000, 9_999_999_999]
    schema = {"total_amount": pl.Int64, "retried": pl.Boolean}
    sums = dicts(tally.spread(frame(schema, [(a, False) for a in amounts]), ORDERS))[0]
    parts = (sums["high_high"], sums["high_low"], sums["low_low"])
    assert tally.sum_of_squares(*parts) == sum(amount**2 for amount in amounts)
    assert (sums["rows"], sums["total"]) == (5, sum(amounts))


def test_dates_of_the_calendar_are_compared_as_dates() -> None:
    """A timestamp beyond the years 1 to 9999 still has a date that differs from every other."""
    early = changed(ORDER, order_timestamp="0001-01-01T00:00+10:00", date="0001-01-01")
    assert problems(ORDERS, *early) == "date:inconsistent;order_timestamp:out_of_range"
    late = changed(ORDER, order_timestamp="9999-12-31T23:59-10:00", date="9999-12-31")
    assert problems(ORDERS, *late) == "date:inconsistent;order_timestamp:out_of_range"
    assert date(2025, 4, 1).isoformat() == ORDER[-1]
