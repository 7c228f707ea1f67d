"""Diagrams of the tables and of how one follows from another: contracts and derivations."""

from collections.abc import Iterator

from docs.generate.markdown import mermaid
from pipeline.contracts import ENTITIES, GOLD, Table, silver
from pipeline.contracts.model import Column, Entity
from pipeline.transforms.gold.derivations import DERIVATIONS

_SILVER = {entity.name: silver(entity) for entity in ENTITIES}


def entities() -> str:
    """Return the entity-relationship diagram of silver and gold."""
    return mermaid(
        [
            "erDiagram",
            *(line for entity in ENTITIES for line in _box(silver(entity), entity)),
            *(line for described in GOLD for line in _box(described)),
            *(line for entity in ENTITIES for line in _references(entity)),
            *(line for described in GOLD for line in _summary(described)),
        ]
    )


def _name(described: Table) -> str:
    return f"{described.layer}_{described.name}"


def _box(described: Table, entity: Entity | None = None) -> Iterator[str]:
    """Yield a table: what was delivered or is asked for, without times and lineage of runs."""
    columns = (*entity.columns, *entity.derived) if entity else described.columns
    refers = {reference.column for reference in entity.references} if entity else set()
    yield f'    {_name(described)}["{described.path}"] {{'
    for column in columns:
        if column.name != "last_updated_timestamp":
            yield f"        {column.type.storage} {column.name}{_mark(column, described, refers)}"
    yield "    }"


def _mark(column: Column, described: Table, refers: set[str]) -> str:
    if column.name in described.key:
        return " PK"
    return " FK" if column.name in refers else ""


def _references(entity: Entity) -> Iterator[str]:
    for reference in entity.references:
        one, many = _name(_SILVER[reference.entity]), _name(_SILVER[entity.name])
        yield f"    {one} ||--o{{ {many} : {reference.column}"


def _summary(described: Table) -> Iterator[str]:
    """Yield what a gold row sums up: the first of its silver sources that has its key."""
    derivation = next(d for d in DERIVATIONS if d.table is described)
    for source in derivation.sources:
        if source.layer == "silver" and set(described.key) <= set(source.column_names):
            many = "||" if source.key == described.key else "|{"
            yield f"    {_name(described)} ||--{many} {_name(source)} : {', '.join(described.key)}"
            return


def derivations() -> str:
    """Return which table is computed from which, from silver to gold."""
    tables = {
        described.path: described
        for derivation in DERIVATIONS
        for described in (*derivation.sources, derivation.table)
    }
    lines = ["flowchart TB"]
    lines += [f'    {_name(described)}["{path}"]' for path, described in tables.items()]
    # The arrow is as long as the layers lie apart, so that each layer has a row of its own.
    place = ("silver", "interim", "gold").index
    lines += [
        f"    {_name(source)} -{'-' * (place(derivation.table.layer) - place(source.layer))}>"
        f" {_name(derivation.table)}"
        for derivation in DERIVATIONS
        for source in derivation.sources
    ]
    return mermaid(lines)
