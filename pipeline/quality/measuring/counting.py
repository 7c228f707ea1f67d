"""Counting the rows of a frame."""

import narwhals.stable.v2 as nw

from pipeline.engine import Engine
from pipeline.portable import Frame


def count_rows(engine: Engine, frame: Frame) -> int:
    """Evaluate a frame and return the number of its rows."""
    return int(engine.fetch(frame.select(nw.len().cast(nw.Int64).alias("rows")))[0]["rows"])
