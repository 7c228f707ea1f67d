"""Workbooks: is the archive whole and of a bearable size, and its rows as the text Excel shows."""

import copy
import csv
import hashlib
import io
import itertools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO, cast

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError
from pipeline.landing.header import Header, read_header
from pipeline.landing.rows import bronze_batch, malformed_batch, rows_at_once
from pipeline.landing.stamp import Stamp

_CHUNK = 1 << 20

# Beyond these a workbook is not a shop's delivery but an attack on the reader's memory.
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 250
RATIO_FREE_BYTES = 16 << 20
MAX_CELLS = 20_000_000
MAX_CELLS_IN_ALL = 100_000_000
MAX_TAGS = 50_000_000
MAX_TAG_BYTES = 4 << 20

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_WORKBOOK = "xl/workbook.xml"
_OTHER_KINDS = {"xl/workbook.bin": "a binary workbook", "content.xml": "an OpenDocument sheet"}

# Every place that an attribute names, of a cell or, without letters, of a row. A cell that does not
# begin with its place stands right of the one before it.
_COLUMN = re.compile(rb"""[\s"'/]r\s*=\s*["']([A-Za-z]+)""")
_ROW = re.compile(rb"""[\s"'/]r\s*=\s*["'][A-Za-z]*0*([0-9]+)""")
_CELL_WITHOUT_PLACE = re.compile(rb"[<:]c(?![^\s/>])(?!\s+r\s*=)")
_ROW_TAG = re.compile(rb"[<:]row(?![^\s/>])")
_NUL = b"_x0000_"  # How a workbook writes it.
_DIGITS = 12  # More of them are beyond every limit.

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_BATCH_ROWS = 20_000

Cells = list[str]


def check_archive(raw: BinaryIO) -> str:
    """Read a workbook's archive to its end and return the SHA-256 of the stored bytes.

    Raises:
        FileRefusedError: The archive is cut off, damaged or no workbook, or what it unpacks to is
            more than bearable.
    """
    sha256 = hashlib.file_digest(cast("io.BufferedReader", raw), "sha256").hexdigest()
    raw.seek(0)
    try:
        with zipfile.ZipFile(raw) as archive:
            members = archive.infolist()
            _check_kind(members)
            _check_declared_size(members)
            tags = sum(_check_member(archive, member) for member in members)
    except (*_DAMAGE, OSError) as error:
        raise FileRefusedError(
            "truncated",
            f"The workbook's archive is cut off or damaged: {error}.",
            "Deliver the whole file again.",
        ) from error
    if tags > MAX_TAGS:
        raise FileRefusedError(
            "size",
            f"The workbook has {tags:,} tags; at most {MAX_TAGS:,} are accepted.",
            "Deliver the rows as CSV.",
        )
    return sha256


def _check_kind(members: Sequence[zipfile.ZipInfo]) -> None:
    names = [member.filename.lower() for member in members]
    other = next((kind for name, kind in _OTHER_KINDS.items() if name in names), None)
    if other is None and _WORKBOOK not in names:
        other = "a zip archive of something else"
    if other is not None:
        raise FileRefusedError(
            "content",
            f"Its extension promises a workbook, its content is {other}.",
            "Save it as .xlsx again.",
        )
    if len(set(names)) < len(names):
        raise zipfile.BadZipFile("a part comes more than once")


def _check_declared_size(members: Sequence[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES or (
        unpacked > RATIO_FREE_BYTES and unpacked > packed * MAX_RATIO
    ):
        raise FileRefusedError(
            "size",
            f"The workbook unpacks from {packed:,} to {unpacked:,} bytes; at most "
            f"{MAX_UNPACKED_BYTES:,} bytes and {MAX_RATIO} times its size are accepted.",
            "Deliver the rows as CSV.",
        )


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Unpack one member in pieces: its checksum and its size must be true; return its tags.

    Any part may be a worksheet, whatever its name: the workbook's own index decides.
    """
    if member.compress_type not in _METHODS:
        raise zipfile.BadZipFile(f"{member.filename} is packed in an unknown way")
    extent = _Extent()
    size = 0
    # One byte more than declared is asked for, else what lies behind would go unnoticed.
    generous = copy.copy(member)
    generous.file_size += 1
    with archive.open(generous) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            extent.feed(chunk, member.filename)
    if size != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename} has not the size that it declares")
    rows, columns = extent.rows, extent.columns
    if rows * columns > MAX_CELLS:
        raise FileRefusedError(
            "size",
            f"The worksheet {member.filename} spans {rows:,} rows by {columns:,} columns; at most "
            f"{MAX_CELLS:,} cells are accepted.",
            "Clear the cells far from the table, or deliver the rows as CSV.",
        )
    return extent.tags


class _Extent:
    """How far the cells of a worksheet reach at most, found without building it."""

    def __init__(self) -> None:
        self.tags = 0
        self._rest = b""
        self._row = self._column = 0
        self._row_tags = self._placeless = self._most_placeless = 0

    @property
    def rows(self) -> int:
        """The last row that is named, and beyond it those that only follow."""
        return self._row + (self._row_tags if self._most_placeless else 0)

    @property
    def columns(self) -> int:
        """The last column that is named, and beyond it those that only follow."""
        return self._column + self._most_placeless

    def feed(self, chunk: bytes, name: str) -> None:
        """Measure what is whole and keep the last tag, which may go on."""
        text = self._rest + chunk
        whole = max(text.rfind(b"<"), 0)
        text, self._rest = text[:whole], text[whole:]
        if len(self._rest) > MAX_TAG_BYTES:
            raise FileRefusedError(
                "size",
                f"{name} has more than {MAX_TAG_BYTES:,} bytes without a tag.",
                "Deliver the rows as CSV.",
            )
        is_text = name.startswith("xl/") and name.endswith(".xml")
        if _NUL in text or (is_text and b"\0" in text):
            raise FileRefusedError(
                "encoding", f"{name} has a text with NUL.", "Deliver it without NUL."
            )
        self.tags += text.count(b"<")
        self._row_tags += text.count(b"<row") + text.count(b":row")
        for digits in set(_ROW.findall(text)):
            self._row = max(self._row, int(digits[:_DIGITS]))
        for letters in set(_COLUMN.findall(text)):
            self._column = max(self._column, _column_number(letters[:_DIGITS]))
        # What programs write is told by counting, which is quick.
        if text.count(b"<c r=") < text.count(b"<c") + text.count(b":c"):
            self._count_placeless(text)

    def _count_placeless(self, text: bytes) -> None:
        for i, row in enumerate(_ROW_TAG.split(text)):
            here = len(_CELL_WITHOUT_PLACE.findall(row))
            self._placeless = here + (self._placeless if i == 0 else 0)
            self._most_placeless = max(self._most_placeless, self._placeless)


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
        at_once = min(_BATCH_ROWS, rows_at_once(header))
        while some := list(itertools.islice(rows, at_once)):
            yield from _batches(some, header, entity, first=first, path=path, stamp=stamp)
            first += len(some)


def _batches(
    rows: list[Cells], header: Header, entity: Entity, *, first: int, path: str, stamp: Stamp
) -> Iterator[pa.RecordBatch]:
    good: list[Cells] = []
    numbers: list[int] = []
    texts: list[str] = []
    malformed: list[int] = []
    for number, cells in enumerate(rows, first):
        if any(cells[header.width :]):
            texts.append(_as_csv(cells))
            malformed.append(number)
        else:
            good.append(cells)
            numbers.append(number)

    def column(place: int) -> pa.Array:
        return pa.array([row[place] if place < len(row) else "" for row in good], pa.string())

    if good:
        values = {
            name: column(i) for name, i in zip(entity.column_names, header.known, strict=True)
        }
        extra = {name: column(i) for name, i in header.extra}
        yield bronze_batch(entity, stamp, path, pa.array(numbers), values, extra=extra)
    if malformed:
        yield malformed_batch(entity, stamp, path, malformed, texts)


def _tables(raw: BinaryIO, entity: Entity) -> Iterator[tuple[Header, Iterator[Cells]]]:
    """Yield the header and the filled rows of every worksheet that has any."""
    try:
        workbook = CalamineWorkbook.from_filelike(raw)
        names = workbook.sheet_names
    except (CalamineError, OSError, ValueError) as error:
        raise FileRefusedError(
            "content", f"It does not open as a workbook: {error}.", "Save it as .xlsx again."
        ) from error
    cells = 0
    for name in names:
        sheet = _sheet(workbook, name)
        # Worksheets may share one part of the archive, so that its size says little of theirs.
        cells += sheet.total_height * sheet.total_width
        if cells > MAX_CELLS_IN_ALL:
            raise FileRefusedError(
                "size",
                f"Its worksheets span more than {MAX_CELLS_IN_ALL:,} cells.",
                "Deliver the rows as CSV.",
            )
        rows = _filled_rows(sheet)
        head = next(rows, None)
        if head is not None:
            while head and not head[-1]:
                head.pop()
            yield read_header(head, entity, f" of worksheet {name!r}"), rows


def _sheet(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return workbook.get_sheet_by_name(name)
    except CalamineError as error:
        raise FileRefusedError(
            "content", f"Worksheet {name!r} cannot be read: {error}.", "Save it as .xlsx again."
        ) from error


def _filled_rows(sheet: CalamineSheet) -> Iterator[Cells]:
    for row in sheet.iter_rows():
        cells = [_text(cell) for cell in row]
        if any(cells):
            yield cells


def _text(cell: Any) -> str:
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
