"""Reason codes in words: what the rule asks for, and what the row had."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from pipeline.contracts import Column, Entity
from pipeline.contracts.model import (
    INCONSISTENT,
    MALFORMED,
    MISSING,
    OUT_OF_RANGE,
    ROW_MALFORMED,
    UNKNOWN_REFERENCE,
)
from pipeline.contracts.types import Kind
from simulator.explain.model import Reason

_EXPECTED = {
    Kind.KEY: "a whole number of 64 bits",
    Kind.COUNT: "a whole number of 64 bits",
    Kind.DAYS: "a whole number of 64 bits",
    Kind.INTEGER: "a whole number of 64 bits",
    Kind.MONEY: "an amount such as 12.50, at most 8 digits before the point and 2 after it",
    Kind.TIMESTAMP: "a time such as 2025-04-30T12:00:00Z on a day that exists",
    Kind.DATE: "a date such as 2025-04-30 that exists",
    Kind.FLAG: "0, 1, true or false",
    Kind.BOOLEAN: "true or false",
}


def described(entity: Entity, codes: str, raw: Mapping[str, str | None]) -> tuple[Reason, ...]:
    """Return what each reason code of a row means.

    Args:
        entity: The contract.
        codes: The codes as quarantine keeps them, separated by `;`.
        raw: The row's columns as delivered.
    """
    return tuple(Reason(code, _text(entity, code, raw)) for code in codes.split(";") if code)


def _text(entity: Entity, code: str, raw: Mapping[str, str | None]) -> str:
    if code == ROW_MALFORMED:
        return "the row has not as many fields as its file's header"
    name, _, word = code.partition(":")
    column = next((each for each in entity.columns if each.name == name), None)
    if column is None:
        return "a rule of an earlier version of the contract"
    got = f"got {raw.get(name)!r}"
    match word:
        case _ if word == MISSING:
            return f"{name} is required, got nothing"
        case _ if word == MALFORMED:
            return f"{name} is {_EXPECTED.get(column.type.kind, 'a value of its type')}, {got}"
        case _ if word == OUT_OF_RANGE:
            return f"{name} is {_range(column)}, {got}"
        case _ if word == INCONSISTENT:
            other = column.date_of or ""
            return f"{name} is the UTC date of {other}, {got} beside {raw.get(other)!r}"
        case _ if word == UNKNOWN_REFERENCE:
            target = next((r.entity for r in entity.references if r.column == name), "")
            return f"{name} is one of silver.{target}, which has no {raw.get(name)!r}"
        case _:
            return "a rule of an earlier version of the contract"


def _range(column: Column) -> str:
    parts = []
    if column.minimum is not None:
        parts.append(f"at least {_bound(column, column.minimum)}")
    if column.below is not None:
        parts.append(f"less than {_bound(column, column.below)}")
    return " and ".join(parts)


def _bound(column: Column, bound: int | datetime) -> str:
    if isinstance(bound, datetime):
        return f"{bound:%Y-%m-%d}"
    if column.type.is_decimal:
        return str(Decimal(bound).scaleb(-column.type.scale))
    return f"{bound}"
