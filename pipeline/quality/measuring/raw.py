"""What the raw checks measure: files that were refused or had come before."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.contracts.checks import FILE_CHECKS, REPEATED_CONTENT
from pipeline.quality.measure import Measure, first_samples

SUBJECT = "landing zone"


class Refused(Protocol):
    """A refused file, as the landing zone tells of it."""

    @property
    def path(self) -> str:
        """Path below the landing zone."""

    @property
    def check(self) -> str:
        """The file-level check that failed."""

    @property
    def reason(self) -> str:
        """Why, for people."""


def raw_measures(
    refused: Sequence[Refused], repeated: Sequence[str], inspected: int
) -> list[Measure]:
    """Measure every file-level check.

    Args:
        refused: Files that failed one.
        repeated: Paths of files whose bytes came in before.
        inspected: Files inspected in this run, the refused and the repeated ones among them.

    Returns:
        One measure per check. A refusal by a check that is not declared is a `KeyError`.
    """
    by_check: dict[str, list[Refused]] = {name: [] for name in FILE_CHECKS}
    for file in refused:
        by_check[file.check].append(file)
    measures = [
        Measure(
            FILE_CHECKS[name],
            SUBJECT,
            len(files),
            inspected,
            first_samples(f"{_readable(file.path)}: {file.reason}" for file in files),
        )
        for name, files in by_check.items()
    ]
    again = first_samples(map(_readable, repeated))
    return [*measures, Measure(REPEATED_CONTENT, SUBJECT, len(repeated), inspected, again)]


def _readable(path: str) -> str:
    """Return a path with the bytes of its name that are no text written out."""
    return path.encode("utf-8", "backslashreplace").decode()
