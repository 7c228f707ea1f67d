"""The files of a run."""

from dataclasses import dataclass, field

from pipeline.landing.delivery import Delivery, Refusal


@dataclass
class Plan:
    """The files of a run, pinned at its start.

    Attributes:
        accepted: Files to take in, in the order of arrival.
        duplicates: Files whose bytes came in before, under this name or another.
        refused: Files that failed a file-level check.
        known: Paths of files that earlier runs decided on and that have not changed since.
    """

    accepted: list[Delivery] = field(default_factory=list)
    duplicates: list[Delivery] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
