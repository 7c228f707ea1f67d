"""The data dictionary, and the tables of keys, layout and rules: all of it from the contracts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from docs.generate.markdown import code, table
from pipeline.contracts import ENTITIES, TABLES, Table, bronze, quarantine, silver
from pipeline.contracts.model import Bound, Column, Entity
from pipeline.transforms.silver.reasons import reason_codes

_HEADINGS: tuple[str, ...] = ("column", "type", "null", "meaning")


def of_layer(layer: str) -> Callable[[], str]:
    """Return what writes one section for each table of a layer."""
    return lambda: "\n\n".join(_section(t) for t in TABLES if t.layer == layer)


def _section(described: Table) -> str:
    rows = [_row(column, described) for column in described.columns]
    headings = _HEADINGS
    sources = [_source(column) for column in described.columns]
    if any(sources):
        headings = (*headings, "from")
        rows = [[*row, source] for row, source in zip(rows, sources, strict=True)]
    parts = [f"### {described.path}", described.description, table(headings, rows)]
    return "\n\n".join(parts)


def _row(column: Column, within: Table) -> list[str]:
    name = f"**`{column.name}`**" if column.name in within.key else f"`{column.name}`"
    unit = " In cents." if column.unit == "cents" else ""
    return [
        name,
        column.type.storage,
        "" if column.required else "yes",
        f"{column.description}{unit}",
    ]


def _source(column: Column) -> str:
    """Return where a column comes from, if that is another table."""
    return code(column.source.split(", ")) if column.source.startswith("silver.") else ""


def of_bronze() -> str:
    """Return the columns that every bronze table has besides those of its entity's files."""
    return _shared([bronze(entity) for entity in ENTITIES])


def of_quarantine() -> str:
    """Return the columns that every quarantine table has besides those of its entity's files."""
    return _shared([quarantine(entity) for entity in ENTITIES])


def _shared(tables: Sequence[Table]) -> str:
    """Return what the tables of all entities have besides the delivered columns.

    Raises:
        ValueError: They differ, so that one section cannot describe them all.
    """
    rows = [
        [_row(column, described) for column in described.columns[len(entity.columns) :]]
        for entity, described in zip(ENTITIES, tables, strict=True)
    ]
    if any(of_one != rows[0] for of_one in rows):
        msg = f"the {tables[0].layer} tables share no columns any more"
        raise ValueError(msg)
    return table(_HEADINGS, rows[0])


def layout() -> str:
    """Return keys, partitions, order within files, retention and target sizes of every table."""
    return table(
        ("table", "key", "partitions", "z-order", "old versions", "target file"),
        [
            (
                f"`{described.path}`",
                code(described.key),
                code(described.partition_by),
                code(described.zorder_by),
                f"{described.retention_days} days",
                f"{described.target_file_mb} MB",
            )
            for described in TABLES
        ],
    )


def entities() -> str:
    """Return the delivered files: columns, key, how they come."""
    return table(
        ("entity", "columns, in file order", "key", "a file is"),
        [
            (
                f"`{entity.name}`",
                code(entity.column_names),
                f"`{entity.key}`",
                "the whole catalogue" if entity.snapshot else "an addition",
            )
            for entity in ENTITIES
        ],
    )


def rules() -> str:
    """Return for every delivered column what a row must fulfil, and the reasons it may be given."""
    rows = [
        (
            f"`{entity.name}`",
            f"`{column.name}`",
            column.type.kind.value,
            _rule(entity, column),
            code(_reasons(entity, column)),
        )
        for entity in ENTITIES
        for column in entity.columns
    ]
    return table(("entity", "column", "read as", "rule", "reasons"), rows)


def _reasons(entity: Entity, column: Column) -> list[str]:
    codes = (reason.split(":") for reason in reason_codes(entity))
    return [reason for name, reason in codes if name == column.name]


def _rule(entity: Entity, column: Column) -> str:
    parts = ["required" if column.required else "may be missing"]
    lowest, below = _bound(column, column.minimum), _bound(column, column.below)
    if lowest and below:
        parts.append(f"{lowest} ≤ value < {below}")
    elif lowest:
        parts.append(f"≥ {lowest}")
    if column.date_of:
        parts.append(f"the UTC date of `{column.date_of}`")
    parts += [
        f"a key of `{silver(other).path}`"
        for reference in entity.references
        if reference.column == column.name
        for other in ENTITIES
        if other.name == reference.entity
    ]
    return "; ".join(parts)


def _bound(column: Column, bound: Bound | None) -> str:
    match bound:
        case None:
            return ""
        case datetime():
            return f"{bound:%Y-%m-%d %H:%M} UTC"
        case _ if column.type.is_decimal:
            return f"{bound / 10**column.type.scale:.{column.type.scale}f}"
        case _:
            return f"{bound:,}"
