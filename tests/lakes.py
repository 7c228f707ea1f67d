"""Helpers of tests that run a whole lake: deliver files, run, read every table as plain rows."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable

from pipeline.contracts import ENTITIES, TABLES, Entity, layers
from pipeline.contracts.checks import ANY, CHECKS
from pipeline.contracts.metadata import run_metadata
from pipeline.engine import Engine
from pipeline.landing.store import LocalStore, Store
from pipeline.quality.thresholds import Limits, Thresholds
from pipeline.runner.home import LakeHome
from pipeline.runner.report import RunReport
from pipeline.runner.run import Lakehouse, RunRequest
from simulator.engine.polars_engine import PolarsEngine
from tests.reference import DeliveredFile, DeliveredRow

Row = dict[str, Any]

BY_NAME: dict[str, Entity] = {entity.name: entity for entity in ENTITIES}

LINEAGE = frozenset(column.name for column in layers.LINEAGE)
_ORIGIN = frozenset({layers.SOURCE_FILE.name, layers.SOURCE_ROW.name})

# A few made-up rows are no feed to be judged by shares; what has to be exact stays exact.
OPEN = Thresholds({c.name: Limits(c.alert, None) for c in CHECKS if c.block not in {None, ANY}})

FIRST_RUN = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def run_time(number: int) -> datetime:
    """Return the time of a test's run; a new date begins now and then."""
    return FIRST_RUN + timedelta(minutes=13 * number, microseconds=number)


# --- Deliveries ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """How the rows of a CSV are written.

    Attributes:
        header: The header's cells in file order; None for the contract's own.
        newline: Line end.
        mark: Whether a byte-order mark comes first.
        quoted: Whether every field is quoted.
        blank_lines: Whether blank lines, which are no rows, stand between the rows.
    """

    header: tuple[str, ...] | None = None
    newline: str = "\n"
    mark: bool = False
    quoted: bool = False
    blank_lines: bool = False

    def cells(self, entity: str) -> tuple[str, ...]:
        """Return the header's cells."""
        return self.header or BY_NAME[entity].column_names


PLAIN = Form()


def delivered(entity: str, path: str, *rows: Sequence[object]) -> DeliveredFile:
    """Return a plain CSV delivery whose rows are given as values in the contract's order."""
    made = tuple(DeliveredRow(tuple("" if v is None else str(v) for v in row)) for row in rows)
    return DeliveredFile(entity, path, made, PLAIN)


def content(file: DeliveredFile) -> bytes:
    """Return the bytes of a delivery."""
    form = file.form if isinstance(file.form, Form) else PLAIN
    columns = BY_NAME[file.entity].column_names
    cells = form.cells(file.entity)
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        lineterminator=form.newline,
        quoting=csv.QUOTE_ALL if form.quoted else csv.QUOTE_MINIMAL,
    )
    writer.writerow(cells)
    for row in file.rows:
        if form.blank_lines:
            text.write(form.newline)
        if row.values is None:
            text.write(f"{row.raw}{form.newline}")
            continue
        known = dict(zip(columns, row.values, strict=True))
        extra = json.loads(row.extra) if row.extra else {}
        names = [cell.strip() for cell in cells]
        writer.writerow(extra[n] if n in extra else known[n.lower()] for n in names)
    body = ("\ufeff" if form.mark else "") + text.getvalue()
    packed = body.encode()
    return gzip.compress(packed, mtime=0) if file.path.endswith(".gz") else packed


def deliver(landing: Path, files: Iterable[DeliveredFile]) -> None:
    """Write deliveries into a landing zone."""
    landing.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = landing / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(file))


# --- Runs ----------------------------------------------------------------------------------------


def run(
    landing: Path,
    lake: Path,
    number: int = 0,
    *,
    as_of: date | None = None,
    again: Sequence[str] = (),
    rebuild: bool = False,
    engine: Engine | None = None,
    store: Store | None = None,
    run_id: str = "",
) -> RunReport:
    """Run the pipeline once in this process."""
    lakehouse = Lakehouse(
        engine or PolarsEngine(lake),
        LakeHome(lake),
        store or LocalStore(landing),
        thresholds=OPEN,
        pause=lambda _: None,
    )
    return lakehouse.run(
        RunRequest(run_time(number), as_of=as_of, again=again, rebuild=rebuild, run_id=run_id)
    )


@dataclass
class Shop:
    """A landing zone and the lake beside it, in a folder of the test's own.

    Attributes:
        folder: The folder.
        engine: Opens the engine that the next run uses.
        runs: Number of runs so far.
        reports: Their reports.
    """

    folder: Path
    engine: Callable[[Path], Engine] = PolarsEngine
    runs: int = 0
    reports: list[RunReport] = field(default_factory=list)

    @property
    def landing(self) -> Path:
        """The landing zone."""
        return self.folder / "landing"

    @property
    def lake(self) -> Path:
        """The lake."""
        return self.folder / "lake"

    def next_time(self) -> datetime:
        """Return the time that the next run will have."""
        return run_time(self.runs)

    def run(
        self,
        files: Iterable[DeliveredFile] = (),
        *,
        as_of: date | None = None,
        again: Sequence[str] = (),
        rebuild: bool = False,
    ) -> RunReport:
        """Deliver some files, then run."""
        deliver(self.landing, files)
        report = run(
            self.landing,
            self.lake,
            self.runs,
            as_of=as_of,
            again=again,
            rebuild=rebuild,
            engine=self.engine(self.lake),
        )
        self.runs += 1
        self.reports.append(report)
        return report

    def rows(self, table: str, without: Iterable[str] = ()) -> list[Row]:
        """Return the rows of a table in one order of their own, without some columns."""
        return rows(self.lake, table, without)


# --- Reading -------------------------------------------------------------------------------------


def rows(lake: Path, table: str, without: Iterable[str] = ()) -> list[Row]:
    """Return the rows of a table, sorted, without some columns."""
    frame = pl.read_delta(str(lake / table))
    return ordered(frame.drop(set(without), strict=False).to_dicts())


def ordered(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return rows in an order that depends on their values alone, columns sorted by name."""
    plain = [{name: row[name] for name in sorted(row)} for row in found]
    return sorted(plain, key=lambda row: [(value is None, str(value)) for value in row.values()])


def state(lake: Path, *, lineage: bool = False) -> dict[str, list[Row]]:
    """Return what a lake says, run metadata aside, by table.

    Bronze, silver, gold, and the rows that are in quarantine now: whether a row once waited there
    depends on how the files were grouped into runs. So does, of equal rows, which one a silver row
    names; with `lineage` the names of file and row are kept all the same.
    """
    said = {}
    for table in TABLES:
        aside = run_metadata(table)
        if aside.all_rows:
            continue
        found = rows(lake, table.path, aside.columns - _ORIGIN if lineage else aside.columns)
        said[table.path] = [row for row in found if row.get("status") not in aside.statuses]
    return said


def everything(lake: Path) -> dict[str, list[Row]]:
    """Return every row of every table of a lake that exists, books included."""
    there = [table.path for table in TABLES if (lake / table.path / "_delta_log").is_dir()]
    return {path: rows(lake, path) for path in there}


def live_files(lake: Path) -> dict[str, list[str]]:
    """Return the data files that the latest version of every table consists of."""
    tables = [table.path for table in TABLES if (lake / table.path / "_delta_log").is_dir()]
    return {path: sorted(DeltaTable(lake / path).file_uris()) for path in tables}


def listing(lake: Path, layers: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return size and time of every file below some layers, logs included."""
    found = {}
    for layer in layers:
        for path in sorted((lake / layer).rglob("*")):
            status = path.stat()
            found[str(path.relative_to(lake))] = (status.st_size, status.st_mtime_ns)
    return found
