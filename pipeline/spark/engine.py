"""The engine protocol on Spark and Delta Lake."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import narwhals.stable.v2 as nw
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql import types as st

from pipeline.contracts.layers import bronze
from pipeline.contracts.model import Column, Entity, Table
from pipeline.engine import Commit, run_metadata, run_of
from pipeline.landing.delivery import Delivery
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store
from pipeline.portable import Frame, from_storage, to_storage
from pipeline.portable.spark import type_at_rest
from pipeline.spark.delta_log import DeltaLogs
from pipeline.spark.failures import told
from pipeline.spark.ingest import bronze_frame
from pipeline.spark.session import prepared

_APPEND = "lakehouse/append"
_RUN = "spark.databricks.delta.commitInfo.userMetadata"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SparkEngine:
    """Fulfils `pipeline.engine.Engine` for a lake in a folder or under an `s3://` prefix.

    Args:
        session: Spark session with Delta Lake; it gets the settings that results depend on. Where
            it has a checkpoint directory, what a run evaluates once is kept there and survives the
            loss of a worker; else on the workers' disks.
        lake: Address of the lake's root.
    """

    name = "spark"

    def __init__(self, session: SparkSession, lake: str) -> None:
        self._session = prepared(session)
        self._lake = lake.rstrip("/")
        self._logs = DeltaLogs(session)

    def create(self, tables: Sequence[Table]) -> None:
        """See `Engine.create`."""
        for table in tables:
            if self.exists(table):
                self._add_columns(table)
            else:
                self._create(table)

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
                .property("delta.logRetentionDuration", retention)
                # Every run opens every table by replaying its log since the last checkpoint.
                .property("delta.checkpointInterval", "10")
                .execute()
            )

    def _add_columns(self, table: Table) -> None:
        with told(f"adding columns to {table.path}", self._lake):
            if set(table.column_names) - set(self._scan(table).columns):
                nothing = self._session.createDataFrame([], _schema(table))
                self._writer(table, nothing, "append", None).option("mergeSchema", value=True).save(
                    self._address(table)
                )

    def exists(self, table: Table) -> bool:
        """See `Engine.exists`."""
        with told(f"reading the log of {table.path}", self._lake):
            return self._logs.exists(self._address(table))

    def read(self, table: Table, version: int | None = None) -> Frame:
        """See `Engine.read`."""
        of = table.path if version is None else f"version {version} of {table.path}"
        with told(f"reading {of}", self._lake):
            return from_storage(_narwhals(self._scan(table, version)), table.columns)

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
        with told(f"reading {table.path}", self._lake):
            return int(self._scan(table).count())

    def bounds(self, table: Table, column: str) -> tuple[int, int] | None:
        """See `Engine.bounds`."""
        with told(f"reading {table.path}", self._lake):
            low, high = self._scan(table).select(sf.min(column), sf.max(column)).collect()[0]
        return None if low is None else (low, high)

    def rows_by_date(self, table: Table) -> Mapping[date, int]:
        """See `Engine.rows_by_date`."""
        with told(f"reading {table.path}", self._lake):
            return dict(self._scan(table).groupBy("date").agg(sf.count(sf.lit(1))).collect())

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

    def _append(self, table: Table, rows: DataFrame, batch_id: int | None) -> None:
        writer = self._writer(table, rows, "append", batch_id)
        if batch_id is not None:
            # Delta Lake passes over what the same application has written under this number.
            writer = writer.option("txnAppId", _APPEND).option("txnVersion", batch_id)
        with told(f"writing {table.path}", self._lake):
            writer.save(self._address(table))

    def merge(self, table: Table, frame: Frame, batch_id: int) -> None:
        """See `Engine.merge`."""
        match = " AND ".join(f"target.{column} = source.{column}" for column in table.key)
        with told(f"writing {table.path}", self._lake), self._noting(batch_id):
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
        nothing = self._session.createDataFrame([], _schema(table))
        parts = [self._at_rest(table, frame) for frame in frames] or [nothing]
        writer = self._writer(table, reduce(DataFrame.union, parts), "overwrite", batch_id)
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
            frame = _narwhals(self._session.createDataFrame(rows, schema))
            self._append(table, self._at_rest(table, frame), batch_id)

    def checkpoint(self, frame: Frame) -> Frame:
        """See `Engine.checkpoint`."""
        with told("evaluating an intermediate result", self._lake):
            return _narwhals(self._evaluated(_native(frame)))

    def _evaluated(self, rows: DataFrame) -> DataFrame:
        if self._session.sparkContext.getCheckpointDir() is not None:
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
        address = self._address(table)
        with told(f"restoring {table.path}", self._lake):
            if version is None:
                self._logs.remove(address)
            elif self._logs.version(address) != version:
                DeltaTable.forPath(self._session, address).restoreToVersion(version)

    def last_batch(self, tables: Sequence[Table]) -> int:
        """See `Engine.last_batch`."""
        with told("reading the logs", self._lake):
            addresses = [self._address(table) for table in tables]
            noted = (self._logs.transaction(a, _APPEND) for a in addresses if self._logs.exists(a))
            return max((number or 0 for number in noted), default=0)

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

    def close(self) -> None:
        """See `Engine.close`; what was evaluated once goes when Spark finds it unused."""

    def _writer(
        self, table: Table, rows: DataFrame, mode: str, batch_id: int | None
    ) -> DataFrameWriter:
        writer = rows.write.format("delta").mode(mode).partitionBy(*table.partition_by)
        return writer if batch_id is None else writer.option("userMetadata", run_metadata(batch_id))

    @contextmanager
    def _noting(self, batch_id: int) -> Iterator[None]:
        """Let commits name the run where the call itself takes no such option."""
        self._session.conf.set(_RUN, run_metadata(batch_id))
        try:
            yield
        finally:
            self._session.conf.unset(_RUN)

    def _at_rest(self, table: Table, frame: Frame) -> DataFrame:
        return _native(to_storage(frame, table.columns))

    def _address(self, table: Table) -> str:
        return f"{self._lake}/{table.path}"


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
