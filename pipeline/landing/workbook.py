"""Workbooks: is the archive whole and of a bearable size, and its rows as the text Excel shows."""

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError
from pipeline.landing.header import Header, read_header
from pipeline.landing.rows import Stamp, bronze_batch, malformed_batch

_CHUNK = 1 << 20
_CELL = re.compile(rb"""[\s]r\s*=\s*["']([A-Za-z]{1,7})([0-9]{1,10})["']""")

# Beyond these a workbook is not a shop's delivery but an attack on the reader's memory.
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 250
RATIO_FREE_BYTES = 16 << 20
MAX_CELLS = 20_000_000

Cells = list[str]


def check_archive(raw: BinaryIO) -> str:
    """Read a workbook's archive to its end and return the SHA-256 of the stored bytes.

    Raises:
        FileRefusedError: The archive is cut off or damaged, or unpacks to more than is bearable.
    """
    sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    raw.seek(0)
    try:
        with zipfile.ZipFile(raw) as archive:
            _check_declared_size(archive)
            for member in archive.infolist():
                _check_member(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileRefusedError(
            "truncated",
            f"The workbook's archive is cut off or damaged: {error}.",
            "Deliver the whole file again.",
        ) from error
    return sha256


def _check_declared_size(archive: zipfile.ZipFile) -> None:
    unpacked = sum(member.file_size for member in archive.infolist())
    packed = sum(member.compress_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED_BYTES or (
        unpacked > RATIO_FREE_BYTES and unpacked > packed * MAX_RATIO
    ):
        raise FileRefusedError(
            "size",
            f"The workbook unpacks from {packed:,} to {unpacked:,} bytes; at most "
            f"{MAX_UNPACKED_BYTES:,} bytes and {MAX_RATIO} times its size are accepted.",
            "Deliver the rows as CSV.",
        )


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Unpack one member in pieces: its checksum is verified, and a sheet's extent measured."""
    is_sheet = member.filename.startswith("xl/worksheets/")
    rows = columns = 0
    tail = b""
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            if not is_sheet:
                continue
            cells = set(_CELL.findall(tail + chunk))
            rows = max(rows, max((int(row) for _, row in cells), default=0))
            columns = max(columns, max((_column_number(c) for c, _ in cells), default=0))
            tail = chunk[-32:]
    if rows * columns > MAX_CELLS:
        raise FileRefusedError(
            "size",
            f"The worksheet {member.filename} spans {rows:,} rows by {columns:,} columns; at most "
            f"{MAX_CELLS:,} cells are accepted.",
            "Clear the cells far from the table, or deliver the rows as CSV.",
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def first_header(raw: BinaryIO, entity: Entity) -> Header:
    """Check every worksheet's header and return the first one.

    Raises:
        FileRefusedError: A worksheet's header does not fit, or no worksheet has rows.
    """
    headers = [header for header, rows in _tables(raw, entity) if any(True for _ in rows)]
    if not headers:
        raise FileRefusedError(
            "empty", "None of its worksheets has rows.", "Deliver it again with its rows."
        )
    return headers[0]


def read_workbook(
    raw: BinaryIO, entity: Entity, path: str, stamp: Stamp
) -> Iterator[pa.RecordBatch]:
    """Read a checked workbook worksheet by worksheet.

    Yields:
        Bronze rows, numbered on through the worksheets in workbook order. A row with a filled cell
        right of the header carries its cells as CSV text in `raw_record` and no values.
    """
    first = 1
    for header, rows in _tables(raw, entity):
        good: list[Cells] = []
        numbers: list[int] = []
        malformed: list[tuple[int, str]] = []
        for number, cells in enumerate(rows, first):
            if any(cells[header.width :]):
                malformed.append((number, _as_csv(cells)))
            else:
                good.append(cells)
                numbers.append(number)
        first += len(good) + len(malformed)
        if good:
            yield _good_rows(entity, stamp, path, header, numbers, good)
        if malformed:
            yield malformed_batch(entity, stamp, path, malformed)


def _good_rows(  # noqa: PLR0913 - the parts of a batch
    entity: Entity, stamp: Stamp, path: str, header: Header, numbers: list[int], good: list[Cells]
) -> pa.RecordBatch:
    def texts(place: int) -> pa.Array:
        return pa.array([row[place] if place < len(row) else "" for row in good], pa.string())

    return bronze_batch(
        entity,
        stamp,
        path,
        pa.array(numbers, pa.int64()),
        {name: texts(i) for name, i in zip(entity.column_names, header.known, strict=True)},
        extra={name: texts(i) for name, i in header.extra},
    )


def _tables(raw: BinaryIO, entity: Entity) -> Iterator[tuple[Header, Iterator[Cells]]]:
    """Yield the header and the filled rows of every worksheet that has any."""
    try:
        workbook = CalamineWorkbook.from_filelike(raw)
        names = workbook.sheet_names
    except (CalamineError, OSError, ValueError) as error:
        raise FileRefusedError(
            "content", f"It does not open as a workbook: {error}.", "Save it as .xlsx again."
        ) from error
    for name in names:
        rows = _filled_rows(workbook, name)
        head = next(rows, None)
        if head is not None:
            while head and not head[-1]:
                head.pop()
            yield read_header(head, entity, f" of worksheet {name!r}"), rows


def _filled_rows(workbook: CalamineWorkbook, name: str) -> Iterator[Cells]:
    try:
        rows = workbook.get_sheet_by_name(name).iter_rows()
        for row in rows:
            cells = [_text(cell) for cell in row]
            if any(cells):
                yield cells
    except CalamineError as error:
        raise FileRefusedError(
            "content", f"Worksheet {name!r} cannot be read: {error}.", "Save it as .xlsx again."
        ) from error


def _text(cell: Any) -> str:  # noqa: ANN401 - whatever a cell holds
    """Write a cell as Excel shows it at full precision: at most 15 digits, no exponent."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return _number_text(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return f"{cell.isoformat()}T00:00:00"
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _number_text(value: float) -> str:
    if value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return f"{Decimal(f'{value:.15g}'):f}"


def _as_csv(cells: Cells) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
