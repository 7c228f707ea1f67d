"""What a comparison finds: per table the differences, each as a sentence, with rows to look at."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Kind(StrEnum):
    """What two tables may differ in."""

    TABLE = "table"
    SCHEMA = "schema"
    PARTITIONS = "partitions"
    PROTOCOL = "protocol"
    PROPERTIES = "properties"
    FILES = "files"
    ROWS = "rows"


@dataclass(frozen=True)
class Example:
    """A row that only one lake has, or has more often; or the two rows of a key that differ.

    Attributes:
        key: The values that identify the row: the contract's key, run metadata aside; all compared
            columns where there is none.
        a: The row in A, by compared column; None when only B has it.
        b: The row in B; None when only A has it.
        copies_a: How many more copies of `a` lake A has; 0 without `a`.
        copies_b: How many more copies of `b` lake B has; 0 without `b`.
        columns: Names of the columns in which `a` and `b` differ; empty when one is None.
    """

    key: Row
    a: Row | None
    b: Row | None
    copies_a: int
    copies_b: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One way in which a table of A is not the table of B.

    Attributes:
        kind: What differs.
        sentence: How it differs; the lakes are called A and B.
        only_a: Rows of A that B lacks, copies counted; 0 unless rows differ.
        only_b: Rows of B that A lacks.
        examples: The first of these rows by key.
    """

    kind: Kind
    sentence: str
    only_a: int = 0
    only_b: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class TableComparison:
    """What the comparison of one table found.

    Attributes:
        path: Place of the table below the lakes' roots, e.g. `gold/daily_sales`.
        rows_a: Rows of A that were compared, or all of them when none were; None when A has no such
            table.
        rows_b: Rows of B; None when B has no such table.
        differences: What differs; empty when the tables are equal.
        rows_compared: Whether rows were compared; not so where all of them are run metadata, where
            a table is missing, and where the tables have no column in common.
    """

    path: str
    rows_a: int | None
    rows_b: int | None
    differences: tuple[Difference, ...]
    rows_compared: bool = True

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True)
class Comparison:
    """What the comparison of two lakes found.

    Attributes:
        a: Root of lake A.
        b: Root of lake B.
        strict: Whether run metadata was compared as well.
        tables: One entry for each table that was looked at.
    """

    a: Path
    b: Path
    strict: bool
    tables: tuple[TableComparison, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return all(table.equal for table in self.tables)

    def __str__(self) -> str:
        """Return one line for each difference, or that there is none."""
        lines = [f"{t.path}: {found.sentence}" for t in self.tables for found in t.differences]
        return "\n".join(lines) or "equal"
