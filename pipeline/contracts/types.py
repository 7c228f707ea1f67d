"""Logical types: what a value means, how it is stored, and how transforms hold it.

Inside transforms every decimal is an integer count of its smallest unit (`MONEY` of scale 2 is
cents), because engines disagree on decimal arithmetic and agree on integers. At rest it is a
decimal.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a value means."""

    KEY = "key"
    COUNT = "count"
    DAYS = "days"
    INTEGER = "integer"
    FLAG = "flag"
    BOOLEAN = "boolean"
    MONEY = "money"
    RATIO = "ratio"
    TIMESTAMP = "timestamp"
    DATE = "date"
    TEXT = "text"
    LABEL = "label"


_STORAGE = {
    Kind.KEY: "bigint",
    Kind.COUNT: "bigint",
    Kind.DAYS: "bigint",
    Kind.INTEGER: "int",
    Kind.FLAG: "int",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.TEXT: "string",
    Kind.LABEL: "string",
}


@dataclass(frozen=True)
class LogicalType:
    """A kind of value, with the decimal digits of those kinds that are decimals at rest.

    Attributes:
        kind: What the value means.
        precision: Decimal digits in all; 0 for kinds that are not decimals.
        scale: Decimal digits after the point.
    """

    kind: Kind
    precision: int = 0
    scale: int = 0

    @property
    def is_decimal(self) -> bool:
        """Whether the value is a decimal at rest and a scaled integer inside transforms."""
        return self.precision > 0

    @property
    def storage(self) -> str:
        """Type at rest, in the words that Delta, Glue and Athena share, e.g. `decimal(10,2)`."""
        if self.is_decimal:
            return f"decimal({self.precision},{self.scale})"
        return _STORAGE[self.kind]


KEY = LogicalType(Kind.KEY)
COUNT = LogicalType(Kind.COUNT)
DAYS = LogicalType(Kind.DAYS)
INTEGER = LogicalType(Kind.INTEGER)
FLAG = LogicalType(Kind.FLAG)
BOOLEAN = LogicalType(Kind.BOOLEAN)
TIMESTAMP = LogicalType(Kind.TIMESTAMP)
DATE = LogicalType(Kind.DATE)
TEXT = LogicalType(Kind.TEXT)
LABEL = LogicalType(Kind.LABEL)


def money(precision: int) -> LogicalType:
    """Return an amount of money: DECIMAL(precision, 2) at rest, cents inside transforms."""
    return LogicalType(Kind.MONEY, precision, 2)


def ratio(precision: int, scale: int) -> LogicalType:
    """Return a quotient: DECIMAL(precision, scale) at rest, units of 10^-scale in transforms."""
    return LogicalType(Kind.RATIO, precision, scale)
