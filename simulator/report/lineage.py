"""From the delivered file to gold: which table follows from which, as the contracts have it."""

from dataclasses import dataclass

from pipeline.contracts import ENTITIES, bronze, quarantine, silver
from pipeline.transforms.gold.derivations import DERIVATIONS


@dataclass(frozen=True)
class Node:
    """A table, or the landing folder of an entity.

    Attributes:
        path: Its path; `landing/<entity>` for deliveries.
        column: Its stage, from 0 for deliveries to 4 for gold.
    """

    path: str
    column: int

    @property
    def name(self) -> str:
        """Its name without the layer."""
        return self.path.partition("/")[2]


@dataclass(frozen=True)
class Edge:
    """`target` is made from `source`; `heals` for rows that come back from quarantine."""

    source: str
    target: str
    heals: bool = False


STAGES = ("Deliveries", "Bronze", "Silver, quarantine", "Interim", "Gold")
_SILVER, _INTERIM, _GOLD = 2, 3, 4


def nodes() -> tuple[Node, ...]:
    """Return everything that rows go through, stage by stage."""
    found = []
    for entity in ENTITIES:
        found += [
            Node(f"landing/{entity.name}", 0),
            Node(bronze(entity).path, 1),
            Node(silver(entity).path, _SILVER),
            Node(quarantine(entity).path, _SILVER),
        ]
    for derivation in DERIVATIONS:
        column = _INTERIM if derivation.table.layer == "interim" else _GOLD
        found.append(Node(derivation.table.path, column))
    return tuple(sorted(found, key=lambda node: node.column))


def edges() -> tuple[Edge, ...]:
    """Return what is made from what; a row may be held for the silver table it refers to."""
    found = []
    for entity in ENTITIES:
        received, refined, waiting = (layer(entity).path for layer in (bronze, silver, quarantine))
        found += [
            Edge(f"landing/{entity.name}", received),
            Edge(received, refined),
            Edge(received, waiting),
        ]
        if entity.references:
            found.append(Edge(waiting, refined, heals=True))
    for derivation in DERIVATIONS:
        found += [Edge(source.path, derivation.table.path) for source in derivation.sources]
    return tuple(found)


def sources_of(path: str) -> list[str]:
    """Return what a table is made from."""
    return [edge.source for edge in edges() if edge.target == path]
