"""What a run knows from one step to the next, as a document that another process can read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from pipeline.contracts.entities import ENTITIES
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.header import Header
from pipeline.landing.naming import Format
from pipeline.landing.rows import Stamp
from pipeline.runner.planning import Plan
from pipeline.runner.report import EntityAccount, RunReport
from pipeline.runner.summarise import Touched

Document = dict[str, Any]

_ENTITIES = {entity.name: entity for entity in ENTITIES}


@dataclass
class RunState:
    """A run between two of its steps.

    Attributes:
        report: What the run has done so far.
        asked_as_of: Date that was asked for; None for the latest order date.
        archive: Whether decided files are moved at the end.
        rebuild: Whether gold is computed anew.
        again: Paths to take in although their bytes came in before.
        works: Whether there is anything to do; when not, only the first and last step do anything.
        batch_id: Number of the run; 0 when it takes no file in.
        versions: Version of every table before the run, by path; None where there was none.
        last_as_of: Date that the run before saw customers from.
        plan: The files of the run, pinned.
        rows_before: Rows that earlier runs took in, by entity.
        rows: Rows taken in, by path.
        touched: What gold has to be brought up to date with.
    """

    report: RunReport
    asked_as_of: date | None = None
    archive: bool = False
    rebuild: bool = False
    again: tuple[str, ...] = ()
    works: bool = False
    batch_id: int = 0
    versions: dict[str, int | None] = field(default_factory=dict)
    last_as_of: date | None = None
    plan: Plan = field(default_factory=Plan)
    rows_before: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    touched: Touched = field(default_factory=lambda: Touched([], False, False, []))  # noqa: FBT003

    @property
    def stamp(self) -> Stamp:
        """Number and time of the run, which go with every row."""
        return Stamp(self.batch_id, self.report.run_time)

    def document(self) -> Document:
        """Return the state as values that JSON knows."""
        report, touched = self.report, self.touched
        return {
            "run_time": report.run_time.isoformat(),
            "engine": report.engine,
            "batch_id": self.batch_id,
            "as_of": _text(report.as_of),
            "undone_batch": report.undone_batch,
            "entities": {name: _account(account) for name, account in report.entities.items()},
            "seconds": report.seconds,
            "asked_as_of": _text(self.asked_as_of),
            "archive": self.archive,
            "rebuild": self.rebuild,
            "again": list(self.again),
            "works": self.works,
            "versions": self.versions,
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
        }


def state_of(document: Mapping[str, Any]) -> RunState:
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
        entities={name: EntityAccount(**a) for name, a in document["entities"].items()},
        seconds=document["seconds"],
    )
    return RunState(
        report=report,
        asked_as_of=_date(document["asked_as_of"]),
        archive=document["archive"],
        rebuild=document["rebuild"],
        again=tuple(document["again"]),
        works=document["works"],
        batch_id=document["batch_id"],
        versions=document["versions"],
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
    )


def _account(account: EntityAccount) -> Document:
    """Return an account without its balance, which the last step draws."""
    return {name: value for name, value in asdict(account).items() if name != "balance"}


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


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
