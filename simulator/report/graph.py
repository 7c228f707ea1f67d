"""The lineage of the tables, laid out as boxes by stage and curves between them."""

from dataclasses import dataclass

from simulator.report.lineage import STAGES, Edge, Node, edges, nodes

_BOX = (168, 40)
_GAPS = (40, 14)
_TOP = 34


@dataclass(frozen=True)
class Box:
    """A table or a landing folder."""

    node: Node
    layer: str
    x: float
    y: float
    width: int
    height: int


@dataclass(frozen=True)
class Curve:
    """A way from one box to another."""

    edge: Edge
    line: str


@dataclass(frozen=True)
class Graph:
    """The picture; `heads` are the stages with the middle of their columns."""

    width: int
    height: int
    heads: tuple[tuple[str, float], ...]
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def graph() -> Graph:
    """Lay out the lineage of all tables."""
    width, height = _BOX
    columns: list[list[Node]] = [[] for _ in STAGES]
    for node in nodes():
        columns[node.column].append(node)
    most = max(len(column) for column in columns)
    tall = most * (height + _GAPS[1]) - _GAPS[1]
    boxes = []
    for number, column in enumerate(columns):
        # The fewer boxes there are, the wider they stand apart.
        step = tall / len(column)
        for place, node in enumerate(column):
            y = _TOP + step * place + (step - height) / 2
            x = number * (width + _GAPS[0])
            layer = node.path.partition("/")[0]
            boxes.append(Box(node, layer, x, round(y, 1), width, height))
    by_path = {box.node.path: box for box in boxes}
    return Graph(
        width=len(STAGES) * (width + _GAPS[0]) - _GAPS[0],
        height=_TOP + tall + 4,
        heads=tuple((name, n * (width + _GAPS[0]) + width / 2) for n, name in enumerate(STAGES)),
        boxes=tuple(boxes),
        curves=tuple(Curve(edge, _curve(by_path, edge)) for edge in edges()),
    )


def _curve(boxes: dict[str, Box], edge: Edge) -> str:
    source, target = boxes[edge.source], boxes[edge.target]
    y0, y1 = source.y + source.height / 2, target.y + target.height / 2
    if source.x == target.x:
        # Back within the stage: out to the right and in again.
        x = source.x + source.width
        return f"M{x} {y0}C{x + 26} {y0} {x + 26} {y1} {x} {y1}"
    x0, x1 = source.x + source.width, target.x
    middle = (x0 + x1) / 2
    return f"M{x0} {y0}C{middle} {y0} {middle} {y1} {x1} {y1}"
