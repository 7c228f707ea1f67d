"""What measurements say together: medians over the rounds, and ratios of contestants."""

from collections.abc import Mapping, Sequence
from statistics import median

from simulator.bench.rounds import BY_HAND, ENGINES, ONE_MORE_DAY, PIPELINE, Measurement

GATES = "gates and transaction"

_CHECKS = "checks"
# Parts of a run that do the work whose result is asked for: a script makes its tables, too, and
# `gold` finds what gold has to follow.
_WORK = ("check files", "tables", "gold")
_LAYERS = ("bronze", "silver", "gold")


def is_work(step: str) -> bool:
    """Return whether a part of a run is work on data; the others are gates and transaction."""
    layer, _, name = step.partition(" ")
    return step in _WORK or (layer in _LAYERS and name not in {"", _CHECKS})


def gate_seconds(measurement: Measurement) -> float:
    """Return the seconds that a run spent on its gates, its books and on being all or nothing.

    What no part of the run names belongs to it: versions noted and pinned, the intent, archiving.
    """
    work: float = sum(s["seconds"] for s in measurement.steps if is_work(s["step"]))
    return measurement.seconds - work


def of(found: Sequence[Measurement], engine: str, name: str) -> list[Measurement]:
    """Return what was measured of one contestant, a measurement a round."""
    return [m for m in found if (m.engine, m.name) == (engine, name)]


def ratios(found: Sequence[Measurement]) -> dict[str, float]:
    """Return the ratios that a noisy machine leaves meaningful, of medians over the rounds."""
    told: dict[str, float] = {}
    for engine in ENGINES:
        by_hand, pipeline, day = (
            of(found, engine, name) for name in (BY_HAND, PIPELINE, ONE_MORE_DAY)
        )
        if by_hand and pipeline:
            told[f"{engine} pipeline seconds / by hand seconds"] = _seconds(pipeline) / _seconds(
                by_hand
            )
            told[f"{engine} pipeline peak / by hand peak"] = _peak(pipeline) / _peak(by_hand)
        if pipeline:
            told[f"{engine} {GATES} / pipeline seconds"] = median(
                gate_seconds(m) / m.seconds for m in pipeline
            )
        if pipeline and day:
            told[f"{engine} one more day seconds / pipeline seconds"] = _seconds(day) / _seconds(
                pipeline
            )
    pipelines = [of(found, engine, PIPELINE) for engine in ENGINES]
    if all(pipelines):
        polars, spark = map(_seconds, pipelines)
        told["spark pipeline seconds / polars pipeline seconds"] = spark / polars
    return told


def side_by_side(found: Sequence[Measurement], name: str) -> Mapping[str, Mapping[str, float]]:
    """Return the median seconds of each step of a contestant: by step, then by engine.

    The last two are all of its gates and transaction, where it has them, and all of it.
    """
    steps: dict[str, dict[str, float]] = {}
    for engine in ENGINES:
        measured = of(found, engine, name)
        for step in [step["step"] for step in measured[0].steps] if measured else []:
            seconds = [s["seconds"] for m in measured for s in m.steps if s["step"] == step]
            steps.setdefault(step, {})[engine] = median(seconds)
    totals = {GATES: gate_seconds} if name != BY_HAND else {}
    for total, seconds_of in {**totals, "in all": lambda m: m.seconds}.items():
        steps[total] = {
            engine: median(map(seconds_of, measured))
            for engine in ENGINES
            if (measured := of(found, engine, name))
        }
    return steps


def _seconds(measured: Sequence[Measurement]) -> float:
    return median(m.seconds for m in measured)


def _peak(measured: Sequence[Measurement]) -> float:
    return median(m.peak_bytes for m in measured)
