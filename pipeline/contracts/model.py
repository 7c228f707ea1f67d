"""The vocabulary of contracts: columns, rules, entities and tables. Data only, no behaviour."""

from dataclasses import dataclass
from datetime import datetime

from pipeline.contracts.types import LogicalType

MISSING = "missing"
MALFORMED = "malformed"
OUT_OF_RANGE = "out_of_range"
INCONSISTENT = "inconsistent"
UNKNOWN_REFERENCE = "unknown_reference"
ROW_MALFORMED = "row:malformed"

# Days for which tables remember their versions. Data files go earlier, by the table's retention,
# but for those that a rollback may need: without the log they could not be read any more.
LOG_DAYS = 400

Bound = int | datetime


@dataclass(frozen=True)
class Column:
    """One column of a table, with what a value means and when a delivered value is refused.

    Attributes:
        name: Column name, the same in the file, in every layer and on every engine.
        type: Logical type; it decides parsing and storage.
        description: What a value means.
        unit: Unit of the value, e.g. `cents`, `days`; empty when it has none.
        source: Where the value comes from, or the definition that it follows.
        required: Whether a delivered row must have a value (silver), or the table always has one.
        minimum: Smallest accepted value, inclusive; in cents for money.
        below: First value that is too great, exclusive; in cents for money.
        date_of: The timestamp column whose UTC date this date must be, else `inconsistent`.
    """

    name: str
    type: LogicalType
    description: str
    unit: str = ""
    source: str = ""
    required: bool = True
    minimum: Bound | None = None
    below: Bound | None = None
    date_of: str | None = None


@dataclass(frozen=True)
class Reference:
    """A column whose value must be the key of another entity's silver table.

    Attributes:
        column: The referring column.
        entity: Name of the entity referred to, whose key has the same name.
        same: Columns that both sides carry and that should agree; a difference is a
            `consistency` warning, never a reason to hold the row.
    """

    column: str
    entity: str
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One Delta table of the lake.

    Attributes:
        layer: Folder of the table's layer: bronze, silver, quarantine, interim, gold or meta.
        name: Table name, unique within its layer.
        description: What the table holds; its grain first.
        columns: Columns in the order at rest.
        key: Columns that identify a row; empty when rows have no identity of their own.
        partition_by: Partition columns.
        zorder_by: Columns that maintenance clusters by.
        retention_days: Days for which old versions stay readable.
        target_file_mb: File size that maintenance aims at, in MB.
    """

    layer: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    zorder_by: tuple[str, ...] = ()
    retention_days: int = 90
    target_file_mb: int = 128

    @property
    def path(self) -> str:
        """Place of the table below the lake's root, e.g. `gold/daily_sales`."""
        return f"{self.layer}/{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in the order at rest."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Entity:
    """A delivered entity: the columns of its files and the tables that they are refined into.

    Attributes:
        name: Name of the entity, of its landing folder and of its tables.
        description: What one delivered row says.
        columns: Delivered columns in file order.
        key: The column that identifies a silver row.
        snapshot: Whether each file is the whole entity (True) or an addition to it (False).
        references: Columns that must exist elsewhere.
        derived: Columns that silver adds to the delivered ones.
        anomaly: A money column whose outliers within a run are counted as `anomaly` warnings.
        partition_by: Partition columns of the silver table.
        zorder_by: Columns that the silver table is clustered by.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: str
    snapshot: bool = False
    references: tuple[Reference, ...] = ()
    derived: tuple[Column, ...] = ()
    anomaly: str | None = None
    partition_by: tuple[str, ...] = ()
    zorder_by: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the delivered columns in file order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the delivered column of that name."""
        return next(column for column in self.columns if column.name == name)
