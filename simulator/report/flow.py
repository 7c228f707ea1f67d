"""The flow of rows from the deliveries to where they are now, laid out as bands between blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from simulator.report.books import Fates
from simulator.report.charts import NARROW, Form

_FATES = ("silver", "superseded", "held", "rejected")
_BLOCK = 12
_LEAST = 1.5


@dataclass(frozen=True)
class Block:
    """A block of rows.

    Attributes:
        name: What its rows are.
        rows: How many they are.
        x: Left edge.
        y: Upper edge.
        height: Height, by its rows.
        kind: Word that its colour follows.
        anchor: Where its label stands: `start` right of it, `end` left of it.
    """

    name: str
    rows: int
    x: float
    y: float
    height: float
    kind: str
    anchor: str

    @property
    def middle(self) -> float:
        """The height of its label."""
        return round(self.y + self.height / 2, 1)


@dataclass(frozen=True)
class Band:
    """Rows on their way from a block to another, as an outline."""

    source: str
    target: str
    rows: int
    outline: str


@dataclass(frozen=True)
class Flow:
    """The picture of a flow."""

    form: Form
    height: int
    blocks: tuple[Block, ...]
    bands: tuple[Band, ...]


def flow(fates: Sequence[Fates], form: Form) -> Flow:
    """Lay out where the rows of all entities went; empty when no row has come in."""
    height, gap = (300, 30) if form is NARROW else (340, 34)
    total = sum(each.delivered for each in fates)
    if not total:
        return Flow(form, 0, (), ())
    entities = [(each.entity, each.delivered) for each in fates if each.delivered]
    ends = [(fate, rows) for fate in _FATES if (rows := sum(getattr(each, fate) for each in fates))]
    per_row = (height - gap * (max(len(entities), len(ends)) - 1)) / total
    edges = (0.0, form.width * (0.32 if form is NARROW else 0.4), float(form.width - _BLOCK))
    stack = partial(_column, per_row=per_row, height=height, gap=gap)
    columns = [
        stack([("delivered", total)], x=edges[0]),
        stack(entities, x=edges[1]),
        stack(ends, x=edges[2], anchor="end"),
    ]
    by_name = {block.name: block for column in columns for block in column}
    ways = [("delivered", entity, rows) for entity, rows in entities]
    ways += [
        (each.entity, fate, rows)
        for each in fates
        for fate in _FATES
        if (rows := getattr(each, fate))
    ]
    lowest = max(block.y + block.height for block in by_name.values())
    blocks = tuple(by_name.values())
    return Flow(form, round(lowest + 8), blocks, _bands(ways, by_name, per_row))


def _column(
    parts: Sequence[tuple[str, int]],
    *,
    x: float,
    per_row: float,
    height: float,
    gap: float,
    anchor: str = "start",
) -> list[Block]:
    """Stack blocks, in the middle of the height."""
    heights = [max(rows * per_row, _LEAST) for _, rows in parts]
    y = max(8.0, 8 + (height - sum(heights) - gap * (len(parts) - 1)) / 2)
    blocks = []
    for (name, rows), tall in zip(parts, heights, strict=True):
        blocks.append(Block(name, rows, round(x, 1), round(y, 1), round(tall, 1), name, anchor))
        y += tall + gap
    return blocks


def _bands(
    ways: Sequence[tuple[str, str, int]], blocks: dict[str, Block], per_row: float
) -> tuple[Band, ...]:
    left: dict[str, float] = {name: block.y for name, block in blocks.items()}
    right = dict(left)
    bands = []
    for source, target, rows in ways:
        thick = max(rows * per_row, _LEAST)
        start, end = blocks[source].x + _BLOCK, blocks[target].x
        outline = _outline(start, right[source], end, left[target], thick)
        bands.append(Band(source, target, rows, outline))
        right[source] += rows * per_row
        left[target] += rows * per_row
    return tuple(bands)


def _outline(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    """Return a band of one thickness from (x0, y0) to (x1, y1), its upper corners."""
    middle = round((x0 + x1) / 2, 1)
    upper = f"M{x0:.1f} {y0:.1f}C{middle} {y0:.1f} {middle} {y1:.1f} {x1:.1f} {y1:.1f}"
    low0, low1 = y0 + thick, y1 + thick
    return f"{upper}V{low1:.1f}C{middle} {low1:.1f} {middle} {low0:.1f} {x0:.1f} {low0:.1f}Z"
