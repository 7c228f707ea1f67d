"""Rounds of measurement: by hand, the pipeline from nothing, and one more day, on each engine."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import EngineError
from simulator.generate import Dirt, ShopConfig, generate

DAYS = 30
ENGINES = ("polars", "spark")
BY_HAND, PIPELINE, ONE_MORE_DAY = "by hand", "pipeline", "one more day"

_SCRIPTS = {"polars": "benchmarks.by_hand", "spark": "benchmarks.by_hand_spark"}
_ITEMS_FOLDERS = ("products", "orders", "order_items")
_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Measurement:
    """What one run of one contestant cost.

    Attributes:
        engine: `polars` or `spark`.
        name: `by hand`, `pipeline` or `one more day`.
        seconds: Seconds of work, start of the interpreter, imports and Spark's start aside.
        peak_bytes: Greatest resident size, the JVM's included.
        steps: Seconds, rows and peak bytes by step, as the contestant tells them.
    """

    engine: str
    name: str
    seconds: float
    peak_bytes: int
    steps: list[dict[str, Any]]


def prepare(folder: Path, orders: int) -> tuple[Path, Path]:
    """Generate clean data: a landing zone of thirty days, and a day more beside it.

    Args:
        folder: Empty folder for the data.
        orders: Orders of the first thirty days together.
    """
    total = orders * (DAYS + 1) // DAYS
    shop = ShopConfig(
        days=DAYS + 1,
        orders=total,
        products=max(100, min(20_000, orders // 50)),
        users=max(100, orders // 5),
    )
    landing, later = folder / "landing", folder / "day31"
    generate(shop, Dirt.none(), landing)
    last = (shop.start + timedelta(days=DAYS)).isoformat()
    for entity in _ITEMS_FOLDERS:
        for file in sorted((landing / entity).glob(f"{last}*")):
            goal = later / entity / file.name
            goal.parent.mkdir(parents=True, exist_ok=True)
            file.rename(goal)
    return landing, later


def measure_round(
    folder: Path,
    landing: Path,
    later: Path | None,
    say: Callable[[str], None],
    engines: Sequence[str] = ENGINES[:1],
) -> list[Measurement]:
    """Measure each contestant once, one after the other.

    Args:
        folder: Where the lakes are made and removed again.
        landing: The landing zone of the run from nothing.
        later: A day more; None to leave that measurement out.
        say: Is told what begins.
        engines: The engines to measure on.
    """
    lake, by_hand = folder / "lake", folder / "lake-by-hand"
    found = []
    for engine in engines:
        child = ["-m", "simulator.bench.child", engine]
        contestants: list[tuple[str, list[str | Path]]] = [
            (BY_HAND, ["-m", _SCRIPTS[engine], landing, by_hand]),
            (PIPELINE, [*child, landing, lake]),
        ]
        if later is not None:
            contestants.append((ONE_MORE_DAY, [*child, later, lake]))
        try:
            for name, words in contestants:
                say(f"{engine}: {name}")
                found.append(_measured(engine, name, words))
        finally:
            shutil.rmtree(lake, ignore_errors=True)
            shutil.rmtree(by_hand, ignore_errors=True)
    return found


def _measured(engine: str, name: str, words: Sequence[str | Path]) -> Measurement:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        msg = f"The measurement '{engine}: {name}' failed: {last}"
        raise EngineError(msg, "Look at the free memory and disk space, then run again.")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    steps = told["steps"]
    if isinstance(steps, dict):
        # The script tells seconds by step and nothing else.
        steps = [{"step": step, "seconds": seconds} for step, seconds in steps.items()]
    return Measurement(engine, name, told["total_seconds"], told["peak_rss_bytes"], steps)
