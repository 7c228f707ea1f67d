"""An online shop that never was: its landing zone, clean or dirty, of any size.

The same settings give the same bytes, and a manifest says what a lake must hold once it has
ingested them. Importing this package is cheap; the libraries that do the work come with the
first call.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from simulator.generate.config import FORMATS, FileFormat, ShopConfig
from simulator.generate.dirt import FILE_KINDS, KINDS, ROW_KINDS, Dirt, catalogue_of_dirt
from simulator.generate.errors import GenerateError
from simulator.generate.manifest import DayWritten, EntityOutcome, Manifest

__all__ = [
    "FILE_KINDS",
    "FORMATS",
    "KINDS",
    "ROW_KINDS",
    "DayWritten",
    "Dirt",
    "EntityOutcome",
    "FileFormat",
    "GenerateError",
    "Manifest",
    "ShopConfig",
    "catalogue_of_dirt",
    "generate",
]


def generate(
    config: ShopConfig,
    dirt: Dirt,
    landing: Path,
    *,
    only_day: date | None = None,
    on_day: Callable[[DayWritten], None] | None = None,
) -> Manifest:
    """Write a shop's landing zone, one delivery a day.

    Each day's files depend on the settings and the day alone: written one by one with
    `only_day`, in any order, they are the files that one call writes. Memory is bounded by the
    largest day. Existing files of the same name are replaced, others left alone.

    Args:
        config: The shop.
        dirt: What goes wrong with its data.
        landing: The landing zone, made if it does not exist.
        only_day: Write this day alone. The manifest then covers the first day through this one.
        on_day: Called after each day that was written.

    Returns:
        What a lake must hold after it has ingested all days through the last one written.

    Raises:
        GenerateError: If the shop does not trade on `only_day`, or a file cannot be written.
    """
    from simulator.generate.shop import generate as run

    return run(config, dirt, landing, only_day=only_day, on_day=on_day)
