"""CSV files (sections 1, 3 and 9): what is a row, what is its text, and which files are refused."""

import gzip
import hashlib
import io
import json
import zipfile
import zlib

import pytest

from pipeline.landing import csv_rows
from pipeline.landing.delivery import Delivery
from pipeline.landing.inspection import inspect, read_delivery
from pipeline.landing.naming import Format
from tests.unit.landing.tools import (
    ENTITY,
    NAMES,
    PRODUCTS_HEADER,
    RUN_TIME,
    STAMP,
    MemoryStore,
    look,
    packed,
    products,
    refused,
    take,
    workbook,
)

GOOD = ("1", "2", "a", "b")

# --- What a row is -------------------------------------------------------------------------------

ROWS = {
    "one row": ("1,2,a,b\n", [GOOD]),
    "last line without line end": ("1,2,a,b\n3,4,c,d", [GOOD, ("3", "4", "c", "d")]),
    "CRLF": ("1,2,a,b\r\n1,2,a,b\r\n", [GOOD, GOOD]),
    "LF and CRLF mixed": ("1,2,a,b\r\n1,2,a,b\n1,2,a,b\r\n", [GOOD] * 3),
    "quoted comma": ('1,2,"a,b",c\n', [("1", "2", "a,b", "c")]),
    "doubled quote": ('1,2,"a ""b"" c",d\n', [("1", "2", 'a "b" c', "d")]),
    "only doubled quotes": ('1,2,"""",""""""\n', [("1", "2", '"', '""')]),
    "quoted LF": ('1,2,"a\nb",c\n1,2,a,b\n', [("1", "2", "a\nb", "c"), GOOD]),
    "quoted CRLF stays CRLF": ('1,2,"a\r\nb",c\r\n', [("1", "2", "a\r\nb", "c")]),
    "quoted lone CR": ('1,2,"a\rb",c\n', [("1", "2", "a\rb", "c")]),
    "quoted blank lines": ('1,2,"a\n\n\nb",c\n', [("1", "2", "a\n\n\nb", "c")]),
    "quoted empty": ('"1","2","",""\n', [("1", "2", "", "")]),
    "quote inside an unquoted field": ('1,2,5" disc,b"\n', [("1", "2", '5" disc', 'b"')]),
    "space before a quote": ('1,2, "a",b\n', [("1", "2", ' "a"', "b")]),
    "outer spaces are kept": (" 1 ,\t2, a  b ,c \n", [(" 1 ", "\t2", " a  b ", "c ")]),
    "null and NaN are text": ("null,NaN,NULL,NA\n", [("null", "NaN", "NULL", "NA")]),
    "backslash is data": ('1,2,a\\,"b\\"\n', [("1", "2", "a\\", "b\\")]),
    "line separator is data": ("1,2,a\u2028b,c\u0085d\n", [("1", "2", "a\u2028b", "c\u0085d")]),
    "VT and FF are data": ("1,2,a\vb,c\fd\n", [("1", "2", "a\vb", "c\fd")]),
    "not normalised": ("1,2,e\u0301,\u00e9\n", [("1", "2", "e\u0301", "\u00e9")]),
    "byte-order mark inside": ("1,2,\ufeffa,b\n", [("1", "2", "\ufeffa", "b")]),
    "byte-order mark before the first row": ("\ufeff1,2,a,b\n", [("\ufeff1", "2", "a", "b")]),
    "separator-only line": (",,,\n", [("", "", "", "")]),
    "blank lines": ("\n\n1,2,a,b\n\r\n\n1,2,a,b\n\n", [GOOD, GOOD]),
    "white-space line": (" \n1,2,a,b\n \t \n", [" ", GOOD, " \t "]),
    "too few fields": ("1,2,a\n1,2,a,b\nx\n", ["1,2,a", GOOD, "x"]),
    "too many fields": ("1,2,a,b,\n1,2,a,b\n1,2,a,b,c,d\n", ["1,2,a,b,", GOOD, "1,2,a,b,c,d"]),
    "raw text is exact": (' 1 ,"a ""b"", c"\t,é😀 \r\n', [' 1 ,"a ""b"", c"\t,é😀 ']),
    "raw text over lines": ('1,"a\r\nb"\r\n1,2,a,b\r\n', ['1,"a\r\nb"', GOOD]),
    "raw text of quoted nothing": ('""\n1,2,a,b\n', ['""', GOOD]),
    "only rows that are none": ("x\ny\r\n\nz", ["x", "y", "z"]),
}


@pytest.mark.parametrize(("body", "expected"), ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_rows_of(body: str, expected: list[tuple[str, ...] | str], mark: bytes, path: str) -> None:
    stored = mark + f"{PRODUCTS_HEADER}\n{body}".encode()
    assert take(packed(stored) if path.endswith("gz") else stored, path).shown() == expected


@pytest.mark.parametrize("gap", range(40))
def test_no_line_feed_of_a_quoted_field_is_lost_between_pieces(
    gap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "_PIECE_BYTES", 32)
    body = f'1,2,a,{"x" * gap}\n1,2,"a\r\nb","\r\n"\r\n"a\r\nb"\n1,2,a,b\n'
    assert take(f"{PRODUCTS_HEADER}\n{body}").shown() == [
        ("1", "2", "a", "x" * gap),
        ("1", "2", "a\r\nb", "\r\n"),
        '"a\r\nb"',
        GOOD,
    ]


def test_no_line_feed_of_a_quoted_field_is_lost_in_a_big_file() -> None:
    field = "x\r\n" * 300
    count = 12_000
    body = f'1,2,"{field}",b\r\n' * count
    taken = take(f"{PRODUCTS_HEADER}\r\n{body}")
    assert len(taken.rows) == count
    assert {row["department"] for row in taken.rows.values()} == {field}


@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_lone_cr_is_data_or_a_line_end_and_the_same_every_time(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = products("1,2,a,b", "3,4,c\rd,e", "5,6,f,g")
    allowed = (
        [GOOD, ("3", "4", "c\rd", "e"), ("5", "6", "f", "g")],
        [GOOD, "3,4,c", "d,e", ("5", "6", "f", "g")],
    )
    found = []
    for piece in (1, 7, 1 << 20):
        monkeypatch.setattr(csv_rows, "_PIECE_BYTES", piece)
        stored = text.encode()
        found.append(take(packed(stored) if path.endswith("gz") else stored, path).shown())
    assert found[0] in allowed
    assert found == [found[0]] * 3


def test_file_with_lone_cr_as_line_ends() -> None:
    # A reading with CR as data has no header; then it must say so.
    outcome = look(products("1,2,a,b", "3,4,c,d", end="\r").encode())
    if isinstance(outcome, Delivery):
        text = products("1,2,a,b", "3,4,c,d", end="\r")
        assert take(text).shown() == [GOOD, ("3", "4", "c", "d")]
    else:
        assert outcome.check in {"header", "empty"}


# --- Broken quoting ------------------------------------------------------------------------------


def test_text_after_a_closing_quote() -> None:
    text = products("1,2,a,b", '3,4,"x"y,c', "5,6,d,e")
    outcome = look(text.encode())
    if isinstance(outcome, Delivery):
        after = ("5", "6", "d", "e")
        assert take(text).shown() in (
            [GOOD, ("3", "4", "xy", "c"), after],
            [GOOD, '3,4,"x"y,c', after],
        )
    else:
        assert outcome.check == "quoting"


@pytest.mark.parametrize("piece", [16, 1 << 20])
def test_unclosed_quote_in_a_small_file(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_PIECE_BYTES", piece)
    text = products("1,2,a,b", '3,4,"x,y', "5,6,d,e")
    outcome = look(text.encode())
    if isinstance(outcome, Delivery):
        first, second = take(text).shown()
        assert first == GOOD
        assert isinstance(second, str)
        assert second.startswith('3,4,"x,y\n5,6,d,e')
    else:
        assert outcome.check == "quoting"


def test_unclosed_quote_in_the_last_field_of_a_file() -> None:
    assert take(products("1,2,a,b") + '3,4,c,"d').shown() in (
        [GOOD, ("3", "4", "c", "d")],
        [GOOD, '3,4,c,"d'],
    )


@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_unclosed_quote_as_the_last_of_a_big_file(path: str) -> None:
    row, count = ("1", "2", "a", "b" * 1_000), 9_000
    stored = (products() + f"{','.join(row)}\n" * count + '3,4,"x,y\n').encode()
    stored = packed(stored) if path.endswith("gz") else stored
    shown = take(stored, path).shown()
    assert shown[:count] == [row] * count
    assert [str(bad).rstrip("\n") for bad in shown[count:]] == ['3,4,"x,y']


def test_unclosed_quote_at_the_beginning_of_a_big_file_refuses_it() -> None:
    refusal = refused(products('1,2,"a,b') + "1,2,a,b\n" * 1_000_000)
    assert refusal.check == "quoting"
    assert "quote" in refusal.reason


def test_quoted_field_of_megabytes_is_read() -> None:
    field = "some lines\n" * 200_000
    assert take(products(f'1,2,"{field}",b', "1,2,a,b")).shown() == [("1", "2", field, "b"), GOOD]


def test_line_of_megabytes_refuses_the_file() -> None:
    refusal = refused(products("1,2,a,b", f"1,2,{'x' * 3_000_000},b"))
    assert refusal.check == "line"
    assert "1,048,576 bytes" in refusal.reason


def test_line_of_just_under_a_megabyte_is_read() -> None:
    field = "x" * 1_048_000
    assert take(products(f"1,2,{field},b", "1,2,a,b")).shown() == [("1", "2", field, "b"), GOOD]


# --- Encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"])
def test_other_encoding_is_refused(encoding: str) -> None:
    refusal = refused(products("1,2,Käse,Grüße").encode(encoding))
    assert refusal.check == "encoding"
    assert "UTF-8" in refusal.reason


@pytest.mark.parametrize(
    "bad",
    [b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f"],
    ids=lambda b: b.hex(),
)
@pytest.mark.parametrize("at", [0, 60, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_one_byte_that_is_not_utf8_refuses_the_file(bad: bytes, at: int) -> None:
    row = b"1,2,a,b\n"
    text = products().encode() + row * 400_000 if at > 100 else products("1,2,a,b").encode() * 2
    text = text[: max(at - 1, 0)] + bad + text[max(at - 1, 0) :]
    refusal = refused(text)
    assert refusal.check == "encoding"
    assert refusal.reason == (
        f"Its text is not UTF-8: byte {max(at, 1)} is 0x{bad[0]:02x}. Deliver it as UTF-8."
    )


def test_character_cut_off_at_the_end_refuses_the_file() -> None:
    assert refused(products("1,2,a,b").encode() + b"1,2,a,\xe2\x82").check == "encoding"


@pytest.mark.parametrize("shift", range(5))
def test_character_over_the_border_of_a_chunk_is_whole(shift: int) -> None:
    text = products().encode()
    row = "1,2,😀,b\n".encode()
    filler = b"1,2,a," + b"x" * ((1 << 20) - len(text) - 11 - 6 - shift) + b"\n"
    body = text + filler.replace(b"x" * 600_000, b"x\n1,2,a," + b"x" * 599_992) + row * 3
    border = body[(1 << 20) - 6 : (1 << 20) + 8]
    assert "😀".encode()[:1] in border
    assert take(body).shown()[-3:] == [("1", "2", "😀", "b")] * 3


@pytest.mark.parametrize("at", [0, 30, 55, 2_000_000])
@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_nul_refuses_the_file(at: int, path: str) -> None:
    text = products().encode() + b"1,2,a,b\n" * 300_000
    text = text[:at] + b"\0" + text[at:]
    refusal = refused(packed(text) if path.endswith("gz") else text, path)
    assert refusal.check == "encoding"
    assert refusal.reason.startswith(f"Byte {at + 1} of its text is NUL")


# --- Empty files ---------------------------------------------------------------------------------

EMPTY = {
    "nothing": b"",
    "byte-order mark only": b"\xef\xbb\xbf",
    "blank lines only": b"\n\r\n\n",
    "byte-order mark and blank lines": b"\xef\xbb\xbf\n\n",
    "header only": PRODUCTS_HEADER.encode(),
    "header line only": f"{PRODUCTS_HEADER}\n".encode(),
    "header with byte-order mark": b"\xef\xbb\xbf" + f"{PRODUCTS_HEADER}\r\n".encode(),
    "header and blank lines": f"{PRODUCTS_HEADER}\n\n\r\n\n".encode(),
    "header and a million blank lines": f"{PRODUCTS_HEADER}\n".encode() + b"\n" * 1_500_000,
}


@pytest.mark.parametrize("stored", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_empty_file_is_refused(stored: bytes, path: str) -> None:
    refusal = refused(packed(stored) if path.endswith("gz") else stored, path)
    assert refusal.check == "empty"


def test_stored_file_of_no_bytes_is_refused_in_every_format() -> None:
    for extension in (".csv", ".csv.gz", ".xlsx"):
        assert refused(b"", f"products{extension}").check == "empty"


def test_line_of_white_space_is_a_row_so_the_file_is_not_empty() -> None:
    assert take(products(" ")).shown() == [" "]


def test_hundred_thousand_separator_lines_are_rows() -> None:
    assert take(products(*[",,,"] * 100_000)).shown() == [("", "", "", "")] * 100_000


# --- gzip ----------------------------------------------------------------------------------------


def test_gzip_of_several_members() -> None:
    text = products("1,2,a,ü", "3,4,c,d").encode()
    assert take(packed(text[:10], b"", text[10:54], text[54:]), "products.csv.gz").shown() == [
        ("1", "2", "a", "ü"),
        ("3", "4", "c", "d"),
    ]


def test_gzip_of_several_members_with_hostile_cuts() -> None:
    text = products("1,2,a,😀", '1,2,"x\r\ny",b').encode()
    members = packed(*(text[i : i + 1] for i in range(len(text))))
    assert take(members, "products.csv.gz").shown() == [
        ("1", "2", "a", "😀"),
        ("1", "2", "x\r\ny", "b"),
    ]


@pytest.mark.parametrize("rubbish", [b"x", b"\nrubbish\n", b"\x1f", b"\x1f\x8b", b"PK\x03\x04" * 9])
def test_gzip_with_trailing_rubbish_is_refused(rubbish: bytes) -> None:
    refusal = refused(packed(products("1,2,a,b").encode()) + rubbish, "products.csv.gz")
    assert refusal.check == "truncated"


@pytest.mark.parametrize("keep", [3, 9, 10, 11, 30, -9, -8, -4, -1])
def test_truncated_gzip_is_refused(keep: int) -> None:
    whole = packed(products(*["1,2,a,b"] * 100).encode())
    refusal = refused(whole[:keep], "products.csv.gz")
    assert refusal.check == "truncated"
    assert "cut off" in refusal.reason


@pytest.mark.parametrize("at", range(0, 90, 3))
def test_damaged_gzip_is_refused_or_reads_as_it_was(at: int) -> None:
    text = products(*(f"{i},2,a{i * i},b" for i in range(50))).encode()
    whole = bytearray(packed(text))
    whole[at] ^= 0x55
    outcome = look(bytes(whole), "products.csv.gz")
    if isinstance(outcome, Delivery):
        assert at in range(4, 10)  # Time and system of the packing say nothing of the content.
        assert take(bytes(whole), "products.csv.gz").shown() == take(text).shown()
    else:
        assert outcome.check in {"truncated", "content"}


def test_gzip_with_wrong_checksum_is_refused() -> None:
    whole = packed(products("1,2,a,b").encode())
    wrong = whole[:-8] + (zlib.crc32(b"other")).to_bytes(4, "little") + whole[-4:]
    assert refused(wrong, "products.csv.gz").check == "truncated"


def test_gzip_within_gzip_is_refused() -> None:
    refusal = refused(packed(packed(products("1,2,a,b").encode())), "products.csv.gz")
    assert refusal.check == "encoding"


def test_gzip_bomb_of_one_line_is_not_read_to_its_end() -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = b"x" * (1 << 20)
    stored = packer.compress(products().encode()) + b"".join(
        packer.compress(zeros) for _ in range(200)
    )
    # Cut off on purpose: who reads on to the end says `truncated`.
    assert refused(stored, "products.csv.gz").check == "line"


# --- Extension against content -------------------------------------------------------------------


def _zip_with_csv() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("products.csv", products("1,2,a,b"))
    return archive.getvalue()


OTHER_CONTENT = {
    "gzip as csv": (packed(products("1,2,a,b").encode()), "products.csv", "gzip"),
    "workbook as csv": (workbook(""), "products.csv", "zip archive"),
    "zip as csv": (_zip_with_csv(), "products.csv", "zip archive"),
    "csv as gzip": (products("1,2,a,b").encode(), "products.csv.gz", "something else"),
    "workbook as gzip": (workbook(""), "products.csv.gz", "zip archive"),
    "csv as workbook": (products("1,2,a,b").encode(), "products.xlsx", "something else"),
    "gzip as workbook": (packed(products("1,2,a,b").encode()), "products.xlsx", "something else"),
    "zip as workbook": (_zip_with_csv(), "products.xlsx", "something else"),
    "old workbook as workbook": (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4_000),
        "products.xlsx",
        "something else",
    ),
    "PDF as workbook": (b"%PDF-1.7\n", "products.xlsx", "something else"),
}


@pytest.mark.parametrize(("stored", "path", "found"), OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_extension_that_does_not_fit_the_content_is_refused(
    stored: bytes, path: str, found: str
) -> None:
    refusal = refused(stored, path)
    assert refusal.check == "content"
    assert found in refusal.reason


def test_old_workbook_as_csv_is_refused() -> None:
    assert refused(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4_000)).check == "encoding"


# --- What is learnt of a file --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["products.csv", "products.csv.gz"])
def test_content_hash_is_over_the_stored_bytes(path: str) -> None:
    stored = products(*["1,2,a," + "b" * 1_000] * 3_000).encode()
    stored = gzip.compress(stored) if path.endswith("gz") else stored
    assert take(stored, path).delivery.sha256 == hashlib.sha256(stored).hexdigest()


def test_bronze_rows_carry_their_origin() -> None:
    taken = take(f"{PRODUCTS_HEADER},more\n1, 2,a,b,c\n", "products/2025/a.csv")
    assert taken.delivery.format is Format.CSV
    assert taken.rows[1] == {
        **dict(zip(NAMES, ["1", " 2", "a", "b"], strict=True)),
        "source_file": "products/2025/a.csv",
        "source_row": 1,
        "batch_id": 7,
        "ingestion_timestamp": RUN_TIME,
        "ingestion_date": RUN_TIME.date(),
        "extra_columns": json.dumps({"more": "c"}),
        "raw_record": None,
    }


@pytest.mark.parametrize("entity", ENTITY)
def test_every_entity_is_read(entity: str) -> None:
    names = ENTITY[entity].column_names
    texts = tuple(f"{name} text" for name in names)
    taken = take(f"{','.join(names)}\n{','.join(texts)}\n", f"{entity}/a.csv")
    assert taken.shown(names) == [texts]


def test_long_names_of_unknown_columns_do_not_make_batches_of_gigabytes() -> None:
    names = ",".join(f"{i:0250}" for i in range(30))
    body = ("," * 33 + "\n") * 20_000
    store = MemoryStore({"products.csv": f"{PRODUCTS_HEADER},{names}\n{body}".encode()})
    delivery = inspect(store, store.list()[0])
    assert isinstance(delivery, Delivery)
    rows = 0
    for batch in read_delivery(store, delivery, STAMP):
        assert batch.nbytes < 64 << 20
        rows += batch.num_rows
    assert rows == 20_000
