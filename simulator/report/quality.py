"""How good the data of each run was: scores by layer, and the checks that did not pass.

The tables are found through the contracts; a lake whose runs do not measure is told as such.
"""

from dataclasses import dataclass
from datetime import datetime

import narwhals.stable.v2 as nw

from pipeline.contracts import TABLES, Table
from pipeline.engine import Engine
from simulator.report.reading import Record, frame_of

LAYERS = ("raw", "bronze", "silver", "gold")
LATEST = 40
_SCORES = "meta/quality_scores"
_METRICS = "meta/quality_metrics"
_SILENT = ("passed", "not_applicable")


@dataclass(frozen=True)
class Measured:
    """The scores of one run.

    Attributes:
        batch_id: Number of the run; None when it took no file in.
        recorded_at: Time of the run, UTC.
        scores: Passed share of each layer in ten-thousandths; None where nothing was judged.
    """

    batch_id: int | None
    recorded_at: datetime
    scores: dict[str, int | None]


@dataclass(frozen=True)
class Finding:
    """A check of a run that people are told of."""

    batch_id: int | None
    recorded_at: datetime
    layer: str
    check: str
    subject: str
    severity: str
    verdict: str
    measured: int
    base: int
    above: str


@dataclass(frozen=True)
class Quality:
    """The quality of the latest runs.

    Attributes:
        runs: The runs that measured, in order of time.
        findings: What the latest of them are told of for, latest first.
    """

    runs: tuple[Measured, ...]
    findings: tuple[Finding, ...]


def gather_quality(engine: Engine) -> Quality | None:
    """Read scores and findings; None when no run has measured yet."""
    scores = _rows(engine, _SCORES)
    by_run: dict[tuple[datetime, int | None], dict[str, int | None]] = {}
    for row in scores:
        by_run.setdefault((row["recorded_at"], row["batch_id"]), {})[row["layer"]] = row["score"]
    if not by_run:
        return None
    latest = sorted(by_run.items(), key=lambda run: run[0][0])[-LATEST:]
    runs = tuple(
        Measured(number, time, {layer: found[layer] for layer in LAYERS if layer in found})
        for (time, number), found in latest
    )
    return Quality(runs, _findings(engine, runs[0].recorded_at))


def _findings(engine: Engine, since: datetime) -> tuple[Finding, ...]:
    quiet = nw.col("verdict").is_in(list(_SILENT))
    told = _rows(engine, _METRICS, nw.col("recorded_at") >= nw.lit(since), ~quiet)
    found = [
        Finding(
            batch_id=row["batch_id"],
            recorded_at=row["recorded_at"],
            layer=row["layer"],
            check=row["check_name"],
            subject=row["subject"],
            severity=row["severity"],
            verdict=row["verdict"],
            measured=row["measured"],
            base=row["base"],
            above=row["alert_above"],
        )
        for row in told
    ]
    found.sort(key=lambda one: (one.layer, one.check, one.subject))
    found.sort(key=lambda one: one.recorded_at, reverse=True)
    return tuple(found[:LATEST])


def _rows(engine: Engine, path: str, *wanted: nw.Expr) -> list[Record]:
    table = _contract(path)
    frame = None if table is None else frame_of(engine, table)
    if frame is None:
        return []
    return engine.fetch(frame.filter(*wanted) if wanted else frame)


def _contract(path: str) -> Table | None:
    return next((table for table in TABLES if table.path == path), None)
