"""Workbooks (sections 1 and 9): the text of every cell, which sheets count, what is refused."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from pipeline.landing import workbook as module
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.naming import Format
from tests.unit.landing.tools import (
    HEADER_ROW,
    NAMES,
    look,
    refused,
    sheet,
    take,
    text_cell,
    text_row,
    workbook,
)

BOOK = "products.xlsx"
GOOD = ("1", "2", "a", "b")
GOOD_SHEET = sheet(HEADER_ROW + text_row(2, GOOD))
FAR_CELL = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def made(fill: Callable[[Any], None]) -> bytes:
    """Return a workbook that xlsxwriter made."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True, "nan_inf_to_errors": True}) as book:
        fill(book)
    return stored.getvalue()


def made_with(*rows: list[Any]) -> bytes:
    """Return a workbook with one catalogue worksheet."""

    def fill(book: Any) -> None:
        page = book.add_worksheet()
        for i, row in enumerate([NAMES, *rows]):
            page.write_row(i, 0, row)

    return made(fill)


def fourth(xml: str) -> str:
    """Return the text of a cell D2 given as XML."""
    row = text_row(2, GOOD[:3]).replace("</row>", f"{xml}</row>")
    (cells,) = take(workbook(sheet(HEADER_ROW + row)), BOOK).shown()
    assert isinstance(cells, tuple)
    return str(cells[3])


# --- Numbers -------------------------------------------------------------------------------------

NUMBERS = {
    "10": "10",
    "10.0": "10",
    "0": "0",
    "-0": "0",
    "-0.0": "0",
    "-10": "-10",
    "1.5": "1.5",
    "100.10": "100.1",
    "0.30000000000000004": "0.3",  # 0.1 + 0.2
    "1E22": "10000000000000000000000",
    "1e+22": "10000000000000000000000",
    "1e-7": "0.0000001",
    "1.5e-10": "0.00000000015",
    "999999999999999": "999999999999999",
    "1000000000000000": "1000000000000000",
    "123456789012345678": "123456789012346000",
    "123456789.123456789": "123456789.123457",
    "0.1234567890123456": "0.123456789012346",
    "9999999999999995": "10000000000000000",
    "2.675": "2.675",
    "1.0000000000000002": "1",
    "-2.5e15": "-2500000000000000",
    "4.35": "4.35",
    "1e300": "1" + "0" * 300,
}


@pytest.mark.parametrize(("stored", "text"), NUMBERS.items())
def test_number_becomes_its_text(stored: str, text: str) -> None:
    assert fourth(f'<c r="D2"><v>{stored}</v></c>') == text


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_number_has_15_digits_and_no_exponent(numbers: list[float]) -> None:
    """Law: a number's text is the number rounded to 15 significant digits, written out plainly."""
    rows = "".join(
        text_row(i, GOOD[:3]).replace("</row>", f'<c r="D{i}"><v>{number!r}</v></c></row>')
        for i, number in enumerate(numbers, 2)
    )
    shown = take(workbook(sheet(HEADER_ROW + rows)), BOOK).shown()
    rounding = Context(prec=15, rounding=ROUND_HALF_EVEN, Emin=-10_000, Emax=10_000)
    for row, number in zip(shown, numbers, strict=True):
        text = str(row[3])
        assert set(text) <= set("-.0123456789")
        assert Decimal(text) == rounding.create_decimal(Decimal(number))
        whole, point, fraction = text.partition(".")
        assert not fraction.endswith("0")
        assert bool(point) == bool(fraction)
        assert whole.removeprefix("-") == "0" or not whole.removeprefix("-").startswith("0")
        assert text != "-0"


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_number_of_up_to_15_digits_is_exact(number: int) -> None:
    assert module._text(float(number)) == str(number)


# --- Other cells ---------------------------------------------------------------------------------

CELLS = {
    "true": ('<c r="D2" t="b"><v>1</v></c>', "TRUE"),
    "false": ('<c r="D2" t="b"><v>0</v></c>', "FALSE"),
    "error cell is missing": ('<c r="D2" t="e"><v>#DIV/0!</v></c>', ""),
    "not available is missing": ('<c r="D2" t="e"><v>#N/A</v></c>', ""),
    "formula by its number": ('<c r="D2"><f>1+1</f><v>2</v></c>', "2"),
    "formula by its text": ('<c r="D2" t="str"><f>A1</f><v>res</v></c>', "res"),
    "formula by its boolean": ('<c r="D2" t="b"><f>A1=1</f><v>1</v></c>', "TRUE"),
    "formula without result is missing": ('<c r="D2"><f>1+1</f></c>', ""),
    "formula with an error is missing": ('<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', ""),
    "empty cell": ('<c r="D2"/>', ""),
    "empty text": ('<c r="D2" t="str"><v></v></c>', ""),
    "text that looks like a number": (text_cell("D2", "007"), "007"),
    "text that looks like an exponent": (text_cell("D2", "1E5"), "1E5"),
    "outer spaces are kept": (text_cell("D2", "  a b "), "  a b "),
    "quotes and commas": (text_cell("D2", 'a,"b"'), 'a,"b"'),
    "not ASCII": (text_cell("D2", "Käse 😀 e\u0301"), "Käse 😀 e\u0301"),
    "line break": (text_cell("D2", "a\nb"), "a\nb"),
    "escaped carriage return": (text_cell("D2", "a_x000D_b"), "a\rb"),
    "entities": (text_cell("D2", "<a> & b"), "<a> & b"),
    "rich text": (
        '<c r="D2" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r></is></c>',
        "rich",
    ),
    "ISO date": ('<c r="D2" t="d"><v>2025-04-01</v></c>', "2025-04-01T00:00:00"),
    "ISO time": ('<c r="D2" t="d"><v>2025-04-01T10:11:12</v></c>', "2025-04-01T10:11:12"),
}


@pytest.mark.parametrize(("xml", "text"), CELLS.values(), ids=CELLS)
def test_cell_of(xml: str, text: str) -> None:
    assert fourth(xml) == text


@pytest.mark.parametrize("style", ["yyyy-mm-dd", "dd.mm.yyyy", "mm/dd/yy hh:mm", "d mmm yyyy"])
@pytest.mark.parametrize("system", ["1900", "1904"])
def test_date_cell_always_has_a_time(style: str, system: str) -> None:
    def fill(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, NAMES)
        page.write_row(1, 0, [1, 2, "a"])
        page.write_datetime(1, 3, date(2025, 4, 1), book.add_format({"num_format": style}))

    def fill_1904(book: Any) -> None:
        book.date_1904 = True
        book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - a workbook knows no zones
        fill(book)

    stored = made(fill if system == "1900" else fill_1904)
    assert take(stored, BOOK).shown() == [("1", "2", "a", "2025-04-01T00:00:00")]


def test_date_cells_of_every_second_are_exact() -> None:
    start = datetime(2025, 3, 31, 23, 59, 58)  # noqa: DTZ001 - a workbook knows no zones
    moments = [start + timedelta(seconds=997 * i) for i in range(2_000)]

    def fill(book: Any) -> None:
        page = book.add_worksheet()
        style = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        page.write_row(0, 0, NAMES)
        for i, moment in enumerate(moments, 1):
            page.write_row(i, 0, [1, 2, "a"])
            page.write_datetime(i, 3, moment, style)

    shown = take(made(fill), BOOK).shown()
    assert [row[3] for row in shown] == [moment.isoformat() for moment in moments]


def test_number_with_a_money_format_is_its_number() -> None:
    def fill(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, NAMES)
        page.write_row(1, 0, [1, 2, "a"])
        page.write_number(1, 3, 1234.5, book.add_format({"num_format": "#,##0.00 €"}))

    assert take(made(fill), BOOK).shown() == [("1", "2", "a", "1234.5")]


# --- Rows and sheets -----------------------------------------------------------------------------


def test_rows_are_numbered_on_through_the_worksheets() -> None:
    pages = [
        sheet(HEADER_ROW + text_row(2, ["1", "1", "a", "b"]) + text_row(3, ["2", "1", "a", "b"])),
        sheet(HEADER_ROW + text_row(2, ["3", "1", "a", "b"])),
        sheet(HEADER_ROW + text_row(9, ["4", "1", "a", "b"])),
    ]
    taken = take(workbook(*pages), BOOK)
    assert {number: row["product_id"] for number, row in taken.rows.items()} == {
        1: "1",
        2: "2",
        3: "3",
        4: "4",
    }
    assert taken.delivery.format is Format.XLSX


def test_worksheets_come_in_workbook_order() -> None:
    # The workbook lists S1, S2; the files are named the other way round.
    first, second = (sheet(HEADER_ROW + text_row(2, [i, "1", "a", "b"])) for i in "12")
    stored = workbook(first, second, target="worksheets/sheet{}.xml")
    swapped = workbook(
        *("", ""),
        target="worksheets/a{}.xml",
        parts={"xl/worksheets/a1.xml": first, "xl/worksheets/a2.xml": second},
    )
    for book in (stored, swapped):
        assert [row[0] for row in take(book, BOOK).shown()] == ["1", "2"]


def test_each_worksheet_is_read_by_its_own_header() -> None:
    page = sheet(
        text_row(1, ["Product_Name", "note", "product_id", "department_id", " department "])
        + text_row(2, ["b", "n", "3", "4", "c"])
    )
    taken = take(workbook(GOOD_SHEET, page), BOOK)
    assert taken.shown() == [GOOD, ("3", "4", "c", "b")]
    assert [row["extra_columns"] for row in taken.rows.values()] == [None, '{"note": "n"}']


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_count(state: str) -> None:
    def fill(book: Any) -> None:
        for i in range(2):
            page = book.add_worksheet()
            page.write_row(0, 0, NAMES)
            page.write_row(1, 0, [i, 2, "a", "b"])
        page.very_hidden() if state == "veryHidden" else page.hide()

    assert [row[0] for row in take(made(fill), BOOK).shown()] == ["0", "1"]


@pytest.mark.parametrize("empty", ["", HEADER_ROW, '<row r="5"><c r="C5"/></row>'])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_empty_worksheet_beside_filled_ones_is_skipped(empty: str, place: int) -> None:
    pages = [GOOD_SHEET, GOOD_SHEET]
    pages.insert(place, sheet(empty))
    assert take(workbook(*pages), BOOK).shown() == [GOOD, GOOD]


@pytest.mark.parametrize("pages", [[""], ["", ""], [HEADER_ROW], [HEADER_ROW, ""]])
def test_workbook_without_rows_is_refused(pages: list[str]) -> None:
    assert refused(workbook(*map(sheet, pages)), BOOK).check == "empty"


def test_chart_sheet_is_no_worksheet() -> None:
    def fill(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, NAMES)
        page.write_row(1, 0, [1, 2, "a", "b"])
        chart = book.add_chart({"type": "bar"})
        chart.add_series({"values": "=Sheet1!$A$2:$B$2"})
        book.add_chartsheet().set_chart(chart)

    assert take(made(fill), BOOK).shown() == [GOOD]


@pytest.mark.parametrize("wrong", [NAMES[:3], [*NAMES, "product_id"], ["x"], ["Sum", "3"]])
@pytest.mark.parametrize("rows", [0, 1])
def test_one_worksheet_with_a_wrong_header_refuses_the_workbook(
    wrong: list[str], rows: int
) -> None:
    page = sheet(text_row(1, wrong) + (text_row(2, ["1"] * len(wrong)) if rows else ""))
    refusal = refused(workbook(GOOD_SHEET, GOOD_SHEET, page), BOOK)
    assert refusal.check == "header"
    assert "worksheet 'S3'" in refusal.reason


def test_first_filled_row_is_the_header() -> None:
    page = sheet(
        '<row r="1"/><row r="3"><c r="A3"/></row>'
        + text_row(4, NAMES)
        + '<row r="5"/>'
        + text_row(7, GOOD)
    )
    assert take(workbook(page), BOOK).shown() == [GOOD]


def test_title_above_the_header_refuses_the_workbook() -> None:
    page = sheet(text_row(1, ["Our products"]) + text_row(2, NAMES) + text_row(3, GOOD))
    refusal = refused(workbook(page), BOOK)
    assert refusal.check == "header"
    assert "Our products" in refusal.reason


def test_empty_rows_are_not_rows_and_not_numbered() -> None:
    page = sheet(
        HEADER_ROW
        + '<row r="2"/>'
        + text_row(5, GOOD)
        + '<row r="6"><c r="A6"/><c r="C6" t="inlineStr"><is><t></t></is></c></row>'
        + text_row(9, ["2", "2", "a", "b"])
    )
    assert [row[0] for row in take(workbook(page), BOOK).shown()] == ["1", "2"]


def test_row_with_one_cell_has_the_others_missing() -> None:
    page = sheet(HEADER_ROW + '<row r="2"><c r="B2"><v>7</v></c></row>')
    assert take(workbook(page), BOOK).shown() == [("", "7", "", "")]


def test_filled_cell_right_of_the_header_makes_the_row_malformed() -> None:
    wide = text_row(3, ["1", "2", 'a,"b"', "c", "", "x"])
    taken = take(workbook(sheet(HEADER_ROW + text_row(2, GOOD) + wide + text_row(4, GOOD))), BOOK)
    assert taken.shown() == [GOOD, '1,2,"a,""b""",c,,x', GOOD]
    assert [taken.rows[2][name] for name in NAMES] == [None] * 4


def test_empty_or_error_cell_right_of_the_header_is_nothing() -> None:
    for cell in ('<c r="F2"/>', '<c r="F2" t="e"><v>#REF!</v></c>'):
        row = text_row(2, GOOD).replace("</row>", f"{cell}</row>")
        assert take(workbook(sheet(HEADER_ROW + row)), BOOK).shown() == [GOOD]


def test_table_that_begins_further_right_and_below() -> None:
    head = "".join(text_cell(f"{c}4", name) for c, name in zip("CDEF", NAMES, strict=True))
    row = "".join(text_cell(f"{c}5", text) for c, text in zip("CDEF", GOOD, strict=True))
    page = sheet(f'<row r="4">{head}</row><row r="5">{row}</row>')
    assert take(workbook(page), BOOK).shown() == [GOOD]


def test_column_without_a_name_is_kept() -> None:
    head = "".join(text_cell(f"{c}1", name) for c, name in zip("ABCE", NAMES, strict=True))
    row = "".join(text_cell(f"{c}2", text) for c, text in zip("ABCDE", "12axb", strict=True))
    taken = take(workbook(sheet(f'<row r="1">{head}</row><row r="2">{row}</row>')), BOOK)
    assert taken.shown() == [GOOD]
    assert list(json.loads(taken.rows[1]["extra_columns"]).values()) == ["x"]


def test_many_rows_come_in_batches_with_their_numbers() -> None:
    count = module._BATCH_ROWS * 2 + 5
    rows = [[str(i), "2", "a", "b"] + (["x"] if i % 7 == 0 else []) for i in range(1, count + 1)]
    xml = "".join(
        f"<row><c><v>{i}</v></c><c><v>2</v></c>" + "<c><v>3</v></c>" * (len(row) - 2) + "</row>"
        for i, row in enumerate(rows, 1)
    )
    head = "<row>" + "".join(text_cell("A1", n).replace(' r="A1"', "") for n in NAMES) + "</row>"
    taken = take(workbook(sheet(head + xml)), BOOK)
    assert taken.shown() == [
        f"{i},2,3,3,3" if i % 7 == 0 else (f"{i}", "2", "3", "3") for i in range(1, count + 1)
    ]


def test_cells_without_places_stand_one_after_the_other() -> None:
    cells = "".join(text_cell("A1", name).replace(' r="A1"', "") for name in NAMES)
    page = f"<row>{cells}</row><row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c><c/></row>"
    assert take(workbook(sheet(page)), BOOK).shown() == [("1", "2", "3", "")]


# --- Damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
def test_truncated_workbook_is_refused(share: float) -> None:
    whole = made_with([1, 2, "a", "b"])
    refusal = refused(whole[: int(len(whole) * share)], BOOK)
    assert refusal.check == "truncated"


def test_workbook_that_lacks_its_last_byte_is_refused_or_whole() -> None:
    outcome = look(made_with([1, 2, "a", "b"])[:-1], BOOK)
    assert isinstance(outcome, Refusal)
    assert outcome.check == "truncated"


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_damaged_part_is_refused(part: str) -> None:
    whole = bytearray(workbook(GOOD_SHEET))
    info = zipfile.ZipFile(io.BytesIO(whole)).getinfo(part)
    at = info.header_offset + 30 + len(part) + info.compress_size // 2
    whole[at] ^= 0xFF
    assert refused(bytes(whole), BOOK).check in {"truncated", "content"}


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"]
)
def test_missing_part_is_refused(part: str) -> None:
    assert refused(workbook(GOOD_SHEET, without=[part]), BOOK).check in {"content", "empty"}


def test_zip_of_something_else_is_refused() -> None:
    refusal = refused(workbook(GOOD_SHEET, without=["xl/workbook.xml"]), BOOK)
    assert (refusal.check, "zip archive of something else" in refusal.reason) == ("content", True)


@pytest.mark.parametrize(
    ("part", "found"),
    [("xl/workbook.bin", "binary workbook"), ("content.xml", "OpenDocument")],
)
def test_other_kinds_of_workbook_are_refused_whatever_their_name(part: str, found: str) -> None:
    for without in ([], ["xl/workbook.xml"]):
        refusal = refused(workbook(GOOD_SHEET, parts={part: "<x/>"}, without=without), BOOK)
        assert refusal.check == "content"
        assert found in refusal.reason


def test_workbook_with_a_password_is_refused() -> None:
    # Word for word: such a workbook is an OLE container around an encrypted package.
    assert refused(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(8_000), BOOK).check == "content"


def test_encrypted_archive_is_refused() -> None:
    whole = bytearray(workbook(GOOD_SHEET))
    for magic, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = whole.find(magic)
        while at >= 0:
            whole[at + flags] |= 1
            at = whole.find(magic, at + 4)
    refusal = refused(bytes(whole), BOOK)
    assert refusal.check == "truncated"
    assert "encrypted" in refusal.reason


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archive_packed_in_an_unusual_way_is_refused(packing: int) -> None:
    assert refused(workbook(GOOD_SHEET, packing=packing), BOOK).check == "truncated"


def test_archive_that_is_only_stored_is_read() -> None:
    stored = workbook(GOOD_SHEET, packing=zipfile.ZIP_STORED)
    assert take(stored, BOOK).shown() == [GOOD]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_part_that_comes_twice_is_refused() -> None:
    archive = io.BytesIO(workbook(GOOD_SHEET))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("xl/worksheets/sheet1.xml", GOOD_SHEET)
    assert refused(archive.getvalue(), BOOK).check == "truncated"


def test_nul_in_a_cell_refuses_the_workbook() -> None:
    for text in ("a_x0000_b", "a\0b"):
        row = text_row(2, ["1", "2", "a", text])
        assert refused(workbook(sheet(HEADER_ROW + row)), BOOK).check in {"encoding", "content"}


def test_random_damage_is_refused_or_read_and_nothing_else() -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    whole = made_with(*([i, 2.5, "aé", f"n{i}"] for i in range(8)))
    parts = {
        info.filename: zipfile.ZipFile(io.BytesIO(whole)).read(info)
        for info in zipfile.ZipFile(io.BytesIO(whole)).infolist()
    }
    crumbs = [b"<", b">", b'"', b"&", b"-9", b"</c>", b'<c r="A1">', b"4294967295", b"\xff\xfe"]
    for _ in range(300):
        name = chance.choice(sorted(parts))
        data = bytearray(parts[name] if chance.random() < 0.7 else whole)
        is_part = bytes(data) == parts[name]
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(data))
            kind = chance.randrange(3)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at : at + chance.randint(1, 20)]
            else:
                data[at:at] = chance.choice(crumbs)
        stored = io.BytesIO()
        if is_part:
            with zipfile.ZipFile(stored, "w") as file:
                for other, content in parts.items():
                    file.writestr(other, bytes(data) if other == name else content)
        else:
            stored.write(data)
        outcome = look(stored.getvalue(), BOOK)
        if isinstance(outcome, Delivery):
            take(stored.getvalue(), BOOK)
        else:
            assert outcome.reason


# --- Attacks on memory and time ------------------------------------------------------------------

FAR = {
    "far cell": (FAR_CELL, "worksheets/sheet{}.xml"),
    "far cell in a part of another name": (FAR_CELL, "part{}.xml"),
    "far cell in a part that is no XML by its name": (FAR_CELL, "media/image{}.png"),
    "row far down, cell far right": (
        '<row r="2"><c r="XFD2"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
    "sixteen thousand cells without a place, far down": (
        '<row r="1048000">' + "<c/>" * 16_000 + "<c><v>1</v></c></row>",
        "worksheets/sheet{}.xml",
    ),
    "place with leading zeros": (
        '<row r="3"><c r="XFD00000000000001048576"><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
    "place with a long way before it": (
        f'<row r="3"><c {" " * 3_000_000}r = "XFD1048576"><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
    "place behind another attribute": (
        '<row r="3"><c s="0>"  r="XFD1048576"><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
    "place in single quotes": (
        "<row r='3'><c r='xfd1048576'><v>1</v></c></row>",
        "worksheets/sheet{}.xml",
    ),
    "place that wraps around": (
        '<row r="3"><c r="A4294967299"><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
    "place of a thousand letters": (
        f'<row r="3"><c r="{"A" * 1_000}3"><v>1</v></c></row>',
        "worksheets/sheet{}.xml",
    ),
}


@pytest.mark.parametrize(("rows", "target"), FAR.values(), ids=FAR)
def test_worksheet_that_spans_billions_of_cells_is_refused(rows: str, target: str) -> None:
    refusal = refused(workbook(sheet(HEADER_ROW + text_row(2, GOOD) + rows), target=target), BOOK)
    assert refusal.check == "size"
    assert "cells are accepted" in refusal.reason


def test_worksheet_that_only_claims_to_be_huge_is_read() -> None:
    page = GOOD_SHEET.replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')
    assert take(workbook(page), BOOK).shown() == [GOOD]


def test_part_without_any_tag_is_refused() -> None:
    parts = {"xl/media/image1.bmp": b" " * 5_000_000}
    assert refused(workbook(GOOD_SHEET, parts=parts), BOOK).check == "size"


def _bomb(declared: int) -> bytes:
    """Return a workbook whose first sheet declares another size than it unpacks to."""
    big = f"{HEADER_ROW}{text_row(2, GOOD)}{' ' * 30_000_000}"
    whole = bytearray(workbook(sheet(big)))
    name = b"xl/worksheets/sheet1.xml"
    content = sheet(big).encode()[:declared]
    at = whole.rfind(name) - 46
    whole[at + 16 : at + 20] = struct.pack("<I", zlib.crc32(content))
    whole[at + 24 : at + 28] = struct.pack("<I", declared)
    return bytes(whole)


def test_workbook_that_unpacks_to_gigabytes_is_refused() -> None:
    refusal = refused(_bomb(3_900_000_000), BOOK)
    assert refusal.check == "size"
    assert "3,900," in refusal.reason


def test_workbook_that_unpacks_to_a_thousand_times_its_size_is_refused() -> None:
    refusal = refused(workbook(sheet(HEADER_ROW + " " * 30_000_000)), BOOK)
    assert refusal.check == "size"
    assert "250 times" in refusal.reason


@pytest.mark.parametrize("declared", [0, 100, 1_000_000, 30_000_000 + 100])
def test_workbook_that_lies_about_its_size_is_refused(declared: int) -> None:
    refusal = refused(_bomb(declared), BOOK)
    assert refusal.check in {"truncated", "size"}


def test_workbook_of_too_many_tags_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TAGS", 1_000)
    strings = "<sst>" + "<si/>" * 1_000 + "</sst>"
    refusal = refused(workbook(GOOD_SHEET, parts={"xl/sharedStrings.xml": strings}), BOOK)
    assert refusal.check == "size"
    assert "tags" in refusal.reason


def test_many_worksheets_that_share_one_part_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CELLS_IN_ALL", 1_000)
    pages = {"xl/worksheets/one.xml": sheet(HEADER_ROW + text_row(20, GOOD))}
    few = workbook(*[""] * 5, target="worksheets/one.xml", parts=pages)
    assert take(few, BOOK).shown() == [GOOD] * 5
    many = workbook(*[""] * 50, target="worksheets/one.xml", parts=pages)
    assert refused(many, BOOK).check == "size"


def test_billion_laughs_are_refused() -> None:
    levels = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    laugh = f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>'
    page = laugh + sheet(
        HEADER_ROW + '<row r="2"><c r="A2" t="inlineStr"><is><t>&l9;</t></is></c></row>'
    )
    refusal = refused(workbook(page), BOOK)
    assert refusal.check == "content"
    assert "l9" in refusal.reason


def test_external_entity_is_refused() -> None:
    outside = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    page = outside + sheet(
        HEADER_ROW + '<row r="2"><c r="A2" t="inlineStr"><is><t>&e;</t></is></c></row>'
    )
    assert refused(workbook(page), BOOK).check == "content"


def test_deeply_nested_tags_are_refused_or_passed_over() -> None:
    deep = "<a>" * 100_000 + "</a>" * 100_000
    outcome = look(workbook(sheet(HEADER_ROW + deep + text_row(2, GOOD))), BOOK)
    assert isinstance(outcome, Delivery) or outcome.check == "content"
