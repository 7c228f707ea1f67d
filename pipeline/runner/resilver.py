"""Silver made anew from bronze, for a range of dates."""

import narwhals.stable.v2 as nw

from pipeline.contracts import ENTITIES, Entity, bronze, silver
from pipeline.engine import Engine
from pipeline.runner.request import Backfill
from pipeline.transforms.silver import arrival
from pipeline.transforms.silver.reading import new_rows, read_rows
from pipeline.transforms.silver.references import check_references
from pipeline.transforms.silver.rows import with_derived


def rebuild_silver(engine: Engine, entity: Entity, asked: Backfill, batch_id: int) -> None:
    """Replace an entity's silver partitions of some dates by what bronze gives today.

    All of bronze is read: the row that wins a key of the range may have come at any time, and a key
    whose latest row has another date leaves the range. What an entity refers to is read from
    silver, so referred entities are rebuilt first. Quarantine is not touched; a row that it holds
    and that is valid by now fails the balance of the run.
    """
    day = nw.col("date")
    known = {other.name: engine.read(silver(other)) for other in ENTITIES}
    referred = {reference.entity: known[reference.entity] for reference in entity.references}
    typed = engine.checkpoint(read_rows(new_rows(engine.read(bronze(entity)), entity), entity))
    valid = arrival.valid_rows(check_references(typed, entity, referred))
    latest = arrival.as_inserts(arrival.latest_rows(valid, entity))
    meant = latest
    if asked.first is not None:
        meant = meant.filter(day >= nw.lit(asked.first))
    if asked.last is not None:
        meant = meant.filter(day <= nw.lit(asked.last))
    meant = engine.checkpoint(with_derived(meant, entity))
    found = {row["date"] for row in engine.fetch(meant.select("date").unique())}
    held = {held for held in engine.rows_by_date(silver(entity)) if asked.holds(held)}
    engine.overwrite(silver(entity), [meant], batch_id, dates=sorted(found | held))
