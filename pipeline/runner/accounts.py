"""The accounts of runs that were undone: they failed, were blocked, or were rolled back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import BlockedError
from pipeline.runner.state import Document, RunState

FAILED = "failed"
BLOCKED = "blocked"
ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Undone:
    """What is kept of a run that was undone.

    Attributes:
        batch_id: Number of the run; None when it had none yet.
        run_id: Name of the run.
        started_at: Its own time, UTC, ISO 8601.
        status: `failed`, `blocked` or `rolled back`.
        engine: Engine that did the work.
        accepted_files: Files that it had taken in.
        rows_read: Rows that it had taken in.
        alerts: Quality checks above their alert threshold, as far as it came.
        duration_ms: How long it took, in milliseconds.
        reason: Why it was undone, in a sentence or two.
        verdicts: What the quality checks said, as far as it came, as documents.
    """

    batch_id: int | None
    run_id: str
    started_at: str
    status: str
    engine: str
    accepted_files: int
    rows_read: int
    alerts: int | None
    duration_ms: int | None
    reason: str
    verdicts: tuple[Document, ...] = ()

    def document(self) -> Document:
        """Return the account as values that JSON knows."""
        return {**asdict(self), "verdicts": list(self.verdicts)}

    def summary(self) -> Document:
        """Return the account without the verdicts."""
        return {name: value for name, value in asdict(self).items() if name != "verdicts"}

    @staticmethod
    def of(document: Mapping[str, Any]) -> "Undone":
        """Return the account that a document holds.

        Raises:
            TypeError, KeyError: It is none that `Undone.document` wrote.
        """
        return Undone(**{**document, "verdicts": tuple(document["verdicts"])})


def account_of(state: RunState) -> Undone:
    """Return the account of a run that has failed."""
    report, failure = state.report, state.failure
    return Undone(
        batch_id=report.batch_id,
        run_id=state.run_id,
        started_at=report.run_time.isoformat(),
        status=BLOCKED if failure and failure.type == BlockedError.__name__ else FAILED,
        engine=report.engine,
        accepted_files=len(state.plan.accepted),
        rows_read=sum(state.rows.values()),
        alerts=sum(not verdict.passed for verdict in report.verdicts),
        duration_ms=round(1000 * sum(note.seconds for note in report.trace)),
        reason=f"{failure.what} {failure.hint}".strip() if failure else "",
        verdicts=tuple(verdict.document() for verdict in report.verdicts),
    )


def rolled_back(run: Mapping[str, Any], rows_read: int, reason: str) -> Undone:
    """Return the account of a run that had succeeded.

    Args:
        run: Its row of meta.runs.
        rows_read: Rows that it had taken in.
        reason: When it was rolled back.
    """
    started = run["started_at"]
    return Undone(
        batch_id=run["batch_id"],
        run_id=run["run_id"] or f"{started:%Y%m%dT%H%M%S.%fZ}",
        started_at=started.isoformat(),
        status=ROLLED_BACK,
        engine=run["engine"],
        accepted_files=run["accepted_files"],
        rows_read=rows_read,
        alerts=run["alerts"],
        duration_ms=run["duration_ms"],
        reason=reason,
    )
