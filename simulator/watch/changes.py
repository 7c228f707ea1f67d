"""Tells when files have changed, once they have come to rest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from watchdog.events import (
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from pipeline.errors import LakehouseError

# Reading a file is an event, too; these are the others.
_WRITES = {
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
}
# Files are at rest when nothing has happened for so long, and taken as they are after so long.
_QUIET_SECONDS = 0.1
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Changes:
    """What has changed since it was last asked for.

    Attributes:
        files: Deliveries, below the landing zone.
        code: Python files of the pipeline.
    """

    files: frozenset[Path]
    code: frozenset[Path]


class Watcher(FileSystemEventHandler):
    """Collects what changes below a landing zone and below the code.

    Args:
        landing: The landing zone.
        code: Folders with the code that a run consists of.
    """

    def __init__(self, landing: Path, code: tuple[Path, ...]) -> None:
        self._landing = landing.resolve()
        self._code = tuple(folder.resolve() for folder in code)
        self._events: SimpleQueue[Path] = SimpleQueue()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take note of what was written; called by the observer, in a thread of its own."""
        # A folder is modified whenever something within it is, which has an event of its own.
        if event.event_type not in _WRITES or (
            event.is_directory and event.event_type == EVENT_TYPE_MODIFIED
        ):
            return
        for name in (event.src_path, event.dest_path):
            path = Path(name if isinstance(name, str) else name.decode(errors="surrogateescape"))
            if name and (self.is_delivery(path) or self.is_code(path)):
                self._events.put(path)

    def is_delivery(self, path: Path) -> bool:
        """Return whether a run would look at the file."""
        if path == self._landing or not path.is_relative_to(self._landing):
            return False
        parts = path.relative_to(self._landing).parts
        return parts[0] not in {"archive", "rejected"} and not any(
            part.startswith((".", "_")) for part in parts
        )

    def is_code(self, path: Path) -> bool:
        """Return whether the file is part of what a run does."""
        return path.suffix == ".py" and any(path.is_relative_to(folder) for folder in self._code)

    def wait(self) -> Changes:
        """Wait until something changes, then until nothing does for a moment."""
        found = {self._events.get()}
        last = time.monotonic() + _PATIENCE_SECONDS
        while (left := last - time.monotonic()) > 0:
            try:
                found.add(self._events.get(timeout=min(_QUIET_SECONDS, left)))
            except Empty:
                break
        code = frozenset(path for path in found if self.is_code(path))
        return Changes(files=frozenset(found - code), code=code)


@contextmanager
def watching(landing: Path, code: tuple[Path, ...]) -> Iterator[Watcher]:
    """Watch from now on: what changes before anybody waits for it is not missed.

    Raises:
        LakehouseError: The system does not let us watch.
    """
    watcher = Watcher(landing, code)
    observer = Observer()
    try:
        for folder in dict.fromkeys((landing.resolve(), *(folder.resolve() for folder in code))):
            observer.schedule(watcher, str(folder), recursive=True)
        observer.start()
    except OSError as error:
        msg = f"Changes of {landing} cannot be watched: {error.strerror or error}."
        raise LakehouseError(msg, "Allow this user to read it, and to watch more files.") from error
    try:
        yield watcher
    finally:
        observer.stop()
        observer.join()
