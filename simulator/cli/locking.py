"""One run at a time on a lake of this machine."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import LakeError

_LOCK = "_lock"
_POLL_SECONDS = 0.05


def lock_file(root: Path) -> Path:
    """Return the file that a lake is locked by."""
    return root / _LOCK


def is_locked(root: Path) -> bool:
    """Return whether a run is going on in a lake; a lock that a dead one has left is none."""
    from filelock import lock_descriptor

    try:
        descriptor = os.open(lock_file(root), os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # Not there, or not ours to lock: whoever may write here has to look.
        return False
    try:
        return not lock_descriptor(descriptor, blocking=False)
    finally:
        os.close(descriptor)


@contextmanager
def locked(root: Path, *, wait: float = 0) -> Iterator[None]:
    """Keep other runs away from a lake for as long as one is going on.

    The lock is a file in the lake, so that it is the same one for every user and path. When a
    first run leaves nothing behind, the lock leaves nothing behind either. The system lets go of it
    when its process ends, however it ends: the dead keep nobody out.

    Args:
        root: Folder of the lake.
        wait: Seconds to wait for another run to end.

    Raises:
        CallError: The folder cannot become a lake.
        LakeError: Another run is going on, or the folder cannot be written to.
    """
    from pipeline.runner.home import LakeHome

    LakeHome(root).check()
    made = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        descriptor = _acquired(root, wait)
        try:
            yield
        finally:
            lock_file(root).unlink(missing_ok=True)
            os.close(descriptor)
    finally:
        with suppress(OSError):  # The first folder that is not empty ends it.
            for folder in made:
                folder.rmdir()


def _acquired(root: Path, wait: float) -> int:
    """Return the descriptor of the lock file once it is ours."""
    deadline = time.monotonic() + wait
    while True:
        try:
            descriptor = _tried(root)
        except OSError as error:
            msg = f"The lake {root} cannot be written: {error.strerror or error}."
            raise LakeError(msg, "Give it space and this user the right to write.") from error
        if descriptor is not None:
            return descriptor
        if time.monotonic() >= deadline:
            msg = f"Another run is working on the lake {root}."
            hint = "Wait until it has ended and run again, or let it wait: --wait SECONDS."
            raise LakeError(msg, hint)
        time.sleep(_POLL_SECONDS)


def _tried(root: Path) -> int | None:
    """Try once to lock the file; None when another run has it, or had it and removed it."""
    from filelock import lock_descriptor

    root.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(lock_file(root), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:  # A first run that failed has just removed the folder.
        return None
    try:
        # Whoever held the lock has removed the file: a lock on what lies there no more is none.
        if lock_descriptor(descriptor, blocking=False) and _lies_there(descriptor, lock_file(root)):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _lies_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
