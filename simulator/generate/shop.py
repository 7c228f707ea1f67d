"""Generates a shop: its landing zone, day by day, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final

from simulator.generate import files
from simulator.generate.catalogue import Catalogue
from simulator.generate.chance import Chance, Luck, Purpose, by_share
from simulator.generate.columns import ENTITIES, Entity
from simulator.generate.config import ShopConfig
from simulator.generate.dirt import FILE_KINDS, Dirt
from simulator.generate.ledger import Ledger
from simulator.generate.manifest import DayWritten, EntityOutcome, Manifest
from simulator.generate.orders import Trade

_REFUSED: Final = ("truncated_file", "wrong_header", "not_utf8", "empty_file")


def generate(
    config: ShopConfig,
    dirt: Dirt,
    landing: Path,
    *,
    only_day: date | None = None,
    on_day: Callable[[DayWritten], None] | None = None,
) -> Manifest:
    """Write a landing zone; see `simulator.generate.generate`."""
    through = config.days - 1 if only_day is None else config.index_of(only_day)
    catalogue = Catalogue(config, dirt.late_product)
    ledger = Ledger(config, dirt, catalogue, through)
    for draft in Trade(config, catalogue).drafts(through):
        delivery = _DayOfFiles(config, dirt, landing, draft.day)
        writes = only_day is None or draft.day == through
        for sheet in ledger.sheets(draft):
            delivery.add(sheet, ledger.outcomes[sheet.entity], writes=writes)
        if writes and on_day is not None:
            on_day(delivery.written())
    return Manifest(
        start=config.start,
        through=config.day(through),
        config=_plain(config),
        dirt={name: share for name, share in dirt.shares().items() if share},
        entities={str(name): outcome for name, outcome in ledger.outcomes.items()},
        silver_revenue_cents=ledger.silver_revenue_cents,
        active_products=ledger.active_products,
    )


def _plain(config: ShopConfig) -> dict[str, str | int | bool | None]:
    """The settings as JSON has them."""
    return asdict(config) | {"start": config.start.isoformat(), "users": config.user_count}


class _DayOfFiles:
    """The files of one day."""

    def __init__(self, config: ShopConfig, dirt: Dirt, landing: Path, day: int) -> None:
        self._config = config
        self._dirt = dirt
        self._landing = landing
        self._day = day
        self._date = config.day(day)
        self._paths: list[Path] = []
        self._rows: dict[str, int] = {}
        self._size = 0

    def written(self) -> DayWritten:
        """What was written so far."""
        return DayWritten(
            day=self._date, files=tuple(self._paths), rows=dict(self._rows), size=self._size
        )

    def add(self, sheet: files.Sheet, outcome: EntityOutcome, *, writes: bool) -> None:
        """Count a file and what lies beside it, and write it if asked to."""
        kinds = self._kinds(sheet.entity)
        outcome.files_accepted += 1
        outcome.files_with_extra_column += "extra_column" in kinds
        outcome.files_duplicate += "repeated_file" in kinds
        outcome.files_refused.update(kind for kind in kinds if kind in _REFUSED)
        if writes:
            self._rows[sheet.entity] = sheet.rows
            self._write(sheet, kinds)

    def _kinds(self, entity: Entity) -> list[str]:
        """The file kinds that befall a file."""
        part = ENTITIES.index(entity)
        bits = Chance(self._config.seed).bits(Purpose.FILE_KIND, self._day, len(FILE_KINDS), part)
        shares = self._dirt.shares()
        return [
            kind
            for at, kind in enumerate(FILE_KINDS)
            if by_share(bits[at : at + 1], [shares[kind]])[0] == 0
        ]

    def _write(self, sheet: files.Sheet, kinds: list[str]) -> None:
        form = files.Form(
            format=self._config.format,
            extra_column="extra_column" in kinds,
            crlf="crlf" in kinds,
            bom="bom" in kinds,
            sheet_name=self._date.isoformat(),
        )
        content = files.render(sheet, form)
        self._put(sheet.entity, f".{form.format}", content)
        if "repeated_file" in kinds:
            self._put(sheet.entity, f"_repeated.{form.format}", content)
        part = ENTITIES.index(sheet.entity)
        bits = Chance(self._config.seed).bits(Purpose.FILE_LUCK, self._day, len(_REFUSED), part)
        for kind, draw in zip(_REFUSED, bits.tolist(), strict=True):
            if kind in kinds:
                ending = ".csv.gz" if kind == "truncated_file" else ".csv"
                self._put(sheet.entity, f"_{kind}{ending}", _bad_file(kind, sheet, Luck(draw)))

    def _put(self, entity: Entity, ending: str, content: bytes) -> None:
        folder = self._landing / entity
        stem = self._date.isoformat()
        if self._config.one_folder_per_day:
            folder, stem = folder / stem, "part-0"
        path = folder / f"{stem}{ending}"
        files.write_file(path, content)
        self._paths.append(path)
        self._size += len(content)


def _bad_file(kind: str, sheet: files.Sheet, luck: Luck) -> bytes:
    if kind == "empty_file":
        return files.empty(sheet.entity, luck)
    makers = {
        "truncated_file": files.truncated,
        "wrong_header": files.wrong_header,
        "not_utf8": files.not_utf8,
    }
    return makers[kind](files.sample(sheet), luck)
