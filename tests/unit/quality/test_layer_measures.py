"""What the checks of raw, bronze and silver measure, from deliveries made by hand."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import ENTITIES, ORDER_ITEMS, ORDERS, PRODUCTS, Entity
from pipeline.contracts.checks import FILE_CHECKS
from pipeline.landing.delivery import Refusal
from pipeline.landing.stamp import Stamp
from pipeline.quality.measure import Measure
from pipeline.quality.measuring.bronze import bronze_measures
from pipeline.quality.measuring.raw import raw_measures
from pipeline.quality.measuring.silver import (
    FaultyRows,
    Refinement,
    active_products,
    faulty_rows,
    rows_that_came_in,
    silver_measures,
)
from pipeline.transforms.silver.reasons import bit, reason_codes
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import Shop, delivered, run_time
from tests.reference import DeliveredFile

AT = "2025-04-01T10:00:00"
DAY = "2025-04-01"


def by_name(measures: list[Measure]) -> dict[str, tuple[int, int]]:
    return {measure.check.name: (measure.measured, measure.base) for measure in measures}


def sample(measures: list[Measure], check: str) -> tuple[str, ...]:
    return next(measure.samples for measure in measures if measure.check.name == check)


# --- Raw -----------------------------------------------------------------------------------------


def test_refusals_count_by_their_check() -> None:
    refused = [Refusal("a.csv", "", "entity", "No entity."), Refusal("b\udcff", "", "name", "Odd.")]
    found = raw_measures(refused, ["orders/again.csv"], inspected=7)
    counts = by_name(found)
    assert counts.pop("file_entity") == (1, 7)
    assert counts.pop("file_name") == (1, 7)
    assert counts.pop("repeated_content") == (1, 7)
    assert set(counts.values()) == {(0, 7)}
    assert len(counts) == len(FILE_CHECKS) - 2
    assert sample(found, "file_entity") == ("a.csv: No entity.",)
    assert sample(found, "file_name") == ("b\\udcff: Odd.",)
    assert sample(found, "repeated_content") == ("orders/again.csv",)


def test_five_files_are_shown() -> None:
    refused = [Refusal(f"{n}.csv", "", "empty", "Empty.") for n in range(9)]
    found = raw_measures(refused, [], inspected=9)
    assert len(sample(found, "file_empty")) == 5


# --- Bronze --------------------------------------------------------------------------------------

PATH, OTHER = "orders/a.csv", "orders/b.csv"


def in_bronze(
    folder: Path,
    *files: DeliveredFile,
    rows_read: dict[str, int] | None = None,
    extra: dict[str, list[str]] | None = None,
) -> list[Measure]:
    shop = Shop(folder)
    shop.run(files)
    read = {file.path: len(file.rows) for file in files}
    engine = PolarsEngine(shop.lake)
    return bronze_measures(engine, ORDERS, Stamp(1, run_time(0)), rows_read or read, extra or {})


def order(number: object, user: object = 1, date: object = DAY) -> tuple[object, ...]:
    return (1, number, user, AT, "1.00", date)


def test_clean_rows_have_nothing_against_them(tmp_path: Path) -> None:
    files = [delivered("orders", PATH, order(1), order(2)), delivered("orders", OTHER, order(3))]
    found = in_bronze(tmp_path, *files)
    assert by_name(found) == {
        "row_count": (0, 3),
        "schema_drift": (0, 2),
        "required_values": (0, 3),
        "duplicate_keys": (0, 3),
    }
    assert not any(measure.samples for measure in found)


def test_rows_are_counted_by_file(tmp_path: Path) -> None:
    """One too many in one file and one too few in the other are two, and not none."""
    files = [delivered("orders", PATH, order(1), order(2)), delivered("orders", OTHER, order(3))]
    found = in_bronze(tmp_path, *files, rows_read={PATH: 1, OTHER: 2})
    assert by_name(found)["row_count"] == (2, 3)
    assert sample(found, "row_count") == (
        "orders/a.csv: 1 rows read, 2 loaded",
        "orders/b.csv: 2 rows read, 1 loaded",
    )


def test_missing_values_are_found_behind_white_space(tmp_path: Path) -> None:
    rows = [
        order(1),
        order(2, user=""),
        order(3, user=" \t"),
        order(" 4 ", user=" 5"),
        order("", 1),
    ]
    found = in_bronze(tmp_path, delivered("orders", PATH, *rows))
    assert by_name(found)["required_values"] == (3, 5)
    assert sample(found, "required_values") == (
        "orders/a.csv row 2: no user_id",
        "orders/a.csv row 3: no user_id",
        "orders/a.csv row 5: no order_id",
    )


def test_keys_repeat_however_they_are_spelt(tmp_path: Path) -> None:
    """Keys that cannot be read repeat nothing."""
    keys = [1, "01", " 1", "+1", 2, "x", "x", "", ""]
    found = in_bronze(tmp_path, delivered("orders", PATH, *map(order, keys)))
    assert by_name(found)["duplicate_keys"] == (3, 9)
    assert sample(found, "duplicate_keys") == ("order_id 1: 4 rows",)


def test_unknown_columns_are_drift_of_their_files(tmp_path: Path) -> None:
    files = [delivered("orders", PATH, order(1)), delivered("orders", OTHER, order(2))]
    found = in_bronze(tmp_path, *files, extra={PATH: ["colour", "size"], OTHER: []})
    assert by_name(found)["schema_drift"] == (1, 2)
    assert sample(found, "schema_drift") == ("orders/a.csv: colour, size",)


# --- Silver --------------------------------------------------------------------------------------


def group(entity: Entity, rows: int, *codes: str, retried: bool = False) -> dict[str, object]:
    problems = sum(bit(entity, code) for code in codes)
    return {"problems": problems, "retried": retried, "rows": rows, "differs_from_reference": False}


def test_a_row_counts_once_for_each_kind_of_fault() -> None:
    outcomes = [
        group(ORDERS, 1000),
        group(ORDERS, 1, "order_id:missing", "user_id:missing", "date:malformed"),
        group(ORDERS, 2, "order_id:missing", "total_amount:out_of_range"),
        group(ORDERS, 4, "date:inconsistent", "order_timestamp:out_of_range"),
        group(ORDERS, 8, "row:malformed"),
    ]
    assert faulty_rows(ORDERS, outcomes) == FaultyRows(unreadable=11, violating=6, held=0)


def test_rows_tried_again_are_no_new_rows() -> None:
    unknown = ("order_id:unknown_reference", "product_id:unknown_reference")
    outcomes = [
        group(ORDER_ITEMS, 3, *unknown),
        group(ORDER_ITEMS, 2, unknown[0]),
        group(ORDER_ITEMS, 50, unknown[1], retried=True),
        group(ORDER_ITEMS, 70, retried=True),
    ]
    assert faulty_rows(ORDER_ITEMS, outcomes) == FaultyRows(held=5)


@given(st.data())
def test_faults_are_counted_as_a_row_by_row_count_has_them(data: st.DataObject) -> None:
    rows = data.draw(
        st.lists(st.sets(st.sampled_from(reason_codes(ORDER_ITEMS)), max_size=4), max_size=12)
    )
    found = faulty_rows(ORDER_ITEMS, [group(ORDER_ITEMS, 1, *codes) for codes in rows])

    def having(*reasons: str) -> int:
        return sum(any(code.endswith(reasons) for code in codes) for codes in rows)

    assert found == FaultyRows(
        unreadable=having(":missing", ":malformed"),
        violating=having(":out_of_range", ":inconsistent"),
        held=having(":unknown_reference"),
    )


def test_consistency_looks_at_inserts_updates_and_releases() -> None:
    groups = [
        {"change": change, "retried": retried, "differs_from_reference": differs, "rows": rows}
        for change, retried, differs, rows in [
            ("insert", False, True, 1),
            ("insert", True, False, 2),
            ("update", False, True, 4),
            ("unchanged", False, True, 8),  # Came again as it was: not looked at.
            ("unchanged", True, True, 16),  # Released.
            ("update", False, False, 32),
        ]
    ]
    assert rows_that_came_in(groups) == (55, 21)


@dataclass(frozen=True)
class Account:
    rows_read: int = 0
    held: int = 0
    rejected: int = 0
    consistency: int = 0
    anomaly: int = 0
    deactivated: int = 0


BALANCED = SimpleNamespace(files=10, silver=5, superseded=3, quarantined=2)


def in_silver(entity: Entity, account: Account, refinement: Refinement) -> list[Measure]:
    """Measure without a lake: nothing that asks for samples."""
    engine: Any = None  # Not asked.
    return silver_measures(engine, entity, account, refinement, Stamp(1, run_time(0)))


def of_last_run(shop: Shop, entity: Entity, account: Any, refinement: Refinement) -> list[Measure]:
    """Measure what the last run of a shop did."""
    stamp = Stamp(shop.runs, run_time(shop.runs - 1))
    return silver_measures(PolarsEngine(shop.lake), entity, account, refinement, stamp)


def test_each_entity_is_held_against_its_own_checks() -> None:
    found = {
        entity.name: by_name(
            in_silver(
                entity,
                Account(rows_read=50, held=0, rejected=20),
                Refinement(FaultyRows(), 30, BALANCED, active_before=8),
            )
        )
        for entity in ENTITIES
    }
    shared = {"row_equation": (0, 10), "missing_or_malformed": (0, 50), "rule_violations": (0, 50)}
    assert found == {
        "products": {**shared, "catalogue_shrink": (0, 8)},
        "orders": {**shared, "anomalies": (0, 30)},
        "order_items": {**shared, "unknown_references": (0, 50), "consistency": (0, 30)},
    }


@pytest.mark.parametrize(("valid", "base"), [(29, 0), (30, 30)])
def test_anomalies_are_judged_from_thirty_valid_rows(valid: int, base: int) -> None:
    account = Account(rows_read=valid + 5, rejected=5)
    found = in_silver(ORDERS, account, Refinement(FaultyRows(), valid, BALANCED))
    assert by_name(found)["anomalies"] == (0, base)


def test_a_run_without_catalogue_has_no_shrink_to_judge() -> None:
    found = in_silver(PRODUCTS, Account(), Refinement(FaultyRows(), 0, BALANCED))
    assert "catalogue_shrink" not in by_name(found)


@pytest.mark.parametrize(("silver", "off"), [(5, 0), (4, 1), (7, 2)])
def test_the_equation_counts_lost_and_doubled_rows(silver: int, off: int) -> None:
    sides = SimpleNamespace(files=10, silver=silver, superseded=3, quarantined=2)
    found = in_silver(PRODUCTS, Account(), Refinement(FaultyRows(), 0, sides))
    assert by_name(found)["row_equation"] == (off, 10)
    assert bool(sample(found, "row_equation")) is bool(off)


def test_samples_come_from_the_batch(tmp_path: Path) -> None:
    """Each shows file, row, reasons and what stood there; an earlier run's rows are not shown."""
    shop = Shop(tmp_path)
    shop.run(
        [
            delivered("products", "products/p.csv", (1, 1, "A", "Tea"), (2, 1, "A", "Milk")),
            delivered("orders", "orders/0.csv", order("old"), order(1)),
        ]
    )
    item = (1, 1, 9, None, 1, 1, 0, AT, DAY)
    shop.run(
        [
            delivered("orders", "orders/1.csv", order("x"), order(3, user=0), order(4, user="")),
            delivered("order_items", "order_items/1.csv", item, (2, 77, *item[2:])),
        ]
    )
    orders = of_last_run(
        shop,
        ORDERS,
        Account(rows_read=3, rejected=3),
        Refinement(FaultyRows(unreadable=2, violating=1), 0, BALANCED),
    )
    assert sample(orders, "missing_or_malformed") == (
        "orders/1.csv row 1: order_id:malformed (order_id 'x')",
        "orders/1.csv row 3: user_id:missing (user_id '')",
    )
    assert sample(orders, "rule_violations") == (
        "orders/1.csv row 2: user_id:out_of_range (user_id '0')",
    )
    items = of_last_run(
        shop,
        ORDER_ITEMS,
        Account(rows_read=2, held=1, consistency=1),
        Refinement(FaultyRows(held=1), 1, BALANCED),
    )
    assert sample(items, "unknown_references") == (
        "order_items/1.csv row 2: order_id:unknown_reference (order_id '77')",
    )
    assert sample(items, "consistency") == ("id 1: user_id 9, in orders 1",)
    assert active_products(PolarsEngine(shop.lake)) == 2


def test_anomalies_show_the_amounts_farthest_off(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    rows = [(1, n, 1, AT, "10.00", DAY) for n in range(1, 40)] + [(1, 40, 1, AT, "9000.00", DAY)]
    report = shop.run([delivered("orders", "orders/1.csv", *rows)])
    account = report.entities["orders"]
    assert account.anomaly == 1
    found = of_last_run(shop, ORDERS, account, Refinement(FaultyRows(), 40, BALANCED))
    assert by_name(found)["anomalies"] == (1, 40)
    assert sample(found, "anomalies") == ("order_id 40: total_amount 9000.00",)


def test_a_shrunken_catalogue_shows_what_it_does_not_list_any_more(tmp_path: Path) -> None:
    """Products that an earlier catalogue had dropped already are not shown again."""
    shop = Shop(tmp_path)
    for number, listed in enumerate(([1, 2, 3, 4], [2, 3, 4], [3]), 1):
        products = [(key, 1, "A", f"Tea {key}") for key in listed]
        report = shop.run([delivered("products", f"products/{number}.csv", *products)])
    account = report.entities["products"]
    assert account.deactivated == 2
    refinement = Refinement(FaultyRows(), 1, BALANCED, active_before=3)
    found = of_last_run(shop, PRODUCTS, account, refinement)
    assert by_name(found)["catalogue_shrink"] == (2, 3)
    assert sample(found, "catalogue_shrink") == (
        "product_id 2: not listed any more",
        "product_id 4: not listed any more",
    )
