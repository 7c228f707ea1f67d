"""What goes wrong with a shop's data, and how often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final, Self

from simulator.generate.errors import GenerateError


def _share(what: str) -> float:
    """A share between 0 and 1, absent by default, with a sentence that explains it."""
    return field(default=0.0, metadata={"what": what})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """A share between 0 and 1 for every kind of dirt.

    The share of a row kind is over the rows of each entity that can have it, and a row gets at
    most one kind. The share of a file kind is over the files of each entity; a file may get
    several. `catalogue_of_dirt` explains each kind.
    """

    missing: float = _share("A required value (at times two) is empty: the row is rejected.")
    malformed: float = _share(
        "A value (at times two) does not parse as its type: the row is rejected."
    )
    wrong_field_count: float = _share(
        "The row has fields too few or too many: it is rejected as row:malformed."
    )
    out_of_range: float = _share("A value lies outside its column's range: the row is rejected.")
    inconsistent: float = _share(
        "The date is not the UTC date of the order's timestamp: the order or item is rejected."
    )
    unknown_order: float = _share("The item names an order that never arrives: it is held.")
    unknown_product: float = _share("The item names a product that never arrives: it is held.")
    late_order: float = _share(
        "The order arrives one to three days after its items, which are held and then heal; "
        "no order of the last day is late."
    )
    late_product: float = _share(
        "The product is in the catalogue only from a later day on; its items are held and then "
        "heal."
    )
    duplicate_row: float = _share(
        "The same row comes again on the same day or up to two days later: it is superseded."
    )
    correction: float = _share(
        "The key comes again with other business columns, on the same day or up to three days "
        "later: the first row is superseded."
    )
    untidy: float = _share("A value is written unusually and yet means the same: the row is valid.")
    truncated_file: float = _share(
        "A .csv.gz that breaks off in the middle lies beside the file: it is refused."
    )
    wrong_header: float = _share(
        "A file with a column misnamed, missing or twice lies beside the file: it is refused."
    )
    not_utf8: float = _share("A file in Latin-1 lies beside the file: it is refused.")
    empty_file: float = _share(
        "A file without a byte, or with a header only, lies beside the file: it is refused."
    )
    repeated_file: float = _share(
        "The same bytes lie there again under another name: skipped as a duplicate."
    )
    extra_column: float = _share("The file has an unknown column more: schema drift, kept.")
    crlf: float = _share("The lines end in CR LF: valid (no effect on a workbook).")
    bom: float = _share("The file begins with a byte-order mark: valid (no effect on a workbook).")

    def __post_init__(self) -> None:
        """Refuse shares that cannot be.

        Raises:
            GenerateError: If a share is not between 0 and 1, or the row kinds exceed 1 together.
        """
        for name, share in self.shares().items():
            if isinstance(share, bool) or not isinstance(share, int | float):
                raise GenerateError(f"dirt {name}", expected="a number from 0 to 1", got=share)
            if math.isnan(share) or not 0 <= share <= 1:
                raise GenerateError(f"dirt {name}", expected="a share from 0 to 1", got=share)
        total = sum(getattr(self, name) for name in ROW_KINDS)
        if total > 1 + 1e-9:
            expected = "shares of the row kinds that add up to at most 1"
            raise GenerateError("dirt", expected=expected, got=round(total, 6))

    def shares(self) -> dict[str, float]:
        """The share of every kind, by name, in the order of the catalogue."""
        return {name: getattr(self, name) for name in KINDS}

    @classmethod
    def none(cls) -> Self:
        """A shop whose data is in perfect order."""
        return cls()

    @classmethod
    def demo(cls) -> Self:
        """A little of everything: enough to see each kind, too little to block a run."""
        return cls(
            **dict.fromkeys(("missing", "malformed", "duplicate_row", "correction"), 0.004),
            **dict.fromkeys(("wrong_field_count", "out_of_range", "inconsistent"), 0.002),
            **dict.fromkeys(("unknown_order", "unknown_product"), 0.002),
            **dict.fromkeys(("late_order", "late_product"), 0.005),
            **dict.fromkeys(("truncated_file", "wrong_header", "not_utf8", "empty_file"), 0.05),
            **dict.fromkeys(("repeated_file", "extra_column", "crlf", "bom"), 0.1),
            untidy=0.02,
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read shares as a user writes them: `missing=0.01,late_order=0.002`.

        The text may begin with `none` or `demo`, whose shares the others then replace. Spaces
        do not matter, and an empty text is `none`.

        Raises:
            GenerateError: If a kind is unknown, named twice, or its share is no share.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        shares: dict[str, float] = {}
        if parts and parts[0] in ("none", "demo"):
            shares = cls.demo().shares() if parts[0] == "demo" else {}
            del parts[0]
        seen: set[str] = set()
        for part in parts:
            name, share = _parse_share(part)
            if name in seen:
                raise GenerateError("dirt", expected="each kind once", got=name)
            seen.add(name)
            shares[name] = share
        return cls(**shares)


KINDS: Final[tuple[str, ...]] = tuple(each.name for each in fields(Dirt))
"""The names of all kinds of dirt."""

FILE_KINDS: Final[tuple[str, ...]] = KINDS[KINDS.index("truncated_file") :]
"""The kinds that befall a file."""

ROW_KINDS: Final[tuple[str, ...]] = tuple(
    name for name in KINDS if name not in FILE_KINDS and name != "late_product"
)
"""The kinds of which a row gets one at most. A late product is no row: it is absent."""


def catalogue_of_dirt() -> Mapping[str, str]:
    """Every kind of dirt, with one sentence on what it is and what becomes of it."""
    return MappingProxyType({each.name: str(each.metadata["what"]) for each in fields(Dirt)})


def _parse_share(part: str) -> tuple[str, float]:
    """Read one `kind=share`."""
    name, equals, number = (piece.strip() for piece in part.partition("="))
    if name not in KINDS:
        raise GenerateError("dirt", expected=f"one of {', '.join(KINDS)}", got=name)
    try:
        return name, float(number)
    except ValueError:
        got = number if equals else part
        raise GenerateError(f"dirt {name}", expected="a share from 0 to 1", got=got) from None
