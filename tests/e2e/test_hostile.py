"""Whole runs over files that mean harm: a thousand at once, and one that is bigger than the memory.

The run goes on in a process of its own, so that its peak of memory can be told.
"""

import gzip
import io
import json
import os
import random
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from tests.unit.landing.tools import sheet, text_row, workbook

ROOT = Path(__file__).resolve().parents[2]

_RUN = """
import json, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.landing.store import LocalStore
from pipeline.runner.home import LakeHome
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.engine.polars_engine import PolarsEngine
from tests.lakes import OPEN
import polars, deltalake, pyarrow.csv, python_calamine

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

class Watch:
    def __init__(self):
        self.peaks = {}

    def step(self, name, files=0):
        self.peaks.setdefault(name, peak() - before)

    def advance(self):
        pass

before = peak()
watch = Watch()
lake, landing = Path(sys.argv[1]), Path(sys.argv[2])
lakehouse = Lakehouse(PolarsEngine(lake), LakeHome(lake), LocalStore(landing), watch, OPEN)
request = RunRequest(datetime(2025, 5, 1, tzinfo=UTC), archive="archive" in sys.argv)
document = lakehouse.run(request).document()
print(json.dumps({**document, "growth": peak() - before, "growth_before": watch.peaks}))
"""


def run(landing: Path, lake: Path, *options: str) -> dict[str, Any]:
    """Run once and return the report.

    With it come the `growth` of the memory's peak in bytes, and that before each step by its name.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", _RUN, lake, landing, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def silver(lake: Path, entity: str) -> pl.DataFrame:
    """Return a silver table by its key."""
    return pl.read_delta(str(lake / "silver" / entity))


def csv_text(header: str, *lines: str) -> bytes:
    """Return a CSV from its lines."""
    return "\n".join([header, *lines, ""]).encode()


PRODUCTS = "product_id,department_id,department,product_name"
ORDERS = "order_num,order_id,user_id,order_timestamp,total_amount,date"
ITEMS = (
    "id,order_id,user_id,days_since_prior_order,product_id,add_to_cart_order,reordered,"
    "order_timestamp,date"
)


def order(number: int) -> str:
    """Return an order's line; its total is its number in cents."""
    return f"{number},{number},7,2025-04-01T10:00:00,{number // 100}.{number % 100:02},2025-04-01"


def item(number: int) -> str:
    """Return the line of an item of the order of that number."""
    return f"{number},{number},7,,1,1,0,2025-04-01T10:00:00,2025-04-01"


# --- A thousand hostile files --------------------------------------------------------------------


@dataclass(frozen=True)
class Hostile:
    """A file that must be refused: its bytes, the checks that may, and words of the reason."""

    stored: bytes
    checks: frozenset[str]
    word: str = ""


def hostile(stored: bytes, checks: str, word: str = "") -> Hostile:
    """Return a hostile file; `checks` are separated by spaces."""
    return Hostile(stored, frozenset(checks.split()), word)


def _orders_sheet(*, more: str = "") -> str:
    rows = text_row(1, ORDERS.split(",")) + text_row(2, order(1).split(","))
    return sheet(rows + more)


def _book(first: int, count: int) -> bytes:
    """Return a good workbook with orders."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ORDERS.split(","))
        for i in range(count):
            page.write_row(i + 1, 0, order(first + i).split(","))
    return stored.getvalue()


def _line_of_a_gigabyte(header: str) -> bytes:
    million = gzip.compress(b"x" * (1 << 20), 9, mtime=0)
    return gzip.compress(f"{header}\n".encode(), mtime=0) + million * 1_024


def _bomb(name: str, size: int, *, declared: int | None = None) -> bytes:
    """Return a small archive whose part `name` unpacks to `size` bytes, or declares another."""
    packer = zlib.compressobj(9, wbits=-15)
    block = b" " * (1 << 20)
    checksum, packed = 0, b""
    for _ in range(size >> 20):
        checksum = zlib.crc32(block, checksum)
        packed += packer.compress(block)
    packed += packer.flush()
    archive = io.BytesIO(workbook(_orders_sheet(), without=[name]))
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, b"")
        info = file.getinfo(name)
        at = info.header_offset + 30 + len(name)
        file.start_dir = at + len(packed)
        archive.seek(at)
        archive.write(packed)
        info.compress_size, info.file_size = len(packed), size if declared is None else declared
        info.CRC = checksum
    return archive.getvalue()


def _special() -> Iterator[tuple[str, Hostile]]:
    """Yield the files that are one of a kind."""
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    good = csv_text(ORDERS, order(1))
    yield "line.csv.gz", hostile(_line_of_a_gigabyte(ORDERS), "line", "1,048,576 bytes")
    yield "line_first.csv.gz", hostile(_line_of_a_gigabyte(""), "header line")
    yield "bomb.xlsx", hostile(_bomb("xl/worksheets/sheet1.xml", 64 << 20), "size", "times")
    yield (
        "bomb_big.xlsx",
        hostile(_bomb("xl/worksheets/sheet1.xml", 1 << 20, declared=0xF000_0000), "size"),
    )
    yield (
        "bomb_lies.xlsx",
        hostile(_bomb("xl/worksheets/sheet1.xml", 64 << 20, declared=99), "truncated"),
    )
    yield "bomb_media.xlsx", hostile(_bomb("xl/media/image1.png", 64 << 20), "size")
    yield "sparse.xlsx", hostile(workbook(_orders_sheet(more=far)), "size", "cells")
    for i, target in enumerate(["sheet{}.xml", "deep/{}/sheet.xml", "media/image{}.png"]):
        stored = workbook(_orders_sheet(more=far), target=target)
        yield f"sparse_{i}.xlsx", hostile(stored, "size", "cells")
    zeros = far.replace("XFD1048576", "XFD0000000000001048576")
    yield "sparse_zeros.xlsx", hostile(workbook(_orders_sheet(more=zeros)), "size", "cells")
    bare = '<row r="2"><c r="XFD2"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>'
    yield "sparse_bare.xlsx", hostile(workbook(_orders_sheet(more=bare)), "size", "cells")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    laugh = f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>'
    row = '<row r="3"><c r="A3" t="inlineStr"><is><t>&l9;</t></is></c></row>'
    yield "laughs.xlsx", hostile(workbook(laugh + _orders_sheet(more=row)), "content")
    secret = row.replace("&l9;", "&s;")
    entity = '<!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/passwd">]>'
    yield "secret.xlsx", hostile(workbook(entity + _orders_sheet(more=secret)), "content")
    yield "ole.xlsx", hostile(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(9_000), "content")
    yield "ole.csv", hostile(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(9_000), "encoding")
    yield "ods.xlsx", hostile(workbook(_orders_sheet(), parts={"content.xml": "<x/>"}), "content")
    yield "zip.csv", hostile(_book(1, 3), "content", "zip")
    yield "zip.csv.gz", hostile(_book(1, 3), "content", "zip")
    yield "gz.csv", hostile(gzip.compress(good), "content", "gzip")
    yield "gz_of_gz.csv.gz", hostile(gzip.compress(gzip.compress(good)), "encoding")
    yield "gz.xlsx", hostile(gzip.compress(good), "content")
    yield "text.xlsx", hostile(good, "content")
    yield "text.csv.gz", hostile(good, "content")
    wide = ",".join(f"c{i}" for i in range(10_000))
    yield "wide.csv", hostile(csv_text(f"{ORDERS},{wide}", "1"), "header", "10006 columns")
    long = csv_text(f"{ORDERS},{'n' * 100_000}", *[",,,,,,"] * 1_000)
    yield "long_name.csv", hostile(long, "header", "characters")
    names = ",".join(f"{i:0250}" for i in range(100))
    yield "long_names.csv", hostile(csv_text(f"{ORDERS},{names}", order(1)), "header", "unknown")
    yield (
        "nul.csv.gz",
        hostile(gzip.compress(f"{ORDERS}\n".encode() + bytes(99_999_999)), "encoding"),
    )
    newlines = gzip.compress(b"\n" * (1 << 20), 9, mtime=0)
    yield "blank.csv.gz", hostile(gzip.compress(csv_text(ORDERS)) + newlines * 100, "empty")
    open_quote = csv_text(ORDERS, f'"{order(1)}') + csv_text(order(2)) * 150_000
    yield "open_quote.csv", hostile(open_quote, "quoting", "quote")
    nested = '""x,\n' * 1_000_000
    yield "quotes.csv", hostile(csv_text(ORDERS, f'"{nested}'), "quoting", "quote")
    yield "summary.csv/x.csv", hostile(good, "entity")
    yield "no_extension", hostile(good, "extension")


def _common() -> Iterator[tuple[str, Hostile]]:
    """Yield everyday damage, different every time, without end."""
    chance = random.Random(20250401)  # noqa: S311 - no secret
    good = csv_text(ORDERS, *(order(i) for i in range(1, 40)))
    zipped, book = gzip.compress(good, mtime=0), _book(1, 5)
    names = ORDERS.split(",")
    number = 0
    while True:
        number += 1
        tag = f"{number:05}"
        cut = chance.randrange(20, len(zipped) - 1)
        yield f"{tag}_cut.csv.gz", hostile(zipped[:cut], "truncated", "cut off")
        cut = chance.randrange(4, len(book) - 1)
        yield f"{tag}_cut.xlsx", hostile(book[:cut], "truncated", "cut off")
        noise = chance.randbytes(chance.randrange(5, 3_000))
        yield f"{tag}_noise.csv", hostile(b"\xff" + noise, "encoding content")
        yield f"{tag}_noise.csv.gz", hostile(b"\x1f\x8b\x08" + noise, "truncated encoding line")
        yield f"{tag}_noise.xlsx", hostile(b"PK\x03\x04" + noise, "truncated")
        at = chance.randrange(len(good))
        yield f"{tag}_nul.csv", hostile(good[:at] + b"\0" + good[at:], "encoding", "NUL")
        yield f"{tag}_byte.csv", hostile(good[:at] + b"\xfe" + good[at:], "encoding", "UTF-8")
        text = good.decode() + f"{tag}é"
        encoding = chance.choice(["latin-1", "utf-16", "utf-32-be"])
        yield f"{tag}_{encoding}.csv", hostile(text.encode(encoding), "encoding")
        missing = chance.choice(names)
        header = ORDERS.replace(missing, f"{missing}_{tag}")
        yield f"{tag}_header.csv", hostile(csv_text(header, order(1)), "header", f"lacks {missing}")
        twice = f"{ORDERS},{missing.upper()}"
        yield f"{tag}_twice.csv", hostile(csv_text(twice, f"{order(1)},{tag}"), "header", missing)
        blank = b"\r\n" * number
        yield f"{tag}_empty.csv", hostile(b"", "empty")
        yield f"{tag}_mark.csv", hostile(b"\xef\xbb\xbf" + blank, "empty")
        yield f"{tag}_header_only.csv", hostile(csv_text(ORDERS) + blank, "empty", "no rows")
        rubbish = zipped + chance.randbytes(8) + b"x"
        yield f"{tag}_rubbish.csv.gz", hostile(rubbish, "truncated")


def hostile_files(count: int) -> dict[str, Hostile]:
    """Return that many hostile files by name; no two have the same bytes unless empty."""
    files = dict(_special())
    for name, file in _common():
        if len(files) >= count:
            break
        files[name] = file
    return files


def lay(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files by path."""
    for path, stored in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(stored)


def test_a_thousand_hostile_files_among_good_ones(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    bad = hostile_files(1_000)
    # In the order of arrival good files come before, between and after the bad ones.
    good = {
        "products/0.csv": csv_text(PRODUCTS, "1,1,home  Goods,Lamp"),
        "orders/!.csv": csv_text(ORDERS, *(order(i) for i in range(1, 1_001))),
        "orders/00500_.csv.gz": gzip.compress(
            csv_text(ORDERS, *(order(i) for i in range(1_001, 2_001)))
        ),
        "orders/~.xlsx": _book(2_001, 1_000),
        "order_items/a/b/c.csv": csv_text(ITEMS, *(item(i) for i in range(1, 3_001))),
    }
    # Hostile, but rows all the same: they go to quarantine one by one.
    rows = {
        "orders/separators.csv": (csv_text(ORDERS, *[",,,,,"] * 100_000), 100_000),
        "orders/short.csv.gz": (gzip.compress(csv_text(ORDERS, *["x"] * 300_000)), 300_000),
        "orders/wide_row.csv": (csv_text(ORDERS, "," * 1_000_000), 1),
        "orders/many_quotes.csv": (csv_text(ORDERS, '"' * 100_000), 1),
        "orders/crs.csv": (csv_text(ORDERS, "x\r" * 1_000), 1_000),
    }
    lay(landing, good)
    lay(landing, {path: stored for path, (stored, _) in rows.items()})
    lay(
        landing,
        {
            name if name.startswith("summary") else f"orders/{name}": file.stored
            for name, file in bad.items()
        },
    )
    # Made here, not kept in memory: a file of a gigabyte of which nothing is stored.
    with (landing / "orders" / "hole.csv").open("wb") as hole:
        hole.write(csv_text(ORDERS))
        hole.truncate(1 << 30)
    (landing / "orders" / "folder.csv").mkdir()
    (landing / "orders" / "folder.xlsx" / "loop").mkdir(parents=True)
    (landing / "orders" / "folder.xlsx" / "loop" / "up").symlink_to("..")
    (landing / "orders" / "nowhere.csv").symlink_to("nothing")
    (landing / "orders" / "itself.csv").symlink_to("itself.csv")
    os.mkfifo(landing / "orders" / "pipe.csv")
    Path(os.fsdecode(os.fsencode(landing) + b"/orders/n\xff.csv")).write_bytes(csv_text(ORDERS))

    report = run(landing, lake)

    expected = {
        **{n if n.startswith("summary") else f"orders/{n}": f for n, f in bad.items()},
        "orders/hole.csv": hostile(b"", "encoding", "NUL"),
        "orders/nowhere.csv": hostile(b"", "readable"),
        "orders/itself.csv": hostile(b"", "readable"),
        "orders/pipe.csv": hostile(b"", "readable"),
        "orders/n\\udcff.csv": hostile(b"", "name"),
    }
    refused = {refusal["path"]: refusal for refusal in report["refused"]}
    assert set(refused) == set(expected)
    for path, file in expected.items():
        refusal = refused[path]
        assert refusal["check"] in file.checks, refusal
        assert file.word in refusal["reason"], refusal
        assert 20 < len(refusal["reason"]) < 1_000, refusal
    assert {note["path"] for note in report["accepted"]} == {*good, *rows}

    orders = silver(lake, "orders")
    assert sorted(orders["order_id"]) == list(range(1, 3_001))
    assert orders["total_amount"].sum() == sum(Decimal(i) for i in range(1, 3_001)) / 100
    assert sorted(silver(lake, "order_items")["id"]) == list(range(1, 3_001))
    assert silver(lake, "products").select("product_id", "department", "product_name").rows() == [
        (1, "HOME GOODS", "Lamp")
    ]
    quarantined = pl.read_delta(str(lake / "quarantine" / "orders"))
    found = dict(quarantined.group_by("source_file").len().rows())
    assert found == {path: count for path, (_, count) in rows.items()}
    assert all(account["balance"]["holds"] for account in report["entities"].values())
    assert report["growth"] < 1_200 << 20


def test_refused_files_move_aside_with_their_reasons(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    lay(
        landing,
        {
            "products.csv": csv_text(PRODUCTS, "1,1,a,b"),
            "orders/bad.csv": b"x",
            "orders/deep/bad.csv": b"y",
            "what.csv": b"z",
        },
    )
    Path(os.fsdecode(os.fsencode(landing) + b"/orders/n\xff.csv")).write_bytes(b"x")
    report = run(landing, lake, "archive")
    assert len(report["refused"]) == 4
    left = sorted(os.fsencode(p.relative_to(landing)) for p in landing.rglob("*") if p.is_file())
    assert left == [
        b"archive/products/2025-05-01/products.csv",
        *sorted(
            name + ending
            for name in (
                b"rejected/orders/bad.csv",
                b"rejected/orders/bad-2.csv",
                b"rejected/unknown/what.csv",
                b"rejected/orders/n\xff.csv",
            )
            for ending in (b"", b".reason.json")
        ),
    ]
    for place in landing.glob("rejected/*/*.reason.json"):
        reason = json.loads(place.read_bytes())
        assert reason["check"]
        assert reason["reason"]
    # What was put aside is not found again.
    assert run(landing, lake, "archive")["refused"] == []


# --- Bigger than memory --------------------------------------------------------------------------


def _big_csv(place: Path, megabytes: int) -> int:
    """Write a packed CSV of good and bad rows of that size; return the number of rows."""
    filler = "x" * 150
    lines = (
        "".join(
            f'{i},1,some department,"{filler} ""{i}"", and\r\n{filler}"\r\n'
            for i in range(1, 1_001)
        )
        + "no row\r\n"
    )
    block = lines.encode()
    member = gzip.compress(block, 6, mtime=0)
    count = (megabytes << 20) // len(block)
    with place.open("wb") as file:
        file.write(gzip.compress(f"{PRODUCTS}\r\n".encode()))
        for _ in range(count):
            file.write(member)
    return count * 1_001


def test_file_bigger_than_the_memory_that_it_takes_goes_through(tmp_path: Path) -> None:
    megabytes = 300
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    (landing / "products").mkdir(parents=True)
    rows = _big_csv(landing / "products" / "big.csv.gz", megabytes)
    report = run(landing, lake)
    account = report["entities"]["products"]
    assert account["rows_read"] == rows
    assert account["rejected"] == rows // 1_001
    assert account["superseded"] == rows - rows // 1_001 - 1_000
    # What is checked and laid down in bronze streams; what is refined may take more.
    assert report["growth_before"]["silver products"] < megabytes << 19
    assert report["growth"] < 1_200 << 20
    table = silver(lake, "products")
    assert sorted(table["product_id"]) == list(range(1, 1_001))
    assert table.filter(pl.col("product_id") == 7)["product_name"].item() == (
        f'{"x" * 150} "7", and\r\n{"x" * 150}'
    )
