"""`lakehouse bench`: what the pipeline costs, beside a hand-written script for the same work."""

import tempfile
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import CallError
from simulator.cli import console
from simulator.cli.checkout import checkout, needs_checkout
from simulator.cli.engines import EngineName, check_installed
from simulator.cli.options import AsJson
from simulator.cli.progress import progress
from simulator.cli.text import count, size

if TYPE_CHECKING:
    from simulator.bench.rounds import Measurement


class Contestants(StrEnum):
    """The engines that are measured."""

    POLARS = "polars"
    SPARK = "spark"
    BOTH = "both"

    @property
    def engines(self) -> list[EngineName]:
        """The engines one by one."""
        return list(EngineName) if self is Contestants.BOTH else [EngineName(self.value)]


def bench(
    *,
    orders: Annotated[
        int, typer.Option(min=300, help="Orders of thirty days; 5.5 items each.")
    ] = 1_000_000,
    engine: Annotated[
        Contestants,
        typer.Option(help="Engine to measure on; both are measured in turn, side by side."),
    ] = Contestants.POLARS,
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

    In each round a hand-written script (benchmarks/by_hand.py on Polars and delta-rs,
    benchmarks/by_hand_spark.py on Spark) and the pipeline do the same work on the same clean files,
    in turn, each in a process of its own; then the pipeline takes in one more day.
    """
    from simulator.bench.figures import ratios
    from simulator.bench.rounds import measure_round, prepare

    if checkout() is None:
        raise needs_checkout("bench")
    for name in engine.engines:
        check_installed(name)
    _check(landing, folder)
    with (
        tempfile.TemporaryDirectory(prefix="lakehouse-bench-", dir=folder) as made,
        progress(wanted=not as_json) as shown,
    ):
        # The contestants are started in the checkout, wherever the user stands.
        place, later = Path(made).resolve(), None
        if landing is not None:
            landing = landing.resolve()
        else:
            shown.step(f"generating {orders:,} orders")
            landing, later = prepare(place, orders)
        rounds = [
            measure_round(place, landing, later, shown.step, engine.engines) for _ in range(runs)
        ]
    found = [measurement for measurements in rounds for measurement in measurements]
    if as_json:
        console.document({"measurements": [asdict(m) for m in found], "ratios": ratios(found)})
        return
    if engine is Contestants.BOTH:
        _print_side_by_side(found)
    else:
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


def _print_side_by_side(found: "list[Measurement]") -> None:
    from simulator.bench.figures import of, side_by_side
    from simulator.bench.rounds import BY_HAND, ENGINES, ONE_MORE_DAY, PIPELINE

    console.heading("Side by side", "seconds")
    rows = []
    for name in (BY_HAND, PIPELINE, ONE_MORE_DAY):
        if not of(found, EngineName.POLARS, name):
            continue
        for step, seconds in side_by_side(found, name).items():
            polars, spark = (seconds.get(engine) for engine in ENGINES)
            both = "" if not polars or spark is None else f"{spark / polars:.1f}"
            cells = ("" if value is None else f"{value:.2f}" for value in (polars, spark))
            rows.append([name, step, *cells, both])
    headings = ("", "step", "polars", "spark", "spark / polars")
    console.table(headings, rows, right=headings[2:])


def _print_comparison(found: "list[Measurement]", runs: int) -> None:
    from simulator.bench.figures import ratios

    console.heading("Compared", f"medians of {count(runs, 'round')}" if runs > 1 else "")
    rows = [[name, f"{ratio:.2f}"] for name, ratio in ratios(found).items()]
    console.table(("ratio", "value"), rows, right=("value",))
