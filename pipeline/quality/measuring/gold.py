"""What the gold checks measure: every table that the run wrote, computed a second time."""

from collections import Counter
from decimal import Decimal

import narwhals.stable.v2 as nw

from pipeline.contracts import GOLD, INTERIM, ORDER_ITEMS, ORDERS, Table, silver
from pipeline.contracts.checks import (
    COMPLETENESS,
    ORDER_COUNTS,
    RECOMPUTATION,
    REVENUE_EQUATION,
    TREND,
    Check,
)
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.engine import Engine
from pipeline.quality.measure import Measure, first_samples
from pipeline.quality.measuring.comparing import Comparison
from pipeline.quality.measuring.customers import CustomerTable
from pipeline.quality.measuring.sources import Sources, Written
from pipeline.quality.measuring.summed import SummedTables
from pipeline.quality.trend import judged_days, unusual_days

_ITEMLESS = "orders without items"


def gold_measures(engine: Engine, written: Written) -> list[Measure]:
    """Measure all gold checks of a run that wrote to gold; nothing when it did not.

    Intermediate results stay until `Engine.close`.
    """
    if not written.tables:
        return []
    sources = Sources(engine, written)
    return [
        *_table_measures(sources),
        *_cross_measures(sources),
        _trend(sources),
    ]


def _table_measures(sources: Sources) -> list[Measure]:
    """Return recomputation and completeness of every table that was written."""
    holders = {
        **SummedTables(sources).holders(),
        CUSTOMER_INSIGHTS.path: CustomerTable(sources).holds,
    }
    # The daily sums mean something for gold unless all of it is held against silver alone.
    looked_at = (*INTERIM, *GOLD)
    if sources.parts > 1:
        days = SummedTables(sources.of_some_days()).holders()
        holders |= {table.path: days[table.path] for table in INTERIM}
    elif sources.written.everything:
        looked_at = GOLD
    found: list[Measure] = []
    for table in looked_at:
        if table.path not in sources.written.tables:
            continue
        result = holders[table.path]()
        found.append(
            Measure(RECOMPUTATION, table.path, result.differing, result.rows, result.samples)
        )
        if table in GOLD:
            found.append(_completeness(sources, table, result))
    return found


def _completeness(sources: Sources, table: Table, comparison: Comparison) -> Measure:
    if table is DAILY_SALES:
        return _complete_dates(sources)
    wrong = comparison.missing + comparison.extra + comparison.doubled
    samples = comparison.samples if wrong else ()
    return Measure(COMPLETENESS, table.path, wrong, comparison.keys, samples)


def _complete_dates(sources: Sources) -> Measure:
    """Hold the dates of daily_sales against the partitions of silver.orders."""
    days = {day for day, rows in sources.engine.rows_by_date(silver(ORDERS)).items() if rows}
    times = Counter(row["date"] for row in sources.days)
    wrong = sorted((days ^ set(times)) | {day for day, count in times.items() if count > 1})
    samples = first_samples(f"{day}: {times[day]} times in daily_sales" for day in wrong)
    return Measure(COMPLETENESS, DAILY_SALES.path, len(wrong), len(days), samples)


def _totals(sources: Sources) -> dict[str, tuple[int, int]]:
    """Sum money and a count over whole tables, by path, and over orders without items; one query.

    Returns:
        Cents and count; 0 where a table counts nothing.
    """
    read = sources.engine.read
    rows = {
        PRODUCT_PERFORMANCE.path: (read(PRODUCT_PERFORMANCE), "total_sales", "total_quantity"),
        DEPARTMENT_ANALYTICS.path: (read(DEPARTMENT_ANALYTICS), "total_sales", None),
        CUSTOMER_INSIGHTS.path: (read(CUSTOMER_INSIGHTS), "total_spend", "total_orders"),
        _ITEMLESS: (sources.itemless(), "total_amount", None),
    }
    sums = [
        frame.select(
            nw.lit(name).alias("name"),
            nw.col(cents).sum().cast(nw.Int64).alias("cents"),
            (nw.lit(0) if count is None else nw.col(count).sum()).cast(nw.Int64).alias("count"),
        )
        for name, (frame, cents, count) in rows.items()
    ]
    found = sources.engine.fetch(nw.concat(sums))
    return {row["name"]: (int(row["cents"] or 0), int(row["count"] or 0)) for row in found}


def _cross_measures(sources: Sources) -> list[Measure]:
    """Hold the sums of the tables against each other and against silver."""
    engine, totals = sources.engine, _totals(sources)
    sales, orders, items = (
        sum(int(row[name] or 0) for row in sources.days)
        for name in ("total_sales", "order_count", "total_items")
    )
    by_product, quantity = totals[PRODUCT_PERFORMANCE.path]
    by_department, _ = totals[DEPARTMENT_ANALYTICS.path]
    spent, placed = totals[CUSTOMER_INSIGHTS.path]
    itemless, _ = totals[_ITEMLESS]
    in_orders, in_items = (engine.row_count(silver(entity)) for entity in (ORDERS, ORDER_ITEMS))
    without = f"{itemless} of orders without items"
    revenue = (
        (PRODUCT_PERFORMANCE, by_product + itemless, f"{by_product} by product + {without}"),
        (DEPARTMENT_ANALYTICS, by_department + itemless, f"{by_department} there + {without}"),
        (CUSTOMER_INSIGHTS, spent, f"{spent} by customer"),
    )
    counts = (
        (DAILY_SALES, "orders", orders, in_orders),
        (CUSTOMER_INSIGHTS, "orders", placed, in_orders),
        (DAILY_SALES, "items", items, in_items),
        (PRODUCT_PERFORMANCE, "items", quantity, in_items),
    )
    return [
        *(
            _difference(REVENUE_EQUATION, table.path, total, sales, f"{said}, {sales} by day")
            for table, total, said in revenue
        ),
        *(
            _difference(
                ORDER_COUNTS,
                f"{what} of {table.path}",
                count,
                known,
                f"{count} {what} in {table.name}, {known} in silver",
            )
            for table, what, count, known in counts
        ),
    ]


def _difference(check: Check, subject: str, found: int, known: int, said: str) -> Measure:
    off = abs(found - known)
    return Measure(check, subject, off, known, (said,) if off else ())


def _trend(sources: Sources) -> Measure:
    """Look for days whose sales are unlike those before among the days that were written."""
    written = sources.written
    totals = {row["date"]: int(row["total_sales"]) for row in sources.days}
    unusual = unusual_days(totals, set(written.dates))
    base = len(judged_days(totals, set(written.dates)))
    samples = first_samples(f"{day}: {Decimal(totals[day]).scaleb(-2)}" for day in unusual)
    return Measure(TREND, DAILY_SALES.path, len(unusual), base, samples)


__all__ = ["Written", "gold_measures"]
