"""Delivered files as a Spark frame: every task reads its files, with the parser of all engines."""

import heapq
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as st

from pipeline.contracts.layers import bronze
from pipeline.contracts.model import Entity
from pipeline.errors import LakehouseError
from pipeline.landing.delivery import Delivery
from pipeline.landing.inspection import read_delivery
from pipeline.landing.stamp import Stamp
from pipeline.landing.store import Store
from pipeline.portable.spark import type_at_rest
from pipeline.spark.failures import raise_on_driver

Batches = Iterator[pa.RecordBatch]


def bronze_frame(
    session: SparkSession,
    entity: Entity,
    store: Store,
    deliveries: Sequence[Delivery],
    stamp: Stamp,
) -> DataFrame:
    """Return every row of the files as bronze holds it; read when the frame is evaluated.

    A file is read by one task from its first byte to its last: quotes and packing leave no way to
    begin in its midst.

    Raises:
        LakehouseError: When evaluated within `told`: a file is not any more what was checked.
    """
    tasks = min(len(deliveries), session.sparkContext.defaultParallelism)
    shares = shared_out(deliveries, tasks)
    schema = st.StructType(
        [st.StructField(column.name, type_at_rest(column)) for column in bronze(entity).columns]
    )
    # As many rows as partitions: each holds the number of its share.
    numbers = session.range(0, tasks, 1, tasks)
    return numbers.mapInArrow(_reader(store, shares, stamp), schema)


def shared_out(deliveries: Sequence[Delivery], tasks: int) -> list[list[Delivery]]:
    """Share files out among tasks so that each has about as many bytes; the largest go first."""
    shares: list[list[Delivery]] = [[] for _ in range(tasks)]
    loads = [(0, number) for number in range(tasks)]
    for delivery in sorted(deliveries, key=lambda d: (-d.size, d.path)):
        load, number = heapq.heappop(loads)
        shares[number].append(delivery)
        heapq.heappush(loads, (load + delivery.size, number))
    return shares


def _reader(
    store: Store, shares: Sequence[Sequence[Delivery]], stamp: Stamp
) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for delivery in shares[number]:
                    try:
                        yield from read_delivery(store, delivery, stamp)
                    except LakehouseError as error:
                        raise_on_driver(error)

    return read
