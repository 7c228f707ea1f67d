"""The shop generator, held against a plain reading of the data semantics.

`Reader` below is that reading: sections 1, 2, 4 and 5, row by row, with the csv module. It
shares no code with the generator or the pipeline.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineError, CalamineWorkbook

from simulator.generate import (
    FILE_KINDS,
    KINDS,
    ROW_KINDS,
    DayWritten,
    Dirt,
    FileFormat,
    GenerateError,
    Manifest,
    ShopConfig,
    catalogue_of_dirt,
    generate,
)

# --- A plain reading of the semantics ------------------------------------------------------------

BLANK = " \t\n\v\f\r"
TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
Value = int | str | date | datetime | Decimal | None
Reading = Callable[[str], Value]


def integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def money(text: str) -> Decimal:
    match = re.fullmatch(r"[+-]?([0-9]+)(?:\.([0-9]+))?", text)
    if not match or len(match[1].lstrip("0")) > 8 or (match[2] or "")[2:].strip("0"):
        raise ValueError(text)
    return Decimal(text).quantize(Decimal("0.01"))


def timestamp(text: str) -> datetime:
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, clock, seconds, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else zone
    if int(zone[1:3]) > 23 or int(zone[4:]) > 59:
        raise ValueError(text)
    return datetime.fromisoformat(f"{day}T{clock}{seconds or ''}{zone}").astimezone(UTC)


def day_only(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return date.fromisoformat(text)
    if text.endswith("Z") or re.search(r"[+-][0-9]{2}:[0-9]{2}$", text):
        raise ValueError(text)
    instant = timestamp(text)
    if instant.time().isoformat() != "00:00:00":
        raise ValueError(text)
    return instant.date()


def flag(text: str) -> int:
    return {"0": 0, "1": 1, "true": 1, "false": 0}[text.lower()]


def words(text: str) -> str:
    return text


READINGS: dict[str, dict[str, Reading]] = {
    "products": {
        "product_id": integer,
        "department_id": integer,
        "department": words,
        "product_name": words,
    },
    "orders": {
        "order_num": integer,
        "order_id": integer,
        "user_id": integer,
        "order_timestamp": timestamp,
        "total_amount": money,
        "date": day_only,
    },
    "order_items": {
        "id": integer,
        "order_id": integer,
        "user_id": integer,
        "days_since_prior_order": integer,
        "product_id": integer,
        "add_to_cart_order": integer,
        "reordered": flag,
        "order_timestamp": timestamp,
        "date": day_only,
    },
}
KEYS = {"products": "product_id", "orders": "order_id", "order_items": "id"}
REFERENCES = {"order_id": "orders", "product_id": "products"}


def in_range(column: str, value: Value) -> bool:
    if isinstance(value, datetime):
        return 2000 <= value.year < 2100
    if column in ("order_num", "total_amount"):
        return isinstance(value, int | Decimal) and value >= 0
    if column == "days_since_prior_order":
        return isinstance(value, int) and 0 <= value <= 3650
    if column == "reordered" or not isinstance(value, int):
        return True
    return value >= 1


def read_row(entity: str, texts: dict[str, str]) -> tuple[dict[str, Value], list[str]]:
    """Type a row, and find what is wrong with it, references aside."""
    row: dict[str, Value] = {}
    reasons = []
    for column, reading in READINGS[entity].items():
        text = texts[column].strip(BLANK)
        row[column] = None
        if not text:
            if column != "days_since_prior_order":
                reasons.append(f"{column}:missing")
            continue
        try:
            row[column] = reading(text)
        except (ValueError, KeyError, OverflowError):
            reasons.append(f"{column}:malformed")
            continue
        if not in_range(column, row[column]):
            reasons.append(f"{column}:out_of_range")
    instant, day = row.get("order_timestamp"), row.get("date")
    if isinstance(instant, datetime) and isinstance(day, date) and instant.date() != day:
        reasons.append("date:inconsistent")
    return row, sorted(reasons)


def records(content: bytes, name: str) -> list[list[str]] | None:
    """The rows of a file, its header first, or None if it cannot be read as what it is named."""
    if name.endswith(".xlsx"):
        return cells(content)
    try:
        if name.endswith(".gz"):
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError):
        return None
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def cells(content: bytes) -> list[list[str]] | None:
    try:
        page = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    except CalamineError:
        return None
    table = [
        [f"{cell:.15g}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in page.to_python()
    ]
    header = [cell for cell in table[0] if cell]
    width = len(header)
    return [header, *(row[:width] + [cell for cell in row[width:] if cell] for row in table[1:])]


@dataclass
class Row:
    """A row as it was read; `reasons` changes as references arrive."""

    entity: str
    values: dict[str, Value]
    reasons: list[str]
    healed: bool = False

    @property
    def held(self) -> bool:
        return any(reason.endswith("unknown_reference") for reason in self.reasons)


@dataclass
class Reader:
    """A lake in memory: ingests files run by run."""

    rows: list[Row] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    duplicate: Counter[str] = field(default_factory=Counter)
    drifted: Counter[str] = field(default_factory=Counter)
    silver: dict[str, dict[Value, Row]] = field(
        default_factory=lambda: {entity: {} for entity in READINGS}
    )
    latest_catalogue: set[Value] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def ingest(self, landing: Path, paths: Iterable[str]) -> None:
        for entity in READINGS:
            for path in sorted(path for path in paths if path.split("/")[0] == entity):
                self._file(entity, (landing / path).read_bytes(), path)
        for entity in REFERENCES.values():
            self._fill(entity)
        for row in self.rows:
            if row.entity == "order_items":
                self._refer(row)
        self._fill("order_items")

    def _fill(self, entity: str) -> None:
        """Later wins: rows stand in order of arrival."""
        valid = [row for row in self.rows if row.entity == entity and not row.reasons]
        self.silver[entity] = {row.values[KEYS[entity]]: row for row in valid}

    def _file(self, entity: str, content: bytes, name: str) -> None:
        table = records(content, name)
        columns = [] if not table else [cell.strip(BLANK).lower() for cell in table[0]]
        known = [column for column in columns if column in READINGS[entity]]
        if not table or sorted(known) != sorted(READINGS[entity]) or len(table) == 1:
            self.refused[entity] += 1
            return
        digest = hashlib.sha256(content).hexdigest()
        if digest in self.seen:
            self.duplicate[entity] += 1
            return
        self.seen.add(digest)
        self.accepted[entity] += 1
        self.drifted[entity] += len(columns) > len(known)
        fresh = [self._row(entity, columns, texts) for texts in table[1:]]
        self.rows += fresh
        if entity == "products":
            self.latest_catalogue = {row.values[KEYS[entity]] for row in fresh if not row.reasons}

    def _row(self, entity: str, columns: list[str], texts: list[str]) -> Row:
        if len(texts) != len(columns):
            return Row(entity, {}, ["row:malformed"])
        values, reasons = read_row(entity, dict(zip(columns, texts, strict=True)))
        return Row(entity, values, reasons)

    def _refer(self, row: Row) -> None:
        """Check references, those of rows that were held before again."""
        if row.reasons and not row.held:
            return
        held = row.held
        row.reasons = [
            f"{column}:unknown_reference"
            for column, entity in REFERENCES.items()
            if row.values[column] not in self.silver[entity]
        ]
        row.healed = row.healed or (held and not row.held)

    def count(self, entity: str) -> dict[str, object]:
        """What the lake holds, in the words of the manifest."""
        rows = [row for row in self.rows if row.entity == entity]
        silver = len(self.silver[entity])
        return {
            "files_accepted": self.accepted[entity],
            "files_refused": self.refused[entity],
            "files_duplicate": self.duplicate[entity],
            "files_with_extra_column": self.drifted[entity],
            "rows": len(rows),
            "silver": silver,
            "superseded": sum(not row.reasons for row in rows) - silver,
            "held": Counter(";".join(row.reasons) for row in rows if row.held),
            "rejected": Counter(
                ";".join(row.reasons) for row in rows if row.reasons and not row.held
            ),
        }

    @property
    def revenue(self) -> int:
        return sum(cents(row) for row in self.silver["orders"].values())

    @property
    def active(self) -> int:
        return len(self.latest_catalogue)

    def healed(self, entity: str) -> int:
        return sum(row.healed for row in self.rows if row.entity == entity)


def cents(order: Row) -> int:
    total = order.values["total_amount"]
    assert isinstance(total, Decimal)
    return int(total * 100)


def expected(manifest: Manifest, entity: str) -> dict[str, object]:
    """What the manifest says, in the form of `Reader.count`."""
    outcome = manifest.entities[entity]
    assert outcome.balances
    names = ("accepted", "duplicate", "with_extra_column")
    return {f"files_{name}": getattr(outcome, f"files_{name}") for name in names} | {
        "files_refused": outcome.files_refused.total(),
        "rows": outcome.rows,
        "silver": outcome.silver,
        "superseded": outcome.superseded,
        "held": outcome.held,
        "rejected": outcome.rejected,
    }


# --- Help ----------------------------------------------------------------------------------------


def contents(landing: Path) -> dict[str, bytes]:
    """Every file of a landing zone by its path."""
    return {
        path.relative_to(landing).as_posix(): path.read_bytes()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def digest(landing: Path) -> str:
    summary = hashlib.sha256()
    for path, content in contents(landing).items():
        summary.update(f"{path}\0{len(content)}\0".encode() + content)
    return summary.hexdigest()


def in_one_run(landing: Path) -> Reader:
    reader = Reader()
    reader.ingest(landing, contents(landing))
    return reader


def day_by_day(landing: Path, config: ShopConfig) -> Reader:
    reader = Reader()
    paths = list(contents(landing))
    for index in range(config.days):
        day = config.day(index).isoformat()
        reader.ingest(landing, [path for path in paths if day in path])
    return reader


def assert_foretold(manifest: Manifest, reader: Reader) -> None:
    """The manifest says what a reader of the semantics finds."""
    for entity in READINGS:
        assert expected(manifest, entity) == reader.count(entity), entity
    assert manifest.silver_revenue_cents == reader.revenue
    assert manifest.active_products == reader.active


SMALL = ShopConfig(days=5, orders_per_day=30, products=60, seed=7)
FILTHY = Dirt.parse(
    "demo,missing=0.02,malformed=0.02,wrong_field_count=0.02,out_of_range=0.02,inconsistent=0.02,"
    "unknown_order=0.02,unknown_product=0.02,late_order=0.05,late_product=0.05,duplicate_row=0.03,"
    "correction=0.03,untidy=0.1,truncated_file=0.3,wrong_header=0.3,not_utf8=0.3,empty_file=0.3,"
    "repeated_file=0.3,extra_column=0.3,crlf=0.3,bom=0.3"
)


def only(kind: str, share: float) -> Dirt:
    return Dirt.parse(f"{kind}={share}")


# --- Same seed, same bytes -----------------------------------------------------------------------


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    generate(SMALL, FILTHY, tmp_path / "a")
    generate(SMALL, FILTHY, tmp_path / "b")

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("form", ["csv", "csv.gz", "xlsx"])
def test_a_day_alone_is_the_same_day(tmp_path: Path, form: FileFormat) -> None:
    config = replace(SMALL, format=form, weekly_catalogue=True, days=9)
    whole = generate(config, FILTHY, tmp_path / "whole")
    for index in (8, 0, 4, 7, 2, 5, 1, 3, 6):
        last = generate(config, FILTHY, tmp_path / "parts", only_day=config.day(index))
        if index == 8:
            assert last == whole

    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


def test_other_seed_other_bytes(tmp_path: Path) -> None:
    generate(SMALL, Dirt.none(), tmp_path / "a")
    generate(replace(SMALL, seed=8), Dirt.none(), tmp_path / "b")

    ours, theirs = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert ours.keys() == theirs.keys()
    assert all(ours[path] != theirs[path] for path in ours)


@pytest.mark.parametrize(
    ("dirt", "sha256"),
    [
        (Dirt.none(), "0aa364625ab8da1ca0a1cb4102326c0be46ef453a11685954f3f119ae846b94e"),
        (
            replace(FILTHY, truncated_file=0),
            "11d4e51be4474ad31303e9235b74a986ee8de2d564134b35e3fca150d6ec8e41",
        ),
    ],
    ids=["clean", "filthy"],
)
def test_bytes_do_not_change_by_accident(tmp_path: Path, dirt: Dirt, sha256: str) -> None:
    """If they change on purpose, pin the new digest. Nothing compressed here: that is zlib's."""
    generate(SMALL, dirt, tmp_path)

    assert digest(tmp_path) == sha256


def test_dirt_leaves_the_other_rows_alone(tmp_path: Path) -> None:
    generate(SMALL, Dirt.none(), tmp_path / "clean")
    generate(SMALL, only("missing", 0.1), tmp_path / "dirty")

    clean, dirty = contents(tmp_path / "clean"), contents(tmp_path / "dirty")
    for path, content in clean.items():
        pairs = list(zip(content.splitlines(), dirty[path].splitlines(), strict=True))
        assert sum(one != other for one, other in pairs) < len(pairs) / 3
    assert clean != dirty


# --- Sizes and shapes ----------------------------------------------------------------------------


@pytest.mark.parametrize("orders", [0, 1, 3, 10, 997])
def test_total_orders_are_exact(tmp_path: Path, orders: int) -> None:
    config = ShopConfig(days=10, orders=orders, products=20)
    manifest = generate(config, Dirt.none(), tmp_path)

    assert manifest.entities["orders"].silver == orders
    assert_foretold(manifest, in_one_run(tmp_path))


def test_volume_follows_the_week(tmp_path: Path) -> None:
    days: list[DayWritten] = []
    config = ShopConfig(days=28, orders_per_day=200, products=50)
    generate(config, Dirt.none(), tmp_path, on_day=days.append)

    volumes = {day.day: day.rows["orders"] for day in days}
    saturdays = [volume for day, volume in volumes.items() if day.isoweekday() == 6]
    wednesdays = [volume for day, volume in volumes.items() if day.isoweekday() == 3]
    assert fmean(volumes.values()) == pytest.approx(200, rel=0.03)
    assert fmean(saturdays) > 1.1 * fmean(wednesdays)
    assert len(set(volumes.values())) > 14


def test_on_day_tells_what_was_written(tmp_path: Path) -> None:
    days: list[DayWritten] = []
    generate(SMALL, FILTHY, tmp_path, on_day=days.append)

    assert [day.day for day in days] == [SMALL.day(index) for index in range(SMALL.days)]
    told = {path.relative_to(tmp_path).as_posix() for day in days for path in day.files}
    assert told == contents(tmp_path).keys()
    assert sum(day.size for day in days) == sum(map(len, contents(tmp_path).values()))


@pytest.mark.parametrize("form", ["csv", "csv.gz", "xlsx"])
@pytest.mark.parametrize("stem", ["2025-04-02", "2025-04-02/part-0"])
def test_every_form_is_foretold(tmp_path: Path, form: FileFormat, stem: str) -> None:
    config = replace(SMALL, format=form, one_folder_per_day="/" in stem)
    manifest = generate(config, FILTHY, tmp_path)

    assert_foretold(manifest, in_one_run(tmp_path))
    assert f"orders/{stem}.{form}" in contents(tmp_path)


def test_clean_forms_hold_the_same_values(tmp_path: Path) -> None:
    tables = []
    for form in ("csv", "csv.gz", "xlsx"):
        generate(replace(SMALL, format=form), Dirt.none(), tmp_path / form)
        silver = in_one_run(tmp_path / form).silver
        tables.append(
            {entity: [row.values for row in table.values()] for entity, table in silver.items()}
        )

    assert tables[0] == tables[1] == tables[2]


# --- Clean data ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    landing = tmp_path_factory.mktemp("clean")
    config = ShopConfig(days=16, orders=800, products=300, weekly_catalogue=True)
    manifest = generate(config, Dirt.none(), landing)
    reader = day_by_day(landing, config)
    assert_foretold(manifest, reader)
    return reader


def column(reader: Reader, entity: str, name: str) -> list[Any]:
    return [row.values[name] for row in reader.silver[entity].values()]


def test_clean_data_breaks_no_rule(clean: Reader) -> None:
    assert not any(row.reasons for row in clean.rows)
    assert clean.count("orders")["silver"] == clean.count("orders")["rows"] == 800
    assert clean.count("order_items")["superseded"] == 0
    assert not any(clean.refused.values())


def test_clean_ids_increase(clean: Reader) -> None:
    for entity, key in (("orders", "order_id"), ("order_items", "id")):
        ids = column(clean, entity, key)
        assert all(one < other for one, other in pairwise(ids))


def test_clean_items_repeat_their_order(clean: Reader) -> None:
    for item in clean.silver["order_items"].values():
        order = clean.silver["orders"][item.values["order_id"]]
        for name in ("user_id", "order_timestamp", "date"):
            assert item.values[name] == order.values[name]


def test_clean_baskets_are_believable(clean: Reader) -> None:
    baskets: dict[Any, list[dict[str, Any]]] = {}
    for item in clean.silver["order_items"].values():
        baskets.setdefault(item.values["order_id"], []).append(item.values)
    assert baskets.keys() == clean.silver["orders"].keys()
    for basket in baskets.values():
        assert [item["add_to_cart_order"] for item in basket] == list(range(1, len(basket) + 1))
    sizes = [len(basket) for basket in baskets.values()]
    assert (min(sizes), max(sizes)) == (1, 10)
    assert fmean(sizes) == pytest.approx(5.5, rel=0.05)
    distinct = [len({item["product_id"] for item in basket}) for basket in baskets.values()]
    assert distinct != sizes
    assert 0.2 < fmean(column(clean, "order_items", "reordered")) < 0.8


def test_clean_histories_add_up(clean: Reader) -> None:
    """order_num counts a user's orders, and days_since_prior_order the days between them."""
    since = {
        item.values["order_id"]: item.values["days_since_prior_order"]
        for item in clean.silver["order_items"].values()
    }
    before: dict[Any, dict[str, Any]] = {}
    for key, order in clean.silver["orders"].items():
        values: dict[str, Any] = order.values
        prior = before.get(values["user_id"])
        if prior is not None:
            assert values["order_num"] == prior["order_num"] + 1
            assert since[key] == (values["date"] - prior["date"]).days
        assert (since[key] is None) == (values["order_num"] == 1)
        before[values["user_id"]] = values
    assert any(days is None for days in since.values())


def test_clean_popularity_is_skewed(clean: Reader) -> None:
    for entity, name in (("orders", "user_id"), ("order_items", "product_id")):
        counts = sorted(Counter(column(clean, entity, name)).values(), reverse=True)
        tenth = counts[: len(counts) // 10]
        assert sum(tenth) > 0.2 * sum(counts)


def test_clean_totals_are_believable(clean: Reader) -> None:
    totals = [float(total) for total in column(clean, "orders", "total_amount")]
    assert 50 < fmean(totals) < 500
    assert min(totals) >= 1
    mean = fmean(totals)
    deviation = fmean((total - mean) ** 2 for total in totals) ** 0.5
    assert sum(abs(total - mean) > 4 * deviation for total in totals) < 4


def test_catalogue_is_believable(clean: Reader) -> None:
    names = column(clean, "products", "product_name")
    assert 8 <= len(set(column(clean, "products", "department"))) <= 12
    assert any("," in name for name in names)
    assert any('"' in name for name in names)
    assert any(not name.isascii() for name in names)
    assert len(set(names)) > 0.9 * len(names)


def test_weekly_catalogue_gains_and_loses_products(clean: Reader) -> None:
    assert clean.accepted["products"] == 3
    assert clean.active == 300
    assert len(clean.silver["products"]) > 300


def test_steady_catalogue_comes_once(tmp_path: Path) -> None:
    generate(SMALL, Dirt.none(), tmp_path)

    assert [path for path in contents(tmp_path) if path.startswith("products")] == [
        "products/2025-04-01.csv"
    ]


# --- Dirty data ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dirt", [Dirt.demo(), FILTHY], ids=["demo", "filthy"])
def test_manifest_foretells_the_lake(tmp_path: Path, seed: int, dirt: Dirt) -> None:
    """In one run and day by day: the same lake, and the one the manifest promises."""
    config = ShopConfig(
        days=8, orders=240, products=100, seed=seed, weekly_catalogue=bool(seed % 2)
    )
    manifest = generate(config, dirt, tmp_path)

    assert_foretold(manifest, in_one_run(tmp_path))
    daily = day_by_day(tmp_path, config)
    assert_foretold(manifest, daily)
    for entity in READINGS:
        assert manifest.entities[entity].healed == daily.healed(entity)


def test_manifest_of_a_day_foretells_the_lake_so_far(tmp_path: Path) -> None:
    reader = Reader()
    for index in range(SMALL.days):
        landing = tmp_path / str(index)
        manifest = generate(SMALL, FILTHY, landing, only_day=SMALL.day(index))
        reader.ingest(landing, contents(landing))

        assert_foretold(manifest, reader)
        assert manifest.through == SMALL.day(index)
        assert manifest.entities["order_items"].healed == reader.healed("order_items")


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_manifest_foretells_any_shop(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shares = st.dictionaries(st.sampled_from(ROW_KINDS), st.floats(0, 1 / len(ROW_KINDS)))
    heavy = st.sampled_from(ROW_KINDS).map(lambda kind: {kind: 1.0})
    others = st.dictionaries(st.sampled_from((*FILE_KINDS, "late_product")), st.floats(0, 1))
    dirt = Dirt(**data.draw(st.one_of(shares, heavy)), **data.draw(others))
    config = ShopConfig(
        days=data.draw(st.integers(1, 9)),
        orders=data.draw(st.integers(0, 40)),
        products=data.draw(st.integers(1, 12)),
        users=data.draw(st.integers(1, 20)),
        seed=data.draw(st.integers(0, 2**64 - 1)),
        weekly_catalogue=data.draw(st.booleans()),
    )
    landing = tmp_path_factory.mktemp("shop")
    manifest = generate(config, dirt, landing)

    daily = day_by_day(landing, config)
    assert_foretold(manifest, in_one_run(landing))
    assert_foretold(manifest, daily)
    assert manifest.entities["order_items"].healed == daily.healed("order_items")


REJECTING = {
    "missing": "missing",
    "malformed": "malformed",
    "out_of_range": "out_of_range",
    "inconsistent": "inconsistent",
    "wrong_field_count": "malformed",
}


@pytest.mark.parametrize("kind", [*ROW_KINDS, "late_product"])
def test_each_row_kind_alone(tmp_path: Path, kind: str) -> None:
    """Each kind does what the catalogue of dirt says of it, and nothing else."""
    manifest = generate(SMALL, only(kind, 0.2), tmp_path)
    daily = day_by_day(tmp_path, SMALL)

    assert_foretold(manifest, daily)
    outcomes = manifest.entities
    planted = {name: outcome.planted[kind] for name, outcome in outcomes.items()}
    assert sum(planted.values()) > 0
    for name, outcome in outcomes.items():
        assert outcome.rejected.total() == (planted[name] if kind in REJECTING else 0)
        assert all(REJECTING[kind] in reason for reason in outcome.rejected)
        repeats = planted[name] if kind in ("duplicate_row", "correction") else 0
        if name == "orders":
            assert outcome.superseded == repeats
    items = outcomes["order_items"]
    assert (items.held.total() > 0) == (kind in REJECTING or kind.startswith("unknown_"))
    assert (items.healed > 0) == kind.startswith("late_")


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_each_file_kind_alone(tmp_path: Path, kind: str) -> None:
    manifest = generate(SMALL, only(kind, 0.5), tmp_path)

    outcomes = manifest.entities
    assert sum(outcome.quarantined + outcome.superseded for outcome in outcomes.values()) == 0
    refused = sum(outcome.files_refused[kind] for outcome in outcomes.values())
    assert (refused > 0) == (kind in ("truncated_file", "wrong_header", "not_utf8", "empty_file"))
    duplicates = sum(outcome.files_duplicate for outcome in outcomes.values())
    assert (duplicates > 0) == (kind == "repeated_file")
    drifted = sum(outcome.files_with_extra_column for outcome in outcomes.values())
    assert (drifted > 0) == (kind == "extra_column")
    texts = [text for text in contents(tmp_path).values() if not text.startswith(b"\x1f\x8b")]
    assert any(b"\r\n" in text for text in texts) == (kind == "crlf")
    assert any(text.startswith(b"\xef\xbb\xbf") for text in texts) == (kind == "bom")


@pytest.mark.parametrize("kind", ["duplicate_row", "untidy"])
def test_harmless_kinds_change_no_silver_value(tmp_path: Path, kind: str) -> None:
    generate(SMALL, Dirt.none(), tmp_path / "clean")
    generate(SMALL, only(kind, 1), tmp_path / "dirty")
    clean, dirty = in_one_run(tmp_path / "clean").silver, in_one_run(tmp_path / "dirty").silver

    for entity in ("orders", "order_items"):
        ours = {key: row.values for key, row in clean[entity].items()}
        assert ours == {key: row.values for key, row in dirty[entity].items()}


def test_corrections_change_silver_values(tmp_path: Path) -> None:
    generate(SMALL, Dirt.none(), tmp_path / "clean")
    generate(SMALL, only("correction", 1), tmp_path / "dirty")
    clean, dirty = in_one_run(tmp_path / "clean").silver, in_one_run(tmp_path / "dirty").silver

    for entity, table in clean.items():
        for key, row in table.items():
            assert row.values != dirty[entity][key].values
    dates = {key: row.values["date"] for key, row in clean["orders"].items()}
    assert any(row.values["date"] != dates[key] for key, row in dirty["orders"].items())


def test_untidy_text_takes_every_form(tmp_path: Path) -> None:
    generate(replace(SMALL, orders_per_day=200, products=400), only("untidy", 1), tmp_path)
    text = b"\n".join(contents(tmp_path).values()).decode()

    forms = (
        *("T[0-9:]+Z", " 00:00", r"\.000000", "-05:30", r"\+02:00", "T[0-9]{2}:[0-9]{2},"),
        *("TRUE", "false", "[,\n]00[1-9]", r"[,\n]\+[0-9]", ", [0-9]", "\t", '"[0-9]+"'),
        *(r"[0-9]\.[0-9]{2}0+,", '"[^"\n]+\n', "GROCERY", "home  goods"),
    )
    for form in forms:
        assert re.search(form, text), form


def test_demo_shows_every_kind_and_blocks_no_run(tmp_path: Path) -> None:
    config = ShopConfig(weekly_catalogue=True)
    manifest = generate(config, Dirt.demo(), tmp_path)
    outcomes = manifest.entities.values()

    planted = sum((outcome.planted for outcome in outcomes), Counter[str]())
    assert planted.keys() == {*ROW_KINDS, "late_product"}
    refused = sum((outcome.files_refused for outcome in outcomes), Counter[str]())
    assert refused.keys() == {"truncated_file", "wrong_header", "not_utf8", "empty_file"}
    for outcome in outcomes:
        assert 0 < outcome.rejected.total() < 0.05 * outcome.rows
        assert outcome.held.total() + outcome.healed < 0.05 * outcome.rows


# --- What a user types ---------------------------------------------------------------------------


def test_dirt_is_parsed() -> None:
    assert Dirt.parse("") == Dirt.parse("none") == Dirt.none() == Dirt()
    assert Dirt.parse("demo") == Dirt.demo()
    assert Dirt.parse(" missing = 0.01, late_order=0.002 ") == Dirt(missing=0.01, late_order=0.002)
    assert Dirt.parse("demo,bom=1") == replace(Dirt.demo(), bom=1)
    everything = ",".join(f"{kind}=0.01" for kind in KINDS)
    assert Dirt.parse(everything).shares() == dict.fromkeys(KINDS, 0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rust=0.1", "expected one of missing, .*, got 'rust'"),
        ("missing", "dirt missing: expected a share from 0 to 1, got 'missing'"),
        ("missing=", "dirt missing: expected a share from 0 to 1, got ''"),
        ("missing=much", "dirt missing: expected a share from 0 to 1, got 'much'"),
        ("missing=1.5", "dirt missing: expected a share from 0 to 1, got 1.5"),
        ("bom=-0.1", "dirt bom: expected a share from 0 to 1, got -0.1"),
        ("bom=nan", "dirt bom: expected a share from 0 to 1, got nan"),
        ("missing=0.1,missing=0.2", "dirt: expected each kind once, got 'missing'"),
        ("missing=0.6,malformed=0.6", "add up to at most 1, got 1.2"),
        ("missing=0.1,demo", "expected one of missing, .*, got 'demo'"),
    ],
)
def test_dirt_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(GenerateError, match=message):
        Dirt.parse(text)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"days": 0}, "days: expected a whole number from 1 to 36500, got 0"),
        ({"orders": -1}, "orders: expected a whole number from 0 .*, got -1"),
        ({"orders_per_day": 1.5}, "orders_per_day: .*, got 1.5"),
        ({"products": True}, "products: .*, got True"),
        ({"users": 0}, "users: .*, got 0"),
        ({"seed": -1}, "seed: .*, got -1"),
        ({"format": "parquet"}, "format: expected csv or csv.gz or xlsx, got 'parquet'"),
        ({"start": date(1999, 1, 1)}, "start: expected 2000-01-03 to .*, got '1999-01-01'"),
        ({"start": date(2099, 12, 1)}, "start: expected .* for 30 days, got '2099-12-01'"),
        ({"start": "2025-04-01"}, "start: expected a date"),
    ],
)
def test_settings_are_refused_with_a_reason(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(GenerateError, match=message):
        ShopConfig(**setting)


def test_a_day_without_trade_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match="expected a day from 2025-04-01 to 2025-04-05"):
        generate(SMALL, Dirt.none(), tmp_path, only_day=date(2025, 4, 6))


def test_a_landing_zone_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("in the way")
    with pytest.raises(GenerateError, match=r"cannot write .*landing"):
        generate(SMALL, Dirt.none(), tmp_path / "landing")


def test_manifest_survives_a_file(tmp_path: Path) -> None:
    manifest = generate(SMALL, FILTHY, tmp_path / "landing")
    manifest.write(tmp_path / "_manifest.json")

    assert Manifest.read(tmp_path / "_manifest.json") == manifest
    content = json.loads((tmp_path / "_manifest.json").read_text(encoding="utf-8"))
    assert content["config"]["start"] == "2025-04-01"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}', '{"version": 1}'])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "_manifest.json"
    path.write_text(text)

    with pytest.raises(GenerateError, match="is not a manifest"):
        Manifest.read(path)


def test_every_kind_is_described() -> None:
    described = catalogue_of_dirt()
    assert tuple(described) == KINDS
    assert all(sentence.endswith(".") for sentence in described.values())


def test_import_is_light() -> None:
    script = (
        "import sys, simulator.generate;"
        "print([name for name in ('numpy', 'polars', 'pyarrow') if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
