"""Conditions on rows as users write them: `user_id=5`, `total_amount>=100`."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pipeline.contracts import Column, Table
from pipeline.contracts.types import Kind
from pipeline.errors import CallError
from simulator.cli.text import did_you_mean

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FORM = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_TOO_GREAT = 1 << 63
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}

Value = int | bool | str | date | datetime | None


@dataclass(frozen=True)
class Condition:
    """One condition on a column.

    Attributes:
        column: Name of the column.
        compare: The comparison.
        value: What to compare with, in the type that transforms use; None for null.
    """

    column: str
    compare: Callable[[Any, Any], Any]
    value: Value

    @property
    def wants_null(self) -> bool:
        """Whether a condition without a value asks for null, else for anything but null."""
        return self.compare is operator.eq


def read_condition(text: str, table: Table) -> Condition:
    """Read a condition.

    Raises:
        CallError: It is none, its column is unknown, or its value is not of the column's type.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        msg = f"{text!r} is no condition."
        raise CallError(msg, "Write for instance user_id=5 or 'total_amount>=100'.")
    name, sign, written = form.groups()
    column = column_of(table, name)
    if not written:
        if sign not in {"=", "!="}:
            msg = f"{text!r} compares with nothing."
            raise CallError(msg, "Only = and != may have no value: they ask for null.")
        return Condition(column.name, _OPERATORS[sign], None)
    return Condition(column.name, _OPERATORS[sign], _value(written, column))


def column_of(table: Table, name: str) -> Column:
    """Return a column of a table by its name.

    Raises:
        CallError: The table has no such column.
    """
    found = next((column for column in table.columns if column.name == name.lower()), None)
    if found is None:
        guess = did_you_mean(name, table.column_names)
        msg = f"{table.path} has no column {name}.{guess}"
        raise CallError(msg, f"Its columns are {', '.join(table.column_names)}.")
    return found


def _value(text: str, column: Column) -> Value:
    try:
        return _read(text, column)
    except (ValueError, ArithmeticError) as error:
        kind = column.type.kind.value
        msg = f"{column.name} is compared with {text!r}, which is no {kind}."
        raise CallError(msg, f"Expected for instance {_EXAMPLES[column.type.kind]}.") from error


def _read(text: str, column: Column) -> Value:
    match column.type.kind:
        case Kind.TEXT | Kind.LABEL:
            return text
        case Kind.BOOLEAN:
            if text.lower() not in _TRUE | _FALSE:
                raise ValueError(text)
            return text.lower() in _TRUE
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.TIMESTAMP:
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        case Kind.MONEY | Kind.RATIO:
            return _whole(Decimal(text).scaleb(column.type.scale))
        case Kind.KEY | Kind.COUNT | Kind.DAYS | Kind.INTEGER | Kind.FLAG:
            return _whole(Decimal(int(text)))


def _whole(number: Decimal) -> int:
    """Return a number that a column may hold: whole, of 64 bits."""
    if not abs(number) < _TOO_GREAT or number != int(number):
        raise ValueError(number)
    return int(number)


_EXAMPLES = {
    **dict.fromkeys((Kind.KEY, Kind.COUNT, Kind.DAYS, Kind.INTEGER), "42"),
    Kind.FLAG: "1",
    Kind.BOOLEAN: "true",
    Kind.MONEY: "12.50",
    Kind.RATIO: "0.25",
    Kind.TIMESTAMP: "2025-04-30T12:00",
    Kind.DATE: "2025-04-30",
    Kind.TEXT: "any text",
    Kind.LABEL: "any text",
}
