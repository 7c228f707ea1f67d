"""What a demo has to show for itself: the balance, the quarantine, gold, and where to look."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from pipeline.contracts import ENTITIES, Table
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.contracts.layers import HELD, REJECTED
from simulator.cli import console
from simulator.cli.lakes import suggestion
from simulator.cli.quarantine import reason_counts, select
from simulator.cli.report_view import print_balance
from simulator.cli.text import bar, cents, path_for_user, shown, sparkline

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.runner.report import RunReport

_BAR = 20
_LAST_DAYS = 7
_TOP = 5
_REASONS = 8
_SEGMENTS = ("Loyal", "Active", "Regular", "Lapsed", "New")


def print_results(engine: "Engine", report: "RunReport") -> None:
    """Print what a month of runs has left in the lake."""
    print_balance(report.entities)
    _print_quarantine(engine)
    _print_daily_sales(engine)
    _print_top_products(engine)
    _print_departments(engine)
    _print_segments(engine)


def print_places(home: Path, landing: Path, lake: Path) -> None:
    """Print where everything lies, and commands to paste."""
    console.heading("Where it lies")
    places = {
        lake: "the lake: bronze, silver, quarantine, gold and meta, all of them Delta tables",
        landing / "archive": "delivered files that were taken in",
        landing / "rejected": "refused files, each with its reason beside it",
        home / "manifest.json": "what the generator says the lake must hold",
    }
    shown_places = {path_for_user(place): what for place, what in places.items() if place.exists()}
    width = max(map(len, shown_places))
    for place, what in shown_places.items():
        console.say(f"  {place.ljust(width)}  {what}")
    console.heading("Try next")
    at = ("--lake", lake)
    for words in (
        ("report", *at),
        ("show", *at),
        ("show daily_sales", *at, "--desc"),
        ("show product_performance", *at, "--sort total_sales --desc"),
        ("show customer_insights", *at, "--only customer_segment=Loyal"),
        ("show silver/products", *at, "--history"),
        ("quarantine list orders", *at),
        ("quarantine export", *at, "--to", home / "mend"),
        ("simulate", "--landing", landing, *at),
    ):
        console.say(f"  {suggestion(*words)}")


def _print_quarantine(engine: "Engine") -> None:
    rows = {e: select(engine, e, None, (HELD, REJECTED), None) for e in ENTITIES}
    found = reason_counts(engine, rows)
    console.heading("In quarantine", "held rows heal once what they refer to arrives")
    cells = [[f["entity"], f["reason"], f["status"], f"{f['rows']:,}"] for f in found]
    cells.sort(key=lambda row: -int(row[3].replace(",", "")))
    console.table(("entity", "reason", "status", "rows"), cells[:_REASONS], right=("rows",))
    if len(cells) > _REASONS:
        console.say(f"and {len(cells) - _REASONS} more reasons")


def _print_daily_sales(engine: "Engine") -> None:
    days = _rows(engine, DAILY_SALES, "date")
    if not days:
        return
    console.heading("Sales by day", f"the last {min(_LAST_DAYS, len(days))} of gold/daily_sales")
    sales = [day["total_sales"] for day in days]
    rows = [
        [
            f"{day['date']} {day['date']:%a}",
            cents(day["total_sales"]),
            f"{day['order_count']:,}",
            cents(day["avg_order_value"]),
            _bar(day["total_sales"], max(sales)),
        ]
        for day in days[-_LAST_DAYS:]
    ]
    headings = ("date", "sales", "orders", "per order", "")
    console.table(headings, rows, right=headings[1:4])
    console.say(Text.assemble("all days  ", (sparkline(sales), "cyan")))


def _print_top_products(engine: "Engine") -> None:
    products = _rows(engine, PRODUCT_PERFORMANCE, "total_sales", descending=True)[:_TOP]
    console.heading("Top products", "gold/product_performance")
    rows = [
        [
            product["product_name"],
            product["department"],
            f"{product['total_quantity']:,}",
            cents(product["total_sales"]),
        ]
        for product in products
    ]
    console.table(("product", "department", "items", "sales"), rows, right=("items", "sales"))


def _print_departments(engine: "Engine") -> None:
    departments = _rows(engine, DEPARTMENT_ANALYTICS, "total_sales", descending=True)
    greatest = max((each["total_sales"] for each in departments), default=0)
    console.heading("Departments", "gold/department_analytics")
    rows = [
        [
            each["department"],
            cents(each["total_sales"]),
            f"{each['customer_count']:,}",
            _bar(each["total_sales"], greatest),
        ]
        for each in departments
    ]
    console.table(("department", "sales", "customers", ""), rows, right=("sales", "customers"))


def _print_segments(engine: "Engine") -> None:
    import narwhals.stable.v2 as nw

    groups = engine.read(CUSTOMER_INSIGHTS).group_by("customer_segment")
    counted = engine.fetch(
        groups.agg(nw.len().alias("customers"), nw.col("total_spend").sum().alias("spend"))
    )
    by_segment = {each["customer_segment"]: each for each in counted}
    present = [by_segment[segment] for segment in _SEGMENTS if segment in by_segment]
    greatest = max((each["customers"] for each in present), default=0)
    console.heading("Customers", "gold/customer_insights")
    rows = [
        [
            each["customer_segment"],
            f"{each['customers']:,}",
            cents(each["spend"]),
            _bar(each["customers"], greatest),
        ]
        for each in present
    ]
    console.table(("segment", "customers", "spend", ""), rows, right=("customers", "spend"))


def _rows(
    engine: "Engine", table: Table, sort: str, *, descending: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of a small table, sorted by a column and then by its key."""
    order = dict.fromkeys((sort, *table.key))
    directions = [descending and name == sort for name in order]
    return engine.fetch(engine.read(table).sort(*order, descending=directions))


def _bar(value: int, greatest: int) -> Text:
    return Text(shown(bar(value, greatest, _BAR)), style="cyan")
