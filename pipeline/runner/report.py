"""What a run did, as one document: rows, reasons, tables, seconds, and the balance."""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from pipeline.landing.delivery import Refusal
from pipeline.quality.decision import Verdict
from pipeline.quality.notices import Notice


@dataclass
class EntityAccount:
    """Where the rows of one entity went in a run, and the balance of all runs after it.

    Attributes:
        rows_read: Data rows of the files taken in.
        inserted: Keys that silver gained.
        updated: Keys whose content changed.
        unchanged: Keys that came again as they were.
        superseded: Valid rows that are no silver rows of their own.
        held: Rows newly held for a reference.
        rejected: Rows that can never be valid.
        released: Held rows that became valid; they count among inserted, updated, superseded.
        reasons: Rows newly quarantined, by reason code; a row counts once for each of its reasons.
        consistency: Warnings: rows that came into silver unlike the row that they refer to.
        anomaly: Warnings: rows whose amount lies more than 4 standard deviations off.
        activated: Products that were inactive and are listed again.
        deactivated: Products that the latest catalogue does not list any more.
        balance: The equation over all runs: see `Balance`.
    """

    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    held: int = 0
    rejected: int = 0
    released: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    consistency: int = 0
    anomaly: int = 0
    activated: int = 0
    deactivated: int = 0
    balance: "Balance | None" = None


@dataclass(frozen=True)
class Balance:
    """Rows in accepted files = silver rows + superseded rows + quarantined rows, of all runs.

    Attributes:
        files: Rows in accepted files, as the ledger has them.
        silver: Rows of the silver table.
        superseded: Rows superseded in all runs.
        quarantined: Rows in quarantine that are held or rejected.
    """

    files: int
    silver: int
    superseded: int
    quarantined: int

    @property
    def holds(self) -> bool:
        """Whether no row is lost or doubled."""
        return self.files == self.silver + self.superseded + self.quarantined


@dataclass(frozen=True)
class FileNote:
    """A file of the run.

    Attributes:
        path: Path below the landing zone.
        entity: Name of its entity.
        rows: Data rows taken in.
        extra_columns: Columns that the contract does not know: schema drift.
    """

    path: str
    entity: str
    rows: int = 0
    extra_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableNote:
    """A table after the run: its version and rows, and whether the run wrote to it."""

    version: int
    rows: int
    written: bool


@dataclass(frozen=True)
class StepNote:
    """A step that was done, or tried: its name, how it came out, and how long it took.

    Attributes:
        step: Name of the step.
        outcome: One of `pipeline.workflow.Outcome`, `failed`, or `tried` when it failed for a
            passing reason and was begun again.
        seconds: How long it took.
    """

    step: str
    outcome: str
    seconds: float


@dataclass
class RunReport:
    """The account of one run.

    Attributes:
        batch_id: Number of the run; None when it took no file in.
        run_time: The run's own time, UTC.
        engine: Engine that did the work.
        as_of: Date that customers are seen from; None without orders.
        undone_batch: Number of an interrupted run that was undone first; None if there was none.
        accepted: Files taken in.
        duplicates: Files whose bytes came in before.
        refused: Files that failed a file-level check.
        known_files: Number of files that earlier runs decided on.
        entities: Accounts by entity.
        tables: Tables by path.
        seconds: Seconds by part of the work, in the order of the parts.
        trace: The steps of the workflow as they were done.
        verdicts: What the quality checks measured and decided, in the order of the layers.
        notices: Alerts of the run, those of a failed run last.
    """

    run_time: datetime
    engine: str
    batch_id: int | None = None
    as_of: date | None = None
    undone_batch: int | None = None
    accepted: list[FileNote] = field(default_factory=list)
    duplicates: list[FileNote] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    known_files: int = 0
    entities: dict[str, EntityAccount] = field(default_factory=dict)
    tables: dict[str, TableNote] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    trace: list[StepNote] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the report as values that JSON knows."""
        document = asdict(self)
        document["run_time"] = self.run_time.isoformat()
        document["as_of"] = self.as_of.isoformat() if self.as_of else None
        for name, account in self.entities.items():
            if account.balance is not None:
                document["entities"][name]["balance"]["holds"] = account.balance.holds
        document["refused"] = [{**asdict(r), "path": printable(r.path)} for r in self.refused]
        document["verdicts"] = [verdict.document() for verdict in self.verdicts]
        document["notices"] = [notice.document() for notice in self.notices]
        document["seconds"] = {step: round(value, 3) for step, value in self.seconds.items()}
        return document


def printable(path: str) -> str:
    """Return a path with the bytes of its name that are no text written out."""
    return path.encode("utf-8", "backslashreplace").decode()
