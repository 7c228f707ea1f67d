"""Every interim and gold table, from nothing but its declaration: both engines write the same.

Sources are made from their contracts; a source that is itself derived is computed first. So a table
that is declared tomorrow is tested tomorrow, by this file as it is. The tables of today are held
against `tests.reference` besides.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import ORDERS, silver
from pipeline.contracts.gold import LAST_UPDATED
from pipeline.contracts.model import Column, Table
from pipeline.contracts.types import KEY, TEXT, money
from pipeline.portable import Frame, to_storage
from pipeline.transforms.arithmetic import divide_half_up
from pipeline.transforms.gold.derivations import DERIVATIONS, Derivation
from pipeline.transforms.gold.tables import stamped
from tests import reference
from tests.equivalence.frames import (
    Both,
    Given,
    day_of,
    found_on_polars,
    on_polars,
)
from tests.equivalence.worlds import Case, examples, given_table, hold, packs, shop

RUN_TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
VIEWS = st.sampled_from(
    [date(2000, 1, 1), date(2024, 2, 29), date(2050, 6, 30), date(2099, 12, 31)]
)

each_derivation = pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.table.name)


# --- One derivation, whichever it is -------------------------------------------------------------


def written(derivation: Derivation, sources: Sequence[Frame], as_of: date) -> Frame:
    """Return the table's rows with all its columns, as the runner hands them to an engine."""
    rows = derivation.rows(sources, as_of)
    if LAST_UPDATED in derivation.table.columns:
        rows = stamped(rows, RUN_TIME)
    return rows.select(derivation.table.column_names)


def source(table: Table, cases: Sequence[Case], as_of: date) -> Given:
    """Return a source of all cases: silver as it was made up, anything else as it is declared."""
    if table.layer == "silver":
        return given_table(cases, table)
    derivation = next(d for d in DERIVATIONS if d.table == table)
    frames = [on_polars(source(other, cases, as_of)) for other in derivation.sources]
    found = found_on_polars(written(derivation, frames, as_of), streaming=False)
    rows = [dict(zip(table.column_names, row, strict=True)) for row in found.rows.elements()]
    return Given(table.columns, rows)


def hold_derivation(
    both: Both,
    derivation: Derivation,
    cases: list[Case],
    as_of: date,
    expected: Callable[[Case], list[dict[str, Any]]] | None = None,
) -> None:
    """Hold what both engines would write to a table, in its types at rest."""

    def check(cases: list[Case]) -> None:
        both.agree(
            lambda *frames: to_storage(
                written(derivation, frames, as_of), derivation.table.columns
            ),
            *(source(table, cases, as_of) for table in derivation.sources),
            expected=None if expected is None else [row for c in cases for row in expected(c)],
            cases=len(cases),
        )

    hold(check, cases)


def gold_of(case: Case, as_of: date) -> dict[str, list[dict[str, Any]]]:
    """Compute the gold tables of a case by the reference."""
    silver_rows = {
        entity: {row[key]: dict(row) for row in case[f"silver/{entity}"]}
        for entity, key in reference.KEYS.items()
    }
    for order in silver_rows["orders"].values():
        order["total_amount"] = reference.money(order["total_amount"])
        order["date"] = day_of(order["date"])
    return reference.gold(silver_rows, as_of)


@each_derivation
@examples(3)
@given(cases=packs(shop), as_of=VIEWS)
def test_both_engines_write_the_same_table(
    both: Both, derivation: Derivation, cases: list[Case], as_of: date
) -> None:
    name = derivation.table.name
    known = name in gold_of(shop_without_rows(), as_of)
    expected = (lambda case: gold_of(case, as_of)[name]) if known else None
    hold_derivation(both, derivation, cases, as_of, expected)


def shop_without_rows() -> Case:
    return {f"silver/{entity}": [] for entity in reference.KEYS}


@pytest.mark.parametrize(
    "derivation", [d for d in DERIVATIONS if d.by_date], ids=lambda d: d.table.name
)
@examples(2)
@given(cases=packs(shop), as_of=VIEWS, data=st.data())
def test_the_partitions_of_some_dates_follow_from_the_rows_of_these_dates(
    both: Both, derivation: Derivation, cases: list[Case], as_of: date, data: st.DataObject
) -> None:
    chance = data.draw(st.randoms(use_true_random=False))
    days = {row["date"] for case in cases for row in case[silver(ORDERS).path]}
    chosen = set(chance.sample(sorted(days), len(days) // 2))

    def check(cases: list[Case]) -> None:
        whole = source(derivation.table, cases, as_of).rows
        sources = []
        for table in derivation.sources:
            read = source(table, cases, as_of)
            if table in derivation.by_date:
                read = replace(read, rows=[row for row in read.rows if row["date"] in chosen])
            sources.append(read)
        both.agree(
            lambda *frames: written(derivation, frames, as_of),
            *sources,
            expected=[row for row in whole if row["date"] in chosen],
            cases=len(cases),
        )

    hold(check, cases)


@each_derivation
def test_of_nothing_nothing_follows(both: Both, derivation: Derivation) -> None:
    nothing = [shop_without_rows()]
    hold_derivation(both, derivation, nothing, date(2025, 4, 1), lambda _: [])


# --- A table of tomorrow -------------------------------------------------------------------------

NEWCOMERS = Table(
    layer="gold",
    name="newcomers",
    description="One row per customer.",
    columns=(
        Column("user_id", KEY, "Customer."),
        Column("avg_order_value", money(10), "Mean of the orders."),
        Column("since", TEXT, "When the first order was placed."),
        LAST_UPDATED,
    ),
    key=("user_id",),
)


def newcomers(orders: Frame, average: nw.Expr | None = None, since: nw.Expr | None = None) -> Frame:
    """Say since when customers order and how much; as it should be done unless told otherwise."""
    placed = orders.group_by("user_id").agg(
        nw.col("total_amount").sum().alias("total"),
        nw.len().cast(nw.Int64).alias("count"),
        nw.col("order_timestamp").min().alias("first"),
        nw.col("total_amount").mean().alias("mean"),
    )
    exact = divide_half_up(nw.col("total"), nw.col("count"))
    day = nw.col("first").dt.date().cast(nw.String)
    return placed.with_columns(
        (exact if average is None else average).alias("avg_order_value"),
        (day if since is None else since).alias("since"),
    )


def declared(compute: Callable[..., Frame]) -> Derivation:
    return Derivation(NEWCOMERS, sources=(silver(ORDERS),), compute=compute)


@examples(1)
@given(packs(shop))
def test_a_new_table_needs_no_test_of_its_own(both: Both, cases: list[Case]) -> None:
    hold_derivation(both, declared(newcomers), cases, date(2025, 4, 1))


SLIPS = {
    "a rounded mean": partial(newcomers, average=nw.col("mean").round(0).cast(nw.Int64)),
    "a timestamp as text": partial(newcomers, since=nw.col("first").cast(nw.String)),
    "a weekday": partial(newcomers, since=nw.col("first").dt.weekday().cast(nw.String)),
}


@pytest.mark.parametrize("slip", SLIPS)
@examples(1)
@given(cases=packs(shop, most=60))
def test_a_new_table_on_which_the_engines_differ_is_found_out(
    both: Both, slip: str, cases: list[Case]
) -> None:
    with pytest.raises(AssertionError, match="Polars") as caught:
        hold_derivation(both, declared(SLIPS[slip]), cases, date(2025, 4, 1))
    assert str(caught.value).count("user_id") <= FEW_ROWS


# What is left of the pack when it fails: the orders of a case or two.
FEW_ROWS = 6
