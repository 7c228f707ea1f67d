"""What the bronze checks measure: the rows of a batch as they lie in bronze."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import narwhals.stable.v2 as nw

from pipeline.contracts.checks import DUPLICATE_KEYS, REQUIRED_VALUES, ROW_COUNT, SCHEMA_DRIFT
from pipeline.contracts.layers import RAW_RECORD, bronze
from pipeline.contracts.model import Entity
from pipeline.engine import Engine
from pipeline.landing.stamp import Stamp
from pipeline.portable import Frame, key_span, parse
from pipeline.quality.measure import MAX_SAMPLES, Measure, first_samples
from pipeline.quality.measuring.counting import count_rows

# No text that begins with white space, or is empty, is as great as this one.
_FIRST_VISIBLE = "!"
_SPACE = " \t\n\v\f\r"


def bronze_measures(
    engine: Engine,
    entity: Entity,
    stamp: Stamp,
    rows_read: Mapping[str, int],
    extra_columns: Mapping[str, Sequence[str]],
) -> list[Measure]:
    """Measure what a batch has put into bronze.

    Args:
        engine: The engine of the lake.
        entity: The entity.
        stamp: Number and time of the run.
        rows_read: Rows that were read, by path of the file; not empty.
        extra_columns: Columns that the contract does not know, by path of the files with any.
    """
    rows = engine.read(bronze(entity)).filter(
        nw.col("ingestion_date") == nw.lit(stamp.run_time.date()),
        nw.col("batch_id") == stamp.batch_id,
    )
    read = sum(rows_read.values())
    return [
        _row_count(engine, entity, rows, rows_read),
        _schema_drift(entity, extra_columns, len(rows_read)),
        _required_values(engine, entity, rows, read),
        _duplicate_keys(engine, entity, rows, read),
    ]


def _row_count(
    engine: Engine, entity: Entity, rows: Frame, rows_read: Mapping[str, int]
) -> Measure:
    """Count by file: a row too many in one does not make up for one lost in another."""
    found = engine.fetch(rows.group_by("source_file").agg(nw.len().cast(nw.Int64).alias("rows")))
    loaded = {row["source_file"]: int(row["rows"]) for row in found}
    paths = sorted(set(loaded) | set(rows_read))
    differing = [path for path in paths if loaded.get(path, 0) != rows_read.get(path, 0)]
    off = sum(abs(loaded.get(path, 0) - rows_read.get(path, 0)) for path in differing)
    samples = first_samples(
        f"{path}: {rows_read.get(path, 0)} rows read, {loaded.get(path, 0)} loaded"
        for path in differing
    )
    return Measure(ROW_COUNT, entity.name, off, sum(rows_read.values()), samples)


def _schema_drift(
    entity: Entity, extra_columns: Mapping[str, Sequence[str]], files: int
) -> Measure:
    drifted = {path: names for path, names in sorted(extra_columns.items()) if names}
    samples = first_samples(f"{path}: {', '.join(names)}" for path, names in drifted.items())
    return Measure(SCHEMA_DRIFT, entity.name, len(drifted), files, samples)


def _required_values(engine: Engine, entity: Entity, rows: Frame, read: int) -> Measure:
    """Count the rows that lack a required value, those of a wrong field count among them."""
    required = [nw.col(column.name) for column in entity.columns if column.required]
    # Nearly no value is null or begins with white space: only those rows are looked at closely.
    suspect = reduce(or_, (value.is_null() | (value < _FIRST_VISIBLE) for value in required))
    suspects = engine.checkpoint(
        rows.filter(suspect).select(
            "source_file", "source_row", RAW_RECORD.name, *(c.name for c in entity.columns)
        )
    )
    lacks = reduce(or_, (_is_missing(value) for value in required))
    missing = suspects.filter(lacks | ~nw.col(RAW_RECORD.name).is_null())
    count = count_rows(engine, missing)
    samples: tuple[str, ...] = ()
    if count:
        first = engine.fetch(missing.sort("source_file", "source_row").head(MAX_SAMPLES))
        samples = tuple(
            f"{row['source_file']} row {row['source_row']}: {_lacking(entity, row)}"
            for row in first
        )
    return Measure(REQUIRED_VALUES, entity.name, count, read, samples)


def _is_missing(value: nw.Expr) -> nw.Expr:
    return value.fill_null("").str.strip_chars(_SPACE) == nw.lit("")


def _lacking(entity: Entity, row: Mapping[str, str | None]) -> str:
    if row[RAW_RECORD.name] is not None:
        return "wrong number of fields"
    names = [
        column.name
        for column in entity.columns
        if column.required and not (row[column.name] or "").strip(_SPACE)
    ]
    return f"no {', '.join(names)}"


def _duplicate_keys(engine: Engine, entity: Entity, rows: Frame, read: int) -> Measure:
    """Count the rows beyond the first of each readable key; ` 1` and `01` are the key 1."""
    keys = parse(rows.select(entity.key), [entity.column(entity.key)])
    span = engine.fetch(key_span(keys, entity.key))[0]
    count = int(span["rows"]) - int(span["keys"])
    samples: tuple[str, ...] = ()
    if count:
        counted = nw.len().cast(nw.Int64).alias("times")
        readable = keys.filter(~nw.col(entity.key).is_null())
        times = readable.group_by(entity.key).agg(counted)
        first = times.filter(nw.col("times") > 1).sort(entity.key).head(MAX_SAMPLES)
        samples = tuple(
            f"{entity.key} {row[entity.key]}: {row['times']} rows" for row in engine.fetch(first)
        )
    return Measure(DUPLICATE_KEYS, entity.name, count, read, samples)
