"""Delivered rows as bronze holds them: Arrow batches of text with their lineage."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contracts.entities import ENTITIES
from pipeline.contracts.layers import bronze
from pipeline.contracts.model import Entity
from pipeline.landing.header import Header
from pipeline.landing.stamp import Stamp

_BATCH_ROWS = 1 << 20
_BATCH_NAME_BYTES = 32 << 20

_ARROW = {
    "bigint": pa.int64(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_SCHEMAS = {
    entity.name: pa.schema(
        [(column.name, _ARROW[column.type.storage]) for column in bronze(entity).columns]
    )
    for entity in ENTITIES
}


def bronze_schema(entity: Entity) -> pa.Schema:
    """Return the Arrow schema of an entity's bronze table."""
    return _SCHEMAS[entity.name]


def bronze_batch(
    entity: Entity,
    stamp: Stamp,
    source_file: str,
    source_rows: pa.Array,
    values: Mapping[str, pa.Array],
    *,
    extra: Mapping[str, pa.Array] | None = None,
    raw: pa.Array | None = None,
) -> pa.RecordBatch:
    """Assemble a batch of bronze rows.

    Args:
        entity: The contract.
        stamp: Number and time of the run.
        source_file: Path of the file below the landing zone.
        source_rows: Number of each row within its file.
        values: Texts by contract column; columns that it lacks are null.
        extra: Texts by unknown column.
        raw: Raw text of rows with a wrong field count.
    """
    schema, count = bronze_schema(entity), len(source_rows)
    constant = {
        "source_file": source_file,
        "batch_id": stamp.batch_id,
        "ingestion_timestamp": stamp.run_time,
        "ingestion_date": stamp.run_time.date(),
    }
    columns = {
        "source_row": source_rows,
        **values,
        **({"extra_columns": _as_json(extra)} if extra else {}),
        **({"raw_record": raw} if raw is not None else {}),
    }
    arrays = [
        pa.repeat(pa.scalar(constant[field.name], field.type), count)
        if field.name in constant
        else columns[field.name]
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def malformed_batch(
    entity: Entity,
    stamp: Stamp,
    source_file: str,
    source_rows: Sequence[int] | np.ndarray,
    texts: Sequence[str],
) -> pa.RecordBatch:
    """Assemble the bronze rows of records with a wrong field count from their numbers and texts."""
    numbers = pa.array(source_rows, pa.int64())
    raw = pa.array(texts, pa.string())
    return bronze_batch(entity, stamp, source_file, numbers, {}, raw=raw)


def rows_at_once(header: Header) -> int:
    """Return how many rows a batch may have, given what each repeats of the header."""
    return max(1, min(_BATCH_ROWS, _BATCH_NAME_BYTES // (header.unknown_bytes + 1)))


def _as_json(extra: Mapping[str, pa.Array]) -> pa.Array:
    """Write unknown columns as one JSON object per row; each different text is encoded once."""
    parts: list[pa.Array | pa.Scalar] = []
    for i, (name, texts) in enumerate(extra.items()):
        distinct = texts.dictionary_encode()
        encoded = pa.array(
            [json.dumps(text, ensure_ascii=False) for text in distinct.dictionary.to_pylist()],
            pa.string(),
        )
        opening = "{" if i == 0 else ", "
        parts.append(pa.scalar(f"{opening}{json.dumps(name, ensure_ascii=False)}: "))
        parts.append(encoded.take(distinct.indices))
    return pc.binary_join_element_wise(*parts, pa.scalar("}"), pa.scalar(""))
