"""How rows become files: CSV text, gzip, workbooks, and bad files beside the good ones."""

from __future__ import annotations

import csv
import io
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from simulator.generate.chance import Luck
from simulator.generate.columns import Entity, header
from simulator.generate.config import FileFormat
from simulator.generate.errors import GenerateError
from simulator.generate.soil import Quoted, Wide

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

EXTRA_COLUMN: Final = "channel"
"""The name of the unknown column."""

_CHANNELS: Final = ("web", "app", "store")
_SAMPLE_ROWS: Final = 40
_BOM: Final = b"\xef\xbb\xbf"
_MADE: Final = datetime(2025, 1, 1)  # noqa: DTZ001 - a workbook's own time has no zone
_SHEET_ROWS: Final = 1_048_576
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})|(0|[1-9][0-9]{0,7})\.[0-9]{2}")
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LEVEL: Final = 6


@dataclass(slots=True)
class Sheet:
    """The rows of one file, before they have a form.

    Attributes:
        entity: What the rows are.
        clean: The rows as they were before any dirt.
        replaced: Rows to put in place of clean ones, by index; None leaves the row out.
        appended: Rows after the clean ones.
    """

    entity: Entity
    clean: pl.DataFrame
    replaced: dict[int, list[str] | None] = field(default_factory=dict)
    appended: list[list[str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Data rows of the file."""
        gone = sum(row is None for row in self.replaced.values())
        return len(self.clean) - gone + len(self.appended)


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written.

    Attributes:
        format: CSV, compressed CSV, or a workbook.
        extra_column: With an unknown column more.
        crlf: Lines end in CR LF.
        bom: The text begins with a byte-order mark.
        sheet_name: The worksheet's name.
    """

    format: FileFormat
    extra_column: bool = False
    crlf: bool = False
    bom: bool = False
    sheet_name: str = "data"


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        GenerateError: If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise GenerateError(f"cannot write {path}: {error.strerror}") from error


def render(sheet: Sheet, form: Form) -> bytes:
    """The bytes of a file.

    Raises:
        GenerateError: If the rows do not fit a worksheet.
    """
    eol = "\r\n" if form.crlf and form.format != "xlsx" else "\n"
    text = _text(sheet, eol, extra_column=form.extra_column)
    if form.format == "xlsx":
        return _workbook(text, form.sheet_name)
    if form.bom:
        text = _BOM + text
    return gzipped(text) if form.format == "csv.gz" else text


def sample(sheet: Sheet) -> list[list[str]]:
    """The header and the first rows, for a bad file that looks like a good one."""
    part = Sheet(sheet.entity, sheet.clean.head(_SAMPLE_ROWS))
    text = _text(part, "\n", extra_column=False).decode()
    return list(islice(csv.reader(io.StringIO(text, newline="")), _SAMPLE_ROWS + 1))


def truncated(rows: list[list[str]], luck: Luck) -> bytes:
    """A gzip file that ends too early."""
    whole = gzipped(encode(rows, "\n"))
    return whole[: len(whole) * (3 + luck.below(6)) // 10]


def wrong_header(rows: list[list[str]], luck: Luck) -> bytes:
    """A file with one column misnamed, missing, or twice."""
    at = luck.below(len(rows[0]))
    choice = luck.below(3)
    if choice == 0:
        named = [*rows[0]]
        named[at] = f"{named[at]}_old"
        return encode([named, *rows[1:]], "\n")
    if choice == 1:
        return encode([row[:at] + row[at + 1 :] for row in rows], "\n")
    return encode([[*row, row[at]] for row in rows], "\n")


def not_utf8(rows: list[list[str]], luck: Luck) -> bytes:
    """A file in Latin-1 with a letter, in its last row, that is no UTF-8 there."""
    last = [*rows[-1]]
    last[luck.below(len(last))] += "é"
    return encode([*rows[:-1], last], "\n").decode().encode("latin-1", errors="replace")


def empty(entity: Entity, luck: Luck) -> bytes:
    """A file without a byte, or with a header only."""
    return b"" if luck.one_in(2) else encode([header(entity)], "\n")


def encode(rows: Iterable[Sequence[str]], eol: str) -> bytes:
    """Rows as CSV, with quotes where they are needed or asked for."""
    return "".join(",".join(map(_quote, row)) + eol for row in rows).encode()


def gzipped(content: bytes) -> bytes:
    """Compress without a name, a time, or a trace of the platform in the header.

    The compressed bytes are zlib's: the same wherever Python is built with the same zlib.
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(content) + packer.flush()
    return _GZIP_HEADER + body + struct.pack("<II", zlib.crc32(content), len(content) % 2**32)


def _quote(value: str) -> str:
    if isinstance(value, Quoted) or any(mark in value for mark in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _text(sheet: Sheet, eol: str, *, extra_column: bool) -> bytes:
    frame = sheet.clean
    names = header(sheet.entity)
    if extra_column:
        names = [*names, EXTRA_COLUMN]
        frame = frame.with_columns(_channel(len(frame)))
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False, line_terminator=eol)
    lines = buffer.getbuffer()
    replaced = {
        at: b"" if row is None else encode([_widened(row, at, extra_column)], eol)
        for at, row in sheet.replaced.items()
    }
    appended = [
        _widened(row, len(frame) + at, extra_column) for at, row in enumerate(sheet.appended)
    ]
    body = _spliced(lines, replaced, len(frame))
    return b"".join([encode([names], eol), *body, encode(appended, eol)])


def _channel(count: int) -> pl.Series:
    cycle = pl.Series(EXTRA_COLUMN, _CHANNELS, dtype=pl.String)
    return cycle.gather(np.arange(count) % len(_CHANNELS))


def _widened(row: list[str], at: int, extra_column: bool) -> list[str]:  # noqa: FBT001
    if not extra_column:
        return row
    own = [value for value in row if not isinstance(value, Wide)]
    return [*own, _CHANNELS[at % len(_CHANNELS)], *row[len(own) :]]


def _spliced(lines: memoryview, replaced: dict[int, bytes], count: int) -> list[memoryview | bytes]:
    """The lines with some replaced. No clean value holds a line break, so lines are rows."""
    if not replaced:
        return [lines]
    ends = np.flatnonzero(np.frombuffer(lines, dtype=np.uint8) == ord("\n")) + 1
    if len(ends) != count:
        raise AssertionError("a clean row holds a line break")
    starts = np.concatenate([[0], ends[:-1]])
    parts: list[memoryview | bytes] = []
    done = 0
    for at in sorted(replaced):
        parts += [lines[done : int(starts[at])], replaced[at]]
        done = int(ends[at])
    parts.append(lines[done:])
    return parts


def _workbook(text: bytes, sheet_name: str) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": _MADE})
        page = book.add_worksheet(sheet_name)
        for at, row in enumerate(csv.reader(io.StringIO(text.decode(), newline=""))):
            if at >= _SHEET_ROWS:
                expected = f"at most {_SHEET_ROWS - 1} rows a day"
                raise GenerateError("format xlsx holds no such day", expected=expected)
            for column, value in enumerate(row):
                _write_cell(page, at, column, value)
    return buffer.getvalue()


def _write_cell(page: Worksheet, row: int, column: int, value: str) -> None:
    """Write a number as a number where Excel shows it without loss, all else as text."""
    if _NUMBER.fullmatch(value):
        page.write_number(row, column, float(value))
    elif value:
        page.write_string(row, column, value)
