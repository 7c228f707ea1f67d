"""Whether a lake holds what the generator planted, figure by figure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.contracts import ENTITIES, ORDERS, PRODUCTS, Entity, quarantine, silver
from pipeline.contracts.gold import DAILY_SALES
from pipeline.contracts.layers import HELD, REJECTED, RELEASED
from pipeline.contracts.meta import ACCEPTED, DUPLICATE, FILES, ROW_ACCOUNTS

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.portable import Frame
    from pipeline.runner.report import RunReport
    from simulator.generate import Manifest


@dataclass(frozen=True)
class Figure:
    """One number, as it should be and as it is."""

    what: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Whether the two are the same."""
        return self.expected == self.found

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected:,}, found {self.found:,}"


@dataclass
class Deliveries:
    """What runs said of files that leave no trace in the lake.

    Attributes:
        refused: Refused files by entity and kind of dirt.
        drifted: Accepted files with an unknown column, by entity.
    """

    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    drifted: Counter[str] = field(default_factory=Counter)

    def add(self, report: "RunReport") -> None:
        """Add a run that archived its files, so that none is refused twice."""
        for refusal in report.refused:
            # The generator names a bad file after what is wrong with it.
            kind = refusal.path.rpartition("/")[2].partition(".")[0].partition("_")[2]
            self.refused[refusal.entity, kind] += 1
        for file in report.accepted:
            self.drifted[file.entity] += bool(file.extra_columns)


def verify(manifest: "Manifest", engine: "Engine", deliveries: Deliveries) -> list[Figure]:
    """Compare a lake with the manifest of what was delivered to it, one run a day."""
    figures = [
        figure
        for entity in ENTITIES
        for figure in _entity_figures(manifest, engine, entity, deliveries)
    ]
    revenue = _sum(engine, engine.read(silver(ORDERS)), "total_amount")
    figures.append(Figure("revenue in silver, cents", manifest.silver_revenue_cents, revenue))
    sales = _sum(engine, engine.read(DAILY_SALES), "total_sales")
    figures.append(Figure("revenue in gold, cents", manifest.silver_revenue_cents, sales))
    active = _sum(engine, engine.read(silver(PRODUCTS)), "is_active")
    figures.append(Figure("active products", manifest.active_products, active))
    return figures


def _entity_figures(
    manifest: "Manifest", engine: "Engine", entity: Entity, deliveries: Deliveries
) -> list[Figure]:
    name, planted = entity.name, manifest.entities[entity.name]
    files, rows = _files(engine, name)
    found = {
        "accepted files": (planted.files_accepted, files[ACCEPTED]),
        "repeated files": (planted.files_duplicate, files[DUPLICATE]),
        "files with unknown columns": (planted.files_with_extra_column, deliveries.drifted[name]),
        "rows in accepted files": (planted.rows, rows),
        "silver rows": (planted.silver, engine.row_count(silver(entity))),
        "superseded rows": (planted.superseded, _superseded(engine, name)),
    }
    quarantined = _quarantined(engine, entity)
    healed = sum(rows for (status, _), rows in quarantined.items() if status == RELEASED)
    found["healed rows"] = (planted.healed, healed)
    for status, expected in ((HELD, planted.held), (REJECTED, planted.rejected)):
        reasons = {reasons for state, reasons in quarantined if state == status} | set(expected)
        for code in sorted(reasons):
            found[f"rows {status} for {code}"] = (expected[code], quarantined[status, code])
    kinds = {kind for of, kind in deliveries.refused if of == name} | set(planted.files_refused)
    for kind in sorted(kinds):
        found[f"files refused for {kind}"] = (
            planted.files_refused[kind],
            deliveries.refused[name, kind],
        )
    return [Figure(f"{name}, {what}", *numbers) for what, numbers in found.items()]


def _files(engine: "Engine", entity: str) -> tuple[Counter[str], int]:
    """Return the files of the ledger by what was decided, and the rows taken in."""
    import narwhals.stable.v2 as nw

    ledger = engine.read(FILES).filter(nw.col("entity") == entity).select("status", "rows")
    entries = engine.fetch(ledger)
    return Counter(e["status"] for e in entries), sum(e["rows"] for e in entries)


def _superseded(engine: "Engine", entity: str) -> int:
    import narwhals.stable.v2 as nw

    return _sum(engine, engine.read(ROW_ACCOUNTS).filter(nw.col("entity") == entity), "superseded")


def _quarantined(engine: "Engine", entity: Entity) -> Counter[tuple[str, str]]:
    import narwhals.stable.v2 as nw

    groups = engine.read(quarantine(entity)).group_by("status", "reasons")
    counted = engine.fetch(groups.agg(nw.len().alias("rows")))
    return Counter({(each["status"], each["reasons"]): each["rows"] for each in counted})


def _sum(engine: "Engine", frame: "Frame", column: str) -> int:
    import narwhals.stable.v2 as nw

    found: dict[str, Any] = engine.fetch(frame.select(nw.col(column).cast(nw.Int64).sum()))[0]
    return int(found[column] or 0)
