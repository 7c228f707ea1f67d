"""Values as the command line writes them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.cli import text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain Señor", "plain Señor"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_shown_text_cannot_move_the_cursor(given: str, expected: str) -> None:
    assert text.shown(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456, "1,234.56"), (10**12, "10,000,000,000.00")],
)
def test_cents(given: int, expected: str) -> None:
    assert text.cents(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0.004, "0.00 s"), (0.25, "0.25 s"), (12.34, "12.3 s"), (59.99, "60.0 s"), (125, "2 min 5 s")],
)
def test_duration(given: float, expected: str) -> None:
    assert text.duration(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (2048, "2.0 KB"), (5 << 40, "5,120.0 GB")],
)
def test_size(given: int, expected: str) -> None:
    assert text.size(given) == expected


def test_counts_and_lists_read_well() -> None:
    assert text.count(1, "file") == "1 file"
    assert text.count(1204, "file") == "1,204 files"
    assert text.count(2, "row differs", "rows differ") == "2 rows differ"
    assert [text.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        *("", "a", "a and b", "a, b and c"),
    ]


def test_cells_are_for_people_and_plain_values_for_programs() -> None:
    moment = datetime(2025, 4, 1, 1, 30, tzinfo=timezone(timedelta(hours=14)))
    cases = {
        None: ("·", None),
        True: ("yes", True),
        Decimal("1234.50"): ("1,234.50", "1234.50"),
        Decimal("0.00"): ("0.00", "0.00"),
        moment: ("2025-03-31 11:30:00", "2025-03-31T11:30:00Z"),
        date(2025, 4, 1): ("2025-04-01", "2025-04-01"),
        "a\nb": ("a\\nb", "a\nb"),
        77: ("77", 77),
    }
    assert {value: (text.cell(value), text.plain(value)) for value in cases} == cases
    assert text.utc(datetime(2025, 4, 1, tzinfo=UTC)) == "2025-04-01 00:00:00"


def test_bars() -> None:
    assert text.bar(5, 10, 4) == "██"
    assert text.bar(0, 10, 4) == text.bar(5, 0, 4) == ""
    assert text.bar(0.001, 10, 4) == "█"
    assert text.sparkline([]) == ""
    assert text.sparkline([7, 7]) == "▄▄"
    assert text.sparkline([0, 5, 10]) == "▁▅█"


def test_paths_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert text.path_for_user(tmp_path / "my lake") == "'my lake'"
    assert text.path_for_user(Path("/somewhere/else")) == "/somewhere/else"


def test_did_you_mean() -> None:
    assert (
        text.did_you_mean("daily_sale", ["daily_sales", "orders"]) == " Did you mean daily_sales?"
    )
    assert text.did_you_mean("xyz", ["daily_sales"]) == ""
