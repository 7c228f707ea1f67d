"""A delivered file that passed the file-level checks."""

from dataclasses import dataclass

from pipeline.contracts.model import Entity
from pipeline.landing.header import Header
from pipeline.landing.naming import Format


@dataclass(frozen=True)
class Delivery:
    """A file that can be taken in.

    Attributes:
        path: Path below the landing zone.
        entity: The entity that its rows belong to.
        format: Its format.
        sha256: SHA-256 of the stored bytes, hexadecimal.
        size: Stored size in bytes.
        fingerprint: What the store said of the file while it was checked.
        header: Its columns; of a workbook those of the first filled worksheet.
        body_at: Bytes of unpacked CSV before the first data row; 0 for workbooks.
        quoted: Whether a quote occurs anywhere in a CSV.
    """

    path: str
    entity: Entity
    format: Format
    sha256: str
    size: int
    fingerprint: str
    header: Header
    body_at: int = 0
    quoted: bool = False


@dataclass(frozen=True)
class Refusal:
    """A file that cannot be taken in, whole and alone.

    Attributes:
        path: Path below the landing zone.
        entity: Name of the entity, as far as the path tells; else empty.
        check: The file-level check that failed.
        reason: One or two sentences for the person who delivered it.
    """

    path: str
    entity: str
    check: str
    reason: str
