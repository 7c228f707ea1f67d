"""Conditions on rows, and the names of tables."""

import operator
from datetime import UTC, date, datetime

import pytest

from pipeline.contracts import ENTITIES, TABLES, silver
from pipeline.contracts.gold import PRODUCT_PERFORMANCE
from pipeline.errors import CallError
from simulator.cli.conditions import Condition, Value, read_condition
from simulator.cli.lakes import find_table
from simulator.cli.quarantine import check_reason

ORDERS = silver(ENTITIES[1])
PRODUCTS = silver(ENTITIES[0])


@pytest.mark.parametrize(
    ("text", "column", "compare", "value"),
    [
        ("order_id=5", "order_id", operator.eq, 5),
        (" Order_ID != -5 ", "order_id", operator.ne, -5),
        ("total_amount>=12.5", "total_amount", operator.ge, 1250),
        ("total_amount<0.010", "total_amount", operator.lt, 1),
        ("date=2025-04-01", "date", operator.eq, date(2025, 4, 1)),
        (
            "order_timestamp>2025-04-01T02:00+02:00",
            "order_timestamp",
            operator.gt,
            datetime(2025, 4, 1, tzinfo=UTC),
        ),
        (
            "order_timestamp<=2025-04-01 10:00",
            "order_timestamp",
            operator.le,
            datetime(2025, 4, 1, 10, tzinfo=UTC),
        ),
        ("source_file=a=b.csv", "source_file", operator.eq, "a=b.csv"),
        ("user_id=", "user_id", operator.eq, None),
    ],
)
def test_conditions_are_read_by_the_contract(
    text: str, column: str, compare: object, value: Value
) -> None:
    condition = read_condition(text, ORDERS)
    assert (condition.column, condition.compare, condition.value) == (column, compare, value)


def test_flags_and_ratios() -> None:
    assert read_condition("is_active=no", PRODUCTS).value is False
    assert read_condition("reorder_rate>0.25", PRODUCT_PERFORMANCE).value == 2500


def test_null_and_anything_but_null() -> None:
    assert read_condition("user_id=", ORDERS).wants_null
    assert not Condition("user_id", operator.ne, None).wants_null


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order_id", "no condition"),
        ("=5", "no condition"),
        ("orderid=5", "Did you mean order_id?"),
        ("order_id=five", "no key"),
        ("total_amount=1.005", "no money"),
        ("total_amount=NaN", "no money"),
        ("total_amount=1e999999999", "no money"),
        ("date=2025-02-30", "no date"),
        ("user_id<", "compares with nothing"),
        ("order_id=99999999999999999999", "no key"),
    ],
)
def test_wrong_conditions_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(CallError, match=said.replace("?", r"\?")):
        read_condition(text, ORDERS)


@pytest.mark.parametrize(
    "word", ["gold/daily_sales", "daily_sales", "GOLD.Daily_Sales", "daily_sales/"]
)
def test_tables_by_name(word: str) -> None:
    assert find_table(word).path == "gold/daily_sales"


def test_every_table_has_an_unambiguous_name() -> None:
    assert [find_table(table.path) for table in TABLES] == list(TABLES)


@pytest.mark.parametrize(
    ("word", "said"), [("orders", "silver/orders and quarantine/orders"), ("oders", "mean orders")]
)
def test_unclear_names_are_refused(word: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        find_table(word)


def test_reasons() -> None:
    for reason in ("missing", "order_id:missing", "row:malformed"):
        check_reason(reason)
    with pytest.raises(CallError, match="Did you mean order_id:missing"):
        check_reason("order_id:misssing")
