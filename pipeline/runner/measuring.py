"""What a run hands to the quality checks of each layer."""

from collections.abc import Mapping, Sequence

from pipeline.contracts import ENTITIES
from pipeline.engine import Engine
from pipeline.quality.measure import Measure
from pipeline.quality.measuring.bronze import bronze_measures
from pipeline.quality.measuring.gold import Written, gold_measures
from pipeline.quality.measuring.raw import raw_measures
from pipeline.quality.measuring.silver import Refinement, silver_measures
from pipeline.runner.plan import Plan
from pipeline.runner.refine import Refined
from pipeline.runner.state import RunState


def of_files(plan: Plan) -> list[Measure]:
    """Measure the files that this run has looked at."""
    repeated = [delivery.path for delivery in plan.duplicates]
    inspected = len(plan.refused) + len(repeated) + len(plan.accepted)
    return raw_measures(plan.refused, repeated, inspected)


def of_bronze(engine: Engine, state: RunState) -> list[Measure]:
    """Measure what the batch has put into bronze."""
    measures: list[Measure] = []
    for entity in ENTITIES:
        files = [d for d in state.plan.accepted if d.entity is entity]
        if files:
            rows = {d.path: state.rows[d.path] for d in files}
            extra = {d.path: [name for name, _ in d.header.extra] for d in files}
            measures += bronze_measures(engine, entity, state.stamp, rows, extra)
    return measures


def of_silver(
    engine: Engine,
    state: RunState,
    refined: Mapping[str, Refined],
    active_before: int | None,
) -> list[Measure]:
    """Measure what became of the batch's rows.

    Args:
        engine: The engine of the lake.
        state: The run, its equations drawn.
        refined: What refinement did, by entity.
        active_before: Products active before the run, when it has a catalogue; else None.
    """
    measures: list[Measure] = []
    for entity in ENTITIES:
        result = refined[entity.name]
        if result.account.balance is None:
            continue
        refinement = Refinement(
            result.faulty,
            result.came_in,
            result.account.balance,
            active_before if entity.snapshot else None,
        )
        measures += silver_measures(engine, entity, result.account, refinement, state.stamp)
    return measures


def of_gold(engine: Engine, state: RunState, tables: Sequence[str]) -> list[Measure]:
    """Compute what the run has written to gold a second time, and hold the tables together.

    Args:
        engine: The engine of the lake.
        state: The run.
        tables: Paths of the tables that it has written.
    """
    touched = state.touched
    written = Written(
        tables=tables,
        dates=touched.dates,
        all_dates=touched.all_dates,
        left_users=touched.left_users,
        as_of=state.report.as_of,
        batch_id=state.batch_id,
    )
    return gold_measures(engine, written)
