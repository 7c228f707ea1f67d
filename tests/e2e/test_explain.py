"""Where a figure comes from and where a row went, held against deliveries made by hand."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.contracts import GOLD, ORDER_ITEMS, ORDERS, PRODUCTS
from pipeline.errors import CallError
from simulator.cli.guard import guarded
from simulator.cli.main import run as cli
from simulator.engine.polars_engine import PolarsEngine
from simulator.explain.gold import explain_gold
from simulator.explain.model import Place
from simulator.explain.rows import explain_file, explain_key, explain_row
from simulator.generate import Dirt, ShopConfig, generate
from tests.lakes import Shop, delivered, rows, run

D1, D2 = "2025-04-01", "2025-04-02"


def order(number: int, user: int, amount: str, day: str = D1, hour: int = 9) -> tuple[object, ...]:
    return (1, number, user, f"{day}T{hour:02d}:00:00", amount, day)


def item(
    number: int, order_id: int, product: int, place: int, *, day: str = D1, again: int = 0,
    days: object = None, user: int = 7,
) -> tuple[object, ...]:  # fmt: skip
    return (number, order_id, user, days, product, place, again, f"{day}T09:00:00", day)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three runs.

    Order 1 of 10.00 has three items: 3.34, 3.33, 3.33. Order 2 comes, is corrected, and its
    correction comes again. Item 30 waits for order 3, is overtaken, and is released afterwards.
    """
    made = Shop(tmp_path_factory.mktemp("explain"))
    made.run(
        [
            delivered(
                "products", "products/p.csv", (1, 1, "Garden", "Spade"), (2, 1, "toys", "Ball")
            ),
            delivered(
                "orders",
                "orders/1.csv",
                order(1, 7, "10.00"),
                order(2, 7, "5.00"),
                ("x", 4, 8, "2025-02-30T09:00:00", "-1", D1),
                (1, "", 8, f"{D1}T09:00:00", "1e2", D2),
                order(2, 7, "5.00"),
            ),
            delivered(
                "order_items",
                "order_items/1.csv",
                item(10, 1, 1, 2, again=1, days=4),
                item(11, 1, 2, 1),
                item(12, 1, 1, 3, days=5),
                item(30, 3, 1, 1),
                item(40, 1, 9, 1),
            ),
        ]
    )
    made.run(
        [
            delivered("orders", "orders/2.csv", order(2, 7, "6.50", D2)),
            delivered("order_items", "order_items/2.csv", item(30, 1, 2, 4)),
        ]
    )
    # An extra blank column of its own makes the bytes new, not the row.
    made.run(
        [
            delivered("orders", "orders/3.csv", order(2, 7, "6.50", D2), order(3, 8, "0.01", D2)),
            delivered("order_items", "order_items/1.csv", item(12, 1, 1, 3, days=5)),
        ]
    )
    (made.landing / "orders" / "malformed.csv").write_text(
        f"{','.join(ORDERS.column_names)}\n1,5\n", encoding="utf-8"
    )
    (made.landing / "orders" / "copy.csv").write_bytes(
        (made.landing / "orders" / "2.csv").read_bytes()
    )
    made.run()
    return made


@pytest.fixture(scope="module")
def engine(shop: Shop) -> Iterator[PolarsEngine]:
    opened = PolarsEngine(shop.lake)
    yield opened
    opened.close()


def table(name: str) -> Any:
    return next(each for each in GOLD if each.name == name)


# --- Gold ----------------------------------------------------------------------------------------


def test_a_customer(engine: PolarsEngine) -> None:
    found = explain_gold(engine, table("customer_insights"), 7, 0)
    assert {f.column: f.again for f in found.figures} == {
        "total_orders": 2,
        "total_spend": Decimal("16.50"),
        "avg_order_value": Decimal("8.25"),
        "first_order_date": date(2025, 4, 1),
        "last_order_date": date(2025, 4, 2),
        "days_since_last_order": 0,
        "favorite_department": "GARDEN",
        "favorite_product_id": 1,
        "customer_segment": "Regular",
    }
    assert all(figure.agrees for figure in found.figures)
    places = [(part.values["order_id"], part.amount, part.place) for part in found.parts.rows]
    assert places == [
        (1, Decimal("10.00"), Place("orders/1.csv", 1, 1)),
        (2, Decimal("6.50"), Place("orders/2.csv", 1, 2)),
    ]
    assert found.parts.total == Decimal("16.50")
    # Two items of each: the name and the number decide.
    assert any("Several departments have 2 items" in each for each in found.decisions)
    assert any("Several products have 2 items" in each for each in found.decisions)
    assert next(f.how for f in found.figures if f.column == "customer_segment").startswith(
        "2 orders"
    )


def test_shares_of_an_order_are_followed_to_the_cent(engine: PolarsEngine) -> None:
    # Since run 2 order 1 has four items, 2.50 each.
    found = explain_gold(engine, table("product_performance"), 1, 0)
    shares = [(p.values["id"], p.values["item"], p.amount, str(p.place)) for p in found.parts.rows]
    assert shares == [
        (10, "2 of 4", Decimal("2.50"), "order_items/1.csv:1"),
        (12, "3 of 4", Decimal("2.50"), "order_items/1.csv:3"),
    ]
    again = {f.column: f.again for f in found.figures}
    assert again["total_sales"] == Decimal("5.00")
    assert again["reorder_rate"] == Decimal("0.5000")
    assert again["avg_days_between_orders"] == Decimal("4.50")
    assert again["product_name"] == "Spade"
    assert all(figure.agrees for figure in found.figures)


def test_a_cent_that_is_left_over_goes_to_the_first_items(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.run(
        [
            delivered("products", "products/p.csv", (1, 1, "A", "x"), (2, 1, "B", "y")),
            delivered("orders", "orders/o.csv", order(1, 7, "10.00")),
            delivered(
                "order_items", "order_items/i.csv",
                item(10, 1, 1, 2), item(11, 1, 2, 1), item(12, 1, 1, 1),
            ),
        ]
    )  # fmt: skip
    engine = PolarsEngine(shop.lake)
    found = explain_gold(engine, table("department_analytics"), "A", 0)
    engine.close()
    shares = {p.values["id"]: (p.values["item"], p.amount) for p in found.parts.rows}
    assert shares == {10: ("3 of 3", Decimal("3.33")), 12: ("2 of 3", Decimal("3.33"))}
    assert all(figure.agrees for figure in found.figures)


def test_a_day_shows_its_orders_and_files(engine: PolarsEngine) -> None:
    found = explain_gold(engine, table("daily_sales"), date(2025, 4, 2), 1)
    assert [(f.column, f.again) for f in found.figures][:2] == [
        ("total_sales", Decimal("6.51")),
        ("order_count", 2),
    ]
    assert found.parts.count == 2
    assert found.parts.shown == Decimal("6.50")
    assert found.parts.total == Decimal("6.51")
    assert found.parts.file_count == 2
    assert [(f.file, f.rows, f.amount) for f in found.parts.files] == [
        ("orders/2.csv", 1, Decimal("6.50"))
    ]


def test_a_figure_that_is_wrong_is_told(shop: Shop, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(shop.lake, tmp_path / "lake"))
    gold = lake / "gold" / "daily_sales"
    changed = pl.read_delta(str(gold)).with_columns(pl.col("order_count") + 1)
    changed.write_delta(str(gold), mode="overwrite")
    engine = PolarsEngine(lake)
    found = explain_gold(engine, table("daily_sales"), date(2025, 4, 1), 0)
    engine.close()
    assert [f.column for f in found.figures if not f.agrees] == ["order_count"]


@pytest.mark.parametrize("name", [each.name for each in GOLD])
def test_every_gold_row_of_a_dirty_shop_is_explained(
    dirty: PolarsEngine, dirty_lake: Path, name: str
) -> None:
    """Every figure agrees, and what is shown adds up to gold's money."""
    gold = table(name)
    key = gold.key[0]
    money = "total_spend" if name == "customer_insights" else "total_sales"
    stored = rows(dirty_lake, gold.path)
    for row in stored[:: max(1, len(stored) // 12)]:
        found = explain_gold(dirty, gold, row[key], 0)
        wrong = [figure for figure in found.figures if not figure.agrees]
        assert not wrong
        assert found.parts.shown == found.parts.total == row[money]
        assert sum(file.amount for file in found.parts.files) == row[money]
        assert sum(file.rows for file in found.parts.files) == found.parts.count
        named = {figure.column for figure in found.figures}
        assert named == set(gold.column_names) - {key, "last_updated_timestamp"}


@pytest.fixture(scope="module")
def dirty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dirty")
    config = ShopConfig(days=6, orders_per_day=20, products=40, users=25, seed=9)
    generate(config, Dirt.demo(), folder / "landing")
    run(folder / "landing", folder / "lake")
    return folder / "lake"


@pytest.fixture(scope="module")
def dirty(dirty_lake: Path) -> Iterator[PolarsEngine]:
    opened = PolarsEngine(dirty_lake)
    yield opened
    opened.close()


# --- Rows ----------------------------------------------------------------------------------------


def test_a_key_with_its_history(engine: PolarsEngine) -> None:
    found = explain_key(engine, ORDERS, 2, 0)
    assert found.silver is not None
    assert found.silver["total_amount"] == 650
    told = [(str(row.place), row.outcome, str(row.by) if row.by else None) for row in found.rows]
    assert told == [
        ("orders/1.csv:2", "superseded", "orders/1.csv:5"),
        ("orders/1.csv:5", "superseded", "orders/2.csv:1"),
        ("orders/2.csv:1", "silver", None),
        ("orders/3.csv:1", "superseded", "orders/2.csv:1"),
    ]
    assert "repeats" in found.rows[-1].story[-1]
    assert found.feeds == ["gold.daily_sales date=2025-04-02", "gold.customer_insights user_id=7"]
    assert [str(row.place) for row in explain_key(engine, ORDERS, 2, 1).rows] == ["orders/3.csv:1"]


def test_a_row_that_waited_was_overtaken_and_was_released(engine: PolarsEngine) -> None:
    (found,) = explain_row(engine, "order_items/1.csv", 4)[:1]
    assert found.key == 30
    assert found.outcome == "superseded"
    assert found.released == 3
    assert found.by == Place("order_items/2.csv", 1, 2)
    assert [reason.code for reason in found.reasons] == ["order_id:unknown_reference"]
    assert any("released in run 3" in sentence for sentence in found.story)


def test_a_row_that_waits(engine: PolarsEngine) -> None:
    (found,) = explain_row(engine, "order_items/1.csv", 5)
    assert found.outcome == "held"
    assert [(reason.code, reason.text) for reason in found.reasons] == [
        (
            "product_id:unknown_reference",
            "product_id is one of silver.products, which has no '9'",
        )
    ]


def test_a_row_that_can_never_be_valid(engine: PolarsEngine) -> None:
    (found,) = explain_row(engine, "orders/1.csv", 3)
    assert found.outcome == "rejected"
    assert found.raw["total_amount"] == "-1"
    assert {reason.code: reason.text for reason in found.reasons} == {
        "order_num:malformed": "order_num is a whole number of 64 bits, got 'x'",
        "order_timestamp:malformed": (
            "order_timestamp is a time such as 2025-04-30T12:00:00Z on a day that exists, "
            "got '2025-02-30T09:00:00'"
        ),
        "total_amount:out_of_range": "total_amount is at least 0.00, got '-1'",
    }
    (other,) = explain_row(engine, "orders/1.csv", 4)
    assert other.key is None
    assert {reason.code for reason in other.reasons} == {
        "order_id:missing",
        "total_amount:malformed",
        "date:inconsistent",
    }


def test_a_row_with_too_few_fields_shows_its_text(engine: PolarsEngine) -> None:
    (found,) = explain_row(engine, "orders/malformed.csv", 1)
    assert (found.outcome, found.raw, found.raw_record) == ("rejected", {}, "1,5")
    assert [reason.code for reason in found.reasons] == ["row:malformed"]


def test_the_same_name_in_two_runs_is_explained_twice(engine: PolarsEngine) -> None:
    found = explain_row(engine, "order_items/1.csv", 1)
    assert [(row.place.batch_id, row.key, row.outcome) for row in found] == [
        (1, 10, "silver"),
        (3, 12, "superseded"),
    ]


def test_a_file(engine: PolarsEngine) -> None:
    (found,) = explain_file(engine, "orders/1.csv")
    counts = (found.rows, found.silver, found.superseded, found.rejected, found.held)
    assert counts == (5, 1, 2, 2, 0)
    assert dict(found.reasons)["date:inconsistent"] == 1


def test_every_row_of_a_dirty_shop_is_told_of(dirty: PolarsEngine, dirty_lake: Path) -> None:
    """What is told of single rows adds up to what is told of their file."""
    for entity in (PRODUCTS, ORDERS, ORDER_ITEMS):
        files = [f for f in rows(dirty_lake, "meta/files") if f["entity"] == entity.name]
        path = min((f for f in files if f["status"] == "accepted"), key=lambda f: f["path"])["path"]
        (file,) = explain_file(dirty, path)
        told = [explain_row(dirty, path, n)[0].outcome for n in range(1, min(file.rows, 12) + 1)]
        assert len(told) == min(file.rows, 12)
        stored = rows(dirty_lake, f"silver/{entity.name}")
        here = {r["source_row"] for r in stored if r["source_file"] == path}
        assert {n for n, outcome in enumerate(told, 1) if outcome == "silver"} == {
            n for n in here if n <= 12
        }
        waiting = rows(dirty_lake, f"quarantine/{entity.name}")
        there = {r["source_row"]: r["status"] for r in waiting if r["source_file"] == path}
        assert {n: o for n, o in enumerate(told, 1) if o in {"held", "rejected"}} == {
            n: status for n, status in there.items() if n <= 12
        }


@pytest.mark.parametrize(
    ("path", "row", "sentence"),
    [
        ("orders/1.csv", 99, "orders/1.csv has no row 99: it has 5 data rows."),
        ("orders/copy.csv", 1, "the same bytes had come in before as orders/2.csv in run 2"),
        ("orders/one.csv", 1, "No run has taken in a file orders/one.csv."),
    ],
)
def test_what_is_not_there_is_told(
    engine: PolarsEngine, path: str, row: int, sentence: str
) -> None:
    with pytest.raises(CallError) as caught:
        explain_row(engine, path, row)
    assert sentence in str(caught.value)


# --- The command ---------------------------------------------------------------------------------


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[str, str]]]:
    def made(*words: str | Path, code: int = 0) -> tuple[str, str]:
        ended = guarded(lambda: cli(list(map(str, words))))
        said = capsys.readouterr()
        assert ended == code, said.err
        return said.out, said.err

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_the_command(call: Callable[..., tuple[str, str]], shop: Shop) -> None:
    lake = ("--lake", shop.lake)
    out, _ = call("explain", "gold.daily_sales", f"date={D2}", *lake, "--limit", "1")
    assert "6.50 above + 0.01 in 1 more row = 6.51" in out
    assert "orders/2.csv:1" in out
    out, _ = call("explain", "gold.daily_sales", D2, *lake, "--json")
    document = json.loads(out)
    assert document["agrees"] is True
    assert document["parts"]["total"] == document["parts"]["shown"] == "6.51"
    assert document["parts"]["rows"][0]["place"] == {
        "file": "orders/2.csv", "row": 1, "batch_id": 2,
    }  # fmt: skip
    out, _ = call("explain", "file", "orders/1.csv:3", *lake)
    assert "rejected" in out
    assert "total_amount is at least 0.00, got '-1'" in out
    out, _ = call("explain", "silver/orders", "2", *lake)
    assert "orders/2.csv:1  silver" in out
    out, _ = call("explain", "file", "orders/1.csv", *lake, "--json")
    assert json.loads(out)["files"][0]["superseded"] == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gold.daily_sales", "date=2020-01-01"), "has no row with date=2020-01-01."),
        (("gold.daily_sales", "date=now"), "which is no date"),
        (("gold.daily_sales", "order_count=1"), "is named by its key date."),
        (("gold.daily_sale", "date=1"), "Did you mean"),
        (("bronze.orders", "order_id=1"), "bronze.orders is not explained."),
        (("silver.orders", "order_id=99"), "No row with order_id=99 was delivered."),
    ],
)
def test_a_wrong_call_is_one_sentence(
    call: Callable[..., tuple[str, str]], shop: Shop, words: tuple[str, str], sentence: str
) -> None:
    _, err = call("explain", *words, "--lake", shop.lake, code=2)
    assert sentence in err
    assert err.count("\n") == 1
