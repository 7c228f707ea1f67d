"""Reason codes as bits of one integer, so that clean rows carry a zero and no text."""

from functools import cache

import narwhals.stable.v2 as nw

from pipeline.contracts.model import (
    INCONSISTENT,
    MALFORMED,
    MISSING,
    OUT_OF_RANGE,
    ROW_MALFORMED,
    UNKNOWN_REFERENCE,
    Column,
    Entity,
)
from pipeline.contracts.types import Kind

PROBLEMS = "problems"


def _codes_of(column: Column) -> list[str]:
    can = {
        MISSING: column.required,
        MALFORMED: column.type.kind not in {Kind.TEXT, Kind.LABEL},
        OUT_OF_RANGE: column.minimum is not None or column.below is not None,
        INCONSISTENT: column.date_of is not None,
    }
    return [f"{column.name}:{reason}" for reason, possible in can.items() if possible]


@cache
def reason_codes(entity: Entity) -> tuple[str, ...]:
    """Return every reason code that a row of the entity can have, sorted; the place is the bit."""
    codes = [code for column in entity.columns for code in _codes_of(column)]
    codes += [f"{reference.column}:{UNKNOWN_REFERENCE}" for reference in entity.references]
    return tuple(sorted([*codes, ROW_MALFORMED]))


def bit(entity: Entity, code: str) -> int:
    """Return the value that a reason code adds to `problems`."""
    return 1 << reason_codes(entity).index(code)


def decode(entity: Entity, problems: int) -> tuple[str, ...]:
    """Return the sorted reason codes of one value of `problems`."""
    return tuple(code for i, code in enumerate(reason_codes(entity)) if problems >> i & 1)


def reasons_text(entity: Entity) -> nw.Expr:
    """Return the reason codes of `problems` as text, sorted, separated by `;`."""
    parts = [nw.when(_has(i)).then(nw.lit(code)) for i, code in enumerate(reason_codes(entity))]
    return nw.concat_str(parts, separator=";", ignore_nulls=True)


def is_held(entity: Entity) -> nw.Expr:
    """Return whether the row waits for references only; false for valid rows."""
    reference_bits = [
        i for i, code in enumerate(reason_codes(entity)) if code.endswith(f":{UNKNOWN_REFERENCE}")
    ]
    waits_for = [nw.when(_has(i)).then(1 << i).otherwise(0) for i in reference_bits]
    return (nw.col(PROBLEMS) > 0) & (nw.col(PROBLEMS) == nw.sum_horizontal(nw.lit(0), *waits_for))


def waits(entity: Entity, problems: int) -> bool:
    """Return whether a row with these problems waits for references only."""
    codes = decode(entity, problems)
    return bool(codes) and all(code.endswith(f":{UNKNOWN_REFERENCE}") for code in codes)


def _has(place: int) -> nw.Expr:
    return nw.col(PROBLEMS) // (1 << place) % 2 == 1
