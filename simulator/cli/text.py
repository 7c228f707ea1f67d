"""Values as people read them. No libraries, so that it may be imported on the way to `--help`."""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

_BARS = "▁▂▃▄▅▆▇█"
_KILO = 1024


def shown(text: str) -> str:
    """Return delivered text so that it cannot move the cursor or break the line.

    Line breaks, control characters and what is no text at all are written out as escapes.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, e.g. `1 file` or `1,204 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence has them: `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def size(number: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    value, units = float(number), ["bytes", "KB", "MB", "GB"]
    while value >= _KILO and len(units) > 1:
        value /= _KILO
        del units[0]
    return f"{value:,.0f} {units[0]}" if units[0] == "bytes" else f"{value:,.1f} {units[0]}"


def duration(seconds: float) -> str:
    """Return seconds as `0.04 s`, `12.3 s` or `2 min 5 s`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def cents(number: int) -> str:
    """Return an amount given in cents, e.g. `1,204.50`."""
    sign = "-" if number < 0 else ""
    whole, part = divmod(abs(number), 100)
    return f"{sign}{whole:,}.{part:02d}"


def utc(moment: datetime) -> str:
    """Return a time in UTC to the second, whatever zone the machine is in."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def cell(value: object) -> str:
    """Return a table's value for a person: thousands apart, times in UTC, null as `·`."""
    match value:
        case None:
            return "·"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:,f}"
        case datetime():
            return utc(value)
        case _:
            return shown(str(value))


def plain(value: object) -> object:
    """Return a table's value as JSON has it: exact decimals and times as text."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return value


def bar(value: float, greatest: float, width: int) -> str:
    """Return a bar whose length is the value's share of the greatest one."""
    if greatest <= 0 or value <= 0:
        return ""
    return "█" * max(1, round(width * value / greatest))


def sparkline(values: Sequence[float]) -> str:
    """Return one small column per value, from the least to the greatest."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if high == low:
        return _BARS[3] * len(values)
    steps = len(_BARS) - 1
    return "".join(_BARS[round(steps * (value - low) / (high - low))] for value in values)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean x?` when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def path_for_user(path: Path) -> str:
    """Return a path as it may be pasted into a shell, relative where it lies below."""
    try:
        short = path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError):
        short = path
    return shlex.quote(shown(str(short)))
