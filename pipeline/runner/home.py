"""The lake's own small files: what it is, and what a run was about to do when it was ended."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.contracts import LAKE_FORMAT, TABLES
from pipeline.errors import CallError, LakeError

_MARKER = "lakehouse.json"
_JOURNAL = "_run.json"
_STATE = "_state.json"
_CATALOG = "_catalog.json"
_UNDONE = "_undone"
_RESERVE = "_reserve"
# Room that a run gives back before it undoes itself, so that a full disk can still be written to.
_RESERVE_BYTES = 1 << 20


def is_foreign(name: str) -> bool:
    """Return whether an entry is none that a beginning or a lock leaves in a lake to be."""
    return not name.startswith("_")


def unfinished(name: str) -> str:
    """Return the name that a file of a lake has while it is written: never a foreign one."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}_{file.removeprefix('_')}.new"


# What a run uses on its way and removes, by its name in the root.
PASSING = (_RESERVE, *map(unfinished, (_JOURNAL, _STATE, _CATALOG, _MARKER)))


@dataclass(frozen=True)
class Intent:
    """What a run must undo if it does not come to its end.

    Attributes:
        batch_id: Number of the run; 0 when it takes no file in.
        versions: Version of every table before the run, by path; None for one that did not exist.
        run_id: Name of the run.
    """

    batch_id: int
    versions: dict[str, int | None]
    run_id: str = ""


class LakeHome:
    """The root folder of a lake.

    Args:
        root: The folder; it need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def address(self) -> str:
        """The root as users know it."""
        return str(self.root)

    def check(self) -> bool:
        """Return whether the folder is a lake; False when it is free for a new one.

        Raises:
            CallError: The folder is something else.
            LakeError: The lake cannot be read, or a newer version of this software made it.
        """
        try:
            if self._is_marked():
                return True
            if self._is_free():
                return False
            # Another run may have begun the lake between the two looks.
            if self._is_marked():
                return True
        except OSError as error:
            msg = f"The lake {self.address} cannot be read: {error.strerror}."
            raise LakeError(msg, "Allow this user to read it.") from error
        msg = f"{self.address} is not empty and not a lake."
        raise CallError(msg, "Name an empty or new place, or a lake made by this software.")

    def _is_marked(self) -> bool:
        text = self._read(_MARKER)
        if text is not None:
            _check_format(text, self.address)
        return text is not None

    def _is_free(self) -> bool:
        """Return whether nothing lies in the place but what a beginning or a lock leaves there."""
        try:
            return not any(is_foreign(entry.name) for entry in self.root.iterdir())
        except FileNotFoundError:
            return True
        except NotADirectoryError as error:
            msg = f"{self.root} is a file, not a folder."
            raise CallError(msg, "Name a folder for the lake.") from error

    def begin(self, intent: Intent) -> None:
        """Note durably what has to be undone should the run not come to its end.

        Raises:
            LakeError: The lake cannot be written.
        """
        try:
            self._prepare()
            self._write(_JOURNAL, json.dumps(asdict(intent)))
            if self._read(_MARKER) is None:
                self._write(_MARKER, json.dumps({"format": LAKE_FORMAT}) + "\n")
        except OSError as error:
            self._forget_beginning()
            msg = f"The lake {self.address} cannot be written: {error.strerror}."
            raise LakeError(msg, "Give it space and this user the right to write.") from error

    def _prepare(self) -> None:
        """Make the root, and take the room that undoing may need on a full disk."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / _RESERVE).write_bytes(b"\0" * _RESERVE_BYTES)

    def _forget_beginning(self) -> None:
        """Take back what `begin` left behind when it could not finish; nothing else was done."""
        for name in (_RESERVE, _JOURNAL, unfinished(_JOURNAL), unfinished(_MARKER)):
            # Where nothing can be written, nothing was left behind either.
            with suppress(OSError):
                self._remove(name)

    def remembered(self) -> Any:
        """Return the description of the contracts that wrote the lake.

        None for a lake that is not there yet, and for one that remembers none.
        """
        text = self._read(_MARKER)
        return None if text is None else json.loads(text).get("contracts")

    def remember(self, contracts: Mapping[str, Any]) -> None:
        """Note the description of the contracts that have written the lake.

        Raises:
            LakeError: The lake cannot be written.
        """
        if contracts != self.remembered():
            self._keep(_MARKER, {"format": LAKE_FORMAT, "contracts": contracts})

    def interrupted(self) -> Intent | None:
        """Return what an earlier run that did not come to its end has left to undo."""
        text = self._read(_JOURNAL)
        if text is None:
            return None
        try:
            return _understood(json.loads(text))
        except (ValueError, TypeError, KeyError) as error:
            msg = (
                f"{self.address}/{_JOURNAL}, the note of an interrupted run, cannot be understood."
            )
            raise LakeError(msg, "Restore the lake from a copy.") from error

    def keep_state(self, document: Mapping[str, Any]) -> None:
        """Keep what a run knows between two steps.

        Raises:
            LakeError: The lake cannot be written.
        """
        self._keep(_STATE, document)

    def publish(self, catalog: Mapping[str, Any]) -> None:
        """Replace what the lake says of its tables: versions, rows, columns, after the last run.

        Raises:
            LakeError: The lake cannot be written.
        """
        self._keep(_CATALOG, catalog)

    def note_undone(self, run_id: str, document: Mapping[str, Any]) -> None:
        """Keep the account of a run that failed or was rolled back: no table knows of it any more.

        Raises:
            LakeError: The lake cannot be written.
        """
        self._keep(f"{_UNDONE}/{run_id}.json", document)

    def undone(self) -> list[Any]:
        """Return the accounts that `note_undone` kept, in the order of the runs' names."""
        return [json.loads(text) for text in map(self._read, self._names(_UNDONE)) if text]

    def _keep(self, name: str, document: Mapping[str, Any]) -> None:
        try:
            self._write(name, json.dumps(document))
        except OSError as error:
            msg = f"The lake {self.address} cannot be written: {error.strerror}."
            raise LakeError(msg, "Give it space and this user the right to write.") from error

    def _names(self, folder: str) -> list[str]:
        """Return the documents of a folder in the order of their names."""
        return sorted(f"{folder}/{path.name}" for path in (self.root / folder).glob("*.json"))

    def kept_state(self) -> Any:
        """Return what `keep_state` kept; None when no run is between two steps."""
        text = self._read(_STATE)
        return None if text is None else json.loads(text)

    def forget_state(self) -> None:
        """Forget what was kept: the run has come to its end, or is undone."""
        self._remove(_STATE)

    def make_room(self) -> None:
        """Give the reserve back, so that undoing can write to a full disk."""
        self._remove(_RESERVE)

    def end(self) -> None:
        """Forget the note: the run has come to its end, or is undone."""
        self._remove(_RESERVE)
        self._remove(_JOURNAL)

    def abandon(self) -> None:
        """Remove the marks of a lake whose first run was undone, and its empty folders.

        The marker goes last but for the root: as long as there is anything, it says what it is.
        """
        self.end()
        self._remove(_CATALOG)
        for folder, _, _ in os.walk(self.root, topdown=False):
            _remove_if_empty(Path(folder))
        self._remove(_MARKER)
        _remove_if_empty(self.root)

    def _remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _write(self, name: str, text: str) -> None:
        """Write a file so that it is there whole or not at all, even after a loss of power."""
        new = self.root / unfinished(name)
        new.parent.mkdir(exist_ok=True)
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.root / name)


def _check_format(text: bytes, address: str) -> None:
    try:
        found = json.loads(text)["format"]
        newer = int(found) > LAKE_FORMAT
    except (ValueError, TypeError, KeyError) as error:
        msg = f"{address}/{_MARKER} cannot be understood; it should tell the lake's format."
        raise LakeError(msg, "Restore the file from a copy of the lake.") from error
    if newer:
        msg = (
            f"The lake {address} has format {found}; this version of the software knows "
            f"formats up to {LAKE_FORMAT}."
        )
        raise LakeError(msg, "Update the software, then run again.")


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder; one that is not empty or that something is mounted on stays."""
    with suppress(OSError):
        folder.rmdir()


def _understood(noted: Any) -> Intent:
    """Return what a note says, held against what `begin` writes.

    Raises:
        KeyError, TypeError, ValueError: It says something else.
    """
    batch_id, versions, run_id = noted["batch_id"], noted["versions"], noted.get("run_id", "")
    if not isinstance(batch_id, int) or not isinstance(versions, dict):
        raise TypeError(noted)
    known = {table.path for table in TABLES}
    if not all(p in known and (v is None or isinstance(v, int)) for p, v in versions.items()):
        raise ValueError(versions)
    return Intent(batch_id, versions, run_id)
