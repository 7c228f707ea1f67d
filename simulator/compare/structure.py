"""How tables are made: schema, partitions, protocol, properties, and the files' timestamps."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from deltalake import DeltaTable

from simulator.compare.result import Difference, Kind

# The words of contracts, Glue and Athena for what Delta calls otherwise.
_WORDS = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
# Properties that readers or the upkeep of a table depend on, and what holds where none is set.
_PROPERTIES = {
    "delta.columnMapping.mode": "none",
    "delta.enableDeletionVectors": "false",
    "delta.deletedFileRetentionDuration": "not set",
    "delta.logRetentionDuration": "not set",
}


@dataclass(frozen=True)
class Column:
    """A column at rest.

    Attributes:
        type: Type in full, as the log has it.
        word: Type in the words of contracts, e.g. `bigint`.
        nullable: Whether the schema allows nulls.
    """

    type: str
    word: str
    nullable: bool


def columns(table: DeltaTable) -> dict[str, Column]:
    """Return the columns of a table by name, in their order at rest."""
    return {
        field.name: Column(field.type.to_json(), _word(field.type), field.nullable)
        for field in table.schema().fields
    }


def _word(of: Any) -> str:
    name = getattr(of, "type", "")
    # Arrays, maps and structs have no short name that says it all.
    return _WORDS.get(name, name) if of.to_json() == f'"{name}"' else of.to_json()


def differences(a: DeltaTable, b: DeltaTable) -> list[Difference]:
    """Return in what two tables differ, whatever their rows are."""
    return [
        *(Difference(Kind.SCHEMA, sentence) for sentence in _schema(columns(a), columns(b))),
        *(Difference(Kind.PARTITIONS, sentence) for sentence in _partitions(a, b)),
        *(Difference(Kind.PROTOCOL, sentence) for sentence in _protocol(a, b)),
        *(Difference(Kind.PROPERTIES, sentence) for sentence in _properties(a, b)),
        *(Difference(Kind.FILES, sentence) for sentence in _timestamps(a, b)),
    ]


def _schema(a: dict[str, Column], b: dict[str, Column]) -> Iterator[str]:
    for here, there, lake in ((a, b, "A"), (b, a, "B")):
        for name in here:
            if name not in there:
                yield f"Column {name} ({here[name].word}) is only in {lake}."
    common = [name for name in a if name in b]
    for name in common:
        if a[name].type != b[name].type:
            yield f"Column {name} is {a[name].word} in A, {b[name].word} in B."
    for name in common:
        if a[name].nullable != b[name].nullable:
            strict, loose = ("B", "A") if a[name].nullable else ("A", "B")
            yield f"Column {name} may be null in {loose}, not in {strict}."
    places = [list(b).index(name) for name in common]
    if any(later < earlier for earlier, later in pairwise(places)):
        yield f"Columns stand in another order: {', '.join(a)} in A; {', '.join(b)} in B."


def _partitions(a: DeltaTable, b: DeltaTable) -> Iterator[str]:
    by_a, by_b = a.metadata().partition_columns, b.metadata().partition_columns
    if by_a != by_b:
        yield f"A is partitioned by {_listed(by_a)}, B by {_listed(by_b)}."


def _protocol(a: DeltaTable, b: DeltaTable) -> Iterator[str]:
    of_a, of_b = a.protocol(), b.protocol()
    told = (
        ("reader version", of_a.min_reader_version, of_b.min_reader_version),
        ("writer version", of_a.min_writer_version, of_b.min_writer_version),
        ("reader features", _features(of_a.reader_features), _features(of_b.reader_features)),
        ("writer features", _features(of_a.writer_features), _features(of_b.writer_features)),
    )
    for what, in_a, in_b in told:
        if in_a != in_b:
            yield f"Needed {what}: {in_a} in A, {in_b} in B."


def _properties(a: DeltaTable, b: DeltaTable) -> Iterator[str]:
    of_a, of_b = a.metadata().configuration, b.metadata().configuration
    for name, default in _PROPERTIES.items():
        in_a, in_b = (" ".join(of.get(name, default).lower().split()) for of in (of_a, of_b))
        if in_a != in_b:
            yield f"Property {name}: {in_a} in A, {in_b} in B."


def _timestamps(a: DeltaTable, b: DeltaTable) -> Iterator[str]:
    forms_a, forms_b = _unusual_timestamps(a), _unusual_timestamps(b)
    for name in sorted(forms_a | forms_b):
        for here, there, lake in ((forms_a, forms_b, "A"), (forms_b, forms_a, "B")):
            for form in sorted(here.get(name, set()) - there.get(name, set())):
                yield f"Only {lake} has files in which {name} is {form}."


def _unusual_timestamps(table: DeltaTable) -> dict[str, set[str]]:
    """Return how live files hold timestamps, where it is not as microseconds in UTC."""
    import pyarrow.parquet as pq

    found: defaultdict[str, set[str]] = defaultdict(set)
    if not any("timestamp" in column.type for column in columns(table).values()):
        return found
    for path in table.file_uris():
        schema = pq.read_metadata(path).schema
        for column in map(schema.column, range(len(schema))):
            if form := _unusual(column):
                found[column.path].add(form)
    return found


def _unusual(column: Any) -> str:
    """Return the name of a form of timestamps that some engines cannot read or read otherwise."""
    if column.physical_type == "INT96":
        return "INT96"
    if column.logical_type.type != "TIMESTAMP":
        return ""
    said = str(column.logical_type)
    if "isAdjustedToUTC=false" in said:
        return "without a time zone"
    return "" if "timeUnit=microseconds" in said else "not in microseconds"


def _features(names: list[str] | None) -> str:
    return _listed(sorted(names or []))


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
