"""What a Delta table's log tells on its own, without a query.

Delta Lake's Python interface asks the log by queries only, a tenth of a second each. Its log object
answers at once; it has been the same in the releases that Glue runs, and the conformance tests of
both hold it there.
"""

from typing import Any

from pyspark.sql import SparkSession


class DeltaLogs:
    """The logs of tables, by the address of the table's folder.

    Args:
        session: Spark session with Delta Lake.
    """

    def __init__(self, session: SparkSession) -> None:
        # Spark's own way from Python into the JVM; it has no other name.
        self._session: Any = session._jsparkSession  # noqa: SLF001
        self._jvm: Any = session._jvm  # noqa: SLF001
        self._logs = self._jvm.org.apache.spark.sql.delta.DeltaLog

    def exists(self, address: str) -> bool:
        """Return whether there is a table."""
        return bool(self._latest(address).version() >= 0)

    def version(self, address: str) -> int | None:
        """Return the number of the latest version; None when there is no table."""
        version = int(self._latest(address).version())
        return None if version < 0 else version

    def transaction(self, address: str, app_id: str) -> int | None:
        """Return the last transaction that an application has noted in the table."""
        noted = self._latest(address).transactions().get(app_id)
        return int(noted.get()) if noted.isDefined() else None

    def remove(self, address: str) -> None:
        """Remove a table's folder and forget its log."""
        path = self._jvm.org.apache.hadoop.fs.Path(address)
        files = path.getFileSystem(self._session.sessionState().newHadoopConf())
        files.delete(path, True)  # noqa: FBT003 - recursively
        self._logs.invalidateCache(self._session, path)

    def _latest(self, address: str) -> Any:
        nothing = self._jvm.scala.Option.empty()
        log = self._logs.forTable(self._session, address)
        return log.update(False, nothing, nothing)  # noqa: FBT003 - not a stale one
