"""What the declarations of gold promise one another, and that no table is without one."""

import pytest

from pipeline.contracts import ENTITIES, GOLD, INTERIM, silver
from pipeline.transforms.gold.derivations import DERIVATIONS, Derivation

each = pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.table.path)


def test_every_interim_and_gold_table_is_declared_once() -> None:
    declared = [derivation.table.path for derivation in DERIVATIONS]
    assert sorted(declared) == sorted(table.path for table in (*INTERIM, *GOLD))


@each
def test_sources_are_silver_or_computed_before(derivation: Derivation) -> None:
    before = DERIVATIONS[: DERIVATIONS.index(derivation)]
    known = [silver(entity) for entity in ENTITIES] + [earlier.table for earlier in before]
    assert derivation.sources
    assert all(source in known for source in derivation.sources)


@each
def test_what_is_computed_by_date_is_partitioned_by_date(derivation: Derivation) -> None:
    assert set(derivation.by_date) <= set(derivation.sources)
    tables = (derivation.table, *derivation.by_date) if derivation.by_date else ()
    assert all(table.partition_by == ("date",) for table in tables)
