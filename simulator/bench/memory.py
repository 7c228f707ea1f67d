"""Peak memory of this process and of those that work for it."""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_PROCESSES = Path("/proc")
_RESET_PEAK = "5"


def peak_bytes() -> int:
    """Return the greatest resident size since the last `forget_peak`, or since the start.

    The peaks of this process and of every process below it that still lives, such as a JVM, are
    added up: no less than what they held at one time.
    """
    found = 0
    for process in _family():
        try:
            status = (process / "status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue  # It has just ended.
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                found += int(line.split()[1]) * 1024
    if found:
        return found
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> None:
    """Begin anew to look for the peak; without effect where the system cannot."""
    for process in _family():
        try:
            (process / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        except OSError:
            continue


def _family() -> Iterator[Path]:
    """Yield what the system knows of this process and of all processes below it."""
    children: dict[int, list[int]] = {}
    for stat in _PROCESSES.glob("[0-9]*/stat"):
        try:
            # A name in parentheses, whatever it holds; then the state and the parent.
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    pending = [os.getpid()]
    while pending:
        number = pending.pop()
        yield _PROCESSES / str(number)
        pending += children.get(number, [])
