"""A run on a made-up shop of a few orders, so that libraries have made themselves ready."""

import tempfile
from datetime import timedelta
from pathlib import Path

from simulator.generate import Dirt, ShopConfig, generate
from simulator.watch.asked import run_once

_DAYS = 2  # A new lake, and one that is gone on with.


def rehearse(scratch: Path) -> None:
    """Deliver and run day by day, in a folder below `scratch` that is removed again."""
    config = ShopConfig(days=_DAYS, orders_per_day=3, products=5, users=3)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        landing, lake = Path(folder) / "landing", Path(folder) / "lake"
        for number in range(_DAYS):
            day = config.start + timedelta(days=number)
            generate(config, Dirt.none(), landing, only_day=day)
            run_once(landing, lake, rebuild=False, as_json=False)
