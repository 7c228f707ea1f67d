"""File-level checks: what may be taken in, and why the rest may not."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

import pyarrow as pa

from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError, LakehouseError
from pipeline.landing.csv_rows import check_records, read_csv
from pipeline.landing.csv_scan import scan_csv
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.naming import Format, entity_of, format_of
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store, StoredFile
from pipeline.landing.workbook import check_archive, first_header, read_workbook

_WHOLE_FILES = "Put whole files into the landing zone, then run again."


def inspect(store: Store, file: StoredFile) -> Delivery | Refusal:
    """Hold one file against every file-level check; the first that fails refuses it."""
    entity_name = ""
    try:
        entity = entity_of(file.path)
        entity_name = entity.name
        _check_path(file.path)
        return _inspect_content(store, file, entity, format_of(file.path))
    except FileRefusedError as error:
        return Refusal(file.path, entity_name, error.check, str(error))
    except OSError as error:
        reason = f"It cannot be read: {error.strerror or error}. Check that it is a readable file."
        return Refusal(file.path, entity_name, "readable", reason)


def _inspect_content(
    store: Store, file: StoredFile, entity: Entity, file_format: Format
) -> Delivery:
    checked = partial(
        Delivery,
        path=file.path,
        entity=entity,
        format=file_format,
        size=file.size,
        fingerprint=file.fingerprint,
    )
    with store.open(file.path) as raw:
        if file_format is Format.XLSX:
            _check_workbook_magic(raw)
            sha256 = check_archive(raw)
            raw.seek(0)
            return checked(sha256=sha256, header=first_header(raw, entity))
        facts = scan_csv(raw, entity, packed=file_format is Format.CSV_GZ)
        delivery = checked(
            sha256=facts.sha256, header=facts.header, body_at=facts.body_at, quoted=facts.quoted
        )
        if delivery.quoted:
            raw.seek(0)
            check_records(raw, delivery)
        return delivery


def _check_workbook_magic(raw: BinaryIO) -> None:
    magic = raw.read(4)
    raw.seek(0)
    if not magic:
        raise FileRefusedError("empty", "The file is empty.", "Deliver it again with its rows.")
    if magic != b"PK\x03\x04":
        raise FileRefusedError(
            "content",
            "Its extension promises a workbook, its content is something else.",
            "Deliver it under the extension of its format.",
        )


def _check_path(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise FileRefusedError("name", "Its name is not UTF-8.", "Rename it.") from error


def read_delivery(store: Store, delivery: Delivery, stamp: Stamp) -> Iterator[pa.RecordBatch]:
    """Read a checked file.

    Args:
        store: The landing zone.
        delivery: What inspection learnt of the file.
        stamp: Number and time of the run.

    Yields:
        Bronze rows in batches of bounded size, every data row of the file once.

    Raises:
        LakehouseError: The file is not any more what was checked.
    """
    try:
        with store.open(delivery.path) as raw:
            if delivery.format is Format.XLSX:
                yield from read_workbook(raw, delivery.entity, delivery.path, stamp)
            else:
                yield from read_csv(raw, delivery, stamp)
    except (FileRefusedError, OSError) as error:
        msg = f"{delivery.path} passed its checks and could not be read afterwards: {error}"
        raise LakehouseError(msg, _WHOLE_FILES) from error
    if store.fingerprint(delivery.path) != delivery.fingerprint:
        msg = f"{delivery.path} was changed while it was taken in."
        raise LakehouseError(msg, _WHOLE_FILES)
