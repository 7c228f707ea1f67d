"""Real days of a shop, and a generated one: every number of silver and gold, calculated elsewhere.

The real files lie beside the checkout; where they do not, the same tests run on the generated shop
alone. Expected values come from DuckDB reading the delivered files, or from the files' own bytes.
"""

import csv
import gzip
import shutil
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from pipeline.runner.report import RunReport
from simulator.generate import Dirt, ShopConfig, generate
from tests.lakes import Row, ordered, rows, run, state
from tests.real_data import ENTITIES, REAL, copy_csv, copy_workbooks, real_or_skip

Landing = Path


@pytest.fixture(scope="module", params=["real", "generated"])
def landing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """A clean shop of ten days, one CSV a day and entity."""
    folder = tmp_path_factory.mktemp(str(request.param)) / "landing"
    if request.param == "real":
        copy_csv(real_or_skip(), folder)
    else:
        config = ShopConfig(days=10, start=date(2025, 4, 1), orders_per_day=60, products=90, seed=3)
        generate(config, Dirt(), folder)
    return folder


@pytest.fixture(scope="module")
def lake(landing: Landing) -> Path:
    """The lake that one run makes of all files."""
    made = landing.parent / "lake"
    run(landing, made)
    return made


def days_of(landing: Landing) -> list[str]:
    return sorted(path.name for path in (landing / "orders").iterdir())


# --- However the files come ----------------------------------------------------------------------


def run_daily(landing: Landing, folder: Path) -> Path:
    """Deliver a shop day by day, with a run after each; return the lake."""
    delivered, lake = folder / "daily", folder / "lake"
    for number, day in enumerate(days_of(landing)):
        for entity in ENTITIES:
            source = landing / entity
            names = {day} if entity != "products" else {p.name for p in source.iterdir()}
            for name in names if entity != "products" or number == 0 else ():
                (delivered / entity).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, delivered / entity / name)
        report = run(delivered, lake, number)
        assert [note.entity for note in report.accepted].count("orders") == 1
    return lake


def test_daily_runs_are_one_run(landing: Landing, lake: Path, tmp_path: Path) -> None:
    assert state(run_daily(landing, tmp_path)) == state(lake)


def test_the_order_of_days_does_not_matter_to_clean_data(
    landing: Landing, lake: Path, tmp_path: Path
) -> None:
    """Items before their orders and orders from last to first wait, and are released."""
    delivered = tmp_path / "landing"
    steps = [("order_items", day) for day in days_of(landing)[::-3]]
    steps += [("order_items", day) for day in days_of(landing) if ("order_items", day) not in steps]
    groups = [steps, [("orders", day) for day in days_of(landing)]]
    groups.append([("products", path.name) for path in (landing / "products").iterdir()])
    for number, group in enumerate(groups):
        for entity, name in group:
            (delivered / entity).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(landing / entity / name, delivered / entity / name)
        run(delivered, tmp_path / "lake", number)
    assert state(tmp_path / "lake") == state(lake)


def test_packed_files_say_the_same(landing: Landing, lake: Path, tmp_path: Path) -> None:
    packed = tmp_path / "landing"
    for path in landing.rglob("*.csv"):
        goal = packed / path.relative_to(landing)
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.with_name(f"{goal.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    run(packed, tmp_path / "lake")
    assert contents(tmp_path / "lake") == contents(lake)


def contents(lake: Path, keep: Callable[[Row], bool] = lambda _: True) -> dict[str, list[Row]]:
    """Return what silver and gold say."""
    said = {path: found for path, found in state(lake).items() if path[:4] in {"silv", "gold"}}
    return {path: [row for row in found if keep(row)] for path, found in said.items()}


def test_nothing_is_quarantined_and_nothing_superseded(landing: Landing, lake: Path) -> None:
    """Rows in files, counted by the standard library, are rows of bronze and of silver."""
    for entity in ENTITIES:
        lines = 0
        for path in (landing / entity).glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                lines += sum(1 for _ in csv.reader(file)) - 1
        assert len(rows(lake, f"bronze/{entity}")) == lines
        assert len(rows(lake, f"silver/{entity}")) == lines
        assert rows(lake, f"quarantine/{entity}") == []


# --- Every value of gold -------------------------------------------------------------------------

_VIEWS = """
create view products as select * from read_csv('{landing}/products/*.csv', header = true,
    columns = {{product_id: 'BIGINT', department_id: 'BIGINT', department: 'VARCHAR',
        product_name: 'VARCHAR'}});
create view orders as select *, (total_amount * 100)::BIGINT as cents
    from read_csv('{landing}/orders/*.csv', header = true, columns = {{order_num: 'BIGINT',
        order_id: 'BIGINT', user_id: 'BIGINT', order_timestamp: 'TIMESTAMP',
        total_amount: 'DECIMAL(10,2)', date: 'DATE'}});
create view items as select *
    from read_csv('{landing}/order_items/*.csv', header = true, columns = {{id: 'BIGINT',
        order_id: 'BIGINT', item_user: 'BIGINT', days: 'BIGINT', product_id: 'BIGINT',
        place: 'BIGINT', reordered: 'BIGINT', item_time: 'TIMESTAMP', item_date: 'DATE'}});
create macro label(name) as upper(trim(regexp_replace(name, '\\s+', ' ', 'g')));
-- The first of an order's n items get one cent more until total mod n cents are spent.
create view sold as
    select i.*, o.user_id, o.date, label(p.department) as department,
        o.cents // n + (nth <= o.cents % n)::BIGINT as share
    from (select *, count(*) over (partition by order_id) as n,
            row_number() over (partition by order_id order by place, id) as nth from items) i
    join orders o using (order_id) join products p using (product_id);
-- Whole numbers, halves up: a/b to d decimals is (2a10^d + b) / 2b in units of 10^-d.
create macro half_up(a, b) as case when b > 0 then (2 * a + b) // (2 * b) end;
"""

_GOLD = {
    "daily_sales": """
        select date, sum(cents)::BIGINT, count(*), half_up(sum(cents)::BIGINT, count(*)),
            count(distinct user_id),
            coalesce(sum(n)::BIGINT, 0), half_up(100 * coalesce(sum(n)::BIGINT, 0), count(*))
        from orders left join (select order_id, count(*) as n from items group by all)
            using (order_id) group by date""",
    "product_performance": """
        select p.product_id, label(any_value(p.department)), trim(any_value(p.product_name)),
            count(s.id), coalesce(sum(share)::BIGINT, 0), count(distinct s.order_id),
            half_up(10000 * sum(s.reordered)::BIGINT, count(s.id)),
            half_up(100 * sum(s.days)::BIGINT, count(s.days))
        from products p left join sold s using (product_id) group by p.product_id""",
    "department_analytics": """
        select d.department, coalesce(revenue, 0), d.listed, coalesce(orders, 0),
            coalesce(customers, 0), half_up(revenue, orders)
        from (select label(department) as department, count(*) as listed from products group by 1) d
        left join (select department, sum(share)::BIGINT as revenue,
                count(distinct order_id) as orders, count(distinct user_id) as customers
            from sold group by 1) using (department)""",
    "customer_insights": """
        with favorites as (
            select user_id,
                first(department order by d desc, encode(department)) as department,
                first(product_id order by p desc, product_id) as product_id
            from (select user_id, department, product_id,
                    count(*) over (partition by user_id, department) as d,
                    count(*) over (partition by user_id, product_id) as p from sold)
            group by user_id),
        totals as (
            select user_id, count(*) as n, sum(cents)::BIGINT as spend, min(date) as first,
                max(date) as last, (select max(date) from orders) - max(date) as days
            from orders group by user_id)
        select user_id, n, spend, half_up(spend, n), first, last, days, department, product_id,
            case when n > 10 then 'Loyal' when n > 5 and days <= 30 then 'Active'
                when n > 1 and days <= 90 then 'Regular' when days > 90 then 'Lapsed'
                else 'New' end
        from totals left join favorites using (user_id)""",
}

_COLUMNS = {
    "daily_sales": (
        "date total_sales order_count avg_order_value unique_customers total_items "
        "avg_items_per_order"
    ),
    "product_performance": (
        "product_id department product_name total_quantity total_sales order_count reorder_rate "
        "avg_days_between_orders"
    ),
    "department_analytics": (
        "department total_sales product_count order_count customer_count avg_order_value"
    ),
    "customer_insights": (
        "user_id total_orders total_spend avg_order_value first_order_date last_order_date "
        "days_since_last_order favorite_department favorite_product_id customer_segment"
    ),
}
_SCALES = {"reorder_rate": 4} | dict.fromkeys(
    (
        *("total_sales", "total_spend", "avg_order_value", "avg_items_per_order"),
        "avg_days_between_orders",
    ),
    2,
)


def calculated(landing: Landing, table: str) -> list[Row]:
    """Return a gold table as SQL over the delivered files has it, in whole numbers throughout."""
    names = _COLUMNS[table].split()
    with duckdb.connect() as database:
        database.execute(_VIEWS.format(landing=landing))
        found = database.execute(_GOLD[table]).fetchall()
    return ordered(
        {
            name: Decimal(value).scaleb(-_SCALES[name])
            if name in _SCALES and value is not None
            else value
            for name, value in zip(names, row, strict=True)
        }
        for row in found
    )


@pytest.mark.parametrize("table", list(_GOLD))
def test_every_value_of_gold(landing: Landing, lake: Path, table: str) -> None:
    found = rows(lake, f"gold/{table}", without=["last_updated_timestamp"])
    assert found == calculated(landing, table)


def test_money_adds_up_to_the_cent(landing: Landing, lake: Path) -> None:
    """The sum of the texts in the files is the sum of every gold table."""
    total = Decimal()
    for path in (landing / "orders").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            total += sum(Decimal(row["total_amount"]) for row in csv.DictReader(file))
    assert total > 0
    for table, column in (
        ("daily_sales", "total_sales"),
        ("customer_insights", "total_spend"),
        ("product_performance", "total_sales"),
        ("department_analytics", "total_sales"),
    ):
        found: Iterable[Decimal] = (row[column] for row in rows(lake, f"gold/{table}"))
        without = (
            without_items(lake) if table in {"product_performance", "department_analytics"} else 0
        )
        assert sum(found, Decimal()) + without == total


def without_items(lake: Path) -> Decimal:
    sold = {row["order_id"] for row in rows(lake, "silver/order_items")}
    empty = [row for row in rows(lake, "silver/orders") if row["order_id"] not in sold]
    return sum((row["total_amount"] for row in empty), Decimal())


# --- The workbooks -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fifteen_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunReport]:
    """The lake of the real workbooks, which hold fifteen days, and the catalogue."""
    folder = tmp_path_factory.mktemp("workbooks")
    copy_workbooks(real_or_skip(), folder / "landing")
    return folder / "lake", run(folder / "landing", folder / "lake")


def test_fifteen_days_of_workbooks(fifteen_days: tuple[Path, RunReport]) -> None:
    """All worksheets are read, and every sum is that of the cells."""
    lake, report = fifteen_days
    orders, items = rows(lake, "silver/orders"), rows(lake, "silver/order_items")
    assert len(orders) == 15 * 500
    assert len(items) == 40_803
    by_day = {day: [o for o in orders if o["date"] == day] for day in {o["date"] for o in orders}}
    assert sorted(by_day) == [date(2025, 4, day) for day in range(1, 16)]
    assert {len(found) for found in by_day.values()} == {500}
    assert all(rows(lake, f"quarantine/{entity}") == [] for entity in ENTITIES)
    assert all(account.rejected == account.held == 0 for account in report.entities.values())

    cells = workbook_rows(REAL / "workbooks" / "orders_apr_2025.xlsx")
    by_cells: dict[date, Decimal] = {}
    for row in cells:
        day = date.fromisoformat(str(row["date"])[:10])
        amount = Decimal(repr(row["total_amount"]))
        by_cells[day] = by_cells.get(day, Decimal()) + amount
    sales = {row["date"]: row["total_sales"] for row in rows(lake, "gold/daily_sales")}
    assert sales == by_cells

    item_cells = workbook_rows(REAL / "workbooks" / "order_items_apr_2025.xlsx")
    names = ("id", "order_id", "product_id", "add_to_cart_order", "reordered")
    for name in names:
        assert sum(item[name] for item in items) == sum(
            int(str_number(c[name])) for c in item_cells
        )
    known = [
        int(str_number(c["days_since_prior_order"]))
        for c in item_cells
        if c["days_since_prior_order"] != ""
    ]
    assert sum(item["days_since_prior_order"] or 0 for item in items) == sum(known)


def str_number(cell: object) -> str:
    """Return a cell's whole number as text."""
    assert isinstance(cell, (int, float))
    assert cell == int(cell)
    return str(int(cell))


def workbook_rows(path: Path) -> list[Row]:
    """Return the rows of all worksheets by header."""
    found = []
    book = CalamineWorkbook.from_path(path)
    for name in book.sheet_names:
        header, *body = book.get_sheet_by_name(name).to_python()
        found += [dict(zip(map(str, header), row, strict=True)) for row in body]
    return found


def test_workbooks_and_csv_agree_on_the_days_that_both_have(
    fifteen_days: tuple[Path, RunReport], tmp_path: Path
) -> None:
    copy_csv(real_or_skip(), tmp_path / "landing")
    run(tmp_path / "landing", tmp_path / "lake")
    last = date(2025, 4, 10)
    for table in ("silver/products", "silver/orders", "silver/order_items", "gold/daily_sales"):
        ten = [row for row in state(fifteen_days[0])[table] if row.get("date", last) <= last]
        assert ten == state(tmp_path / "lake")[table]
        assert len(ten) > 9


def test_a_csv_of_days_that_workbooks_brought_changes_nothing(
    fifteen_days: tuple[Path, RunReport], tmp_path: Path
) -> None:
    """What comes again in another format is superseded row by row, and gold stays."""
    shutil.copytree(fifteen_days[0], tmp_path / "lake")
    copy_csv(real_or_skip(), tmp_path / "landing")
    report = run(tmp_path / "landing", tmp_path / "lake", 1)
    for entity in ("orders", "order_items"):
        account = report.entities[entity]
        assert account.rows_read == account.unchanged == account.superseded > 0
    assert contents(tmp_path / "lake") == contents(fifteen_days[0])
