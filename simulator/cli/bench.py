"""`lakehouse bench`: what the pipeline costs, beside a hand-written script for the same work."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.checkout import checkout, needs_checkout
from simulator.cli.options import AsJson
from simulator.cli.progress import progress
from simulator.cli.text import count, size

if TYPE_CHECKING:
    from simulator.bench.rounds import Measurement

_BY_HAND, _PIPELINE, _DAY = "by hand", "pipeline", "one more day"


def bench(
    orders: Annotated[
        int, typer.Option(min=300, help="Orders of thirty days; 5.5 items each.")
    ] = 1_000_000,
    runs: Annotated[int, typer.Option(min=1, help="Rounds; medians are compared.")] = 1,
    landing: Annotated[
        Path | None,
        typer.Option(
            help="Measure on these files instead of generated ones; they are only read.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="Where files and lakes are made and removed again; by default a temporary folder.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure seconds, rows per second and peak memory, step by step.

    In each round a hand-written Polars and delta-rs script (benchmarks/by_hand.py) and the pipeline
    do the same work on the same clean files, in turn, each in a process of its own; then the
    pipeline takes in one more day.
    """
    from simulator.bench.rounds import measure_round, prepare

    if checkout() is None:
        raise needs_checkout("bench")
    _check(landing, folder)
    with (
        tempfile.TemporaryDirectory(prefix="lakehouse-bench-", dir=folder) as made,
        progress(wanted=not as_json) as shown,
    ):
        place, later = Path(made), None
        if landing is None:
            shown.step(f"generating {orders:,} orders")
            landing, later = prepare(place, orders)
        rounds = [measure_round(place, landing, later, shown.step) for _ in range(runs)]
    found = [measurement for measurements in rounds for measurement in measurements]
    if as_json:
        console.document({"measurements": [asdict(m) for m in found], "ratios": _ratios(found)})
        return
    for measurement in rounds[-1]:
        _print_steps(measurement)
    _print_comparison(found, runs)


def _check(landing: Path | None, folder: Path | None) -> None:
    for given in (landing, folder):
        if given is not None and not given.is_dir():
            msg = f"The folder {given} does not exist."
            raise CallError(msg, "Name a folder that exists.")


def _print_steps(measurement: "Measurement") -> None:
    console.heading(measurement.name)
    rows = [
        [
            step["step"],
            f"{step['seconds']:.2f}",
            f"{step['rows'] / step['seconds']:,.0f}" if step.get("rows") else "",
            size(step["peak_bytes"]) if step.get("peak_bytes") else "",
        ]
        for step in measurement.steps
    ]
    rows.append(["in all", f"{measurement.seconds:.2f}", "", size(measurement.peak_bytes)])
    headings = ("step", "seconds", "rows per second", "peak memory")
    console.table(headings, rows, right=headings[1:])


def _medians(found: "list[Measurement]", name: str) -> tuple[float, float] | None:
    of_name = [m for m in found if m.name == name]
    if not of_name:
        return None
    return median(m.seconds for m in of_name), median(m.peak_bytes for m in of_name)


def _ratios(found: "list[Measurement]") -> dict[str, float]:
    """Return the ratios that a noisy machine leaves meaningful."""
    by_hand, pipeline, day = (_medians(found, name) for name in (_BY_HAND, _PIPELINE, _DAY))
    ratios: dict[str, float] = {}
    if by_hand and pipeline:
        ratios["pipeline seconds / by hand seconds"] = pipeline[0] / by_hand[0]
        ratios["pipeline peak / by hand peak"] = pipeline[1] / by_hand[1]
    if pipeline and day:
        ratios["one more day seconds / pipeline seconds"] = day[0] / pipeline[0]
    return ratios


def _print_comparison(found: "list[Measurement]", runs: int) -> None:
    console.heading("Compared", f"medians of {count(runs, 'round')}" if runs > 1 else "")
    rows = [[name, f"{ratio:.2f}"] for name, ratio in _ratios(found).items()]
    console.table(("ratio", "value"), rows, right=("value",))
