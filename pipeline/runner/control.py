"""The steps that need no engine: they judge, publish, move files and send messages.

In the cloud a small function does them, so nothing here may stand on frames or on Arrow.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.contracts import TABLES
from pipeline.contracts.checks import Layer
from pipeline.landing.store import Store
from pipeline.quality.notices import AlertSink
from pipeline.quality.thresholds import Thresholds
from pipeline.runner.archive import archive, put_aside
from pipeline.runner.home import LakeHome
from pipeline.runner.judging import blocks
from pipeline.runner.state import RunState
from pipeline.workflow import Outcome, Step

_LAYERS = {
    Step.VALIDATE_BRONZE: Layer.BRONZE,
    Step.VALIDATE_SILVER: Layer.SILVER,
    Step.VALIDATE_GOLD: Layer.GOLD,
}


class ControlSteps:
    """Does the control steps of a run.

    Args:
        state: The run.
        home: The lake's root.
        store: The landing zone.
        thresholds: What the quality checks are held to.
        sink: Where alerts go.
        publish: Tells readers of the tables what `catalog_of` says, after the lake's own root.
    """

    def __init__(
        self,
        state: RunState,
        home: LakeHome,
        store: Store,
        *,
        thresholds: Thresholds,
        sink: AlertSink,
        publish: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._state = state
        self._home = home
        self._store = store
        self._thresholds = thresholds
        self._sink = sink
        self._publish = publish

    def perform(self, step: Step) -> Outcome:
        """Do a step and say how it came out."""
        state = self._state
        match step:
            case Step.VALIDATE_BRONZE | Step.VALIDATE_SILVER | Step.VALIDATE_GOLD:
                if blocks(state, _LAYERS[step], self._thresholds):
                    return Outcome.BLOCKED
            case Step.UPDATE_CATALOG:
                catalog = catalog_of(state)
                self._home.publish(catalog)
                self._publish(catalog)
            case Step.ARCHIVE:
                if state.archive:
                    archive(self._store, state.plan, state.report.run_time)
            case Step.REJECT:
                if state.archive:
                    put_aside(self._store, state.plan.refused, state.report.run_time)
            case Step.NOTIFY | Step.NOTIFY_FAILURE:
                for notice in state.report.notices:
                    self._sink.send(notice)
            case _:
                msg = f"The step {step} needs an engine."
                raise ValueError(msg)
        return Outcome.DONE


def catalog_of(state: RunState) -> dict[str, Any]:
    """Return what readers may know of the tables after a run, as values that JSON knows."""
    report = state.report
    tables = {
        table.path: {
            "version": report.tables[table.path].version,
            "rows": report.tables[table.path].rows,
            "columns": {column.name: column.type.storage for column in table.columns},
            "partition_by": list(table.partition_by),
        }
        for table in TABLES
        if table.path in report.tables
    }
    return {
        "run_id": state.run_id,
        "batch_id": report.batch_id,
        "run_time": report.run_time.isoformat(),
        "tables": tables,
    }
