"""What a run knows from one step to the next, as a document that another process can read."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from pipeline.contracts.checks import Layer
from pipeline.contracts.entities import ENTITIES
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.header import Header
from pipeline.landing.naming import Format
from pipeline.landing.stamp import Stamp
from pipeline.quality.decision import verdict_of
from pipeline.quality.measure import Measure, measure_of
from pipeline.quality.notices import notice_of
from pipeline.runner.plan import Plan
from pipeline.runner.report import Balance, EntityAccount, FileNote, RunReport, StepNote, TableNote
from pipeline.runner.request import Backfill
from pipeline.runner.touched import Touched

Document = dict[str, Any]

_ENTITIES = {entity.name: entity for entity in ENTITIES}


@dataclass(frozen=True)
class Failure:
    """Why a run has failed, for whoever goes on with it.

    Attributes:
        step: Name of the step that failed.
        type: Kind of the error.
        what: What is wrong, in a sentence.
        hint: What to do about it; empty when `what` already says so.
    """

    step: str
    type: str
    what: str
    hint: str = ""


@dataclass
class RunState:
    """A run between two of its steps.

    Attributes:
        report: What the run has done so far.
        run_id: Name of the run, which tells its documents from those of others.
        asked_as_of: Date that was asked for; None for the latest order date.
        archive: Whether decided files are moved at the end.
        rebuild: Whether gold is computed anew.
        backfill: Dates to compute anew; None for a run that takes files in.
        release: Whether rejected rows are tried again.
        again: Paths to take in although their bytes came in before.
        began: Whether the run has noted what it must undo; from then on it may have written.
        batch_id: Number of the run; 0 until it has begun.
        versions: Version of every table before the run, by path; None where there was none.
        pinned: Version of every table before the run's first row, by path. Steps read their own
            tables as of it, so that one that is tried again starts from what it started from.
        last_as_of: Date that the run before saw customers from.
        plan: The files of the run, pinned.
        rows_before: Rows that earlier runs took in, by entity.
        rows: Rows taken in, by path.
        touched: What gold has to be brought up to date with.
        measures: What the layers have measured for the quality checks.
        failure: Why the run has failed; None while it has not.
    """

    report: RunReport
    run_id: str
    asked_as_of: date | None = None
    archive: bool = False
    rebuild: bool = False
    backfill: Backfill | None = None
    release: bool = False
    again: tuple[str, ...] = ()
    began: bool = False
    batch_id: int = 0
    versions: dict[str, int | None] = field(default_factory=dict)
    pinned: dict[str, int] = field(default_factory=dict)
    last_as_of: date | None = None
    plan: Plan = field(default_factory=Plan)
    rows_before: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    touched: Touched = field(default_factory=lambda: Touched([], False, False, []))  # noqa: FBT003
    measures: list[Measure] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def stamp(self) -> Stamp:
        """Number and time of the run, which go with every row."""
        return Stamp(self.batch_id, self.report.run_time)

    @property
    def takes_no_files(self) -> bool:
        """Whether the run works on what the lake holds, whatever lies in the landing zone."""
        return self.backfill is not None or self.release

    @property
    def computes_anew(self) -> bool:
        """Whether the run has something to do without any file."""
        return self.rebuild or self.takes_no_files

    @property
    def is_asked_for(self) -> bool:
        """Whether the run was asked for something that a list of files does not tell."""
        return self.computes_anew or self.asked_as_of is not None or bool(self.again)

    def measure(self, layer: Layer, found: Iterable[Measure]) -> None:
        """Note what a layer has measured, in the place of what it measured in an earlier try."""
        kept = [measure for measure in self.measures if measure.check.layer is not layer]
        self.measures = [*kept, *found]

    def note_files(self) -> None:
        """Tell in the report of the files what is known by now."""
        plan, report, rows = self.plan, self.report, self.rows
        report.known_files = len(plan.known)
        report.refused = plan.refused
        report.duplicates = [FileNote(d.path, d.entity.name) for d in plan.duplicates]
        if all(delivery.path in rows for delivery in plan.accepted):
            report.accepted = [
                FileNote(d.path, d.entity.name, rows[d.path], tuple(n for n, _ in d.header.extra))
                for d in plan.accepted
            ]

    def document(self) -> Document:
        """Return the state as values that JSON knows."""
        report, touched = self.report, self.touched
        return {
            "run_id": self.run_id,
            "run_time": report.run_time.isoformat(),
            "engine": report.engine,
            "batch_id": self.batch_id,
            "as_of": _text(report.as_of),
            "undone_batch": report.undone_batch,
            "entities": {name: asdict(account) for name, account in report.entities.items()},
            "seconds": report.seconds,
            "asked_as_of": _text(self.asked_as_of),
            "archive": self.archive,
            "rebuild": self.rebuild,
            "backfill": _backfill(self.backfill),
            "release": self.release,
            "again": list(self.again),
            "began": self.began,
            "versions": self.versions,
            "pinned": self.pinned,
            "last_as_of": _text(self.last_as_of),
            "plan": {
                "accepted": [_delivery(d) for d in self.plan.accepted],
                "duplicates": [_delivery(d) for d in self.plan.duplicates],
                "refused": [asdict(refusal) for refusal in self.plan.refused],
                "known": self.plan.known,
            },
            "rows_before": self.rows_before,
            "rows": self.rows,
            "touched": {**asdict(touched), "dates": [day.isoformat() for day in touched.dates]},
            "tables": {path: asdict(note) for path, note in report.tables.items()},
            "trace": [asdict(note) for note in report.trace],
            "measures": [measure.document() for measure in self.measures],
            "verdicts": [verdict.document() for verdict in report.verdicts],
            "notices": [notice.document() for notice in report.notices],
            "failure": None if self.failure is None else asdict(self.failure),
        }


def state_from(document: Mapping[str, Any]) -> RunState:
    """Return the state that a document holds.

    Raises:
        KeyError, TypeError, ValueError: It is none that `RunState.document` wrote.
    """
    plan, touched = document["plan"], document["touched"]
    report = RunReport(
        run_time=datetime.fromisoformat(document["run_time"]),
        engine=document["engine"],
        batch_id=document["batch_id"] or None,
        as_of=_date(document["as_of"]),
        undone_batch=document["undone_batch"],
        entities={name: _account_of(a) for name, a in document["entities"].items()},
        seconds=document["seconds"],
        tables={path: TableNote(**note) for path, note in document["tables"].items()},
        trace=[StepNote(**note) for note in document["trace"]],
        verdicts=[verdict_of(verdict) for verdict in document["verdicts"]],
        notices=[notice_of(notice) for notice in document["notices"]],
    )
    return RunState(
        report=report,
        run_id=document["run_id"],
        asked_as_of=_date(document["asked_as_of"]),
        archive=document["archive"],
        rebuild=document["rebuild"],
        backfill=_backfill_of(document["backfill"]),
        release=document["release"],
        again=tuple(document["again"]),
        began=document["began"],
        batch_id=document["batch_id"],
        versions=document["versions"],
        pinned=document["pinned"],
        last_as_of=_date(document["last_as_of"]),
        plan=Plan(
            accepted=[_delivery_of(d) for d in plan["accepted"]],
            duplicates=[_delivery_of(d) for d in plan["duplicates"]],
            refused=[Refusal(**refusal) for refusal in plan["refused"]],
            known=plan["known"],
        ),
        rows_before=document["rows_before"],
        rows=document["rows"],
        touched=Touched(
            **{**touched, "dates": [date.fromisoformat(day) for day in touched["dates"]]}
        ),
        measures=[measure_of(measure) for measure in document["measures"]],
        failure=None if document["failure"] is None else Failure(**document["failure"]),
    )


def _account_of(document: Document) -> EntityAccount:
    balance = document["balance"]
    return EntityAccount(**{**document, "balance": None if balance is None else Balance(**balance)})


def _delivery(delivery: Delivery) -> Document:
    header = delivery.header
    return {
        "path": delivery.path,
        "entity": delivery.entity.name,
        "format": delivery.format.value,
        "sha256": delivery.sha256,
        "size": delivery.size,
        "fingerprint": delivery.fingerprint,
        "header": {"width": header.width, "known": header.known, "extra": header.extra},
        "body_at": delivery.body_at,
        "quoted": delivery.quoted,
    }


def _delivery_of(document: Mapping[str, Any]) -> Delivery:
    header = document["header"]
    return Delivery(
        **{
            **document,
            "entity": _ENTITIES[document["entity"]],
            "format": Format(document["format"]),
            "header": Header(
                width=header["width"],
                known=tuple(header["known"]),
                extra=tuple((name, place) for name, place in header["extra"]),
            ),
        }
    )


def _backfill(asked: Backfill | None) -> Document | None:
    if asked is None:
        return None
    return {"first": _text(asked.first), "last": _text(asked.last), "silver": asked.silver}


def _backfill_of(document: Document | None) -> Backfill | None:
    if document is None:
        return None
    return Backfill(_date(document["first"]), _date(document["last"]), document["silver"])


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
