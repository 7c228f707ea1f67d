"""Checks of tables: their logs, schemas and files. No row is read."""

from collections.abc import Iterator

from pipeline.runner.maintenance import mergeable_files
from simulator.cli.lakes import suggestion
from simulator.cli.text import count, listed, size
from simulator.compare.structure import columns
from simulator.doctor.finding import Finding, Opened, Patient, Severity
from simulator.engine import upkeep

_READER, _WRITER = 1, 2
_NEW_LAKE = "Build a new lake from the same files; the old one stays until that is done."
# From here on opening a table, and reading it, costs noticeably more than it need.
_MANY_COMMITS = 50
_MANY_FILES = 20
# Later than anything: every file is older.
_EVER = 1 << 62
# Every version that the log tells of.
_FIRST = -1


def logs(patient: Patient) -> Iterator[Finding]:
    """Every table's log can be read."""
    for path, said in patient.unreadable.items():
        what = f"The log cannot be read: {said}."
        yield Finding(Severity.BROKEN, "logs", f"{path}/_delta_log", what, _restore(patient, path))


def protocol(patient: Patient) -> Iterator[Finding]:
    """Every engine can read and write every table: reader version 1, writer version 2."""
    for opened in patient.opened:
        asked = opened.delta.protocol()
        features = sorted({*(asked.reader_features or ()), *(asked.writer_features or ())})
        if (asked.min_reader_version, asked.min_writer_version) != (_READER, _WRITER) or features:
            with_features = f" with {listed(features)}" if features else ""
            what = (
                f"The table asks for reader {asked.min_reader_version} and writer "
                f"{asked.min_writer_version}{with_features}; expected reader 1 and writer 2."
            )
            mend = "Restore a copy from before somebody else changed it, or build a new lake."
            yield Finding(Severity.BROKEN, "protocol", opened.table.path, what, mend)


def schema(patient: Patient) -> Iterator[Finding]:
    """Every table has the columns, types and partitions of its contract."""
    for opened in patient.opened:
        table, there = opened.table, columns(opened.delta)
        for column in table.columns:
            if column.name not in there:
                severity = Severity.BROKEN if column.required else Severity.WARNING
                what = f"Column {column.name} ({column.type.storage}) of the contract is missing."
                mend = "The next run adds it, null in the rows of before."
                yield Finding(severity, "schema", table.path, what, mend)
            elif there[column.name].word != column.type.storage:
                what = (
                    f"Column {column.name} is {there[column.name].word}; expected "
                    f"{column.type.storage}."
                )
                yield Finding(Severity.BROKEN, "schema", table.path, what, _NEW_LAKE)
        for name in there.keys() - set(table.column_names):
            what = f"Column {name} ({there[name].word}) is in no contract."
            mend = "Update the software, or build a new lake from the same files."
            yield Finding(Severity.WARNING, "schema", table.path, what, mend)
        by = tuple(opened.delta.metadata().partition_columns)
        if by != table.partition_by:
            told, expected = (", ".join(names) or "nothing" for names in (by, table.partition_by))
            what = f"The table is partitioned by {told}; expected {expected}."
            yield Finding(Severity.BROKEN, "schema", table.path, what, _NEW_LAKE)


def files(patient: Patient) -> Iterator[Finding]:
    """Every file that a table consists of is there, in its size, and still a Parquet file."""
    for opened in patient.opened:
        for file in opened.files:
            if harm := opened.harm(file):
                where = f"{opened.table.path}/{file.path}"
                mend = _restore(patient, opened.table.path)
                yield Finding(Severity.BROKEN, "files", where, harm, mend)


def orphans(patient: Patient) -> Iterator[Finding]:
    """Every file in a table's folder belongs to one of its versions."""
    for opened in patient.opened:
        found = upkeep.unneeded(opened.folder, opened.files, _FIRST, _EVER)
        if found:
            together = size(sum(file.bytes for file in found))
            what = f"No version has {_such_files(found[0].path, len(found))} ({together})."
            mend = (
                f"Upkeep removes what is older than {count(opened.table.retention_days, 'day')}: "
                f"{suggestion('maintain --lake', patient.root)}"
            )
            yield Finding(Severity.ADVICE, "orphans", opened.table.path, what, mend)


def _such_files(first: str, number: int) -> str:
    return f"{first} and {count(number - 1, 'other file')}" if number > 1 else first


def order(patient: Patient) -> Iterator[Finding]:
    """Tables open quickly: logs with checkpoints, files of a good size."""
    mend = f"Put it in order: {suggestion('maintain --lake', patient.root)}"
    for opened in patient.opened:
        table = opened.table
        commits = opened.delta.version() - (upkeep.last_checkpoint(opened.folder) or 0)
        if commits >= _MANY_COMMITS:
            what = f"The log has {count(commits, 'commit')} since its last checkpoint."
            yield Finding(Severity.ADVICE, "order", table.path, what, mend)
        small = _small_files(opened)
        if small >= _MANY_FILES:
            what = f"{count(small, 'file')} could be put together into fewer."
            yield Finding(Severity.ADVICE, "order", table.path, what, mend)


def _small_files(opened: Opened) -> int:
    return mergeable_files(opened.files, opened.table.target_file_mb << 20)


def _restore(patient: Patient, path: str) -> str:
    layer, _, _ = path.partition("/")
    if layer in {"gold", "interim"}:
        again = suggestion("simulate --rebuild --landing DIR --lake", patient.root)
        return f"Restore it from a copy, or remove the table's folder and compute it anew: {again}"
    return "Restore it from a copy of the lake, or build a new lake from the same files."
