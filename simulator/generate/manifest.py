"""What a lake must hold once it has ingested everything that was generated."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

from simulator.generate.errors import GenerateError

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWritten:
    """One day's delivery.

    Attributes:
        day: The day of trade.
        files: What was written, refused and repeated files included, in order of arrival.
        rows: Data rows of each entity's accepted file.
        size: Bytes of all files.
    """

    day: date
    files: tuple[Path, ...]
    rows: dict[str, int]
    size: int


@dataclass(slots=True, kw_only=True)
class EntityOutcome:
    """The fate of one entity's files and rows, from the first day through the last.

    Attributes:
        files_accepted: Files whose rows count.
        files_refused: Refused files by kind of dirt.
        files_duplicate: Files skipped because their bytes were ingested already.
        files_with_extra_column: Accepted files with schema drift.
        rows: Data rows in accepted files.
        silver: Rows of the silver table, one per key.
        superseded: Valid rows of which a later one, or an equal one, is the silver row.
        held: Quarantined rows that wait for a reference, by reason code.
        rejected: Quarantined rows that can never be valid, by reason code.
        healed: Silver or superseded rows that were held for a time. They are only when the
            days are ingested one run each: in one run nothing has to wait.
        planted: Rows, by kind of dirt, that were dirtied. A late product counts once, when it
            arrives.
    """

    files_accepted: int = 0
    files_refused: Counter[str] = field(default_factory=Counter)
    files_duplicate: int = 0
    files_with_extra_column: int = 0
    rows: int = 0
    silver: int = 0
    superseded: int = 0
    held: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    healed: int = 0
    planted: Counter[str] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        """Rows held or rejected; a healed row is no longer among them."""
        return self.held.total() + self.rejected.total()

    @property
    def balances(self) -> bool:
        """Whether every row of an accepted file is accounted for."""
        return self.rows == self.silver + self.superseded + self.quarantined


@dataclass(slots=True, kw_only=True)
class Manifest:
    """What the lake must hold after all days through `through`, in one run or in many.

    Attributes:
        start: First day generated.
        through: Last day counted.
        config: The settings of the shop, as text and numbers.
        dirt: The shares of dirt that were asked for, zeros left out.
        entities: The outcome of `products`, `orders` and `order_items`.
        silver_revenue_cents: Sum of total_amount over silver orders, in cents.
        active_products: Products with a valid row in the latest catalogue.
    """

    start: date
    through: date
    config: dict[str, str | int | bool | None]
    dirt: dict[str, float]
    entities: dict[str, EntityOutcome]
    silver_revenue_cents: int = 0
    active_products: int = 0

    def to_json(self) -> str:
        """The manifest as JSON, always in the same order."""
        content: dict[str, Any] = {"version": _VERSION}
        content |= {each.name: getattr(self, each.name) for each in fields(self)}
        content["start"], content["through"] = self.start.isoformat(), self.through.isoformat()
        content["entities"] = {name: _plain(each) for name, each in self.entities.items()}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the manifest as JSON.

        Raises:
            GenerateError: If the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.to_json(), encoding="utf-8", newline="\n")
        except OSError as error:
            raise GenerateError(f"cannot write the manifest {path}: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest that `write` wrote.

        Raises:
            GenerateError: If the file cannot be read or is no manifest of this version.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise GenerateError(f"cannot read the manifest {path}: {error.strerror}") from error
        except ValueError as error:
            raise GenerateError(f"{path} is not a manifest: {error}") from error
        try:
            return cls._from(content)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{path} is not a manifest of version {_VERSION}: {error}"
            raise GenerateError(message) from error

    @classmethod
    def _from(cls, content: dict[str, Any]) -> Self:
        if content.pop("version") != _VERSION:
            raise ValueError("another version")
        content["start"] = date.fromisoformat(content["start"])
        content["through"] = date.fromisoformat(content["through"])
        content["entities"] = {
            name: _outcome(counts) for name, counts in content["entities"].items()
        }
        return cls(**content)


def _plain(outcome: EntityOutcome) -> dict[str, Any]:
    """The counts, those by name in the order of the names."""
    counts = {each.name: getattr(outcome, each.name) for each in fields(outcome)}
    return {
        name: dict(sorted(value.items())) if isinstance(value, Counter) else value
        for name, value in counts.items()
    }


def _outcome(counts: dict[str, Any]) -> EntityOutcome:
    by_name: dict[str, Any] = {
        name: Counter(value) if isinstance(value, dict) else value for name, value in counts.items()
    }
    return EntityOutcome(**by_name)
