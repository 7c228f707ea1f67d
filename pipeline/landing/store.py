"""A place with delivered files, addressed by paths relative to its root."""

import errno
import heapq
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pipeline.errors import CallError, LakehouseError


@dataclass(frozen=True)
class StoredFile:
    """One file of a landing zone.

    Attributes:
        path: Path below the landing zone, `/` between its parts.
        size: Stored size in bytes.
        fingerprint: Text that changes whenever the stored bytes may have changed.
    """

    path: str
    size: int
    fingerprint: str


class Store(Protocol):
    """What a landing zone must be able to do; a folder here, an S3 prefix in the cloud."""

    def list(self) -> list[StoredFile]:
        """Return every file, in the order of the bytes of its path."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading from its first byte."""

    def fingerprint(self, path: str) -> str:
        """Return the fingerprint that the file has now."""

    def move(self, path: str, target: str) -> str:
        """Move a file within the landing zone, never over another; return where it went."""

    def write_text(self, path: str, text: str) -> None:
        """Write a small text file."""


class NoDeliveries:
    """A landing zone that nothing is delivered to, for runs on what a lake holds."""

    def list(self) -> list[StoredFile]:
        """See `Store.list`."""
        return []

    def open(self, path: str) -> BinaryIO:
        """See `Store.open`."""
        raise FileNotFoundError(path)

    def fingerprint(self, path: str) -> str:
        """See `Store.fingerprint`."""
        raise FileNotFoundError(path)

    def move(self, path: str, target: str) -> str:
        """See `Store.move`."""
        raise FileNotFoundError(path, target)

    def write_text(self, path: str, text: str) -> None:
        """See `Store.write_text`."""
        raise FileNotFoundError(path, text)


class LocalStore:
    """A landing zone in a folder.

    Args:
        root: The folder; it must exist.

    Raises:
        CallError: The folder is missing or cannot be listed.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            kind = "is not a folder" if root.exists() else "does not exist"
            msg = f"The landing zone {root} {kind}."
            raise CallError(msg, "Give the folder that holds products/, orders/ and order_items/.")
        self.root = root

    def list(self) -> list[StoredFile]:
        """See `Store.list`; links are followed, and every folder is entered once.

        A folder that several paths lead to is entered by its own, else by the first of its links.
        """
        found: list[StoredFile] = []
        seen: set[tuple[int, int]] = set()
        waiting = [(False, b"", "")]
        while waiting:
            _, _, prefix = heapq.heappop(waiting)
            for path, is_link in self._entries(prefix, seen):
                status = self._status(path)
                if status is not None and stat.S_ISDIR(status.st_mode):
                    heapq.heappush(waiting, (is_link, os.fsencode(path), f"{path}/"))
                else:
                    found.append(_stored(path, status))
        return sorted(found, key=lambda file: os.fsencode(file.path))

    def _entries(self, prefix: str, seen: set[tuple[int, int]]) -> Sequence[tuple[str, bool]]:
        """Return path and whether it is a link of all that lies in a folder not yet seen."""
        folder = self.root / prefix
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                return []
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                return [(f"{prefix}{entry.name}", entry.is_symlink()) for entry in entries]
        except OSError as error:
            msg = f"The folder {folder} of the landing zone cannot be listed: {error.strerror}."
            raise CallError(msg, "Allow reading it, or take it out of the landing zone.") from error

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return (self.root / path).stat()
        except OSError:
            return None

    def open(self, path: str) -> BinaryIO:
        """See `Store.open`; a pipe or a device is no file and is not waited for."""
        file = open(self.root / path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(errno.EINVAL, "Not a regular file")
        return file

    def fingerprint(self, path: str) -> str:
        """See `Store.fingerprint`."""
        return _stored(path, self._status(path)).fingerprint

    def move(self, path: str, target: str) -> str:
        """See `Store.move`; a taken name gets a number before its extension."""
        goal = self._free(target)
        place = self.root / goal
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).rename(place)
        except OSError as error:
            msg = f"{path} could not be moved to {goal}: {error.strerror}."
            raise LakehouseError(msg, "Allow writing to the landing zone.") from error
        return goal

    def _free(self, target: str) -> str:
        folder, _, name = target.rpartition("/")
        stem, dot, extension = name.partition(".")
        number, goal = 1, target
        while os.path.lexists(self.root / goal):
            number += 1
            goal = f"{folder}/{stem}-{number}{dot}{extension}"
        return goal

    def write_text(self, path: str, text: str) -> None:
        """See `Store.write_text`; bytes of a file name that are no text are written as escapes."""
        try:
            (self.root / path).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            msg = f"{path} could not be written: {error.strerror}."
            raise LakehouseError(msg, "Allow writing to the landing zone.") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _stored(path: str, status: os.stat_result | None) -> StoredFile:
    if status is None:
        return StoredFile(path, 0, "unreadable")
    return StoredFile(path, status.st_size, _fingerprint(status))


def _fingerprint(status: os.stat_result) -> str:
    # The change time cannot be set by hand as the modification time can, so a copy that keeps
    # times and size is still seen.
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
