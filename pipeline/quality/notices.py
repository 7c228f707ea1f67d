"""Messages about a run, and where they go."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline.contracts.checks import Severity
from pipeline.errors import LakeError
from pipeline.quality.decision import Outcome, Verdict


@dataclass(frozen=True)
class Notice:
    """One message to the people who run the lake.

    Attributes:
        severity: How bad it is.
        subject: What it is about, in a few words: the title of the message.
        message: What happened, in full sentences.
        hint: What to do about it; may be empty.
        check: Name of the check that it comes from; empty when it comes from none.
        batch_id: Number of the run; None when it took no file in.
        samples: Up to five rows or names that show what is meant.
    """

    severity: Severity
    subject: str
    message: str
    hint: str = ""
    check: str = ""
    batch_id: int | None = None
    samples: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the notice as values that JSON knows."""
        return {
            **asdict(self),
            "severity": self.severity.value,
            "samples": list(self.samples),
        }


def notice_of(document: Mapping[str, Any]) -> Notice:
    """Return the notice that a document holds.

    Raises:
        TypeError, KeyError, ValueError: It is none that `Notice.document` wrote.
    """
    return Notice(
        **{
            **document,
            "severity": Severity(document["severity"]),
            "samples": tuple(document["samples"]),
        }
    )


def notices(verdicts: Iterable[Verdict], batch_id: int | None) -> list[Notice]:
    """Return a notice for every verdict that did not pass, the gravest severity first."""
    gravity = list(Severity)
    found = [_notice(verdict, batch_id) for verdict in verdicts if not verdict.passed]
    return sorted(found, key=lambda notice: -gravity.index(notice.severity))


def _notice(verdict: Verdict, batch_id: int | None) -> Notice:
    check, measure = verdict.check, verdict.measure
    word = "blocks the run" if verdict.outcome is Outcome.BLOCKED else "alert"
    return Notice(
        severity=check.severity,
        subject=f"{check.layer} {measure.subject}: {check.name} ({word})",
        message=f"{check.description} {verdict.sentence()}",
        hint=check.hint,
        check=check.name,
        batch_id=batch_id,
        samples=measure.samples,
    )


class AlertSink(Protocol):
    """Takes notices to people."""

    def send(self, notice: Notice) -> None:
        """Deliver one notice.

        Raises:
            LakehouseError: It could not be delivered.
        """


@dataclass
class MemorySink:
    """Keeps what was sent."""

    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        """See `AlertSink.send`."""
        self.sent.append(notice)


@dataclass(frozen=True)
class FileSink:
    """Appends each notice to a file as one line of JSON.

    Attributes:
        path: The file; it is made with its folder when it is not there.
    """

    path: Path

    def send(self, notice: Notice) -> None:
        """See `AlertSink.send`."""
        line = json.dumps(notice.document(), ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            msg = f"The notice cannot be written to {self.path}: {error.strerror or error}."
            raise LakeError(msg, "Give a file that this user may write.") from error
