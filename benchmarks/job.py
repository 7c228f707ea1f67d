"""The one job that the scripts do: its tables, and how a script is called, timed and measured."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from simulator.bench.memory import peak_bytes

COLUMNS: Final = {
    table: columns.split()
    for table, columns in {
        "products": "product_id department_id department product_name",
        "orders": "order_num order_id user_id order_timestamp total_amount date",
        "order_items": """id order_id user_id days_since_prior_order product_id add_to_cart_order
            reordered order_timestamp date""",
        "daily_sales": """date total_sales order_count avg_order_value unique_customers total_items
            avg_items_per_order""",
        "product_performance": """product_id department product_name total_quantity total_sales
            order_count reorder_rate avg_days_between_orders""",
        "department_analytics": """department total_sales product_count order_count customer_count
            avg_order_value""",
        "customer_insights": """user_id total_orders total_spend avg_order_value first_order_date
            last_order_date days_since_last_order favorite_department favorite_product_id
            customer_segment""",
    }.items()
}
KEYS: Final = {"products": "product_id", "orders": "order_id", "order_items": "id"}
LINEAGE: Final = ("source_file", "source_row", "batch_id", "ingestion_timestamp")
DECIMALS: Final = {
    "total_sales": (15, 2),
    "total_spend": (15, 2),
    "avg_order_value": (10, 2),
    "avg_items_per_order": (7, 2),
    "avg_days_between_orders": (7, 2),
    "reorder_rate": (5, 4),
}
SEGMENT: Final = """
    CASE WHEN total_orders > 10 THEN 'Loyal'
         WHEN total_orders > 5 AND days_since_last_order <= 30 THEN 'Active'
         WHEN total_orders > 1 AND days_since_last_order <= 90 THEN 'Regular'
         WHEN days_since_last_order > 90 THEN 'Lapsed'
         ELSE 'New' END
"""

Lake = TypeVar("Lake")


class Seconds(dict[str, float]):
    """The seconds that each step of a job took, by name."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        start = time.perf_counter()
        yield
        self[name] = round(time.perf_counter() - start, 3)


def perform(
    description: str | None,
    open_lake: Callable[[Path, datetime], Lake],
    run: Callable[[Path, Lake], dict[str, float]],
) -> None:
    """Run the job on the folders named on the command line and print what it took, as JSON.

    Args:
        description: What `--help` says.
        open_lake: Makes ready to fill a folder that does not exist yet; that is not timed.
        run: Fills the lake from a landing zone and returns the seconds that each step took.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("landing", type=Path)
    parser.add_argument("lake", type=Path, help="a folder that does not exist yet")
    arguments = parser.parse_args()
    if arguments.lake.exists():
        parser.error(f"{arguments.lake} exists already")
    lake = open_lake(arguments.lake, datetime.now(UTC))
    start = time.perf_counter()
    seconds = run(arguments.landing, lake)
    total = round(time.perf_counter() - start, 3)
    result = {"steps": seconds, "total_seconds": total, "peak_rss_bytes": peak_bytes()}
    print(json.dumps(result))  # noqa: T201 - its only output
