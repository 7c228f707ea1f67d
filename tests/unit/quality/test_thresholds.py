"""Thresholds of an environment: what is taken, exactly, and what is refused with a sentence."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.contracts.checks import CHECK_BY_NAME, CHECKS, Severity
from pipeline.errors import CallError
from pipeline.quality.thresholds import (
    Limits,
    Thresholds,
    read_thresholds,
    share_text,
    thresholds_of,
)

RULES, TREND = CHECK_BY_NAME["rule_violations"], CHECK_BY_NAME["trend"]


def test_declared_thresholds() -> None:
    """Section by section what the gates are promised to be; shares as fractions."""
    declared = {check.name: (check.alert, check.block, check.severity) for check in CHECKS}
    assert declared["missing_or_malformed"] == (
        Fraction(1, 100),
        Fraction(1, 10),
        Severity.MEDIUM,
    )
    assert declared["rule_violations"] == (Fraction(1, 200), Fraction(1, 20), Severity.HIGH)
    assert declared["unknown_references"] == (Fraction(1, 1000), Fraction(1, 10), Severity.HIGH)
    assert declared["consistency"] == (Fraction(1, 200), None, Severity.HIGH)
    assert declared["catalogue_shrink"] == (Fraction(1, 2), Fraction(1, 2), Severity.CRITICAL)
    assert declared["recomputation"] == (Fraction(1, 100), Fraction(0), Severity.HIGH)
    assert declared["trend"] == (Fraction(0), None, Severity.LOW)
    assert len(declared) == len(CHECKS)
    assert all(check.weight > 0 for check in CHECKS)


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("0.5 %", Fraction(1, 200)),
        ("0.5%", Fraction(1, 200)),
        ("1/3", Fraction(1, 3)),
        ("0.005", Fraction(1, 200)),
        (0, Fraction(0)),
        (1, Fraction(1)),
        (Decimal("0.1"), Fraction(1, 10)),
        (Fraction(2, 7), Fraction(2, 7)),
        ("none", None),
    ],
)
def test_shares_are_taken_exactly(written: object, share: Fraction | None) -> None:
    found = thresholds_of({"trend": {"alert": written}})
    assert found.of(TREND) == Limits(share, None)
    assert found.of(RULES) == Limits(RULES.alert, RULES.block)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"no_such": {"alert": 0}}, "There is no check 'no_such'"),
        ({"trend": {"alert": "-1 %"}}, "trend.alert in dev.toml is '-1 %', which is below 0."),
        ({"trend": {"alert": -1}}, "which is below 0."),
        ({"trend": {"alert": 0.1}}, "trend.alert in dev.toml is 0.1, which is no share"),
        ({"trend": {"alert": True}}, "is True, which is no share"),
        ({"trend": {"alert": "a lot"}}, "is 'a lot', which is no share"),
        ({"trend": {"alert": "1/0"}}, "is '1/0', which is no share"),
        ({"trend": {"alert": Decimal("NaN")}}, "which is no share"),
        ({"trend": {"alert": Decimal("Infinity")}}, "which is no share"),
        ({"trend": {"alert": None}}, "is None, which is no share"),
        ({"trend": {"alert": [1]}}, "is [1], which is no share"),
        ({"trend": 1}, "trend in dev.toml needs `alert`, `block` or both"),
        ({"trend": {}}, "needs `alert`, `block` or both"),
        ({"trend": {"warn": 1}}, "needs `alert`, `block` or both"),
        (
            {"rule_violations": {"alert": "6 %"}},
            "rule_violations in dev.toml would alert above 6 %, but block above 5 % already.",
        ),
        ({"recomputation": {"block": "0.5 %"}}, "would alert above 1 %, but block above 0.5 %"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(CallError) as caught:
        thresholds_of(settings, "dev.toml")
    assert said in str(caught.value)
    assert caught.value.hint


def test_a_file_overrides_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "prod.toml"
    path.write_text('[rule_violations]\nalert = 0.005\nblock = "none"\n[trend]\nalert = "1/10"\n')
    found = read_thresholds(path)
    assert found.of(RULES) == Limits(Fraction(1, 200), None)
    assert found.of(TREND) == Limits(Fraction(1, 10), None)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"alert = ", "are no TOML"), (b"\xff", "are no TOML"), (b"trend = 3", "needs `alert`")],
)
def test_a_broken_file_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(CallError) as caught:
        read_thresholds(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"cannot be read: No such file"):
        read_thresholds(tmp_path / "absent.toml")


def test_overrides_travel_as_a_document() -> None:
    found = thresholds_of({"trend": {"alert": "1/3"}, "rule_violations": {"block": "none"}})
    assert thresholds_of(found.document()) == found
    assert thresholds_of(Thresholds().document()) == Thresholds()


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(1, 200), "0.5 %"),
        (Fraction(0), "0 %"),
        (Fraction(1), "100 %"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 10**8), "0.000001 %"),
        (None, "none"),
    ],
)
def test_shares_for_people(share: Fraction | None, text: str) -> None:
    assert share_text(share) == text
