"""The header of a delivered table: which of its columns is which."""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError

_SPACE = " \t\n\v\f\r"

# Far more than drift brings, and few enough that a row of a hostile file stays small.
MAX_COLUMNS = 1_024
MAX_HEADER_BYTES = 262_144
MAX_NAME_CHARACTERS = 255
# Bronze repeats the names of unknown columns in every row, so that is what each row grows by.
MAX_UNKNOWN_BYTES = 8_192


@dataclass(frozen=True)
class Header:
    """The columns of one delivered table.

    Attributes:
        width: Number of columns.
        known: For each of the contract's columns, in its order, the place in the file from 0.
        extra: Name and place of every column that the contract does not know.
    """

    width: int
    known: tuple[int, ...]
    extra: tuple[tuple[str, int], ...]

    @property
    def unknown_bytes(self) -> int:
        """What the names of unknown columns take up in every row's JSON."""
        return sum(len(json.dumps(name, ensure_ascii=False).encode()) + 6 for name, _ in self.extra)


def read_header(names: Sequence[str], entity: Entity, where: str = "") -> Header:
    """Find the contract's columns by name, ASCII case and outer white space ignored.

    Args:
        names: Header cells in file order.
        entity: The contract.
        where: Place within the file for messages, e.g. of a worksheet.

    Raises:
        FileRefusedError: A column is missing or comes twice, there are too many, or their names
            are too long.
    """
    if len(names) > MAX_COLUMNS:
        msg = f"The header{where} has {len(names)} columns; at most {MAX_COLUMNS} are accepted."
        raise FileRefusedError("header", msg, "Deliver only the columns that are needed.")
    longest = max(map(len, names), default=0)
    if longest > MAX_NAME_CHARACTERS:
        msg = (
            f"The header{where} has a name of {longest:,} characters; at most "
            f"{MAX_NAME_CHARACTERS} are accepted. It begins {_shown(names)}."
        )
        raise FileRefusedError("header", msg, "Check the line ends and the quotes of the header.")
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(_canonical(name), []).append(place)
    expected = entity.column_names
    missing = [name for name in expected if name not in places]
    if missing:
        msg = (
            f"The header{where} lacks {', '.join(missing)}; expected {','.join(expected)}, "
            f"got {_shown(names)}."
        )
        raise FileRefusedError("header", msg, "Mend the header and deliver the file again.")
    twice = [name for name in expected if len(places[name]) > 1]
    if twice:
        msg = f"The header{where} has {', '.join(twice)} more than once; got {_shown(names)}."
        raise FileRefusedError("header", msg, "Leave one of each and deliver the file again.")
    known = tuple(places[name][0] for name in expected)
    extra = _told_apart([(name.strip(_SPACE), i) for i, name in enumerate(names) if i not in known])
    header = Header(len(names), known, tuple(extra))
    if header.unknown_bytes > MAX_UNKNOWN_BYTES:
        msg = (
            f"The header{where} has {len(extra)} unknown columns, whose names would add "
            f"{header.unknown_bytes:,} bytes to every row; at most {MAX_UNKNOWN_BYTES:,} are "
            "accepted."
        )
        raise FileRefusedError("header", msg, "Deliver only the columns that are needed.")
    return header


def _canonical(name: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in name.strip(_SPACE))


def _shown(names: Sequence[str]) -> str:
    text = json.dumps(list(names), ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]} ..."  # noqa: PLR2004 - a line or two of text


def _told_apart(extra: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Name unnamed columns by their place and number repeated names, so that none hides another."""
    total = Counter(name for name, _ in extra)
    alone = {name for name, count in total.items() if name and count == 1}
    taken = set(alone)
    told_apart = []
    for name, place in extra:
        own = name
        if name not in alone:
            own = f"{name or 'column'}#{place + 1}"
            while own in taken:
                own = f"{own}#{place + 1}"
            taken.add(own)
        told_apart.append((own, place))
    return told_apart


def split_header(head: str) -> tuple[list[str], int] | None:
    """Read the first record of a CSV text that is not blank.

    Args:
        head: Beginning of the text, without byte-order mark.

    Returns:
        The header's cells and the number of characters up to the first data row; None when the
        text ends before the header does.

    Raises:
        FileRefusedError: The header cannot be read as CSV.
    """
    lines = _Lines(head)
    try:
        for record in csv.reader(lines, strict=False):
            if record:
                return (record, lines.consumed) if lines.complete else None
    except csv.Error as error:
        msg = f"The header cannot be read as CSV: {error}."
        raise FileRefusedError("header", msg, "Mend the header and deliver it again.") from error
    return None


class _Lines:
    """The lines of a text, with a count of how much of it was asked for."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.consumed = 0
        self.complete = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.consumed += len(line)
        self.complete = line.endswith(("\n", "\r"))
        return line
