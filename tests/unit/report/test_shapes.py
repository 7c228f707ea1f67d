"""Histories of every length, and pictures whose figures are worked out by hand."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report import Facts, render
from simulator.report.books import Books, Fates, File, Intake, Run
from simulator.report.charts import FORMS, WIDE, history, run_bars, scores, spark, week
from simulator.report.flow import flow
from simulator.report.page import clean
from simulator.report.quality import Finding, Measured, Quality
from simulator.report.quarantine import Quarantine
from simulator.report.shop import Department, Period, Shop, periods_of
from tests.pages import (
    assert_self_contained,
    assert_structured,
    contrast,
    parsed,
    schemes,
    table,
    text_of,
)

STYLE = Path(__file__).parents[3] / "simulator" / "report" / "templates" / "style.css"


def days(count: int, first: date = date(2023, 1, 1)) -> list[Period]:
    return [Period(first + timedelta(days=n), 10_000 + n, 10, 25) for n in range(count)]


def shop(history_of: list[Period]) -> Shop:
    periods, unit = periods_of(history_of)
    first, last = (history_of[0].start, history_of[-1].start) if history_of else (None, None)
    return Shop(periods, unit, first, last, None, {}, (), 0, (), (), 0, 0)


def facts(of: Shop, quality: Quality | None = None) -> Facts:
    fates = tuple(Fates(name, 0, 0, 0, 0, 0, 0) for name in ("products", "orders", "order_items"))
    intake = tuple(Intake(each.entity) for each in fates)
    books = Books(intake, fates, (), 0, (), 0, (), 0)
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Facts("lake", made_at, of, books, Quarantine((), 0, 0), quality, ())


@pytest.mark.parametrize("length", [0, 1, 2, 92, 93, 3 * 365 + 1])
def test_histories_of_every_length_have_a_page(length: int) -> None:
    made = shop(days(length))
    page = render(facts(made))
    assert_self_contained(page)
    assert_structured(page)
    assert len(page.encode()) < 1_000_000
    if length:
        shown = table(parsed(page), "Sales by day")
        assert len(shown) == length
        assert shown[-1]["Sales"] == f"{100 + (length - 1) / 100:.2f}"


@given(
    st.sets(st.integers(0, 36_500), min_size=1, max_size=40),
    st.integers(0, 10**9),
)
def test_no_sale_is_lost_however_long_the_history(places: set[int], sales: int) -> None:
    first = date(2000, 1, 1)
    given_days = [Period(first + timedelta(days=n), sales + n, 1, 2) for n in sorted(places)]
    periods, unit = periods_of(given_days)
    assert sum(p.sales for p in periods) == sum(d.sales for d in given_days)
    assert sum(p.orders for p in periods) == len(given_days)
    assert len(periods) <= 1_202
    starts = [p.start for p in periods]
    assert starts[0] <= given_days[0].start
    assert starts[-1] <= given_days[-1].start
    for before, after in pairwise(starts):
        gap = (after - before).days
        assert {"day": gap == 1, "week": gap == 7, "month": 28 <= gap <= 31}[unit]
    if unit == "week":
        assert {start.weekday() for start in starts} == {0}


def test_bars_are_as_high_as_sales() -> None:
    found = history([Period(date(2025, 4, 1), 50_000, 1, 1), Period(date(2025, 4, 2))], WIDE)
    full, none = found.bars
    assert [mark.label for mark in found.y_marks] == ["0", "200", "400", "600"]
    assert full.height == pytest.approx(found.plot.height * 500 / 600, abs=0.1)
    assert none.height == 0


def test_a_long_history_is_a_line_with_a_mean() -> None:
    found = history(days(400), WIDE)
    assert found.bars == ()
    assert len(re.findall("[ML]", found.line)) == 400
    assert len(re.findall("[ML]", found.mean)) == 394


def test_the_mean_is_of_seven() -> None:
    values = [0] * 6 + [700, 0] + [0] * 10
    found = history([Period(date(2025, 4, 1), v * 100) for v in values], WIDE)
    first = re.match(r"M[\d.]+ ([\d.]+)", found.mean)
    assert first is not None
    top = max(values)
    marks = {mark.label: mark.at for mark in found.y_marks}
    assert marks["0"] == found.plot.bottom
    scale = (found.plot.bottom - marks["200"]) / 200
    assert float(first[1]) == pytest.approx(found.plot.bottom - scale * top / 7, abs=0.1)


def test_the_week_is_darkest_where_most_orders_are() -> None:
    found = week({(1, 0): 5, (7, 23): 10}, WIDE)
    shade = {cell.key: cell.value for cell in found.cells}
    assert len(shade) == 7 * 24
    assert (shade[1, 0], shade[7, 23], shade[3, 12]) == (0.5, 1.0, 0.0)


def test_bands_are_as_thick_as_rows() -> None:
    fates = [
        Fates("products", 10, 10, 0, 0, 0, 0),
        Fates("orders", 90, 60, 20, 0, 10, 3),
        Fates("order_items", 0, 0, 0, 0, 0, 0),
    ]
    for form in FORMS:
        found = flow(fates, form)
        heights = {block.name: block.height for block in found.blocks}
        assert set(heights) == {
            "delivered",
            "products",
            "orders",
            "silver",
            "superseded",
            "rejected",
        }
        assert heights["silver"] == pytest.approx(0.7 * heights["delivered"], abs=0.2)
        assert heights["rejected"] == pytest.approx(0.1 * heights["delivered"], abs=0.2)
        into_silver = [band.rows for band in found.bands if band.target == "silver"]
        assert into_silver == [10, 60]
        assert all(
            block.y >= 0 and block.y + block.height <= found.height for block in found.blocks
        )


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), min_size=3, max_size=3))
def test_blocks_never_overlap_their_labels(rows: list[tuple[int, int, int, int]]) -> None:
    names = ("products", "orders", "order_items")
    fates = [Fates(n, sum(r), *r, 0) for n, r in zip(names, rows, strict=True)]
    for form in FORMS:
        by_column: dict[float, list[float]] = {}
        for block in flow(fates, form).blocks:
            by_column.setdefault(block.x, []).append(block.middle)
        for middles in by_column.values():
            assert all(after - before >= 28 for before, after in pairwise(middles))


def a_run(number: int | None, **counts: int) -> Run:
    rows = dict.fromkeys(("read", "released", "taken", "superseded", "held", "rejected"), 0)
    at = datetime(2025, 4, 1, tzinfo=UTC)
    return Run(
        number, at, "succeeded", "polars", None, 1, 0, 0, **rows | counts, seconds=1.5, alerts=0
    )


def test_run_bars_stack_what_became_of_the_rows() -> None:
    runs = [a_run(2, taken=30, held=10), a_run(None), a_run(1, taken=20)]
    found = run_bars(runs, WIDE)
    first, second, held = found.bars
    assert (first.kind, second.kind, held.kind) == ("taken", "taken", "held")
    assert first.x < second.x == held.x
    assert held.y + held.height == pytest.approx(second.y, abs=0.11)
    assert second.height == pytest.approx(1.5 * first.height, abs=0.2)
    assert [mark.label for mark in found.x_marks] == ["1", "2"]


def test_small_lines_need_two_days() -> None:
    assert spark([5]) is None
    line = spark([0, 5, 10])
    assert line is not None
    assert line.end[1] < 5


def measured(number: int, **layers: int | None) -> Measured:
    return Measured(number, datetime(2025, 4, number, 6, tzinfo=UTC), dict(layers))


def test_scores_and_findings_are_shown() -> None:
    runs = (
        measured(1, raw=10_000, bronze=10_000, silver=9_000, gold=None),
        measured(2, raw=9_500, bronze=10_000, silver=8_125, gold=10_000),
    )
    finding = Finding(
        2,
        runs[1].recorded_at,
        "silver",
        "rule_violations",
        "orders",
        "high",
        "alert",
        12,
        900,
        "1/200",
    )
    page = render(facts(shop(days(3)), Quality(runs, (finding,))))
    assert_structured(page)
    root = parsed(page)
    latest, first = table(root, "Quality score by run")
    assert (latest["Run"], latest["Silver"], latest["Gold"]) == ("2", "81.2%", "100.0%")
    assert (first["Raw"], first["Gold"]) == ("100.0%", "·")
    (found,) = table(root, "Checks above")
    assert found["Check"] == "rule violations"
    assert (found["Found"], found["Of"], found["Told above"]) == ("12", "900", "1/200")
    picture = scores(runs, WIDE)
    assert [line.layer for line in picture.lines] == ["raw", "bronze", "silver", "gold"]
    assert [mark.label for mark in picture.y_marks] == ["80 %", "90 %", "100 %"]
    silver = picture.lines[2].points
    height = picture.plot.bottom - picture.plot.top
    assert silver[0][1] == pytest.approx(picture.plot.top + height / 2, abs=0.1)


def test_text_is_made_safe_and_short() -> None:
    assert clean("a\x00b\ud800c\u202e") == "a\\x00b\\ud800c\\u202e"
    assert clean("👩‍👩‍👧 é 家") == "👩‍👩‍👧 é 家"
    assert clean("x" * 161) == "x" * 159 + "…"
    assert clean("x" * 160) == "x" * 160


def test_files_whose_rows_were_replaced_say_so() -> None:
    assert File("a.csv", "orders", 1, 10, 6, 1, 2).superseded == 1


def test_the_department_that_grew_is_named() -> None:
    from simulator.report.shop import Change

    grown = Department("TOYS", 100, 1, 1, 1, Change(300, 200), (1, 2))
    fallen = Department("BOOKS", 900, 1, 1, 1, Change(100, 200), (2, 1))
    made = replace(shop(days(20)), departments=(fallen, grown))
    said = text_of(parsed(render(facts(made))))
    assert "In the last seven days TOYS grew most: +50.0% to 3.00." in said


# Text on its background, of at least 4.5 to 1.
TEXT_ON = (
    ("ink", "card"), ("ink", "bg"), ("soft", "card"), ("soft", "bg"), ("accent", "card"),
    ("up", "card"), ("down", "card"), ("ink", "good-bg"), ("ink", "held-bg"), ("ink", "bad-bg"),
    ("ink", "level-bg"), ("card", "ink"),
)  # fmt: skip
# Marks of pictures, of at least 3 to 1.
MARKS_ON = tuple(
    (name, "card")
    for name in ("accent", "silver", "superseded", "held", "rejected", "violet", "mean", "soft")
)


def test_colours_can_be_told_apart_by_everyone() -> None:
    for colours in schemes(STYLE.read_text(encoding="utf-8")):
        for front, back in TEXT_ON:
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
        for front, back in MARKS_ON:
            assert contrast(colours[front], colours[back]) >= 3, (front, back)
        assert contrast("#fff", colours["hero"]) >= 4.5


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.478, abs=0.001)
