"""Whether a lake and what its runs reported is what the reference says."""

from dataclasses import fields

from pipeline.runner.report import RunReport
from tests.lakes import LINEAGE, Row, Shop, ordered
from tests.reference import ENTITIES, KEYS, ReferenceLake

GOLD = ("daily_sales", "product_performance", "department_analytics", "customer_insights")
ORIGIN = ("source_file", "source_row", "batch_id", "ingestion_timestamp")


def assert_accounts_agree(report: RunReport, expected: ReferenceLake) -> None:
    """Hold what a run reported of every entity against the reference after the same run."""
    for entity, account in expected.accounts.items():
        names = [field.name for field in fields(account)]
        found = report.entities[entity]
        got, wanted = ({n: getattr(a, n) for n in names} for a in (found, account))
        assert got == wanted, entity
        assert found.balance is not None
        assert found.balance.holds


def assert_silver_agrees(shop: Shop, expected: ReferenceLake) -> None:
    """Hold silver against it; of equal rows a silver row may name any."""
    for entity, key in KEYS.items():
        found = shop.rows(f"silver/{entity}")
        content = [{n: v for n, v in row.items() if n not in LINEAGE} for row in found]
        assert ordered(content) == ordered(expected.silver[entity].values())
        carriers = expected.carriers(entity)
        for row in found:
            places = [(*arrival.place, arrival.seen) for arrival in carriers[row[key]]]
            assert tuple(row[name] for name in ORIGIN) in places


def assert_quarantine_agrees(shop: Shop, expected: ReferenceLake) -> None:
    """Hold quarantine against it, released rows too."""
    for entity in ENTITIES:
        found = shop.rows(f"quarantine/{entity}", without=["displaced"])
        assert found == ordered(expected.quarantine(entity))


def assert_gold_agrees(shop: Shop, gold: dict[str, list[Row]]) -> None:
    """Hold gold against the rows that the reference makes of silver."""
    for table in GOLD:
        found = shop.rows(f"gold/{table}", without=["last_updated_timestamp"])
        assert found == ordered(gold[table]), table


def assert_lake_agrees(shop: Shop, expected: ReferenceLake) -> None:
    """Hold silver, quarantine and gold against it."""
    assert_silver_agrees(shop, expected)
    assert_quarantine_agrees(shop, expected)
    assert_gold_agrees(shop, expected.gold())
