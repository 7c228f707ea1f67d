"""The answers to the named queries, worked out in plain Python from rows, without SQL or frames.

Whatever gold tells is summed here from silver anew.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

Row = dict[str, Any]
Answer = list[tuple[Any, ...]]
ENTITIES = ("products", "orders", "order_items")
CENT = Decimal("0.01")


def share(part: Decimal | int, whole: Decimal | int, digits: str = "0.01") -> Decimal | None:
    """Return a quotient rounded half away from zero; None when there is nothing to divide by."""
    if not whole:
        return None
    with localcontext(prec=60):
        return (Decimal(part) / Decimal(whole)).quantize(Decimal(digits), ROUND_HALF_UP)


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Return a percentage with two digits."""
    return share(Decimal(part) * 100, whole)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return a sum of money."""
    return sum(amounts, Decimal("0.00"))


class Facts:
    """The rows of a lake, as far as the questions need them.

    Args:
        read: Gives the rows of a table by its path.
        as_of: The date that customers are seen from.
    """

    def __init__(self, read: Callable[[str], list[Row]], as_of: date) -> None:
        self.products, self.orders, self.items = (read(f"silver/{name}") for name in ENTITIES)
        self.quarantine = {name: read(f"quarantine/{name}") for name in ENTITIES}
        self.files, self.runs = read("meta/files"), read("meta/runs")
        self.accounts = read("meta/row_accounts")
        self.as_of = as_of
        self.product = {row["product_id"]: row for row in self.products}
        self.order = {row["order_id"]: row for row in self.orders}

    @cached_property
    def items_of(self) -> Mapping[int, list[Row]]:
        """Items by order."""
        found: dict[int, list[Row]] = defaultdict(list)
        for item in self.items:
            found[item["order_id"]].append(item)
        return found

    @cached_property
    def revenue(self) -> Mapping[int, Decimal]:
        """Revenue by item."""
        found = {}
        for order_id, items in self.items_of.items():
            cents = int(self.order[order_id]["total_amount"] * 100)
            each, left = divmod(cents, len(items))
            for place, item in enumerate(
                sorted(items, key=lambda i: (i["add_to_cart_order"], i["id"]))
            ):
                found[item["id"]] = Decimal(each + (place < left)) / 100
        return found

    def by(self, rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
        """Return rows by something, in its order."""
        found: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            found[key(row)].append(row)
        return dict(sorted(found.items()))

    @cached_property
    def days(self) -> dict[date, list[Row]]:
        """Orders by date."""
        return self.by(self.orders, lambda o: o["date"])

    def sales(self, day: date) -> Decimal:
        """Sales of a date; nothing when it has no orders."""
        return total(o["total_amount"] for o in self.days.get(day, ()))

    @cached_property
    def users(self) -> dict[int, list[Row]]:
        """Orders by customer."""
        return self.by(self.orders, lambda o: o["user_id"])

    def segment(self, user: int) -> str:
        """Segment of a customer."""
        count = len(self.users[user])
        days = max(0, (self.as_of - max(o["date"] for o in self.users[user])).days)
        if count > 10:
            return "Loyal"
        if count > 5 and days <= 30:
            return "Active"
        if count > 1 and days <= 90:
            return "Regular"
        return "Lapsed" if days > 90 else "New"

    def sold(self, product: int) -> list[Row]:
        """Items of a product."""
        return self._by_product.get(product, [])

    @cached_property
    def _by_product(self) -> dict[int, list[Row]]:
        return self.by(self.items, lambda i: i["product_id"])

    def waiting(self, entity: str) -> list[Row]:
        """Rows in quarantine now."""
        return [row for row in self.quarantine[entity] if row["status"] != "released"]


def daily_trend(f: Facts) -> Answer:
    rows = []
    for day, orders in f.days.items():
        sales, before = f.sales(day), f.sales(day - timedelta(7))
        week = total(f.sales(day - timedelta(n)) for n in range(7))
        rows.append(
            (
                *(day, sales, len(orders), share(sales, len(orders))),
                *(len({o["user_id"] for o in orders}), week, percent(sales - before, before)),
            )
        )
    return rows


def _periods(
    f: Facts, first: Callable[[date], date]
) -> list[tuple[date, list[date], Decimal, int]]:
    found: dict[date, list[date]] = defaultdict(list)
    for day in f.days:
        found[first(day)].append(day)
    return [
        (start, days, total(map(f.sales, days)), sum(len(f.days[day]) for day in days))
        for start, days in sorted(found.items())
    ]


def weekly_trend(f: Facts) -> Answer:
    rows: Answer = []
    before: Decimal | None = None
    for start, days, sales, orders in _periods(f, lambda d: d - timedelta(d.weekday())):
        change = None if before is None else percent(sales - before, before)
        rows.append((start, len(days), sales, orders, share(sales, orders), change))
        before = sales
    return rows


def monthly_trend(f: Facts) -> Answer:
    rows: Answer = []
    before: Decimal | None = None
    for start, days, sales, orders in _periods(f, lambda d: d.replace(day=1)):
        per_day = share(sales, len(days)) or Decimal(0)
        change = None if before is None else percent(per_day - before, before)
        rows.append((start, len(days), sales, orders, share(sales, orders), per_day, change))
        before = per_day
    return rows


def hour_pattern(f: Facts) -> Answer:
    hours = f.by(f.orders, lambda o: o["order_timestamp"].hour)
    rows = []
    for hour, orders in hours.items():
        sales = total(o["total_amount"] for o in orders)
        rows.append(
            (
                hour,
                len(orders),
                sales,
                share(sales, len(orders)),
                percent(len(orders), len(f.orders)),
            )
        )
    return rows


def weekday_pattern(f: Facts) -> Answer:
    rows = []
    for weekday, orders in f.by(f.orders, lambda o: o["date"].isoweekday()).items():
        days, sales = len({o["date"] for o in orders}), total(o["total_amount"] for o in orders)
        rows.append(
            (weekday, days, len(orders), sales, share(sales, days), share(len(orders), days))
        )
    return rows


def weekday_hour_pattern(f: Facts) -> Answer:
    groups = f.by(f.orders, lambda o: (o["date"].isoweekday(), o["order_timestamp"].hour))
    rows = [
        (*key, len(orders), total(o["total_amount"] for o in orders))
        for key, orders in groups.items()
    ]
    return sorted(rows, key=lambda r: (-r[2], r[0], r[1]))


def _product_sales(f: Facts) -> dict[int, Decimal]:
    return {p: total(f.revenue[i["id"]] for i in f.sold(p)) for p in f.product}


def top_products(f: Facts) -> Answer:
    sales = _product_sales(f)
    order = sorted((p for p in f.product if f.sold(p)), key=lambda p: (-sales[p], p))
    everything = total(sales.values())
    return [
        (
            *(place, p, f.product[p]["product_name"], f.product[p]["department"], sales[p]),
            *(
                len(f.sold(p)),
                len({i["order_id"] for i in f.sold(p)}),
                percent(sales[p], everything),
            ),
        )
        for place, p in enumerate(order[:20], 1)
    ]


def unsold_products(f: Facts) -> Answer:
    return sorted(
        (row["department"], p, row["product_name"], row["last_updated_timestamp"].date())
        for p, row in f.product.items()
        if row["is_active"] and not f.sold(p)
    )


def reorder_rates(f: Facts) -> Answer:
    rows = []
    for p, row in f.product.items():
        items = f.sold(p)
        if len(items) < 10:
            continue
        known = [
            i["days_since_prior_order"] for i in items if i["days_since_prior_order"] is not None
        ]
        rate = share(sum(i["reordered"] for i in items), len(items), "0.0001")
        mean = share(sum(known), len(known))
        rows.append((p, row["product_name"], row["department"], rate, len(items), mean))
    return sorted(rows, key=lambda r: (-(r[3] or 0), -r[4], r[0]))[:50]


def _departments(f: Facts) -> dict[str, list[int]]:
    return {
        name: [row["product_id"] for row in rows]
        for name, rows in f.by(f.products, lambda p: p["department"]).items()
    }


def reorder_rates_by_department(f: Facts) -> Answer:
    rows = []
    for name, products in _departments(f).items():
        items = [i for p in products for i in f.sold(p)]
        again = sum(i["reordered"] for i in items)
        rows.append((name, len(items), again, share(again, len(items), "0.0001")))
    return sorted(rows, key=lambda r: (r[3] is None, -(r[3] or 0), r[0].encode()))


def departments(f: Facts) -> Answer:
    everything = total(f.revenue.values())
    rows = []
    for name, products in _departments(f).items():
        items = [i for p in products for i in f.sold(p)]
        sales = total(f.revenue[i["id"]] for i in items)
        orders = {i["order_id"] for i in items}
        users = {f.order[o]["user_id"] for o in orders}
        active = sum(f.product[p]["is_active"] for p in products)
        rows.append(
            (
                *(name, sales, percent(sales, everything), len(orders), len(users), active),
                share(sales, len(orders)),
            )
        )
    return sorted(rows, key=lambda r: (-r[1], r[0].encode()))


def department_growth(f: Facts) -> Answer:
    last, rows = max(f.days), []
    for name, products in _departments(f).items():
        weeks = [Decimal("0.00"), Decimal("0.00")]
        for item in (i for p in products for i in f.sold(p)):
            age = (last - f.order[item["order_id"]]["date"]).days // 7
            if age < 2:
                weeks[age] += f.revenue[item["id"]]
        growth = weeks[0] - weeks[1]
        rows.append((name, *weeks, growth, percent(growth, weeks[1])))
    return sorted(rows, key=lambda r: (-r[3], r[0].encode()))


def customer_segments(f: Facts) -> Answer:
    everything = total(o["total_amount"] for o in f.orders)
    groups: dict[str, list[int]] = defaultdict(list)
    for user in f.users:
        groups[f.segment(user)].append(user)
    rows = []
    for name, users in groups.items():
        orders = [o for user in users for o in f.users[user]]
        spend = total(o["total_amount"] for o in orders)
        rows.append(
            (
                *(name, len(users), len(orders), spend, share(spend, len(users))),
                *(share(len(orders), len(users)), percent(spend, everything)),
            )
        )
    return sorted(rows, key=lambda r: (-r[3], r[0]))


def top_customers(f: Facts) -> Answer:
    rows = []
    for user, orders in f.users.items():
        spend = total(o["total_amount"] for o in orders)
        items = [i for o in orders for i in f.items_of.get(o["order_id"], ())]
        names = Counter(f.product[i["product_id"]]["department"] for i in items)
        bought = Counter(i["product_id"] for i in items)
        department = min(names, key=lambda n: (-names[n], n.encode())) if names else None
        product = min(bought, key=lambda p: (-bought[p], p)) if bought else None
        rows.append(
            (
                *(user, spend, len(orders), share(spend, len(orders))),
                *(max(o["date"] for o in orders), f.segment(user), department),
                f.product[product]["product_name"] if product is not None else None,
            )
        )
    return sorted(rows, key=lambda r: (-r[1], r[0]))[:20]


def new_and_returning(f: Facts) -> Answer:
    first = {user: min(o["date"] for o in orders) for user, orders in f.users.items()}
    rows = []
    for day, orders in f.days.items():
        users = {o["user_id"] for o in orders}
        new = sum(first[user] == day for user in users)
        rows.append((day, len(users), new, len(users) - new, percent(new, len(users))))
    return rows


def basket_size(f: Facts) -> Answer:
    sizes = f.by(f.orders, lambda o: len(f.items_of.get(o["order_id"], ())))
    return [
        (
            *(size, len(orders), percent(len(orders), len(f.orders))),
            share(total(o["total_amount"] for o in orders), len(orders)),
        )
        for size, orders in sizes.items()
    ]


def bought_together(f: Facts) -> Answer:
    since, pairs = max(f.days) - timedelta(30), Counter[tuple[int, int]]()
    for order_id, items in f.items_of.items():
        if f.order[order_id]["date"] > since:
            pairs.update(combinations(sorted({i["product_id"] for i in items}), 2))
    order = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
    return [(*(f.product[p]["product_name"] for p in pair), count) for pair, count in order]


def late_data(f: Facts) -> Answer:
    rows = []
    for entity, arrived in (("order_items", f.items), ("orders", f.orders)):
        newest = {b: max(r["date"] for r in g) for b, g in f.by(arrived, _batch).items()}
        known = {b: max((n for o, n in newest.items() if o < b), default=None) for b in newest}
        for day, group in f.by(arrived, lambda r: r["date"]).items():
            late = [
                (until - day).days
                for row in group
                if (until := known[row["batch_id"]]) is not None and day < until
            ]
            rows.append(
                (
                    *(entity, day, len(group), len(late), max(late, default=None)),
                    max(map(_batch, group)),
                )
            )
    return rows


def _batch(row: Row) -> int:
    return int(row["batch_id"])


def missing_days(f: Facts) -> Answer:
    days = list(f.days)
    gaps = [(a, b, (b - a).days - 1) for a, b in pairwise(days)]
    return [gap for gap in gaps if gap[2]]


def quarantine_by_reason(f: Facts) -> Answer:
    seen: dict[tuple[str, str, str], list[date]] = defaultdict(list)
    for entity in ENTITIES:
        for row in f.waiting(entity):
            for code in row["reasons"].split(";"):
                seen[entity, code, row["status"]].append(row["first_seen"].date())
    rows = [(*key, len(days), min(days), max(days)) for key, days in seen.items()]
    return sorted(rows, key=lambda r: (-r[3], *r[:3]))


def quarantine_by_file(f: Facts) -> Answer:
    delivered = {
        (file["path"], file["batch_id"]): file["rows"]
        for file in f.files
        if file["status"] == "accepted"
    }
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for entity in ENTITIES:
        for row in f.waiting(entity):
            counts[row["source_file"], row["batch_id"]][row["status"]] += 1
    rows = []
    for key, statuses in counts.items():
        both = (statuses["rejected"], statuses["held"])
        rows.append((*key, delivered[key], *both, percent(sum(both), delivered[key])))
    return sorted(rows, key=lambda r: (-(r[3] + r[4]), r[0].encode(), r[1]))


def revenue_reconciliation(f: Facts) -> Answer:
    everything = total(o["total_amount"] for o in f.orders)
    names = ("orders by day", "orders by customer", "products, and orders without items",
             "departments, and orders without items")  # fmt: skip
    return [(name, everything, Decimal("0.00")) for name in names]


def row_balance(f: Facts) -> Answer:
    silver = {"products": f.products, "orders": f.orders, "order_items": f.items}
    rows = []
    for entity in sorted(ENTITIES):
        delivered = sum(
            file["rows"] for file in f.files
            if file["entity"] == entity and file["status"] == "accepted"
        )  # fmt: skip
        kept, waiting = len(silver[entity]), len(f.waiting(entity))
        rows.append((entity, delivered, kept, delivered - kept - waiting, waiting, 0))
    return rows


def run_history(f: Facts) -> Answer:
    rows = []
    for run in sorted(f.runs, key=lambda r: r["started_at"], reverse=True)[:50]:
        accounts = [a for a in f.accounts if a["batch_id"] == run["batch_id"]]
        rows.append(
            (
                *(run["batch_id"], run["started_at"], run["status"], run["engine"]),
                *(run["accepted_files"], run["duplicate_files"], run["refused_files"]),
                sum(a["rows_read"] for a in accounts),
                sum(a["held"] + a["rejected"] for a in accounts),
                sum(a["released"] for a in accounts),
            )
        )
    return rows


ANSWERS: Mapping[str, Callable[[Facts], Answer]] = {
    function.__name__: function
    for function in (
        *(basket_size, bought_together, customer_segments, daily_trend, department_growth),
        *(departments, hour_pattern, late_data, missing_days, monthly_trend, new_and_returning),
        *(quarantine_by_file, quarantine_by_reason, reorder_rates, reorder_rates_by_department),
        *(revenue_reconciliation, row_balance, run_history, top_customers, top_products),
        *(unsold_products, weekday_hour_pattern, weekday_pattern, weekly_trend),
    )
}
