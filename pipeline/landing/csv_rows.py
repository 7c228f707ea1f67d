"""The second pass over a CSV: its rows as text, and the records that are no rows, with their text.

The same parser reads for both engines, so that a row's fate does not depend on the engine.
"""

import gzip
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
from pyarrow import csv

from pipeline.errors import FileRefusedError
from pipeline.landing.csv_scan import MAX_LINE_BYTES
from pipeline.landing.delivery import Delivery
from pipeline.landing.naming import Format
from pipeline.landing.rows import Stamp, bronze_batch, malformed_batch

# A record must fit into one block together with the rest of the one before it.
_BLOCK_BYTES = 4 * MAX_LINE_BYTES


class _RejectedRecords:
    """Records that the parser turns down, in file order."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, str]] = []

    def __call__(self, record: csv.InvalidRow) -> str:
        self.waiting.append((record.number, record.text))
        return "skip"

    def take_before(self, first: int, good: int) -> tuple[list[tuple[int, str]], int]:
        """Return the records between `good` good rows counted from number `first`, and the end."""
        end, taken = first + good, 0
        for number, _ in self.waiting:
            if number >= end:
                break
            end, taken = end + 1, taken + 1
        records, self.waiting = self.waiting[:taken], self.waiting[taken:]
        return records, end


def read_csv(raw: BinaryIO, delivery: Delivery, stamp: Stamp) -> Iterator[pa.RecordBatch]:
    """Read a checked CSV in blocks of bounded size.

    Args:
        raw: The stored bytes from their first.
        delivery: What the first pass learnt.
        stamp: Number and time of the run.

    Yields:
        Bronze rows, every data row of the file once; rows with a wrong field count carry their
        number and raw text and no values.

    Raises:
        FileRefusedError: The quotes of the file leave no way to tell its records apart.
    """
    names = [f"c{i}" for i in range(delivery.header.width)]
    rejected = _RejectedRecords()
    first = 1
    try:
        with csv.open_csv(
            pa.PythonFile(_body(raw, delivery), mode="r"),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=names
            ),
            parse_options=csv.ParseOptions(
                newlines_in_values=delivery.quoted, invalid_row_handler=rejected
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as reader:
            for batch in reader:
                records, end = rejected.take_before(first, batch.num_rows)
                numbers = _numbers(first, end, records)
                yield _good_rows(batch, delivery, stamp, numbers)
                if records:
                    yield malformed_batch(delivery.entity, stamp, delivery.path, records)
                first = end
    except pa.ArrowInvalid as error:
        raise FileRefusedError(
            "quoting",
            f"Its records cannot be told apart: {str(error).splitlines()[0]}.",
            "Check that every quote is closed.",
        ) from error
    if rejected.waiting:
        yield malformed_batch(delivery.entity, stamp, delivery.path, rejected.waiting)


def _body(raw: BinaryIO, delivery: Delivery) -> BinaryIO:
    if delivery.format is Format.CSV_GZ:
        unpacked = cast("BinaryIO", gzip.GzipFile(fileobj=raw, mode="rb"))
        unpacked.read(delivery.body_at)
        return unpacked
    raw.seek(delivery.body_at)
    return raw


def _numbers(first: int, end: int, records: list[tuple[int, str]]) -> pa.Array:
    numbers = np.arange(first, end, dtype=np.int64)
    if records:
        numbers = np.setdiff1d(numbers, [number for number, _ in records], assume_unique=True)
    return pa.array(numbers)


def _good_rows(
    batch: pa.RecordBatch, delivery: Delivery, stamp: Stamp, numbers: pa.Array
) -> pa.RecordBatch:
    entity, header = delivery.entity, delivery.header
    values = {
        name: batch.column(place)
        for name, place in zip(entity.column_names, header.known, strict=True)
    }
    extra = {name: batch.column(place) for name, place in header.extra}
    return bronze_batch(entity, stamp, delivery.path, numbers, values, extra=extra)
