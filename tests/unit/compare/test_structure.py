"""Each way in which tables may differ is found, and nothing else is."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, convert_to_deltalake, write_deltalake

from tests.unit.compare.tools import UNKNOWN, compared, kinds, sentences, write

_NOON = datetime(2025, 4, 1, 12, tzinfo=UTC)
FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ["a", "b", None],
        "amount": [Decimal("1.50"), Decimal("2.00"), None],
        "at": [_NOON, _NOON, None],
        "day": [date(2025, 4, 1), date(2025, 4, 2), date(2025, 4, 2)],
    },
    schema_overrides={"amount": pl.Decimal(10, 2), "at": pl.Datetime("us", "UTC")},
)
RETENTION = "delta.deletedFileRetentionDuration"


def written(frame: pl.DataFrame, **how: object) -> Callable[[Path], object]:
    return lambda lake: write(lake, frame, **how)  # type: ignore[arg-type]


def not_null(lake: Path) -> None:
    schema = FRAME.to_arrow().schema
    key = schema.field("id").with_nullable(nullable=False)
    table = DeltaTable.create(lake / UNKNOWN, schema.set(0, key))
    write_deltalake(table, FRAME, mode="append")


def newer_writer(lake: Path) -> None:
    """Raise what a table says that its writers must be able to do, as a newer engine might."""
    place = write(lake, FRAME)
    log = place / "_delta_log" / f"{0:020}.json"
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for entry in entries:
        if "protocol" in entry:
            entry["protocol"]["minWriterVersion"] = 3
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def int96(lake: Path) -> None:
    place = lake / UNKNOWN
    place.mkdir(parents=True)
    pq.write_table(FRAME.to_arrow(), place / "x.parquet", use_deprecated_int96_timestamps=True)
    convert_to_deltalake(str(place))


def nothing(lake: Path) -> None:
    """Leave the lake without the table."""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(written(FRAME), {}, id="a copy"),
        pytest.param(
            written(FRAME.with_columns(extra=pl.lit("x"))),
            {"schema": "Column extra (string) is only in B."},
            id="a column more",
        ),
        pytest.param(
            written(FRAME.drop("day")),
            {"schema": "Column day (date) is only in A."},
            id="a column less",
        ),
        pytest.param(
            written(FRAME.cast({"id": pl.Int32})),
            {"schema": "Column id is bigint in A, int in B."},
            id="another width",
        ),
        pytest.param(
            written(FRAME.cast({"amount": pl.Decimal(15, 2)})),
            {"schema": "Column amount is decimal(10,2) in A, decimal(15,2) in B."},
            id="another precision",
        ),
        pytest.param(
            not_null,
            {"schema": "Column id may be null in A, not in B."},
            id="nullability",
        ),
        pytest.param(
            written(FRAME.select("name", "id", "amount", "at", "day")),
            {
                "schema": "Columns stand in another order: id, name, amount, at, day in A; "
                "name, id, amount, at, day in B."
            },
            id="another order of columns",
        ),
        pytest.param(
            written(FRAME, by=["day"]),
            {"partitions": "A is partitioned by nothing, B by day."},
            id="partitions",
        ),
        pytest.param(
            newer_writer, {"protocol": "Needed writer version: 2 in A, 3 in B."}, id="protocol"
        ),
        pytest.param(
            written(FRAME, properties={RETENTION: "interval 7 days"}),
            {"properties": f"Property {RETENTION}: not set in A, interval 7 days in B."},
            id="retention",
        ),
        pytest.param(
            written(FRAME, properties={"delta.enableDeletionVectors": "false"}),
            {},
            id="a property that says what holds anyway",
        ),
        pytest.param(
            int96, {"files": "Only B has files in which at is INT96."}, id="old timestamps"
        ),
        pytest.param(nothing, {"table": "The table is only in A."}, id="no table"),
        pytest.param(written(FRAME[:2]), {"rows": "1 row of A is not in B."}, id="a row less"),
        pytest.param(
            written(pl.concat([FRAME, FRAME[1:]])),
            {"rows": "2 rows of B are not in A."},
            id="rows repeated",
        ),
        pytest.param(
            written(FRAME.with_columns(name=pl.lit(""))[:2].vstack(FRAME[2:])),
            {"rows": "2 rows of A are not in B, 2 rows of B are not in A."},
            id="other values",
        ),
    ],
)
def test_one_difference(
    make: Callable[[Path], object], expected: dict[str, str], tmp_path: Path
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, FRAME)
    make(b)

    found = compared(a, b)

    assert dict(zip(kinds(found), sentences(found), strict=True)) == expected


def test_timestamps_without_a_zone(tmp_path: Path) -> None:
    """They differ in type, need another protocol, and lie in files that other engines misread."""
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, FRAME)
    write(b, FRAME.with_columns(pl.col("at").dt.replace_time_zone(None)))

    found = compared(a, b)

    assert sorted(set(kinds(found))) == ["files", "protocol", "schema"]
    assert "Column at is timestamp in A, timestamp_ntz in B." in sentences(found)
    assert "Needed reader features: nothing in A, timestampNtz in B." in sentences(found)
    assert "Only B has files in which at is without a time zone." in sentences(found)


def test_deletion_vectors(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, FRAME)
    write(b, FRAME, properties={"delta.enableDeletionVectors": "true"})

    found = compared(a, b)

    assert "Property delta.enableDeletionVectors: false in A, true in B." in sentences(found)
    assert "rows" not in kinds(found)


def test_rows_are_compared_on_the_columns_in_common(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, FRAME)
    write(b, FRAME.with_columns(name=pl.lit("x"), extra=pl.lit(1)))

    found = compared(a, b)

    assert kinds(found) == ["schema", "rows"]
    names = {name for e in found.differences[1].examples for name in e.a or e.b or {}}
    assert names == {"id", "name", "amount", "at", "day"}


def test_tables_without_a_column_in_common(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write(a, FRAME.select("id"))
    write(b, FRAME.select("name")[:1])

    found = compared(a, b)

    assert kinds(found) == ["schema", "schema"]
    assert (found.rows_a, found.rows_b, found.rows_compared) == (3, 1, False)


def test_empty_tables_are_equal(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for lake, parts in ((a, 0), (b, 1)):
        write(lake, FRAME.clear(), parts=parts, by=["day"])

    found = compared(a, b)

    assert found.equal
    assert (found.rows_a, found.rows_b, found.rows_compared) == (0, 0, True)


def test_partition_values_that_have_to_be_escaped(tmp_path: Path) -> None:
    """Folders are named by the values; the footers of the files in them are read all the same."""
    names = ["HEALTH & BEAUTY", "a/b=c%20 ", "Äpfel", None]
    frame = pl.DataFrame({"name": names, "at": [_NOON + timedelta(days=n) for n in range(4)]})
    a, b = tmp_path / "a", tmp_path / "b"
    for lake in (a, b):
        write(lake, frame, by=["name"])

    assert compared(a, b).equal


def test_folders_with_any_name(tmp_path: Path) -> None:
    lakes = tmp_path / "my lake", tmp_path / "Übung #1"
    for lake in lakes:
        write(lake, FRAME, by=["day"])

    found = compared(*lakes)

    assert found.equal
    assert (found.rows_a, found.rows_b) == (3, 3)
