"""Notices: what they say, how they travel, and where they go."""

import json
from pathlib import Path

import pytest

from pipeline.contracts.checks import CHECK_BY_NAME, Severity
from pipeline.errors import LakeError
from pipeline.quality.decision import decide
from pipeline.quality.measure import Measure
from pipeline.quality.notices import FileSink, MemorySink, Notice, notice_of, notices
from pipeline.quality.thresholds import Thresholds

VERDICTS = decide(
    [
        Measure(CHECK_BY_NAME["trend"], "gold/daily_sales", 1, 3, ("2025-04-01: 9.00",)),
        Measure(CHECK_BY_NAME["row_equation"], "orders", 0, 10),
        Measure(CHECK_BY_NAME["catalogue_shrink"], "products", 6, 10),
        Measure(CHECK_BY_NAME["consistency"], "order_items", 1, 10),
    ],
    Thresholds(),
)


def test_what_did_not_pass_is_told_the_gravest_first() -> None:
    found = notices(VERDICTS, batch_id=7)
    assert [(notice.severity.value, notice.check) for notice in found] == [
        ("critical", "catalogue_shrink"),
        ("high", "consistency"),
        ("low", "trend"),
    ]
    assert found[0] == Notice(
        severity=Severity.CRITICAL,
        subject="silver products: catalogue_shrink (blocks the run)",
        message=(
            "The latest catalogue lists under half of the products that were active. "
            "catalogue_shrink of products: 6 products that the latest catalogue does not list any "
            "more, of 10 products active before the run (60 %); the run is undone above 50 %."
        ),
        hint=CHECK_BY_NAME["catalogue_shrink"].hint,
        check="catalogue_shrink",
        batch_id=7,
    )
    assert found[2].samples == ("2025-04-01: 9.00",)


def test_notices_travel_as_documents() -> None:
    for notice in notices(VERDICTS, batch_id=None):
        assert notice_of(json.loads(json.dumps(notice.document()))) == notice


def test_memory_keeps_notices_in_order() -> None:
    sink = MemorySink()
    for notice in notices(VERDICTS, 1):
        sink.send(notice)
    assert sink.sent == notices(VERDICTS, 1)


def test_a_file_gets_a_line_for_each(tmp_path: Path) -> None:
    path = tmp_path / "new" / "alerts.jsonl"
    odd = Notice(Severity.LOW, "Ä\n\u2028", "two\nlines", samples=("ü",))
    for notice in (odd, *notices(VERDICTS, 1)):
        FileSink(path).send(notice)
    lines = path.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    assert [notice_of(json.loads(line)) for line in lines] == [odd, *notices(VERDICTS, 1)]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"The notice cannot be written to .*: Is a directory"):
        FileSink(tmp_path).send(Notice(Severity.LOW, "a", "b"))
