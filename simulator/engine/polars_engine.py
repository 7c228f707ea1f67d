"""The engine protocol on Polars and delta-rs."""

import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, cast

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Schema,
    Transaction,
    WriterProperties,
    write_deltalake,
)

from pipeline.contracts.entities import ENTITIES
from pipeline.contracts.layers import SOURCE_ROW, bronze
from pipeline.contracts.model import LOG_DAYS, Entity, Table
from pipeline.contracts.types import Kind
from pipeline.engine import Commit, DataFile, Operation, Partition, run_metadata, run_of
from pipeline.errors import EngineError
from pipeline.landing.delivery import Delivery
from pipeline.landing.inspection import read_delivery
from pipeline.landing.rows import bronze_schema
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store
from pipeline.portable import Frame, from_storage, to_storage
from pipeline.portable.polars import type_at_rest
from simulator.engine import upkeep
from simulator.engine.failures import told
from simulator.engine.tables import LocalTables

# Row groups of this size keep the writer's memory low and let readers skip.
_ROW_GROUP_ROWS = 131_072
# A dictionary of values that hardly repeat costs time and makes the file greater.
_WITHOUT_DICTIONARY = frozenset(
    column.name for entity in ENTITIES for column in entity.columns if column.type.kind is Kind.KEY
) | {SOURCE_ROW.name}
_CHUNK_ROWS = 100_000
SCRATCH = "_scratch"


class PolarsEngine:
    """Fulfils `pipeline.engine.Engine` for a lake in a folder.

    Args:
        lake: Root folder of the lake.
        versions: For readers: the versions to read tables as; see `LocalTables`.
    """

    name = "polars"
    rows_at_once = 1_000_000

    def __init__(self, lake: Path, versions: Mapping[str, int | None] | None = None) -> None:
        self._lake = lake
        self._tables = LocalTables(lake, versions)
        self._scratch = lake / SCRATCH / uuid.uuid4().hex
        self._latest_tables: dict[str, DeltaTable] = {}
        # Tables whose object frames hold on to, so that no write may move it on.
        self._read: set[str] = set()

    def create(self, tables: Sequence[Table]) -> None:
        """See `Engine.create`."""
        for table in tables:
            if self.exists(table):
                self._add_columns(table)
            else:
                self._create(table)

    def _create(self, table: Table) -> None:
        with told(f"creating {table.path}", self._lake):
            DeltaTable.create(
                self._path(table),
                _arrow_schema(table),
                partition_by=list(table.partition_by),
                name=table.name,
                description=table.description,
                configuration={
                    "delta.deletedFileRetentionDuration": f"interval {table.retention_days} days",
                    "delta.logRetentionDuration": f"interval {LOG_DAYS} days",
                    # Every run opens every table by replaying its log since the last checkpoint.
                    "delta.checkpointInterval": "10",
                },
            )

    def _add_columns(self, table: Table) -> None:
        known = {field.name for field in self._latest(table).schema().fields}
        if gained := [c for c in table.column_names if c not in known]:
            fields = Schema.from_arrow(_arrow_schema(table)).fields
            with self._writing(table) as target:
                target.alter.add_columns([f for f in fields if f.name in gained])

    def exists(self, table: Table) -> bool:
        """See `Engine.exists`."""
        return table.path in self._latest_tables or self._tables.exists(table)

    def read(self, table: Table, version: int | None = None) -> Frame:
        """See `Engine.read`."""
        if version is None:
            opened = self._latest(table)
            self._read.add(table.path)
        else:
            opened = self._tables.open(table, version)
        with told(f"reading {table.path}", self._lake):
            return from_storage(_narwhals(pl.scan_delta(opened)), table.columns)

    def row_count(self, table: Table) -> int:
        """See `Engine.row_count`."""
        with told(f"reading the log of {table.path}", self._lake):
            return int(self._latest(table).count())

    def bounds(self, table: Table, column: str) -> tuple[int, int] | None:
        """See `Engine.bounds`."""
        files = self._files(table)
        if files.is_empty():
            return None
        if f"min.{column}" in files.columns:
            low, high = files[f"min.{column}"], files[f"max.{column}"]
            if not low.null_count() and not high.null_count():
                return cast("int", low.min()), cast("int", high.max())
        value = nw.col(column)
        found = self.fetch(
            self.read(table).select(value.min().alias("low"), value.max().alias("high"))
        )
        low_high = found[0]["low"], found[0]["high"]
        return None if low_high[0] is None else low_high

    def rows_by_date(self, table: Table) -> Mapping[date, int]:
        """See `Engine.rows_by_date`."""
        files = self._files(table)
        if files.is_empty():
            return {}
        by_date = files.group_by("partition.date").agg(pl.col("num_records").sum())
        return {day: rows for day, rows in by_date.rows() if rows}

    def _files(self, table: Table) -> pl.DataFrame:
        with told(f"reading the log of {table.path}", self._lake):
            return pl.DataFrame(self._latest(table).get_add_actions(flatten=True))

    def ingest(
        self, entity: Entity, store: Store, deliveries: Sequence[Delivery], stamp: Stamp
    ) -> Mapping[str, int]:
        """See `Engine.ingest`."""
        table, rows = bronze(entity), dict.fromkeys((d.path for d in deliveries), 0)
        if self._has_done(Operation.APPEND, table, stamp.batch_id):
            return rows | self._rows_by_file(table, stamp)

        def batches() -> Iterator[pa.RecordBatch]:
            for delivery in deliveries:
                for batch in read_delivery(store, delivery, stamp):
                    rows[delivery.path] += batch.num_rows
                    yield batch

        self._append(table, _Stream(bronze_schema(entity), batches()), stamp.batch_id)
        return rows

    def _rows_by_file(self, table: Table, stamp: Stamp) -> dict[str, int]:
        of_batch = self.read(table).filter(
            nw.col("ingestion_date") == nw.lit(stamp.run_time.date()),
            nw.col("batch_id") == stamp.batch_id,
        )
        counted = of_batch.group_by("source_file").agg(nw.len().alias("rows"))
        return {row["source_file"]: row["rows"] for row in self.fetch(counted)}

    def append(self, table: Table, frame: Frame, batch_id: int) -> None:
        """See `Engine.append`."""
        self._append(table, self._stream(table, [frame]), batch_id)

    def merge(self, table: Table, frame: Frame, batch_id: int) -> None:
        """See `Engine.merge`."""
        if self._has_done(Operation.MERGE, table, batch_id):
            return
        source = self._at_rest(table, frame).collect()
        if source.is_empty():
            return
        self._check_removable(table)
        match = " AND ".join(f"target.{column} = source.{column}" for column in table.key)
        with self._writing(table) as target:
            (
                target.merge(
                    source,
                    match,
                    source_alias="source",
                    target_alias="target",
                    writer_properties=_writer(table),
                    commit_properties=_commit(Operation.MERGE, batch_id),
                )
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute()
            )

    def overwrite(
        self,
        table: Table,
        frames: Iterable[Frame],
        batch_id: int | None,
        *,
        dates: Sequence[date] | None = None,
    ) -> None:
        """See `Engine.overwrite`."""
        if dates is not None and not dates:
            return
        if self._has_done(Operation.OVERWRITE, table, batch_id):
            return
        predicate = None
        if dates is not None:
            days = ", ".join(f"DATE '{day.isoformat()}'" for day in dates)
            predicate = f"date in ({days})"
        self._check_removable(table)
        data = self._stream(table, frames)
        with self._writing(table) as target, data.own_failures():
            write_deltalake(
                target,
                data.reader(),
                mode="overwrite",
                predicate=predicate,
                commit_properties=_commit(Operation.OVERWRITE, batch_id),
                **_layout(table),
            )

    def append_records(
        self, table: Table, records: Sequence[Mapping[str, Any]], batch_id: int | None
    ) -> None:
        """See `Engine.append_records`."""
        if records:
            inside = {
                column.name: pl.Int64() if column.type.is_decimal else type_at_rest(column)
                for column in table.columns
            }
            frame = _narwhals(pl.LazyFrame(list(records), schema=inside, orient="row"))
            self._append(table, self._stream(table, [frame]), batch_id)

    def _append(self, table: Table, data: "_Stream", batch_id: int | None) -> None:
        if self._has_done(Operation.APPEND, table, batch_id):
            return
        with self._writing(table) as target, data.own_failures():
            write_deltalake(
                target,
                data.reader(),
                mode="append",
                commit_properties=_commit(Operation.APPEND, batch_id),
                **_layout(table),
            )

    @contextmanager
    def _writing(self, table: Table) -> Iterator[DeltaTable]:
        """Give the object to write with, and know the table as it is afterwards."""
        if table.path in self._read:
            self._forget(table)
        target = self._latest(table)
        with told(f"writing {table.path}", self._lake):
            yield target
            target.update_incremental()

    def _check_removable(self, table: Table) -> None:
        """Refuse to replace files that would stay, and their rows with them.

        Spark names the folder of a partition in any letters. delta-rs spells those beyond ASCII
        otherwise when it removes a file, so that the log takes it for another one
        (https://github.com/delta-io/delta-kernel-rs/issues/2423).
        """
        kinds = {column.name: column.type.storage for column in table.columns}
        if not any(kinds[name] == "string" for name in table.partition_by):
            return
        strange = [path for path in self._files(table)["path"] if not path.isascii()]
        if strange:
            msg = (
                f"{table.path} cannot be written by Polars: Spark wrote its partition "
                f"{strange[0].rpartition('/')[0]}, and delta-rs cannot remove files of partitions "
                "whose names are not ASCII."
            )
            raise EngineError(msg, "Run with Spark on this lake.")

    def _has_done(self, operation: Operation, table: Table, batch_id: int | None) -> bool:
        if batch_id is None:
            return False
        last = self._latest(table).transaction_version(operation)
        return last is not None and last >= batch_id

    def checkpoint(self, frame: Frame) -> Frame:
        """See `Engine.checkpoint`."""
        with told("writing an intermediate result", self._lake):
            if not self._scratch.exists():
                # Only one run at a time goes on: what others have left here is of dead ones.
                shutil.rmtree(self._scratch.parent, ignore_errors=True)
                self._scratch.mkdir(parents=True)
            path = self._scratch / f"{uuid.uuid4().hex}.parquet"
            _polars(frame).sink_parquet(
                path, compression="lz4", row_group_size=_ROW_GROUP_ROWS, statistics=False
            )
            return _narwhals(pl.scan_parquet(path))

    def fetch(self, frame: Frame) -> list[dict[str, Any]]:
        """See `Engine.fetch`."""
        with told("reading", self._lake):
            return _polars(frame).collect().to_dicts()

    def version(self, table: Table) -> int | None:
        """See `Engine.version`."""
        if not self.exists(table):
            return None
        with told(f"reading the log of {table.path}", self._lake):
            return self._latest(table).version()

    def restore(self, table: Table, version: int | None) -> None:
        """See `Engine.restore`."""
        self._forget(table)
        with told(f"restoring {table.path}", self._lake):
            if version is None:
                shutil.rmtree(self._path(table), ignore_errors=False)
            elif self._latest(table).version() != version:
                self._check_removable(table)
                self._latest(table).restore(version)
        self._forget(table)

    def _forget(self, table: Table) -> None:
        self._latest_tables.pop(table.path, None)
        self._read.discard(table.path)

    def history(self, table: Table) -> list[Commit]:
        """See `Engine.history`."""
        with told(f"reading the log of {table.path}", self._lake):
            return [
                Commit(
                    version=entry["version"],
                    timestamp_ms=entry["timestamp"],
                    operation=entry["operation"],
                    batch_id=run_of(entry.get("userMetadata")),
                )
                for entry in self._latest(table).history()
            ]

    def files(self, table: Table) -> list[DataFile]:
        """See `Engine.files`."""
        with told(f"reading the log of {table.path}", self._lake):
            return upkeep.data_files(self._latest(table), table)

    def compact(self, table: Table) -> None:
        """See `Engine.compact`."""
        self._check_removable(table)
        with self._writing(table) as target:
            upkeep.compact(target, table, _writer(table))

    def zorder(self, table: Table, partitions: Sequence[Partition] | None) -> None:
        """See `Engine.zorder`."""
        if partitions is not None and not partitions:
            return
        self._check_removable(table)
        with self._writing(table) as target:
            upkeep.zorder(target, table, partitions, _writer(table))

    def write_checkpoint(self, table: Table) -> bool:
        """See `Engine.write_checkpoint`."""
        with told(f"writing a checkpoint of {table.path}", self._lake):
            return upkeep.write_checkpoint(self._latest(table), self._path(table))

    def vacuum(
        self, table: Table, since: int, before_ms: int, *, dry_run: bool = False
    ) -> list[DataFile]:
        """See `Engine.vacuum`."""
        with told(f"removing old files of {table.path}", self._lake):
            folder = self._path(table)
            found = upkeep.unneeded(folder, self.files(table), since, before_ms)
            if not dry_run:
                upkeep.remove(folder, found)
        return found

    def close(self) -> None:
        """See `Engine.close`."""
        self._latest_tables.clear()
        self._read.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)
        with suppress(OSError):
            self._scratch.parent.rmdir()

    def _latest(self, table: Table) -> DeltaTable:
        """Return the table as the last write left it."""
        if table.path not in self._latest_tables:
            self._latest_tables[table.path] = self._tables.open(table)
        return self._latest_tables[table.path]

    def last_batch(self, tables: Sequence[Table]) -> int:
        """See `Engine.last_batch`."""
        noted = (
            self._latest(table).transaction_version(operation) or 0
            for table in tables
            if self.exists(table)
            for operation in Operation
        )
        return max(noted, default=0)

    def _stream(self, table: Table, frames: Iterable[Frame]) -> "_Stream":
        """Evaluate the frames one after the other, a few rows in memory at a time."""
        schema = _arrow_schema(table)

        def batches() -> Iterator[pa.RecordBatch]:
            for frame in frames:
                stored = self._at_rest(table, frame)
                for part in stored.collect_batches(
                    chunk_size=_CHUNK_ROWS, maintain_order=False, lazy=True
                ):
                    yield from part.to_arrow().cast(schema).to_batches()

        return _Stream(schema, batches())

    def _at_rest(self, table: Table, frame: Frame) -> pl.LazyFrame:
        return _polars(to_storage(frame, table.columns))

    def _path(self, table: Table) -> Path:
        return self._lake / table.path


class _Stream:
    """Batches on their way into delta-rs, which would hide why producing them failed."""

    def __init__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        self._schema = schema
        self._batches = batches
        self._failure: Exception | None = None

    def reader(self) -> pa.RecordBatchReader:
        """Return the batches as delta-rs wants them."""
        return pa.RecordBatchReader.from_batches(self._schema, self._watched())

    def _watched(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except Exception as error:
            self._failure = error
            raise

    @contextmanager
    def own_failures(self) -> Iterator[None]:
        """Raise what went wrong with the batches instead of what delta-rs makes of it."""
        try:
            yield
        except Exception:
            if self._failure is not None:
                raise self._failure from None
            raise


def _commit(operation: Operation, batch_id: int | None) -> CommitProperties:
    if batch_id is None:
        return CommitProperties()
    return CommitProperties(
        custom_metadata={"userMetadata": run_metadata(batch_id)},
        app_transactions=[Transaction(operation, batch_id)],
    )


def _layout(table: Table) -> dict[str, Any]:
    return {
        "partition_by": list(table.partition_by) or None,
        "target_file_size": table.target_file_mb << 20,
        "writer_properties": _writer(table),
    }


def _writer(table: Table) -> WriterProperties:
    plain = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=_ROW_GROUP_ROWS,
        column_properties={
            name: plain for name in table.column_names if name in _WITHOUT_DICTIONARY
        },
    )


def schema_at_rest(table: Table) -> pl.Schema:
    """Return the Polars schema of a table as it lies in the lake."""
    return pl.Schema({column.name: type_at_rest(column) for column in table.columns})


def _arrow_schema(table: Table) -> pa.Schema:
    return pl.DataFrame(schema=schema_at_rest(table)).to_arrow().schema


def _polars(frame: Frame) -> pl.LazyFrame:
    native: pl.LazyFrame = frame.to_native()
    return native


def _narwhals(frame: pl.LazyFrame) -> Frame:
    wrapped: Frame = nw.from_native(frame)
    return wrapped
