"""The second pass over a CSV: its rows as text, and the records that are no rows, with their text.

The same parser reads for both engines, so that a row's fate does not depend on the engine. It is
given whole records only, piece by piece: left to itself it would drop a line feed of a quoted field
between two of its blocks, and hold back every record that is no row until the next one that is.
"""

import codecs
import gzip
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
from pyarrow import csv

from pipeline.errors import FileRefusedError
from pipeline.landing.csv_scan import MAX_LINE_BYTES
from pipeline.landing.delivery import Delivery
from pipeline.landing.naming import Format
from pipeline.landing.rows import bronze_batch, malformed_batch, rows_at_once
from pipeline.landing.stamp import Stamp

_PIECE_BYTES = MAX_LINE_BYTES

# A record goes over many lines only within quotes; one beyond this has a quote that never closes.
MAX_RECORD_BYTES = 4 * MAX_LINE_BYTES

# Whole records as the parser reads them: a quote opens a field only at its beginning, and what
# follows the closing one up to the separator still belongs to the field. Nothing is tried twice.
_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^,\r\n]*+|[^",\r\n][^,\r\n]*+)?+'
_RECORDS = re.compile(rb"(?:(?:" + _FIELD + rb",)*+" + _FIELD + rb"[\r\n]++)*+")


def read_csv(raw: BinaryIO, delivery: Delivery, stamp: Stamp) -> Iterator[pa.RecordBatch]:
    """Read a checked CSV in pieces of bounded size.

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
    first = 1
    for piece in _pieces(_body(raw, delivery), quoted=delivery.quoted):
        good, numbers, texts = _parse(piece, delivery)
        end = first + good.num_rows + len(numbers)
        bad = np.asarray(numbers, dtype=np.int64) + (first - 1)
        all_numbers = np.arange(first, end, dtype=np.int64)
        good_numbers = np.delete(all_numbers, bad - first)
        yield from _good_rows(good, delivery, stamp, good_numbers)
        if texts:
            yield malformed_batch(delivery.entity, stamp, delivery.path, bad, texts)
        first = end


def check_records(raw: BinaryIO, delivery: Delivery) -> None:
    """Go through a checked CSV's records without reading them.

    Args:
        raw: The stored bytes from their first.
        delivery: What the first pass learnt.

    Raises:
        FileRefusedError: See `read_csv`.
    """
    for _ in _pieces(_body(raw, delivery), quoted=delivery.quoted):
        pass


def _body(raw: BinaryIO, delivery: Delivery) -> BinaryIO:
    if delivery.format is Format.CSV_GZ:
        unpacked = cast("BinaryIO", gzip.GzipFile(fileobj=raw, mode="rb"))
        unpacked.read(delivery.body_at)
        return unpacked
    raw.seek(delivery.body_at)
    return raw


def _pieces(body: BinaryIO, *, quoted: bool) -> Iterator[bytes]:
    """Cut a text where a record ends, into pieces of about `_PIECE_BYTES`."""
    rest = b""
    while chunk := body.read(_PIECE_BYTES):
        rest += chunk
        if end := _end_of_records(rest, quoted=quoted):
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > MAX_RECORD_BYTES:
            raise FileRefusedError(
                "quoting",
                f"Its records cannot be told apart: one is longer than {MAX_RECORD_BYTES:,} bytes.",
                "Check that every quote is closed.",
            )
    if rest:
        yield rest


def _end_of_records(text: bytes, *, quoted: bool) -> int:
    if not quoted:
        return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    found = _RECORDS.match(text)
    return found.end() if found else 0


def _parse(piece: bytes, delivery: Delivery) -> tuple[pa.Table, list[int], list[str]]:
    """Return the rows of a piece, and number and text of its records that are no rows."""
    names = [f"c{i}" for i in range(delivery.header.width)]
    numbers: list[int] = []
    texts: list[str] = []

    def put_aside(record: csv.InvalidRow) -> str:
        numbers.append(record.number)
        texts.append(record.text)
        return "skip"

    if piece.startswith(codecs.BOM_UTF8):
        # The parser would drop it; within a file it is data. A blank line before it saves it.
        piece = b"\n" + piece
    rows = csv.read_csv(
        pa.BufferReader(piece),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=len(piece) + 1, column_names=names
        ),
        parse_options=csv.ParseOptions(
            newlines_in_values=delivery.quoted, invalid_row_handler=put_aside
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return rows, numbers, texts


def _good_rows(
    table: pa.Table, delivery: Delivery, stamp: Stamp, numbers: np.ndarray
) -> Iterator[pa.RecordBatch]:
    entity, header = delivery.entity, delivery.header
    at_once, done = rows_at_once(header), 0
    for batch in table.to_batches(max_chunksize=at_once):
        values = {
            name: batch.column(place)
            for name, place in zip(entity.column_names, header.known, strict=True)
        }
        extra = {name: batch.column(place) for name, place in header.extra}
        own = pa.array(numbers[done : done + batch.num_rows])
        done += batch.num_rows
        yield bronze_batch(entity, stamp, delivery.path, own, values, extra=extra)
