"""Checks of rows: the books against the tables, and the layers against each other."""

from collections.abc import Iterator
from typing import Any

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, Entity, Table, bronze, quarantine, silver
from pipeline.contracts.gold import (
    CUSTOMER_INSIGHTS,
    DAILY_SALES,
    DEPARTMENT_ANALYTICS,
    PRODUCT_PERFORMANCE,
)
from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.meta import ACCEPTED, FILES, ROW_ACCOUNTS
from pipeline.engine import Engine
from pipeline.portable import Frame
from pipeline.quality.measuring.counting import count_rows
from simulator.cli.lakes import suggestion
from simulator.cli.text import count
from simulator.doctor.finding import Finding, Patient, Severity

_EXAMPLES = 3
_BUILD_ANEW = "Restore the table from a copy of the lake, or build a new lake from the same files."

# What a gold table has one row for: column of silver, and the table it is in.
_ONE_ROW_PER: dict[str, tuple[Table, Entity, str]] = {
    table.name: (table, entity, column)
    for table, entity, column in (
        (DAILY_SALES, ORDERS, "date"),
        (PRODUCT_PERFORMANCE, PRODUCTS, "product_id"),
        (DEPARTMENT_ANALYTICS, PRODUCTS, "department"),
        (CUSTOMER_INSIGHTS, ORDERS, "user_id"),
    )
}


def ledger(patient: Patient) -> Iterator[Finding]:
    """Bronze has of every accepted file as many rows as the ledger says."""
    if not patient.has(FILES):
        return
    engine = patient.engine
    books = engine.read(FILES).filter(nw.col("status") == ACCEPTED)
    entries = engine.fetch(books.select("entity", "batch_id", "path", "rows"))
    for entity in ENTITIES:
        if not patient.has(bronze(entity)):
            continue
        said = {
            (e["batch_id"], e["path"]): e["rows"] for e in entries if e["entity"] == entity.name
        }
        files = engine.read(bronze(entity)).group_by("batch_id", "source_file")
        counted = engine.fetch(files.agg(nw.len().alias("rows")))
        found = {(row["batch_id"], row["source_file"]): int(row["rows"]) for row in counted}
        for key in sorted({k for k in said.keys() | found if said.get(k) != found.get(k)}):
            run, path = key
            expected = f"the ledger says {said[key]:,}" if key in said else "the ledger has none"
            what = f"{path} of run {run} has {count(found.get(key, 0), 'row')}; {expected}."
            yield Finding(Severity.BROKEN, "ledger", bronze(entity).path, what, _BUILD_ANEW)


def keys(patient: Patient) -> Iterator[Finding]:
    """Silver has one row per key."""
    for entity in ENTITIES:
        table = silver(entity)
        if patient.has(table):
            yield from _repeated(patient, "keys", table, entity.key, _BUILD_ANEW)


def _repeated(patient: Patient, check: str, table: Table, key: str, mend: str) -> Iterator[Finding]:
    groups = patient.engine.read(table).group_by(key).agg(nw.len().alias("rows"))
    repeated = groups.filter(nw.col("rows") > 1)
    if number := count_rows(patient.engine, repeated):
        values = _examples(patient.engine, repeated, key)
        what = f"{count(number, 'key')} occur more than once, for instance {key} {values}."
        yield Finding(Severity.BROKEN, check, table.path, what, mend)


def _examples(engine: Engine, frame: Frame, column: str) -> str:
    found = engine.fetch(frame.select(column).sort(column).head(_EXAMPLES))
    return ", ".join(str(row[column]) for row in found)


def balance(patient: Patient) -> Iterator[Finding]:
    """Rows in accepted files = silver rows + superseded rows + quarantined rows."""
    if not patient.has(FILES, ROW_ACCOUNTS):
        return
    engine = patient.engine
    books = engine.read(FILES).filter(nw.col("status") == ACCEPTED)
    read = _sums(engine, books, "rows")
    superseded = _sums(engine, engine.read(ROW_ACCOUNTS), "superseded")
    for entity in ENTITIES:
        if not patient.has(silver(entity), quarantine(entity)):
            continue
        waiting = engine.read(quarantine(entity)).filter(nw.col("status") != RELEASED)
        kept = engine.row_count(silver(entity))
        passed, quarantined = superseded.get(entity.name, 0), count_rows(engine, waiting)
        files = read.get(entity.name, 0)
        if files != kept + passed + quarantined:
            what = (
                f"The rows of {entity.name} do not balance: {files:,} in accepted files, but "
                f"{kept:,} in silver + {passed:,} superseded + {quarantined:,} in quarantine."
            )
            yield Finding(Severity.BROKEN, "balance", silver(entity).path, what, _BUILD_ANEW)


def _sums(engine: Engine, frame: Frame, column: str) -> dict[str, int]:
    rows = engine.fetch(frame.group_by("entity").agg(nw.col(column).sum()))
    return {row["entity"]: int(row[column]) for row in rows}


def statuses(patient: Patient) -> Iterator[Finding]:
    """Quarantined rows have a status that exists, reasons, and a run that released them or none."""
    status, run = nw.col("status"), nw.col("resolved_batch_id")
    known = status.is_in([HELD, REJECTED, RELEASED])
    wrongs = (
        ("have a status that does not exist", ~known | status.is_null()),
        ("are released, by no run", (status == RELEASED) & run.is_null()),
        ("are not released, and name the run that did it", (status != RELEASED) & ~run.is_null()),
        ("have no reason to be there", nw.col("reasons").is_null() | (nw.col("reasons") == "")),
    )
    for entity in ENTITIES:
        table = quarantine(entity)
        if not patient.has(table):
            continue
        for wrong, condition in wrongs:
            rows = patient.engine.read(table).filter(condition)
            if number := count_rows(patient.engine, rows):
                example = _place(patient.engine, rows)
                what = f"{count(number, 'row')} {wrong}, for instance {example}."
                yield Finding(Severity.BROKEN, "statuses", table.path, what, _BUILD_ANEW)


def _place(engine: Engine, rows: Frame) -> str:
    columns = ("source_file", "source_row")
    row: dict[str, Any] = engine.fetch(rows.select(*columns).sort(*columns).head(1))[0]
    return f"{row['source_file']} row {row['source_row']}"


def gold(patient: Patient) -> Iterator[Finding]:
    """Gold has one row for every date, product, department and customer of silver."""
    again = suggestion("simulate --rebuild --landing DIR --lake", patient.root)
    mend = f"Compute gold anew: {again}"
    for table, entity, column in _ONE_ROW_PER.values():
        if not patient.has(table, silver(entity)):
            continue
        yield from _repeated(patient, "gold", table, column, mend)
        there = patient.engine.read(table).select(column)
        wanted = patient.engine.read(silver(entity)).select(column).unique()
        for frame, other, words in (
            (wanted, there, ("is missing", "are missing")),
            (there, wanted, ("is not in silver", "are not in silver")),
        ):
            lost = frame.join(other, on=column, how="anti")
            if number := count_rows(patient.engine, lost):
                values = _examples(patient.engine, lost, column)
                what = f"{number:,} {column} {words[number > 1]}, for instance {values}."
                yield Finding(Severity.BROKEN, "gold", table.path, what, mend)
    yield from _orders(patient, mend)


def _orders(patient: Patient, mend: str) -> Iterator[Finding]:
    if patient.has(DAILY_SALES, silver(ORDERS)):
        sales = patient.engine.read(DAILY_SALES).select(nw.col("order_count").sum())
        told = int(patient.engine.fetch(sales)[0]["order_count"] or 0)
        orders = patient.engine.row_count(silver(ORDERS))
        if told != orders:
            what = f"The orders of all dates are {told:,}; silver has {orders:,}."
            yield Finding(Severity.BROKEN, "gold", DAILY_SALES.path, what, mend)
