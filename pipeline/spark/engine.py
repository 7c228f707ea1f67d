"""The engine protocol on Spark and Delta Lake."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any, TypeVar

import narwhals.stable.v2 as nw
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts.layers import bronze
from pipeline.contracts.meta import META
from pipeline.contracts.model import LOG_DAYS, Column, Entity, Table
from pipeline.engine import Commit, DataFile, Operation, Partition, run_metadata, run_of
from pipeline.landing.delivery import Delivery
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store
from pipeline.portable import Frame, from_storage, to_storage
from pipeline.portable.spark import type_at_rest
from pipeline.spark.delta_log import DeltaLogs
from pipeline.spark.failures import told
from pipeline.spark.ingest import bronze_frame
from pipeline.spark.session import prepared
from pipeline.spark.upkeep import Upkeep

_T = TypeVar("_T")

_RUN = "spark.databricks.delta.commitInfo.userMetadata"
_APPLICATION = "spark.databricks.delta.write.txnAppId"
_TRANSACTION = "spark.databricks.delta.write.txnVersion"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Creating a table or asking its log is a small job, and most of its time nobody works.
_TABLES_AT_ONCE = 4
# Up to here reading a table again is mostly Delta Lake's asking its log for the files.
_ROWS_KEPT = 50_000


class SparkEngine:
    """Fulfils `pipeline.engine.Engine` for a lake in a folder or under an `s3://` prefix.

    Args:
        session: Spark session with Delta Lake; it gets the settings that results depend on. Where
            it has a checkpoint directory, what a run evaluates once is kept there and survives the
            loss of a worker; else on the workers' disks.
        lake: Address of the lake's root.
    """

    name = "spark"
    rows_at_once = None

    def __init__(self, session: SparkSession, lake: str) -> None:
        self._session = prepared(session)
        self._lake = lake.rstrip("/")
        self._logs = DeltaLogs(session)
        self._upkeep = Upkeep(session, self._logs)
        # Rows by table and version, as long as nobody else may take a version back.
        self._counted: dict[tuple[str, int | None], int] = {}
        # Small tables in memory, by the same.
        self._kept: dict[tuple[str, int | None], DataFrame] = {}

    def create(self, tables: Sequence[Table]) -> None:
        """See `Engine.create`."""

        def create(table: Table) -> None:
            if self.exists(table):
                self._add_columns(table)
            else:
                self._create(table)

        _for_each(tables, create)

    def _create(self, table: Table) -> None:
        retention = f"interval {table.retention_days} days"
        with told(f"creating {table.path}", self._lake):
            (
                DeltaTable.create(self._session)
                .location(self._address(table))
                .comment(table.description)
                .addColumns(_schema(table))
                .partitionedBy(*table.partition_by)
                .property("delta.deletedFileRetentionDuration", retention)
                .property("delta.logRetentionDuration", f"interval {LOG_DAYS} days")
                # Every run opens every table by replaying its log since the last checkpoint.
                .property("delta.checkpointInterval", "10")
                .execute()
            )

    def _add_columns(self, table: Table) -> None:
        with told(f"adding columns to {table.path}", self._lake):
            if set(table.column_names) - set(self._scan(table).columns):
                nothing = self._session.createDataFrame([], _schema(table))
                writer = self._writer(table, nothing, "append").option("mergeSchema", value=True)
                writer.save(self._address(table))

    def exists(self, table: Table) -> bool:
        """See `Engine.exists`."""
        with told(f"reading the log of {table.path}", self._lake):
            return self._logs.exists(self._address(table))

    def read(self, table: Table, version: int | None = None) -> Frame:
        """See `Engine.read`."""
        of = table.path if version is None else f"version {version} of {table.path}"
        with told(f"reading {of}", self._lake):
            rows = self._latest(table) if version is None else self._scan(table, version)
            return from_storage(_narwhals(rows), table.columns)

    def _latest(self, table: Table) -> DataFrame:
        """Return the latest version; a small one is evaluated once and kept in memory.

        Every query over a table asks its log for the files by a job of its own, and a run has some
        sixty. Not the books, which a run asks once; not where workers may be lost and what they
        keep with them.
        """
        address = self._address(table)
        known = address, self._logs.version(address)
        if known in self._kept:
            return self._kept[known]
        rows = self._scan(table, known[1])
        if table in META or self._survives_workers:
            return rows
        noted = self._noted_rows(address)
        if noted is None or noted > _ROWS_KEPT:
            return rows
        self._kept[known] = self._evaluated(rows)
        return self._kept[known]

    @property
    def _survives_workers(self) -> bool:
        """Whether what is evaluated once has to outlive the workers that did it."""
        return self._session.sparkContext.getCheckpointDir() is not None

    def _scan(self, table: Table, version: int | None = None) -> DataFrame:
        """Return a version; without its number the frame would move on with the table."""
        if version is None:
            version = self._logs.version(self._address(table))
        reader = self._session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self._address(table))

    def row_count(self, table: Table) -> int:
        """See `Engine.row_count`."""
        address = self._address(table)
        with told(f"reading {table.path}", self._lake):
            known = address, self._logs.version(address)
            if known not in self._counted:
                noted = self._noted_rows(address)
                self._counted[known] = self._scan(table).count() if noted is None else noted
            return self._counted[known]

    def _noted_rows(self, address: str) -> int | None:
        """Return the rows of a small table, as its log notes them; None where it does not."""
        files = self._logs.noted_files(address)
        return None if files is None else sum(file.rows for file in files)

    def bounds(self, table: Table, column: str) -> tuple[int, int] | None:
        """See `Engine.bounds`."""
        with told(f"reading {table.path}", self._lake):
            noted = self._logs.noted_files(self._address(table))
            if noted == []:
                return None
            if noted and all(column in file.least for file in noted):
                return min(f.least[column] for f in noted), max(f.greatest[column] for f in noted)
            low, high = self._scan(table).select(sf.min(column), sf.max(column)).collect()[0]
        return None if low is None else (low, high)

    def rows_by_date(self, table: Table) -> Mapping[date, int]:
        """See `Engine.rows_by_date`."""
        with told(f"reading {table.path}", self._lake):
            noted = self._logs.noted_files(self._address(table))
            if noted is None:
                return dict(self._scan(table).groupBy("date").agg(sf.count(sf.lit(1))).collect())
        rows: Counter[date] = Counter()
        for file in noted:
            rows[date.fromisoformat(file.partition["date"])] += file.rows
        return rows

    def ingest(
        self, entity: Entity, store: Store, deliveries: Sequence[Delivery], stamp: Stamp
    ) -> Mapping[str, int]:
        """See `Engine.ingest`."""
        table = bronze(entity)
        rows = bronze_frame(self._session, entity, store, deliveries, stamp)
        self._append(table, rows, stamp.batch_id)
        with told(f"reading {table.path}", self._lake):
            loaded = self._scan(table).where(
                (sf.col("ingestion_date") == sf.lit(stamp.run_time.date()))
                & (sf.col("batch_id") == stamp.batch_id)
            )
            counted = dict(loaded.groupBy("source_file").agg(sf.count(sf.lit(1))).collect())
        return {delivery.path: counted.get(delivery.path, 0) for delivery in deliveries}

    def append(self, table: Table, frame: Frame, batch_id: int) -> None:
        """See `Engine.append`."""
        self._append(table, self._at_rest(table, frame), batch_id)

    def _append(
        self, table: Table, rows: DataFrame, batch_id: int | None, *, optimized: bool = True
    ) -> None:
        writer = _noting(self._writer(table, rows, "append"), Operation.APPEND, batch_id)
        if not optimized:
            writer = writer.option("optimizeWrite", "false")
        with told(f"writing {table.path}", self._lake):
            writer.save(self._address(table))

    def merge(self, table: Table, frame: Frame, batch_id: int) -> None:
        """See `Engine.merge`."""
        match = " AND ".join(f"target.{column} = source.{column}" for column in table.key)
        with told(f"writing {table.path}", self._lake), self._merging(batch_id):
            if self._has_merged(table, batch_id):
                return
            # A merge reads its source twice.
            source = self._evaluated(self._at_rest(table, frame))
            if source.isEmpty():
                return
            (
                DeltaTable.forPath(self._session, self._address(table))
                .alias("target")
                .merge(source.alias("source"), match)
                .whenMatchedUpdateAll()
                .whenNotMatchedInsertAll()
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
        parts = [self._at_rest(table, frame) for frame in frames]
        if not parts:
            parts = [self._session.createDataFrame([], _schema(table))]
        writer = self._writer(table, reduce(DataFrame.union, parts), "overwrite")
        writer = _noting(writer, Operation.OVERWRITE, batch_id)
        if dates is not None:
            days = ", ".join(f"DATE '{day.isoformat()}'" for day in dates)
            writer = writer.option("replaceWhere", f"date IN ({days})")
        with told(f"writing {table.path}", self._lake):
            writer.save(self._address(table))

    def append_records(
        self, table: Table, records: Sequence[Mapping[str, Any]], batch_id: int | None
    ) -> None:
        """See `Engine.append_records`."""
        if records:
            schema = st.StructType([_field_inside(column) for column in table.columns])
            rows = [tuple(record[name] for name in table.column_names) for record in records]
            # A few rows are one file as they are.
            frame = _narwhals(self._session.createDataFrame(rows, schema).coalesce(1))
            self._append(table, self._at_rest(table, frame), batch_id, optimized=False)

    def checkpoint(self, frame: Frame) -> Frame:
        """See `Engine.checkpoint`."""
        with told("evaluating an intermediate result", self._lake):
            return _narwhals(self._evaluated(_native(frame)))

    def _evaluated(self, rows: DataFrame) -> DataFrame:
        if self._survives_workers:
            return rows.checkpoint(eager=True)
        return rows.localCheckpoint(eager=True)

    def fetch(self, frame: Frame) -> list[dict[str, Any]]:
        """See `Engine.fetch`."""
        rows = _native(frame)
        instants = [f.name for f in rows.schema if isinstance(f.dataType, st.TimestampType)]
        # Python would get instants in the time zone of this process, without saying so.
        as_numbers = rows.withColumns({name: sf.unix_micros(name) for name in instants})
        with told("reading", self._lake):
            found = [row.asDict() for row in as_numbers.collect()]
        for row in found:
            row.update({name: _instant(row[name]) for name in instants})
        return found

    def version(self, table: Table) -> int | None:
        """See `Engine.version`."""
        with told(f"reading the log of {table.path}", self._lake):
            return self._logs.version(self._address(table))

    def restore(self, table: Table, version: int | None) -> None:
        """See `Engine.restore`."""
        self._forget()
        address = self._address(table)
        with told(f"restoring {table.path}", self._lake):
            if version is None:
                self._logs.remove(address)
            elif self._logs.version(address) != version:
                DeltaTable.forPath(self._session, address).restoreToVersion(version)

    def last_batch(self, tables: Sequence[Table]) -> int:
        """See `Engine.last_batch`."""
        with told("reading the logs", self._lake):
            return max(_for_each(tables, self._last_batch), default=0)

    def _last_batch(self, table: Table) -> int:
        address = self._address(table)
        if not self._logs.exists(address):
            return 0
        noted = self._logs.transactions(address)
        return max(noted.get(operation, 0) for operation in Operation)

    def history(self, table: Table) -> list[Commit]:
        """See `Engine.history`."""
        told_by_log = ("version", "timestamp", "operation", "userMetadata")
        with told(f"reading the log of {table.path}", self._lake):
            log = DeltaTable.forPath(self._session, self._address(table)).history()
            milliseconds = sf.unix_millis("timestamp").alias("timestamp")
            entries = log.select(*told_by_log).withColumn("timestamp", milliseconds).collect()
        return [
            Commit(version, timestamp, operation, run_of(metadata))
            for version, timestamp, operation, metadata in entries
        ]

    def files(self, table: Table) -> list[DataFile]:
        """See `Engine.files`."""
        with told(f"reading the log of {table.path}", self._lake):
            return self._upkeep.files(table, self._address(table))

    def compact(self, table: Table) -> None:
        """See `Engine.compact`."""
        with told(f"writing {table.path}", self._lake):
            self._upkeep.compact(table, self._address(table))

    def zorder(self, table: Table, partitions: Sequence[Partition] | None) -> None:
        """See `Engine.zorder`."""
        if partitions is not None and not partitions:
            return
        with told(f"writing {table.path}", self._lake):
            self._upkeep.zorder(table, self._address(table), partitions)

    def write_checkpoint(self, table: Table) -> bool:
        """See `Engine.write_checkpoint`."""
        with told(f"writing a checkpoint of {table.path}", self._lake):
            return self._logs.checkpoint(self._address(table))

    def vacuum(
        self, table: Table, since: int, before_ms: int, *, dry_run: bool = False
    ) -> list[DataFile]:
        """See `Engine.vacuum`."""
        address = self._address(table)
        with told(f"removing old files of {table.path}", self._lake):
            found = self._upkeep.unneeded(table, address, since, before_ms)
            if not dry_run:
                self._logs.delete(address, [file.path for file in found])
        return found

    def close(self) -> None:
        """See `Engine.close`; what was evaluated once goes when Spark finds it unused."""
        self._forget()

    def _forget(self) -> None:
        """Forget what was noted of versions, whose numbers may soon be those of others."""
        self._counted.clear()
        self._kept.clear()

    def _writer(self, table: Table, rows: DataFrame, mode: str) -> DataFrameWriter:
        return rows.write.format("delta").mode(mode).partitionBy(*table.partition_by)

    def _has_merged(self, table: Table, batch_id: int) -> bool:
        return self._logs.transactions(self._address(table)).get(Operation.MERGE, 0) >= batch_id

    @contextmanager
    def _merging(self, batch_id: int) -> Iterator[None]:
        """Let a merge note the batch; the call itself takes no such options."""
        noted = {
            _RUN: run_metadata(batch_id),
            _APPLICATION: Operation.MERGE,
            _TRANSACTION: str(batch_id),
        }
        for name, value in noted.items():
            self._session.conf.set(name, value)
        try:
            yield
        finally:
            for name in noted:
                self._session.conf.unset(name)

    def _at_rest(self, table: Table, frame: Frame) -> DataFrame:
        return _native(to_storage(frame, table.columns))

    def _address(self, table: Table) -> str:
        return f"{self._lake}/{table.path}"


def _for_each(tables: Sequence[Table], work: Callable[[Table], _T]) -> list[_T]:
    """Do for several tables at once what none of them minds; return what came of each."""
    with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
        return list(pool.map(work, tables))


def _noting(writer: DataFrameWriter, operation: Operation, batch_id: int | None) -> DataFrameWriter:
    """Let a write note the batch; Delta Lake passes over one that was noted before."""
    if batch_id is None:
        return writer
    return (
        writer.option("userMetadata", run_metadata(batch_id))
        .option("txnAppId", operation)
        .option("txnVersion", batch_id)
    )


def _schema(table: Table) -> st.StructType:
    return st.StructType([st.StructField(c.name, type_at_rest(c)) for c in table.columns])


def _field_inside(column: Column) -> st.StructField:
    """Return the field of a column in the type that transforms use."""
    inside = st.LongType() if column.type.is_decimal else type_at_rest(column)
    return st.StructField(column.name, inside)


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _native(frame: Frame) -> DataFrame:
    native: DataFrame = frame.to_native()
    return native


def _narwhals(rows: DataFrame) -> Frame:
    wrapped: Frame = nw.from_native(rows)
    return wrapped
