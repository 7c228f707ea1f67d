"""The report of whole lakes: figures by another way, safety, and how it opens in a browser."""

import html
import importlib.resources
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.contracts import TABLES
from pipeline.errors import CallError
from pipeline.runner.accounts import Undone
from pipeline.runner.home import LakeHome
from simulator.cli.report import check_replaceable
from simulator.engine.polars_engine import PolarsEngine
from simulator.report import gather, render
from tests import lakes
from tests.e2e.test_cli import call
from tests.lakes import delivered
from tests.pages import (
    Element,
    assert_self_contained,
    assert_structured,
    chromium_or_skip,
    in_browser,
    parsed,
    table,
    text_of,
    with_id,
)
from tests.reference import DeliveredFile, DeliveredRow, ReferenceLake, gold

MADE_AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
FIRST = date(2025, 3, 28)
DAYS = 20

SCRIPT = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
HOSTILE = (
    SCRIPT,
    "]]></style></svg></table>{{ 7 * 7 }}{% raw %}&lt;b&gt;",
    "كرسي خشبي \u202eevil",
    "👩‍👩‍👧 Ünïcôdé 家具",
    "x" * 5_000,
    "a\x01b\x85c\u2028d",
    "Plain Chair",
    "Table",
)


def _timestamp(day: date, minute: int) -> str:
    return f"{day}T{minute // 60:02}:{minute % 60:02}:00"


def shop_files() -> list[list[DeliveredFile]]:
    """Return the deliveries of two runs: 20 days of trade with names that mean harm."""
    departments = ("Home", "Garden & <b>", "Toys")
    catalogue = [(n, 1, departments[n % 3], name) for n, name in enumerate(HOSTILE, start=1)]
    orders, items = [], []
    for number in range(DAYS * 9):
        day = FIRST + timedelta(days=number // 9)
        order_id, user = 100 + number, 1 + number * number % 17
        at = _timestamp(day, (number * 89) % 1440)
        total = "x" if number % 40 == 7 else f"{10 + number % 50}.{number % 100:02}"
        orders.append((number, order_id, user, at, total, day))
        for place in range(1 + number % 3):
            product = 1 + (number * 5 + place) % 9  # No product has the number 9.
            item = 1_000 + number * 5 + place
            items.append(
                (item, order_id, user, number % 9 or None, product, place + 1, place % 2, at, day)
            )
    half = DAYS * 9 // 2
    later = [row for row in items if row[1] >= 100 + half]
    broken = DeliveredRow(None, raw=f"1,2,{SCRIPT}")
    return [
        [
            delivered("products", "products/p.csv", *catalogue),
            delivered("orders", "orders/first.csv", *orders[:half]),
            # The items of an order that comes later are held until then.
            delivered("order_items", "order_items/a.csv", *items[: len(items) - len(later) + 4]),
        ],
        [
            delivered("orders", "orders/<i>second</i>.csv", *orders[half:], orders[0]),
            DeliveredFile(
                "order_items",
                "order_items/b.csv",
                (*delivered("order_items", "", *later[4:]).rows, broken),
                lakes.PLAIN,
            ),
        ],
    ]


@dataclass(frozen=True)
class Made:
    """A lake, what it must hold, and its page."""

    lake: Path
    expected: ReferenceLake
    page: str
    root: Element

    @property
    def gold(self) -> dict[str, list[dict[str, Any]]]:
        """What gold must hold."""
        return gold(self.expected.silver, self.expected.as_of)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    shop, expected = lakes.Shop(tmp_path_factory.mktemp("report")), ReferenceLake()
    for files in shop_files():
        expected.run(files, shop.next_time())
        shop.run(files)
    page = page_of(shop.lake)
    return Made(shop.lake, expected, page, parsed(page))


def page_of(lake: Path) -> str:
    engine = PolarsEngine(lake)
    try:
        return render(gather(engine, lake, MADE_AT))
    finally:
        engine.close()


def with_heading(section: Element, name: str) -> bool:
    return [e.get("id") for e in section.iter("h3")] == [name]


def money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def rounded(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,}"


def test_a_page_is_whole_structured_and_needs_nothing(made: Made) -> None:
    assert_self_contained(made.page)
    assert_structured(made.page)
    assert len(made.page.encode()) < 1_000_000


# --- The shop ------------------------------------------------------------------------------------


def test_sales_by_day_are_the_reference(made: Made) -> None:
    by_day = {str(row["date"]): row for row in made.gold["daily_sales"]}
    shown = table(made.root, "Sales by day")
    assert len(shown) == len(by_day) == DAYS
    for row in shown:
        day = by_day[row["Day"].split()[0]]
        assert row["Day"].endswith(day["date"].strftime(" %a"))
        assert row["Sales"] == money(day["total_sales"])
        assert row["Orders"] == str(day["order_count"])
        assert row["Per order"] == money(day["avg_order_value"])
        assert row["Items"] == str(day["total_items"])
    best = max(by_day.values(), key=lambda day: day["total_sales"])
    assert money(best["total_sales"]) in text_of(with_id(made.root, "history-wide-d"))


def test_the_tiles_are_the_reference(made: Made) -> None:
    days = made.gold["daily_sales"]
    tiles = [
        " ".join(text_of(part) for part in e)
        for e in made.root.iter("div")
        if "tile" in e.get("class", "").split()
    ]
    total = sum(day["total_sales"] for day in days)
    recent = [
        sum(
            d["total_sales"] for d in days if lowest < (made.expected.as_of - d["date"]).days < high
        )
        for lowest, high in ((-1, 7), (6, 14))
    ]
    share = (recent[0] - recent[1]) / recent[1]
    assert tiles[0] == f"Sales {rounded(total)} last 7 days {rounded(recent[0])} {share:+.1%}"
    assert tiles[1].startswith(f"Orders {sum(day['order_count'] for day in days)} ")
    assert tiles[2].startswith(f"Items {sum(day['total_items'] for day in days)} ")
    assert tiles[3].startswith(f"Customers {len(made.gold['customer_insights'])} ")
    rows = {entity: len(found) for entity, found in made.expected.arrivals.items()}
    assert tiles[5].startswith(f"Rows delivered {sum(rows.values())} in 5 files")


def test_the_week_is_counted_from_the_orders(made: Made) -> None:
    counts = Counter(
        (order["order_timestamp"].isoweekday(), order["order_timestamp"].hour)
        for order in made.expected.silver["orders"].values()
    )
    shown = table(made.root, "Orders by weekday and hour")
    assert [row.pop("Hour") for row in shown] == [f"{hour:02}:00" for hour in range(24)]
    found = {
        (weekday, hour): int(number)
        for hour, row in enumerate(shown)
        for weekday, number in enumerate(row.values(), start=1)
        if number != "0"
    }
    assert found == counts
    squares = {text_of(e) for e in made.root.iter("title")}
    monday_night = counts[1, 0]
    assert f"Mon 00:00, {monday_night} order{'s' if monday_night != 1 else ''}" in squares


def test_departments_products_and_segments_are_the_reference(made: Made) -> None:
    departments = sorted(
        made.gold["department_analytics"], key=lambda row: (-row["total_sales"], row["department"])
    )
    shown = table(made.root, "Departments by sales")
    for row, expected in zip(shown, departments, strict=True):
        assert row["Department"] == expected["department"]
        assert row["Sales"] == money(expected["total_sales"])
        assert row["Orders"] == str(expected["order_count"])
        assert row["Customers"] == str(expected["customer_count"])
        assert row["Products"] == str(expected["product_count"])
    products = sorted(
        (row for row in made.gold["product_performance"] if row["total_quantity"]),
        key=lambda row: (-row["total_sales"], row["product_id"]),
    )
    shown = table(made.root, f"The {len(products)} products with most sales")
    for row, expected in zip(shown, products, strict=True):
        assert row["Sales"] == money(expected["total_sales"])
        assert row["Items"] == str(expected["total_quantity"])
        assert row["Reordered"] == f"{expected['reorder_rate']:.1%}"
    groups: dict[str, list[Decimal]] = {}
    for customer in made.gold["customer_insights"]:
        groups.setdefault(customer["customer_segment"], []).append(customer["total_spend"])
    shown = table(made.root, "Customers and what they have spent")
    assert {row["Segment"]: (row["Customers"], row["Spend"]) for row in shown} == {
        name: (str(len(spent)), money(sum(spent, Decimal()))) for name, spent in groups.items()
    }


# --- The pipeline --------------------------------------------------------------------------------


def test_the_flow_accounts_for_every_row(made: Made) -> None:
    shown = {row["Entity"].replace(" ", "_"): row for row in table(made.root, "Balance")}
    for entity, arrivals in made.expected.arrivals.items():
        status = Counter(arrival.status for arrival in arrivals)
        row = shown[entity]
        assert row["Delivered"] == str(len(arrivals))
        assert row["Silver"] == str(len(made.expected.silver[entity]))
        assert row["Superseded"] == str(made.expected.superseded[entity])
        assert row["Held"] == str(status["held"])
        assert row["Rejected"] == str(status["rejected"])
        assert row["Healed"] == str(status["released"])
        assert row["Balance"] == "✓ holds"
    assert shown["order_items"]["Healed"] == "4"
    bands = [text_of(e) for e in with_id(made.root, "flow-wide-t").iter()]
    assert bands == ["Where every delivered row is now"]
    said = {text_of(e) for e in made.root.iter("title")}
    assert f"orders to silver: {shown['orders']['Silver']} rows" in said


def test_every_file_says_where_its_rows_are(made: Made) -> None:
    shown = {row["File"]: row for row in table(made.root, "Files taken in")}
    for entity, arrivals in made.expected.arrivals.items():
        for path in {arrival.file for arrival in arrivals}:
            status = Counter(a.status for a in arrivals if a.file == path)
            row = shown[path]
            assert row["Rows"] == str(status.total())
            assert row["Held"] == str(status["held"])
            assert row["Rejected"] == str(status["rejected"])
            parts = ("Silver", "Superseded", "Held", "Rejected")
            assert sum(int(row[part]) for part in parts) == status.total()
        silver = sum(int(shown[path]["Silver"]) for path in {a.file for a in arrivals})
        assert silver == len(made.expected.silver[entity])


def test_quarantine_shows_reasons_and_rows_as_delivered(made: Made) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    for entity, arrivals in made.expected.arrivals.items():
        for arrival in arrivals:
            if arrival.status in {"held", "rejected"}:
                for code in arrival.reasons.split(";"):
                    counts[entity.replace("_", " "), code, arrival.status] += 1
    shown = table(made.root, "Rows in quarantine by reason")
    assert {(r["Entity"], r["Reason"], r["Status"]): int(r["Rows"]) for r in shown} == counts
    assert [int(r["Rows"]) for r in shown] == sorted(counts.values(), reverse=True)
    samples = [text_of(e) for e in made.root.iter("details") if e.get("class") == "samples"]
    assert len(samples) == len(counts)
    malformed = next(text for text in samples if text.startswith("row:malformed"))
    assert f"order_items/b.csv, row {len(shop_files()[1][1].rows)} 1,2,{SCRIPT}" in malformed
    amount = next(text for text in samples if text.startswith("total_amount:malformed"))
    assert "total_amount (reason)x" in amount


def test_runs_and_tables_are_the_books(made: Made) -> None:
    first, second = reversed(table(made.root, "Runs, latest first"))
    assert (first["Run"], second["Run"]) == ("1", "2")
    assert first["Started (UTC)"] == lakes.run_time(0).strftime("%Y-%m-%d %H:%M:%S")
    last = made.expected.accounts
    for row, name in (("Rows", "rows_read"), ("Held", "held"), ("Rejected", "rejected")):
        assert int(second[row]) == sum(getattr(account, name) for account in last.values())
    assert second["Healed"] == "4"
    handled = sum(
        int(second[name]) for name in ("New or renewed", "Superseded", "Held", "Rejected")
    )
    assert handled == int(second["Rows"]) + int(second["Healed"])
    tables = {row["Table"]: row for row in table(made.root, "Tables of")}
    for path in ("silver/orders", "gold/daily_sales", "quarantine/order_items", "meta/runs"):
        stored = next(row for name, row in tables.items() if name.startswith(path))
        assert int(stored["Rows"]) == len(lakes.rows(made.lake, path))
        assert int(stored["Files"]) == len(lakes.live_files(made.lake)[path])


def test_lineage_names_what_every_table_is_made_from(made: Made) -> None:
    sources = {row["Table"]: row["Made from"] for row in table(made.root, "What every table")}
    assert sources["bronze/orders"] == "landing/orders"
    assert sources["silver/order_items"] == "bronze/order_items and quarantine/order_items"
    assert sources["gold/daily_sales"] == "silver/orders and interim/daily_product"
    assert sources["gold/customer_insights"] == (
        "silver/orders, silver/order_items and silver/products"
    )


def test_quality_is_what_the_gates_have_recorded(made: Made) -> None:
    scores = {
        (row["batch_id"], row["layer"]): row["score"]
        for row in lakes.rows(made.lake, "meta/quality_scores")
    }
    shown = {
        (int(row["Run"]), layer.lower()): row[layer]
        for row in table(made.root, "Quality score by run")
        for layer in ("Raw", "Bronze", "Silver", "Gold")
    }
    assert shown == {key: f"{score:.1%}" for key, score in scores.items()}
    told = [
        (row["check_name"].replace("_", " "), row["subject"], str(row["measured"]))
        for row in lakes.rows(made.lake, "meta/quality_metrics")
        if row["verdict"] == "alert"
    ]
    found = table(made.root, "Checks above")
    assert sorted((row["Check"], row["Subject"], row["Found"]) for row in found) == sorted(told)
    runs = {row["Run"]: row["Alerts"] for row in table(made.root, "Runs, latest first")}
    assert sum(map(int, runs.values())) == len(told) > 0


def test_runs_that_were_undone_say_why(tmp_path: Path) -> None:
    shop = lakes.Shop(tmp_path)
    shop.run([delivered("products", "products/p.csv", (1, 1, "Garden", "Spade"))])
    at = "2026-03-01T10:00:00+00:00"
    undone = Undone(7, "a", at, "blocked", "polars", 1, 12, 1, 5, SCRIPT)
    LakeHome(shop.lake).note_undone("a", undone.document())
    root = parsed(page_of(shop.lake))
    (row,) = table(root, "Runs that were undone")
    assert (row["Run"], row["Started (UTC)"]) == ("7", "2026-03-01 10:00:00")
    assert (row["Ended as"], row["Rows"], row["Why"]) == ("blocked", "12", SCRIPT)


# --- Text that means harm ------------------------------------------------------------------------


def test_hostile_text_stays_text(made: Made) -> None:
    names = {row["Product"] for row in table(made.root, "The 8 products")}
    assert SCRIPT in names
    assert " ".join(HOSTILE[1].split()) in names
    assert "كرسي خشبي \\u202eevil" in names
    assert "a\\x01b\\x85c\\u2028d" in names
    (long,) = (name for name in names if name.startswith("xxxx"))
    assert len(long) == 90
    assert long.endswith("x…")
    assert "49" not in HOSTILE[1]
    scripts = list(made.root.iter("script"))
    assert len(scripts) == 1
    for place in made.root.iter():
        assert not any(name.startswith("on") for name in place.keys())  # noqa: SIM118 - not a dict
    isolated = {text_of(e) for e in made.root.iter("bdi")}
    assert names <= isolated


def test_only_the_page_s_own_script_may_run(made: Made) -> None:
    (policy,) = (e.get("content", "") for e in made.root.iter("meta") if e.get("http-equiv"))
    script = next(made.root.iter("script")).text or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{_sha256(script)}'"


def _sha256(text: str) -> str:
    import base64
    import hashlib

    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# --- Small lakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nothing", "no orders", "one order"])
def test_small_lakes_have_a_page(tmp_path: Path, kind: str) -> None:
    shop = lakes.Shop(tmp_path)
    at = "2025-04-01T10:00:00"
    products = delivered("products", "products/p.csv", (1, 1, "Garden", "Spade"))
    order = delivered("orders", "orders/o.csv", (1, 10, 5, at, "20.00", "2025-04-01"))
    if kind == "nothing":
        PolarsEngine(shop.lake).create(TABLES)
    else:
        shop.run([products, order] if kind == "one order" else [products])
    page = page_of(shop.lake)
    assert_self_contained(page)
    assert_structured(page)
    said = text_of(parsed(page))
    assert ("There are no orders yet." in said) == (kind != "one order")
    assert ("No row has come in yet." in said) == (kind == "nothing")
    if kind == "one order":
        assert "Trade from 1 April 2025 to 1 April 2025" in said
        assert "All 2 delivered rows are accounted for." in said
        assert "None" not in said


# --- The command ---------------------------------------------------------------------------------


def test_the_command_writes_replaces_and_refuses(made: Made, tmp_path: Path) -> None:
    ended = call("report", "--lake", made.lake, cwd=tmp_path)
    file = tmp_path / "lakehouse-report.html"
    assert ended.out.startswith("lakehouse-report.html  ")
    first = file.read_text(encoding="utf-8")
    assert re.sub(r"Made [-0-9: ]+ UTC", "", first) == re.sub(r"Made [-0-9: ]+ UTC", "", made.page)

    document = call("report", "--lake", made.lake, "--to", file, "--json").document
    assert document == {
        "lake": str(made.lake),
        "report": str(file),
        "bytes": len(file.read_bytes()),
    }


def test_what_is_no_report_is_not_replaced(tmp_path: Path) -> None:
    other = tmp_path / "thesis.html"
    other.write_text("<p>mine</p>", encoding="utf-8")
    for file, why in (
        (other, "thesis.html exists and is no report of a lake"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "r.html", "no does not exist"),
    ):
        with pytest.raises(CallError, match=why):
            check_replaceable(file)
    assert call("report", "--lake", tmp_path, "--to", other, code=2, cwd=tmp_path).out == ""
    assert other.read_text(encoding="utf-8") == "<p>mine</p>"


# --- In a browser --------------------------------------------------------------------------------

PROBE = """
addEventListener("load", async () => {
  const wide = document.documentElement.scrollWidth;
  const found = { width: innerWidth, wide, errors: window.failed };
  found.title = document.title;
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const sales = [...document.querySelectorAll("#days thead button")][1];
  sales.click();
  const days = [...document.querySelectorAll("#days tbody tr")];
  found.sorted = days.map((row) => row.cells[1].textContent);
  const background = getComputedStyle(document.body).backgroundColor;
  found.background = background;
  const result = await axe.run();
  found.broken = result.violations.map((each) => each.id + ": " + each.nodes[0].html);
  found.checked = result.passes.map((each) => each.id);
  const pre = document.createElement("pre");
  pre.id = "found";
  pre.textContent = JSON.stringify(found);
  window.top.document.body.append(pre);
});
"""


def probed(made: Made, tmp_path: Path, *, width: int, dark: bool) -> Mapping[str, Any]:
    """Open the page with a probe in it and return what the probe found."""
    chromium_or_skip()
    axe = importlib.resources.files("axe_core_python").joinpath("axe.min.js")
    watch = (
        "window.failed = []; addEventListener('error', (e) => failed.push(e.message));"
        "addEventListener('securitypolicyviolation', (e) => failed.push(e.blockedURI));"
    )
    # The policy lets no other script in, so it goes for the probe; that it works is shown apart.
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", made.page)
    page = page.replace("<style>", f"<script>{watch}</script><style>", 1)
    probe = f"<script>{axe.read_text(encoding='utf-8')}</script><script>{PROBE}</script>"
    # A window is 500 wide at least, a frame as narrow as a phone.
    frame = html.escape(page.replace("</body>", f"{probe}</body>"))
    outer = '<!DOCTYPE html><meta charset="utf-8"/><meta name="color-scheme" content="light dark"/>'
    outer += f'<iframe width="{width}" height="800" style="border:0" srcdoc="{frame}"></iframe>'
    file = tmp_path / "page.html"
    file.write_text(outer, encoding="utf-8")
    found = in_browser(file, tmp_path / "home", width=1400, dark=dark)
    content: Mapping[str, Any] = json.loads("".join(found.itertext()))
    return content


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (360, "light")])
def test_in_a_browser_it_is_accessible_and_fits(
    made: Made, tmp_path: Path, width: int, scheme: str
) -> None:
    dark = scheme == "dark"
    found = probed(made, tmp_path, width=width, dark=dark)
    assert found["broken"] == []
    assert {"color-contrast", "heading-order", "region", "html-has-lang"} <= set(found["checked"])
    assert found["errors"] == []
    assert found["width"] == width
    assert found["wide"] == width
    assert found["title"].endswith(" · lakehouse report")
    assert (found["background"] == "rgb(16, 19, 26)") == dark
    amounts = [Decimal(text.replace(",", "")) for text in found["sorted"]]
    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) > 1


def test_in_a_browser_the_policy_stops_what_would_slip_in(made: Made, tmp_path: Path) -> None:
    chromium_or_skip()
    report = """<pre id="found">untouched</pre>"""
    owned = "<script>document.getElementById('found').textContent = 'owned'</script>"
    handler = "<svg onload=\"document.getElementById('found').textContent = 'owned'\"></svg>"
    file = tmp_path / "page.html"
    file.write_text(made.page.replace("</body>", report + owned + handler + "</body>"), "utf-8")
    assert "".join(in_browser(file, tmp_path / "home", width=800).itertext()) == "untouched"
