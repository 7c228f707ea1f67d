"""A landing zone in memory, and files to lay into it."""

import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from pipeline.contracts import ENTITIES
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.inspection import inspect, read_delivery
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import StoredFile

RUN_TIME = datetime(2025, 5, 1, 12, tzinfo=UTC)
STAMP = Stamp(7, RUN_TIME)

PRODUCTS_HEADER = "product_id,department_id,department,product_name"
NAMES = PRODUCTS_HEADER.split(",")

Cell = str | None
Row = Mapping[str, Any]


class MemoryStore:
    """Files by path; fulfils `Store` as far as reading goes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def list(self) -> list[StoredFile]:
        return [
            StoredFile(path, len(self.files[path]), self.fingerprint(path))
            for path in sorted(self.files, key=str.encode)
        ]

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.files[path])

    def fingerprint(self, path: str) -> str:
        return f"{hash(self.files[path])}"

    def move(self, path: str, target: str) -> str:
        raise NotImplementedError

    def write_text(self, path: str, text: str) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Taken:
    """A file that was taken in.

    Attributes:
        delivery: What inspection says of it.
        rows: Its bronze rows by their number, in its order.
    """

    delivery: Delivery
    rows: Mapping[int, Row]

    def shown(self, columns: Sequence[str] = NAMES) -> list[tuple[Cell, ...] | str]:
        """Return the rows in order: the texts of the columns, or the raw text of a bad row."""
        return [
            row["raw_record"]
            if row["raw_record"] is not None
            else tuple(row[name] for name in columns)
            for row in self.rows.values()
        ]


def look(content: bytes, path: str = "products.csv") -> Delivery | Refusal:
    """Hold one file against the file-level checks."""
    store = MemoryStore({path: content})
    return inspect(store, store.list()[0])


def take(content: bytes | str, path: str = "products.csv") -> Taken:
    """Take one file in; it must pass its checks, and its rows must be numbered from 1."""
    stored = content.encode() if isinstance(content, str) else content
    store = MemoryStore({path: stored})
    delivery = inspect(store, store.list()[0])
    assert isinstance(delivery, Delivery), delivery
    rows = [row for b in read_delivery(store, delivery, STAMP) for row in b.to_pylist()]
    numbers = sorted(row["source_row"] for row in rows)
    assert numbers == list(range(1, len(rows) + 1))
    assert {row["source_file"] for row in rows} == {path}
    return Taken(delivery, {r["source_row"]: r for r in sorted(rows, key=itemgetter("source_row"))})


def refused(content: bytes | str, path: str = "products.csv") -> Refusal:
    """Return the refusal of a file that must be refused."""
    outcome = look(content.encode() if isinstance(content, str) else content, path)
    assert isinstance(outcome, Refusal), outcome
    return outcome


def products(*lines: str, end: str = "\n") -> str:
    """Return a catalogue as CSV text from its data lines."""
    return end.join([PRODUCTS_HEADER, *lines, ""])


def packed(*members: bytes) -> bytes:
    """Return gzip members one after the other, always the same bytes."""
    return b"".join(gzip.compress(member, mtime=0) for member in members)


# --- Workbooks by hand ---------------------------------------------------------------------------

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
)


def text_cell(place: str, text: str) -> str:
    """Return the XML of a cell with text."""
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def text_row(number: int, texts: Sequence[str]) -> str:
    """Return the XML of a row of text cells from column A on."""
    cells = "".join(text_cell(f"{chr(65 + i)}{number}", text) for i, text in enumerate(texts))
    return f'<row r="{number}">{cells}</row>'


HEADER_ROW = text_row(1, NAMES)


def sheet(rows: str) -> str:
    """Return the XML of a worksheet with these rows."""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def workbook(
    *sheets: str,
    target: str = "worksheets/sheet{}.xml",
    parts: Mapping[str, bytes | str] | None = None,
    without: Sequence[str] = (),
    packing: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Return a workbook made by hand.

    Args:
        sheets: XML of each worksheet.
        target: Where worksheets lie below `xl/`, by their number.
        parts: Further parts of the archive.
        without: Parts to leave out.
        packing: How the parts are packed.
    """
    numbered = list(enumerate(sheets, 1))
    entries = "".join(f'<sheet name="S{i}" sheetId="{i}" r:id="r{i}"/>' for i, _ in numbered)
    links = "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="{target.format(i)}"/>'
        for i, _ in numbered
    )
    links += f'<Relationship Id="s" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    root = f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    content: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>',
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        ),
        **{f"xl/{target.format(i)}": text for i, text in numbered},
        **(parts or {}),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", packing) as file:
        for name, data in content.items():
            if name not in without:
                file.writestr(zipfile.ZipInfo(name), data, packing)
    return archive.getvalue()


ENTITY = {entity.name: entity for entity in ENTITIES}
