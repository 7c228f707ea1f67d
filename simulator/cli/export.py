"""Quarantined rows as files that a person mends and delivers again.

For each entity `<entity>_quarantine.csv` has the delivered columns in file order and nothing else,
so that it is a delivery once its values are mended. Beside it, under names that runs ignore:
`_<entity>_quarantine.reasons.csv` says of every row where it came from and what is wrong with it,
and `_<entity>_quarantine.raw.txt` has the records whose field count is wrong, as they came.

Of a snapshot entity the CSV itself has such a name: delivered alone it would be the whole
catalogue, and everything that it does not list would become inactive.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

from pipeline.contracts import Entity
from pipeline.errors import CallError, LakehouseError

if TYPE_CHECKING:
    from pipeline.portable import Frame

SIDECAR = ("row", "source_file", "source_row", "status", "reasons", "extra_columns", "raw_record")
_BATCH = 50_000


@dataclass
class Exported:
    """What was exported of an entity.

    Attributes:
        entity: Its name.
        rows: Rows in the CSV.
        malformed: Records with a wrong field count, in the raw text.
        files: The files written.
    """

    entity: str
    rows: int = 0
    malformed: int = 0
    files: list[Path] = field(default_factory=list)


def export(rows: "Mapping[Entity, Frame]", folder: Path, *, force: bool) -> list[Exported]:
    """Write the rows of each entity; entities without rows get no file.

    Args:
        rows: Quarantined rows by entity.
        folder: Where to write.
        force: Replace files that are there.

    Raises:
        CallError: A file is there already.
        LakehouseError: A file cannot be written.
    """
    if not force:
        _check_free(rows, folder)
    exported = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for entity, frame in rows.items():
            with _Writer(entity, folder) as writer:
                for record in _records(frame, folder):
                    writer.write(record)
            exported.append(writer.done)
    except OSError as error:
        msg = f"The export to {error.filename or folder} failed: {error.strerror or error}."
        raise LakehouseError(msg, "Name a folder with space that may be written to.") from error
    return [each for each in exported if each.files]


def file_names(entity: Entity) -> tuple[str, str, str]:
    """Return the names of an entity's CSV, of its sidecar, and of its raw records."""
    stem = f"{entity.name}_quarantine"
    mendable = f"_{stem}.csv" if entity.snapshot else f"{stem}.csv"
    return mendable, f"_{stem}.reasons.csv", f"_{stem}.raw.txt"


def _check_free(rows: "Mapping[Entity, Frame]", folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file, not a folder."
        raise CallError(msg, "Name a folder to export to.")
    taken = [folder / name for e in rows for name in file_names(e) if (folder / name).exists()]
    if taken:
        msg = f"{taken[0]} is there already, from an earlier export."
        raise CallError(msg, "Name another folder, or replace its files with --force.")


def _records(frame: "Frame", folder: Path) -> Iterator[dict[str, Any]]:
    """Return the rows in the order of arrival, a few at a time in memory."""
    from simulator.engine.failures import told

    native = frame.sort("batch_id", "source_file", "source_row").to_native()
    with told("reading quarantine", folder):
        batches = native.collect_batches(chunk_size=_BATCH, maintain_order=True, lazy=True)
    while True:
        with told("reading quarantine", folder):
            batch = next(batches, None)
        if batch is None:
            return
        yield from batch.iter_rows(named=True)


class _Writer:
    """The files of one entity, each begun with its first row."""

    def __init__(self, entity: Entity, folder: Path) -> None:
        self.done = Exported(entity.name)
        self._entity = entity
        self._folder = folder
        self._open: dict[str, TextIO] = {}
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        for name in file_names(self._entity):
            (self._folder / name).unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one row to where it can be mended, and to the sidecar."""
        mendable, sidecar, raw = file_names(self._entity)
        number: int | str = ""
        if record["raw_record"] is None:
            self.done.rows += 1
            number = self.done.rows
            # What was null was delivered as nothing between two separators.
            values = [record[name] or "" for name in self._entity.column_names]
            self._line(mendable, self._entity.column_names, values)
        else:
            self.done.malformed += 1
            self._file(raw).write(record["raw_record"].rstrip("\r\n") + "\n")
        about = {**record, "row": number}
        values = ["" if about[name] is None else about[name] for name in SIDECAR]
        self._line(sidecar, SIDECAR, values)

    def _line(self, name: str, header: tuple[str, ...], values: list[Any]) -> None:
        is_new = name not in self._open
        writer = csv.writer(self._file(name), lineterminator="\n")
        if is_new:
            writer.writerow(header)
        writer.writerow(values)

    def _file(self, name: str) -> TextIO:
        if name not in self._open:
            path = self._folder / name
            file = self._closing.enter_context(path.open("w", encoding="utf-8", newline=""))
            self._open[name] = file
            self.done.files.append(path)
        return self._open[name]
