"""Run metadata: what of a table tells how it came about, and not what was delivered.

Lakes that took in the same files in the same order hold the same, however the files were grouped
into runs and whenever these took place. What is named here is free to differ.
"""

from dataclasses import dataclass

from pipeline.contracts.gold import LAST_UPDATED
from pipeline.contracts.layers import BATCH_ID, INGESTED_AT, INGESTION_DATE, LINEAGE, RELEASED
from pipeline.contracts.meta import FILES, RUNS
from pipeline.contracts.model import Table


@dataclass(frozen=True)
class Aside:
    """What is left out when two tables of one contract are compared.

    Attributes:
        all_rows: Whether the rows are the books of the runs themselves: no row is compared.
        columns: Names of the columns that are not compared.
        statuses: Rows with one of these in their column `status` are not compared.
    """

    all_rows: bool = False
    columns: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()


# When a row came, in which batch, and what was known by then of the rows after it.
_OF_RUNS = frozenset(
    {
        BATCH_ID.name,
        INGESTED_AT.name,
        INGESTION_DATE.name,
        LAST_UPDATED.name,
        "displaced",
        "first_seen",
        "resolved_batch_id",
    }
)
# Of equal rows, which one a silver row names is free.
_OF_ORIGIN = frozenset(column.name for column in LINEAGE)
# Who did the work, under what name and how long, and on which disk the files lay.
_OF_PLACE = {
    RUNS.path: frozenset({"engine", "duration_ms", "run_id"}),
    FILES.path: frozenset({"fingerprint"}),
}


def run_metadata(table: Table) -> Aside:
    """Return what depends on runs: their times, their numbers, how files were grouped into them.

    A row that waited in quarantine and was released waited only because its reference came in a
    later run, so released rows are history too.
    """
    origin = _OF_ORIGIN if table.layer == "silver" else frozenset()
    return Aside(
        all_rows=table.layer == "meta",
        columns=(_OF_RUNS | origin) & frozenset(table.column_names),
        statuses=frozenset({RELEASED}) if table.layer == "quarantine" else frozenset(),
    )


def surroundings(table: Table) -> Aside:
    """Return what may differ even after the same runs at the same times: engine and place."""
    return Aside(columns=_OF_PLACE.get(table.path, frozenset()))
