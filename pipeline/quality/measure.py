"""What a check has found, before anybody has judged it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.contracts.checks import CHECK_BY_NAME, Check

MAX_SAMPLES = 5

Document = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """One check's figure for one subject.

    Attributes:
        check: The check.
        subject: What was looked at: an entity, a table, or the landing zone.
        measured: How many of them speak against the subject, in the words of `check.counts`.
        base: Out of how many, in the words of `check.of`.
        samples: Up to five of them, readable.
    """

    check: Check
    subject: str
    measured: int
    base: int
    samples: tuple[str, ...] = ()

    def document(self) -> Document:
        """Return the measure as values that JSON knows."""
        return {
            "check": self.check.name,
            "subject": self.subject,
            "measured": self.measured,
            "base": self.base,
            "samples": list(self.samples),
        }


def measure_of(document: Mapping[str, Any]) -> Measure:
    """Return the measure that a document holds.

    Raises:
        KeyError: It is none that `Measure.document` wrote.
    """
    return Measure(
        check=CHECK_BY_NAME[document["check"]],
        subject=document["subject"],
        measured=document["measured"],
        base=document["base"],
        samples=tuple(document["samples"]),
    )


def first_samples(found: Iterable[str]) -> tuple[str, ...]:
    """Return the first few samples."""
    samples: list[str] = []
    for sample in found:
        if len(samples) == MAX_SAMPLES:
            break
        samples.append(sample)
    return tuple(samples)
