"""The quality gates: what each layer counts, and from which share on it speaks against a run.

A check compares an exact share, `measured / base`, with two thresholds. Above `alert` people are
told; above `block` the run is undone. "Above" is strict: a share that equals its threshold passes.
Thresholds are fractions, so that no share is ever rounded before it is judged.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Layer(StrEnum):
    """Where a check looks."""

    RAW = "raw"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Severity(StrEnum):
    """How bad it is when a check does not pass, ascending."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Check:
    """One quality gate.

    Attributes:
        name: Name of the check, unique over all layers; users configure it by this name.
        layer: The layer after which it is judged.
        severity: Severity of its notices.
        counts: What `measured` counts, as words that follow a number.
        of: What `base` counts, as words that follow a number.
        alert: Share above which people are told; None for never.
        block: Share above which the run is undone; None for never. It is told of as well, so an
            `alert` above it has a meaning only after `block` was raised.
        minimum_base: Least `base` from which the check blocks; below it, it alerts only.
        weight: Its weight in the layer's quality score.
        description: What it means when the check does not pass.
        hint: What to do then.
    """

    name: str
    layer: Layer
    severity: Severity
    counts: str
    of: str
    alert: Fraction | None
    block: Fraction | None
    weight: int
    description: str
    hint: str
    minimum_base: int = 0


ANY = Fraction(0)
# A share check blocks only from this many rows: one bad row of ten says nothing about a feed.
SHARE_ROWS = 100

_DELIVER_AGAIN = "Mend the file and deliver it again; its reason lies beside it."
_UNDONE = "The run was undone; report this with the files."


def _file(name: str, counts: str) -> Check:
    """Return a file-level check: a file that fails is refused alone, the others go on."""
    return Check(
        name=f"file_{name}",
        layer=Layer.RAW,
        severity=Severity.HIGH,
        counts=f"refused because {counts}",
        of="files inspected",
        alert=ANY,
        block=None,
        weight=2,
        description=f"Files are refused because {counts}.",
        hint=_DELIVER_AGAIN,
    )


# By the word that a refusal carries.
FILE_CHECKS: dict[str, Check] = {
    name: _file(name, counts)
    for name, counts in (
        ("extension", "their extension is not accepted"),
        ("entity", "neither folder nor name is that of an entity"),
        ("name", "their name is not UTF-8"),
        ("readable", "they cannot be read"),
        ("content", "content and extension do not agree"),
        ("header", "their header does not have every column once"),
        ("empty", "they have no rows"),
        ("truncated", "they are cut off or damaged"),
        ("encoding", "they are not UTF-8 text"),
        ("quoting", "their records cannot be told apart"),
        ("line", "they have a line of unreasonable length"),
        ("size", "they are unreasonably large"),
    )
}

REPEATED_CONTENT = Check(
    name="repeated_content",
    layer=Layer.RAW,
    severity=Severity.LOW,
    counts="whose bytes came in before",
    of="files inspected",
    alert=ANY,
    block=None,
    weight=1,
    description="Files came again, under their name or another; their rows are not taken in twice.",
    hint="Nothing has to be done; ask the sender why they came again.",
)

ROW_COUNT = Check(
    name="row_count",
    layer=Layer.BRONZE,
    severity=Severity.CRITICAL,
    counts="rows too many or too few in bronze",
    of="rows read",
    alert=ANY,
    block=ANY,
    weight=5,
    description="Bronze does not hold exactly the rows that were read from the files.",
    hint=_UNDONE,
)
SCHEMA_DRIFT = Check(
    name="schema_drift",
    layer=Layer.BRONZE,
    severity=Severity.MEDIUM,
    counts="with columns that the contract does not know",
    of="files taken in",
    alert=ANY,
    block=None,
    weight=2,
    description="Unknown columns are kept as text in bronze and go no further.",
    hint="Ask the sender what they are; add them to the contract when they are wanted.",
)
REQUIRED_VALUES = Check(
    name="required_values",
    layer=Layer.BRONZE,
    severity=Severity.MEDIUM,
    counts="rows without a value that is required",
    of="rows read",
    alert=Fraction(1, 100),
    block=None,
    minimum_base=SHARE_ROWS,
    weight=2,
    description="Rows lack a required value, or cannot be divided into their fields.",
    hint="Ask the sender for the missing values; the rows wait in quarantine.",
)
DUPLICATE_KEYS = Check(
    name="duplicate_keys",
    layer=Layer.BRONZE,
    severity=Severity.MEDIUM,
    counts="rows that repeat a key of the same batch",
    of="rows read",
    alert=Fraction(1, 100),
    block=None,
    minimum_base=SHARE_ROWS,
    weight=1,
    description="Keys come more than once in a batch; of each the latest row counts.",
    hint="Ask the sender whether corrections were meant.",
)

ROW_EQUATION = Check(
    name="row_equation",
    layer=Layer.SILVER,
    severity=Severity.CRITICAL,
    counts="rows lost or doubled",
    of="rows in accepted files",
    alert=ANY,
    block=ANY,
    weight=5,
    description="Rows in accepted files are not silver rows + superseded rows + quarantined rows.",
    hint="The run was undone. After a change of rules run `quarantine release` first; else report "
    "this with the files.",
)
MISSING_OR_MALFORMED = Check(
    name="missing_or_malformed",
    layer=Layer.SILVER,
    severity=Severity.MEDIUM,
    counts="rows with a missing or malformed value",
    of="rows read",
    alert=Fraction(1, 100),
    block=Fraction(10, 100),
    minimum_base=SHARE_ROWS,
    weight=2,
    description="Rows cannot be read: a required value is missing, or a text is not of its type.",
    hint="Look at the quarantine, mend the delivery at its source, and deliver it again.",
)
RULE_VIOLATIONS = Check(
    name="rule_violations",
    layer=Layer.SILVER,
    severity=Severity.HIGH,
    counts="rows out of range or inconsistent",
    of="rows read",
    alert=Fraction(5, 1000),
    block=Fraction(5, 100),
    minimum_base=SHARE_ROWS,
    weight=3,
    description="Rows break a rule of their contract: a value out of range, a date not its time's.",
    hint="Look at the quarantine, mend the delivery at its source, and deliver it again.",
)
UNKNOWN_REFERENCES = Check(
    name="unknown_references",
    layer=Layer.SILVER,
    severity=Severity.HIGH,
    counts="rows newly held for an order or product that is not known",
    of="rows read",
    alert=Fraction(1, 1000),
    block=Fraction(10, 100),
    minimum_base=SHARE_ROWS,
    weight=3,
    description="Rows refer to orders or products that have not come in.",
    hint="Deliver what they refer to; held rows are released by themselves then.",
)
CONSISTENCY = Check(
    name="consistency",
    layer=Layer.SILVER,
    severity=Severity.HIGH,
    counts="rows that differ from the order that they refer to",
    of="rows inserted, updated or released",
    alert=Fraction(5, 1000),
    block=None,
    minimum_base=SHARE_ROWS,
    weight=3,
    description="Items carry another customer or time than their order; the order's are used.",
    hint="Ask the sender which of the two is right.",
)
ANOMALIES = Check(
    name="anomalies",
    layer=Layer.SILVER,
    severity=Severity.LOW,
    counts="amounts more than 4 standard deviations off the mean",
    of="valid rows",
    alert=Fraction(1, 1000),
    block=None,
    minimum_base=SHARE_ROWS,
    weight=1,
    description="Amounts are unlike the others of the run; their rows stay.",
    hint="Look at the amounts; correct them at their source if they are wrong.",
)
CATALOGUE_SHRINK = Check(
    name="catalogue_shrink",
    layer=Layer.SILVER,
    severity=Severity.CRITICAL,
    counts="products that the latest catalogue does not list any more",
    of="products active before the run",
    alert=Fraction(1, 2),
    block=Fraction(1, 2),
    weight=5,
    description="The latest catalogue lists under half of the products that were active.",
    hint="Check that the catalogue is whole; if it is, raise the block threshold for this run.",
)

RECOMPUTATION = Check(
    name="recomputation",
    layer=Layer.GOLD,
    severity=Severity.HIGH,
    counts="rows that differ from what silver gives",
    of="rows computed a second time",
    # Every column is exact, so any difference blocks; the alert is for those who loosen that.
    alert=Fraction(1, 100),
    block=ANY,
    weight=5,
    description="A gold table does not hold what another computation makes of silver.",
    hint=_UNDONE,
)
REVENUE_EQUATION = Check(
    name="revenue_equation",
    layer=Layer.GOLD,
    severity=Severity.CRITICAL,
    counts="cents made or lost between the tables",
    of="cents in daily_sales",
    alert=ANY,
    block=ANY,
    weight=5,
    description="Revenue by product and of orders without items is not revenue by day.",
    hint=_UNDONE,
)
ORDER_COUNTS = Check(
    name="order_counts",
    layer=Layer.GOLD,
    severity=Severity.CRITICAL,
    counts="orders or items by which the tables disagree",
    of="in silver",
    alert=ANY,
    block=ANY,
    weight=5,
    description="The gold tables do not count the same orders and items as silver.",
    hint=_UNDONE,
)
COMPLETENESS = Check(
    name="completeness",
    layer=Layer.GOLD,
    severity=Severity.CRITICAL,
    counts="keys missing, doubled or unknown to silver",
    of="keys in silver",
    alert=ANY,
    block=ANY,
    weight=5,
    description="A gold table does not hold every date, product, department or user once.",
    hint=_UNDONE,
)
TREND = Check(
    name="trend",
    layer=Layer.GOLD,
    severity=Severity.LOW,
    counts="days whose total lies more than 3 standard deviations off the 28 days before",
    of="days with 28 days before them",
    alert=ANY,
    block=None,
    weight=1,
    description="Sales of a day are unlike those of the days before.",
    hint="Look whether the day was delivered whole and once.",
)

CHECKS: tuple[Check, ...] = (
    *FILE_CHECKS.values(),
    REPEATED_CONTENT,
    ROW_COUNT,
    SCHEMA_DRIFT,
    REQUIRED_VALUES,
    DUPLICATE_KEYS,
    ROW_EQUATION,
    MISSING_OR_MALFORMED,
    RULE_VIOLATIONS,
    UNKNOWN_REFERENCES,
    CONSISTENCY,
    ANOMALIES,
    CATALOGUE_SHRINK,
    RECOMPUTATION,
    REVENUE_EQUATION,
    ORDER_COUNTS,
    COMPLETENESS,
    TREND,
)

CHECK_BY_NAME: dict[str, Check] = {check.name: check for check in CHECKS}
