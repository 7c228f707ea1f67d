"""CSV against a plain reading of it, character by character, over nasty borders of pieces."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.landing import csv_rows, csv_scan
from pipeline.landing.delivery import Delivery, Refusal
from tests.unit.landing.tools import NAMES, PRODUCTS_HEADER, look, packed, take

Shown = list[tuple[str, ...] | str]

_WIDTH = len(NAMES)


def plain_reading(text: str, width: int) -> Shown:
    """Read CSV data lines as section 1 and 9 tell it, one character after the other.

    A field is quoted when its first character is a quote; within it a doubled quote is one; what
    follows the closing quote belongs to the field. CR and LF outside of quotes end a record; lines
    of no characters are no records. A record of another width is its own text.
    """
    rows: Shown = []
    at = 0
    while at < len(text):
        if text[at] in "\r\n":
            at += 1
            continue
        begin, fields = at, []
        while True:
            field = ""
            if text[at : at + 1] == '"':
                at += 1
                while at < len(text):
                    if text[at : at + 2] == '""':
                        field, at = f'{field}"', at + 2
                    elif text[at] == '"':
                        at += 1
                        break
                    else:
                        field, at = field + text[at], at + 1
            while at < len(text) and text[at] not in ",\r\n":
                field, at = field + text[at], at + 1
            fields.append(field)
            if text[at : at + 1] != ",":
                break
            at += 1
        rows.append(tuple(fields) if len(fields) == width else text[begin:at])
    return rows


_VALUES = st.lists(
    st.sampled_from(["a", "1", " ", ",", '"', "\n", "\r", "\r\n", "é", "€", "😀", "\u2028", "\t"]),
    max_size=5,
).map("".join)
_LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"])


def _written(values: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n")


def _unquoted(values: list[str]) -> str:
    return ",".join(value.translate({10: " ", 13: " ", 34: "'", 44: ";"}) for value in values)


_RECORDS = st.one_of(
    st.lists(_VALUES, min_size=_WIDTH, max_size=_WIDTH).map(_written),
    st.lists(_VALUES, min_size=_WIDTH, max_size=_WIDTH).map(_unquoted),
    st.lists(_VALUES, min_size=1, max_size=_WIDTH + 2).map(_written),
    st.lists(_VALUES, min_size=1, max_size=_WIDTH + 2).map(_unquoted),
    # Quotes in odd places, but none that stays open.
    st.sampled_from(
        ['1,2,"x"y,b', '1,2,a"b,c', '"x""y"z,', ' "a",b', '""', '"",,,', ",,,", " ", "x", '1,"2"3"']
    ),
)
_BODIES = st.lists(st.tuples(_RECORDS, _LINE_ENDS), min_size=1, max_size=12).map(
    lambda lines: "".join(record + end for record, end in lines)
)


@given(body=_BODIES, piece=st.integers(1, 60), chunk=st.integers(4, 60), zipped=st.booleans())
@example(body='1,2,"a\r\nb",c\r\n', piece=1, chunk=4, zipped=True)
def test_rows_raw_text_and_numbers_agree_with_a_plain_reading(
    *, body: str, piece: int, chunk: int, zipped: bool
) -> None:
    """Law: the rows of a file do not depend on where its pieces and chunks end.

    They are what a plain reading finds: values as they came, the text of records with another
    field count, numbered from 1 without gaps.
    """
    expected = plain_reading(body, _WIDTH)
    if not expected:
        body, expected = f"{body}x\n", ["x"]
    stored = f"{PRODUCTS_HEADER}\n{body}".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_PIECE_BYTES", piece)
        patch.setattr(csv_scan, "_CHUNK", chunk)
        taken = (
            take(packed(stored), "products/a.csv.gz") if zipped else take(stored, "products/a.csv")
        )
    assert taken.shown() == expected


@given(
    rows=st.lists(
        st.lists(_VALUES, min_size=_WIDTH, max_size=_WIDTH).filter(any), min_size=1, max_size=8
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], end: str) -> None:
    """Law: RFC 4180 text gives back exactly the values that were written, line breaks included."""
    text = io.StringIO(newline="")
    # With LF alone the module would leave a CR unquoted.
    plain = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_MINIMAL)
    quoting = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer = plain if end == "\r\n" else quoting
    writer.writerows([NAMES, *rows])
    assert take(text.getvalue()).shown() == [tuple(row) for row in rows]


@given(
    body=st.text(st.sampled_from('a1,"\n\r é😀'), min_size=1, max_size=60), piece=st.integers(1, 30)
)
def test_arbitrary_quotes_read_the_same_every_time(body: str, piece: int) -> None:
    """Law: however broken its quotes are, a file has one reading, wherever its pieces end.

    The text of a record whose quote stays open may lack the last line end of the file.
    """
    stored = f"{PRODUCTS_HEADER}\n{body}x".encode()
    whole = take(stored).shown()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_PIECE_BYTES", piece)
        patch.setattr(csv_scan, "_CHUNK", max(4, piece))
        assert take(stored).shown() == whole
    assert whole == plain_reading(f"{body}x", _WIDTH)


_SHREDS = st.sampled_from(
    [
        b"a",
        b"\n",
        "é".encode(),
        "€".encode(),
        "😀".encode(),
        b"\xc3",
        b"\xa9",
        b"\xe2\x82",
        b"\xac",
        b"\xf0\x9f",
        b"\x98\x80",
        b"\xed\xa0\x80",
        b"\0",
    ]
)


@given(shreds=st.lists(_SHREDS, min_size=1, max_size=20), chunk=st.integers(4, 9))
@example(shreds=[b"aa", b"\xc3", b"a" * 20, b"\xa9"], chunk=4)
def test_text_is_utf8_without_nul_or_refused(shreds: list[bytes], chunk: int) -> None:
    """Law: one byte that is not UTF-8, or a NUL, refuses the file, wherever its chunks end."""
    body = b"".join(shreds) + b"x"
    try:
        is_text = "\0" not in body.decode()
    except UnicodeDecodeError:
        is_text = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_scan, "_CHUNK", chunk)
        outcome = look(f"{PRODUCTS_HEADER}\n".encode() + body)
    assert isinstance(outcome, Delivery) == is_text
    if isinstance(outcome, Refusal):
        assert outcome.check == "encoding"
