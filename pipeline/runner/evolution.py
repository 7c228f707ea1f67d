"""Whether a lake's tables can follow the contracts at hand, asked before anything is written."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.contracts.fingerprint import Change, describe, differences
from pipeline.contracts.model import Table
from pipeline.engine import Engine
from pipeline.errors import LakeError


def check_evolution(
    engine: Engine, tables: Iterable[Table], remembered: Mapping[str, Any], address: str
) -> list[Change]:
    """Return what the contracts have gained since the lake was written; `Engine.create` adds it.

    Args:
        engine: The engine of the lake; only the number of rows is asked of it.
        tables: The contracts at hand.
        remembered: The description of the contracts that the lake remembers.
        address: The lake as users know it.

    Raises:
        LakeError: A change is one that the rows at rest cannot follow, or what the lake remembers
            cannot be understood. Nothing was written.
    """
    by_path = {table.path: table for table in tables}
    try:
        changes = differences(remembered, describe(by_path.values()))
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"What the lake {address} remembers of its contracts cannot be understood: {error!r}."
        raise LakeError(msg, "Restore lakehouse.json from a copy of the lake.") from error
    for change in changes:
        if change.is_breaking and not _is_harmless(change, engine, by_path):
            msg = f"The lake {address} cannot follow its contracts. {change.sentence}"
            raise LakeError(msg, change.way_out)
    return changes


def _is_harmless(change: Change, engine: Engine, tables: Mapping[str, Table]) -> bool:
    """Return whether there are no rows that the change could do harm to."""
    if not change.with_rows:
        return False
    table = tables[change.table]
    return not engine.exists(table) or engine.row_count(table) == 0
