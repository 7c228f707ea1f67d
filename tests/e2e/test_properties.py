"""The laws of a whole run, on dirty deliveries that Hypothesis makes up and on exhaustive ones.

Expected values come from `tests.reference`, which knows nothing of the pipeline, or from a few
lines in the test itself.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests import reference
from tests.agreement import (
    assert_accounts_agree,
    assert_gold_agrees,
    assert_lake_agrees,
)
from tests.lakes import Row, Shop, delivered, listing, ordered, run_time, state
from tests.reference import ENTITIES, KEYS, DeliveredFile, ReferenceLake
from tests.strategies import CLEAN, Deliveries, Dirt, deliveries, groupings, interleavings

DATA_LAYERS = ("bronze", "silver", "quarantine", "gold", "interim")


def examples(count: int) -> settings:
    """Ask for some examples; for many more, and smaller ones, in a run that looks for new ones.

    Making a failing example smaller takes minutes of runs: by default it is shown as it is.
    """
    if settings().derandomize:
        return settings(max_examples=count, phases=(Phase.explicit, Phase.generate))
    return settings(max_examples=25 * count)


@contextmanager
def new_shop() -> Iterator[Shop]:
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        yield Shop(Path(folder))


def lake_of(runs: Iterable[Sequence[DeliveredFile]]) -> dict[str, list[Row]]:
    """Return what a new lake says after some runs."""
    with new_shop() as shop:
        for group in runs:
            shop.run(group)
        return state(shop.lake)


# --- The pipeline is the reference ---------------------------------------------------------------


@pytest.mark.heavy
@examples(16)
@given(data=st.data(), made=deliveries())
def test_the_pipeline_is_the_reference(data: st.DataObject, made: Deliveries) -> None:
    """After every run silver, quarantine, gold and accounts are what the semantics say."""
    expected = ReferenceLake()
    with new_shop() as shop:
        for group in data.draw(groupings(made)):
            expected.run(group, shop.next_time())
            report = shop.run(group)
            assert report.as_of == expected.as_of
            assert_accounts_agree(report, expected)
            assert_lake_agrees(shop, expected)


# --- Order of arrival ----------------------------------------------------------------------------


@pytest.mark.heavy
@examples(4)
@given(data=st.data(), made=deliveries(min_files=5, max_files=7))
def test_batching_does_not_matter(data: st.DataObject, made: Deliveries) -> None:
    """One file per run, all in one run, or any grouping that keeps their order: the same lake.

    Within a run products go before orders and orders before items, so the order among files of
    different entities cannot matter either: each entity's own order is all there is to keep.
    """
    all_in_one = lake_of([made])

    assert lake_of([file] for file in made) == all_in_one
    other = data.draw(interleavings(made))
    assert lake_of(data.draw(groupings(other, max_runs=3))) == all_in_one


@examples(100)
@given(data=st.data(), made=deliveries())
def test_batching_does_not_matter_to_the_reference(data: st.DataObject, made: Deliveries) -> None:
    """The same law of the reference, which is cheap enough to be asked often."""
    lakes = []
    for runs in ([made], data.draw(groupings(data.draw(interleavings(made)), max_runs=9))):
        lake = ReferenceLake()
        for number, group in enumerate(runs):
            lake.run(group, run_time(number))
        for row in lake.silver["products"].values():
            del row["last_updated_timestamp"]
        waiting = {
            entity: sorted(
                (arrival.file, arrival.sequence[2], arrival.status, arrival.reasons)
                for arrival in arrivals
                if arrival.status in {"held", "rejected"}
            )
            for entity, arrivals in lake.arrivals.items()
        }
        gold = {table: ordered(rows) for table, rows in lake.gold().items()}
        lakes.append((lake.silver, waiting, lake.superseded, gold))
    assert lakes[0] == lakes[1]


@examples(4)
@given(data=st.data(), made=deliveries(max_files=9))
def test_replay_does_nothing(data: st.DataObject, made: Deliveries) -> None:
    """The same bytes again, in place, touched or under other names: no new file, no new version."""
    with new_shop() as shop:
        for group in data.draw(groupings(made, max_runs=3)):
            shop.run(group)
        before, said = listing(shop.lake, DATA_LAYERS), state(shop.lake, lineage=True)

        assert shop.run().accepted == []
        for file in made:
            os.utime(shop.landing / file.path, (1_000_000_000, 1_000_000_000))
        assert shop.run().accepted == []
        for file in made:
            source = shop.landing / file.path
            shutil.copyfile(source, source.with_name(f"copy-of-{source.name}"))
        report = shop.run()
        assert report.accepted == []
        assert len(report.duplicates) == len(made)

        assert listing(shop.lake, DATA_LAYERS) == before
        assert state(shop.lake, lineage=True) == said


@examples(5)
@given(data=st.data(), made=deliveries(Dirt(rows=30, fields=10, repeated=20)))
def test_nothing_is_lost(data: st.DataObject, made: Deliveries) -> None:
    """Rows in accepted files = bronze rows = silver + superseded + quarantined rows."""
    in_files = dict.fromkeys(ENTITIES, 0)
    for file in {file.content: file for file in made}.values():
        in_files[file.entity] += len(file.rows)
    with new_shop() as shop:
        for group in data.draw(groupings(made)):
            shop.run(group)
        accounts = shop.rows("meta/row_accounts")
        for entity in ENTITIES:
            waiting = [
                row for row in shop.rows(f"quarantine/{entity}") if row["status"] != "released"
            ]
            superseded = sum(a["superseded"] for a in accounts if a["entity"] == entity)
            kept = len(shop.rows(f"silver/{entity}")) + superseded + len(waiting)
            assert in_files[entity] == kept
            assert in_files[entity] == len(shop.rows(f"bronze/{entity}"))


def test_the_same_bytes_again_on_purpose(tmp_path: Path) -> None:
    """They count as new rows, the latest of all: what was corrected since goes back."""
    shop = Shop(tmp_path)
    for amount in ("1.00", "2.00"):
        row = (1, 1, 7, TIME, amount, DAY)
        shop.run([delivered("orders", f"orders/{amount}.csv", row, (1, 2, 7, TIME, "9", DAY))])
    report = shop.run(again=["orders/1.00.csv"])

    account = report.entities["orders"]
    assert (account.rows_read, account.updated, account.unchanged) == (2, 1, 1)
    assert account.superseded == 2
    amounts = {row["order_id"]: row["total_amount"] for row in shop.rows("silver/orders")}
    assert amounts == {1: Decimal("1.00"), 2: Decimal("9.00")}
    assert len(shop.rows("bronze/orders")) == 6
    assert shop.run().accepted == []


# --- Later wins, and a release never displaces ---------------------------------------------------

# What can arrive for one item: two valid contents, one that waits for an order and one that waits
# for a product that come last, and one that can never be valid.
LETTERS = {
    "a": (1, 1, 0),
    "b": (1, 1, 1),
    "o": (2, 1, 0),
    "p": (1, 2, 1),
    "x": (1, 1, 9),
}
WORDS = ["".join(word) for length in (1, 2, 3, 4) for word in product(LETTERS, repeat=length)]
TIME, DAY = "2025-04-01T10:00:00", "2025-04-01"


def _items_at(place: int) -> DeliveredFile:
    """Return the file of every word's letter at a place; a word's number is the item's id."""
    rows = []
    for number, word in enumerate(WORDS, start=1):
        if place < len(word):
            order, sold, reordered = LETTERS[word[place]]
            rows.append((number, order, 7, None, sold, 1, reordered, TIME, DAY))
    return delivered("order_items", f"order_items/{place}.csv", *rows)


def _content_of(word: str, known: set[str]) -> tuple[int, int, int] | None:
    """Return what silver must say of an item: the latest letter that is valid."""
    valid = [letter for letter in word if letter in known]
    return LETTERS[valid[-1]] if valid else None


@pytest.mark.parametrize("late", [("o", "p"), ("p", "o")], ids="".join)
@pytest.mark.parametrize("grouped", [False, True], ids=["one by one", "two at a time"])
def test_a_later_row_wins_and_a_released_row_never_displaces_a_later_one(
    tmp_path: Path, late: Sequence[str], *, grouped: bool
) -> None:
    """Every history of up to four rows of one item, each in a run of its own or two in one.

    Among them v1, v2 held, v1 again, v2 released: v1 stays; with v3 in between; several held rows
    of which the earlier or the later is released first.
    """
    product_file = ("products", "products/{}.csv")
    first = [
        delivered(product_file[0], product_file[1].format(0), (1, 1, "A", "Tea")),
        delivered("orders", "orders/0.csv", (1, 1, 7, TIME, "1.00", DAY)),
    ]
    arriving = {
        "o": delivered("orders", "orders/1.csv", (1, 2, 7, TIME, "2.00", DAY)),
        "p": delivered(
            product_file[0], product_file[1].format(1), (1, 1, "A", "Tea"), (2, 1, "B", "Milk")
        ),
    }
    steps = [_items_at(place) for place in range(4)]
    item_runs = [steps[:2], steps[2:]] if grouped else [[step] for step in steps]
    shop, expected, known = Shop(tmp_path), ReferenceLake(), {"a", "b"}
    shop.run(first)
    expected.run(first, run_time(0))
    taken = 0
    for group in [*item_runs, [arriving[late[0]]], [arriving[late[1]]]]:
        expected.run(group, shop.next_time())
        shop.run(group)
        known |= {letter for letter, file in arriving.items() if file in group}
        taken += len(group) if group[0].entity == "order_items" else 0

        found = {
            row["id"]: (row["order_id"], row["product_id"], row["reordered"])
            for row in shop.rows("silver/order_items")
        }
        contents = {n: _content_of(word[:taken], known) for n, word in enumerate(WORDS, start=1)}
        assert found == {number: said for number, said in contents.items() if said is not None}
    assert_lake_agrees(shop, expected)


def test_an_order_moves_between_dates_and_customers(tmp_path: Path) -> None:
    """Every way in which one order can change date, customer and amount, in three runs.

    Nothing of it stays behind: not in the partition that it left, not with the customer it was of.
    """
    versions = list(product(("2025-04-01", "2025-04-02"), (1, 2), ("1.00", "5.01")))
    histories = [*product(versions, repeat=2)]
    catalogue = [delivered("products", "products/0.csv", (1, 1, "A", "Tea"), (2, 1, "B", "Milk"))]
    items = [
        (2 * number + copy, number, 9, 5, 1 + copy, 1, copy, TIME, DAY)
        for number in range(1, len(histories) + 1)
        for copy in (0, 1)
    ]
    shop, expected = Shop(tmp_path), ReferenceLake()
    for run in range(3):
        rows = [
            (0, number, user, f"{day}T08:00", total, day)
            for number, history in enumerate(histories, start=1)
            for day, user, total in [history[min(run, 1)]]
            # The last run brings back every third order as it was at first.
            if run < 2 or number % 3 == 0
        ]
        if run == 2:
            rows = [
                (0, n, user, f"{day}T08:00", total, day)
                for (_, n, *_) in rows
                for day, user, total in [histories[n - 1][0]]
            ]
        files = [delivered("orders", f"orders/{run}.csv", *rows)]
        if run == 0:
            files += [*catalogue, delivered("order_items", "order_items/0.csv", *items)]
        expected.run(files, shop.next_time())
        shop.run(files)
        assert_lake_agrees(shop, expected)


def test_an_item_moves_to_another_order(tmp_path: Path) -> None:
    """An item that is corrected to another order leaves no cent and no count where it was."""
    orders = [
        (0, 1, 1, "2025-04-01T08:00", "10.00", "2025-04-01"),
        (0, 2, 1, "2025-04-02T08:00", "0.05", "2025-04-02"),
        (0, 3, 2, "2025-04-02T09:00", "7.77", "2025-04-02"),
        (0, 4, 3, "2025-04-09T09:00", "1.00", "2025-04-09"),
    ]
    places = list(product((1, 2, 3), repeat=2))
    first = [
        delivered("products", "products/0.csv", (1, 1, "A", "Tea"), (2, 1, "B", "Milk")),
        delivered("orders", "orders/0.csv", *orders),
    ]
    shop, expected = Shop(tmp_path), ReferenceLake()
    for run in range(2):
        # The copies of user and time stay as they were: gold takes them from the order.
        rows = [
            (number, place[run], 1, 3, 1 + number % 2, number % 3 + 1, number % 2, TIME, DAY)
            for number, place in enumerate(places, start=1)
        ]
        files = [delivered("order_items", f"order_items/{run}.csv", *rows)]
        files += first if run == 0 else []
        expected.run(files, shop.next_time())
        shop.run(files)
        assert_lake_agrees(shop, expected)
    # One item alone moves; of the four orders only two days are touched.
    lone = [delivered("order_items", "order_items/2.csv", (1, 4, 1, 3, 2, 1, 0, TIME, DAY))]
    expected.run(lone, shop.next_time())
    shop.run(lone)
    assert_lake_agrees(shop, expected)


# --- Gold ----------------------------------------------------------------------------------------


def corrections(made: Deliveries) -> list[Deliveries]:
    """Split deliveries into a first run and runs of one row each: as little as can be touched."""
    first, later = made[:-4], made[-4:]
    single = [
        replace(file, path=f"{file.path}.{n}.csv", rows=file.rows[n : n + 1], form=None)
        for file in later
        for n in range(min(2, len(file.rows)))
        if file.rows[n].values is not None
    ]
    plain = [
        replace(file, rows=tuple(replace(row, extra=None) for row in file.rows)) for file in single
    ]
    return [first, *([file] for file in plain)]


@pytest.mark.heavy
@examples(5)
@given(data=st.data(), made=deliveries(CLEAN, min_files=12, max_files=16))
def test_incremental_gold_is_gold_from_scratch(data: st.DataObject, made: Deliveries) -> None:
    """A run that changes one row leaves gold as if all of it had been computed from silver anew.

    Corrections of orders, of items, of departments, new rows and repetitions come one by one, now
    and then seen from another date.
    """
    views = st.sampled_from([None, None, None, date(2025, 4, 2), date(2025, 12, 24)])
    with new_shop() as shop:
        for group in corrections(made):
            as_of = data.draw(views)
            report = shop.run(group, as_of=as_of)
            silver = {
                entity: {row[key]: row for row in shop.rows(f"silver/{entity}")}
                for entity, key in KEYS.items()
            }
            dates = [order["date"] for order in silver["orders"].values()]
            if report.accepted and dates:
                assert report.as_of == (as_of or max(dates))
            assert_gold_agrees(shop, reference.gold(silver, report.as_of))
            assert_revenue_is_conserved(shop)
        said = state(shop.lake, lineage=True)
        shop.run(as_of=report.as_of, rebuild=True)
        assert state(shop.lake, lineage=True) == said


def assert_revenue_is_conserved(shop: Shop) -> None:
    def total(rows: Iterable[Row], column: str) -> Decimal:
        return sum((row[column] for row in rows), Decimal())

    with_items = {item["order_id"] for item in shop.rows("silver/order_items")}
    orders = shop.rows("silver/orders")
    without = [order for order in orders if order["order_id"] not in with_items]
    sold = total(shop.rows("gold/product_performance"), "total_sales")
    assert sold + total(without, "total_amount") == total(orders, "total_amount")
    assert sold == total(shop.rows("gold/department_analytics"), "total_sales")
    for table, column in (("daily_sales", "total_sales"), ("customer_insights", "total_spend")):
        assert total(shop.rows(f"gold/{table}"), column) == total(orders, "total_amount")


@examples(5)
@given(data=st.data(), made=deliveries())
def test_revenue_is_conserved_to_the_cent(data: st.DataObject, made: Deliveries) -> None:
    """Products' revenue + orders without silver items = the sum over the days, exactly."""
    with new_shop() as shop:
        for group in data.draw(groupings(made, max_runs=3)):
            shop.run(group)
            assert_revenue_is_conserved(shop)


def test_a_product_that_changes_its_department_takes_its_whole_history_along(
    tmp_path: Path,
) -> None:
    """Sales of days long past move to the new department, and so do customers' favourites."""
    days = ["2025-01-01", "2025-02-01", "2025-03-01"]
    first = [
        delivered("products", "products/0.csv", (1, 1, "old", "Tea"), (2, 2, "other", "Milk")),
        *(
            delivered("orders", f"orders/{n}.csv", (0, n, 1 + n % 2, f"{day}T00:00", "3.01", day))
            for n, day in enumerate(days, start=1)
        ),
        *(
            delivered(
                "order_items",
                f"order_items/{n}.csv",
                (2 * n, n, 1, None, 1, 1, 0, f"{day}T00:00", day),
                (2 * n + 1, n, 1, None, 2, 2, 0, f"{day}T00:00", day),
            )
            for n, day in enumerate(days, start=1)
        ),
    ]
    shop, expected = Shop(tmp_path), ReferenceLake()
    expected.run(first, shop.next_time())
    shop.run(first)
    moved = [delivered("products", "products/1.csv", (1, 1, "zz new", "Tea"), (2, 2, "other", "M"))]
    expected.run(moved, shop.next_time())
    shop.run(moved)

    assert_lake_agrees(shop, expected)
    sales = {r["department"]: r["total_sales"] for r in shop.rows("gold/department_analytics")}
    assert sales == {"ZZ NEW": Decimal("4.53"), "OTHER": Decimal("4.50")}
    assert {r["favorite_department"] for r in shop.rows("gold/customer_insights")} == {"OTHER"}
