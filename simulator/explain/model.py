"""What an explanation says, before it is printed or written as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Value = int | str | bool | date | datetime | Decimal | None


@dataclass(frozen=True)
class Place:
    """A row of a delivered file.

    Attributes:
        file: Path below the landing zone.
        row: Number of the data row, from 1.
        batch_id: Number of the run that took it in.
    """

    file: str
    row: int
    batch_id: int

    def __str__(self) -> str:
        """Return the place as it may be given to `explain file`."""
        return f"{self.file}:{self.row}"


@dataclass(frozen=True)
class Figure:
    """A figure of a gold row, as it is stored and as it is when it is computed again.

    Attributes:
        column: Its column.
        stored: What gold has.
        again: What its silver rows give.
        how: How it is computed, in words.
    """

    column: str
    stored: Value
    again: Value
    how: str

    @property
    def agrees(self) -> bool:
        """Whether gold has what its silver rows give."""
        return self.stored == self.again


@dataclass(frozen=True)
class Part:
    """One silver row that a gold row is made of.

    Attributes:
        values: What of it counts, by column.
        amount: The money that it adds.
        place: Where it was delivered.
    """

    values: dict[str, Value]
    amount: Decimal
    place: Place


@dataclass(frozen=True)
class FileShare:
    """What one file adds to a gold row.

    Attributes:
        file: Path below the landing zone.
        batch_id: Number of the run that took it in.
        rows: Silver rows that count.
        amount: Sum of the money that they add.
    """

    file: str
    batch_id: int
    rows: int
    amount: Decimal


@dataclass(frozen=True)
class Parts:
    """The silver rows that a gold row is made of; the first of them in full.

    Attributes:
        table: Their table.
        measure: What `amount` is.
        rows: The first of them, by date and key.
        count: How many there are.
        total: Sum of all amounts.
        files: The first of the files that they were delivered in, by path.
        file_count: How many files there are.
    """

    table: str
    measure: str
    rows: Sequence[Part]
    count: int
    total: Decimal
    files: Sequence[FileShare]
    file_count: int

    @property
    def shown(self) -> Decimal:
        """Sum of the amounts of the rows that are there in full."""
        return sum((part.amount for part in self.rows), Decimal("0.00"))


@dataclass(frozen=True)
class GoldExplained:
    """Where a gold row comes from.

    Attributes:
        table: Its table.
        key: Its key.
        figures: Its figures.
        parts: Its silver rows.
        decisions: The choices that its rules made, in words.
    """

    table: str
    key: dict[str, Value]
    figures: Sequence[Figure]
    parts: Parts
    decisions: Sequence[str] = ()


@dataclass(frozen=True)
class Reason:
    """Why a row is not in silver.

    Attributes:
        code: The reason code.
        text: What it means for this row.
    """

    code: str
    text: str


@dataclass(frozen=True)
class RowExplained:
    """Where a delivered row went.

    Attributes:
        entity: Its entity.
        place: Where it was delivered.
        key: Its key; None where its text tells none.
        outcome: `silver`, `superseded`, `rejected` or `held`.
        story: What became of it, in sentences.
        raw: Its columns as delivered; empty when its field count was wrong.
        raw_record: Its text when its field count was wrong.
        reasons: Why it is, or was, in quarantine.
        by: The row that took its place.
        released: Number of the run that released it from quarantine.
    """

    entity: str
    place: Place
    key: int | None
    outcome: str
    story: Sequence[str]
    raw: dict[str, str | None]
    raw_record: str | None = None
    reasons: Sequence[Reason] = ()
    by: Place | None = None
    released: int | None = None


@dataclass(frozen=True)
class KeyExplained:
    """A silver row, or one that is not there, and every delivered row of its key.

    Attributes:
        entity: The entity.
        key: Name and value of the key.
        silver: The silver row; None when silver has none.
        rows: The delivered rows, in order of arrival; the last of them where there are many.
        count: How many there are.
        feeds: The gold rows that the silver row counts in.
    """

    entity: str
    key: dict[str, Value]
    silver: dict[str, Any] | None
    rows: Sequence[RowExplained]
    count: int
    feeds: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class FileExplained:
    """What became of a file's rows.

    Attributes:
        file: Its path.
        batch_id: The run that took it in.
        entity: Its entity.
        rows: Its data rows.
        silver: Rows that are silver rows.
        superseded: Valid rows that a later one replaced, and repetitions.
        rejected: Rows that can never be valid.
        held: Rows that wait for a reference.
        reasons: Rows by reason code, those with most rows first.
    """

    file: str
    batch_id: int
    entity: str
    rows: int
    silver: int
    superseded: int
    rejected: int
    held: int
    reasons: Sequence[tuple[str, int]]
