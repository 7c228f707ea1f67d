"""What a Delta table's log tells on its own, without a query, and what lies in its folder.

Delta Lake's Python interface asks the log by queries only, a tenth of a second each, and says
nothing of files. Its log object answers at once; it has been the same in the releases that Glue
runs, and the conformance tests of both hold it there.
"""

from collections.abc import Iterable
from typing import Any

from pyspark.sql import DataFrame, SparkSession

# Place below a folder, size in bytes, time of writing in milliseconds since 1970 UTC.
StoredFile = tuple[str, int, int]


class DeltaLogs:
    """The logs of tables, by the address of the table's folder.

    Args:
        session: Spark session with Delta Lake.
    """

    def __init__(self, session: SparkSession) -> None:
        self._spark = session
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

    def is_empty(self, address: str) -> bool:
        """Return whether the latest version has no data file."""
        return bool(self._latest(address).numOfFiles() == 0)

    def transaction(self, address: str, app_id: str) -> int | None:
        """Return the last transaction that an application has noted in the table."""
        noted = self._latest(address).transactions().get(app_id)
        return int(noted.get()) if noted.isDefined() else None

    def files(self, address: str) -> DataFrame:
        """Return the data files of the latest version, a row each, with the log's own columns."""
        return DataFrame(self._latest(address).allFiles().toDF(), self._spark)

    def checkpoint(self, address: str) -> bool:
        """Write a checkpoint of the latest version; return False where it has one already."""
        version = self._latest(address).version()
        log = self._logs.forTable(self._session, address)
        last = log.readLastCheckpointFile()
        if last.isDefined() and last.get().version() == version:
            return False
        log.checkpoint()
        return True

    def remove(self, address: str) -> None:
        """Remove a table's folder and forget its log."""
        path = self._path(address)
        self._files(path).delete(path, True)  # noqa: FBT003 - recursively
        self._logs.invalidateCache(self._session, path)

    def stored(self, address: str) -> list[StoredFile]:
        """Return place, size and time of every file below a table's folder, its log included."""
        root = self._path(address)
        files = self._files(root)
        start = len(files.makeQualified(root).toUri().getPath()) + 1
        found, listed = [], files.listFiles(root, True)  # noqa: FBT003 - recursively
        while listed.hasNext():
            status = listed.next()
            place = status.getPath().toUri().getPath()[start:]
            found.append((place, int(status.getLen()), int(status.getModificationTime())))
        return found

    def text(self, address: str, place: str) -> str:
        """Return the text of a small file below a table's folder."""
        path = self._below(address, place)
        stream = self._files(path).open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def delete(self, address: str, places: Iterable[str]) -> None:
        """Remove files below a table's folder, and folders that are empty afterwards."""
        root = self._path(address)
        files = self._files(root)
        for place in places:
            path = self._below(address, place)
            files.delete(path, False)  # noqa: FBT003 - one file
            folder = path.getParent()
            if not folder.equals(root) and files.exists(folder) and not files.listStatus(folder):
                files.delete(folder, False)  # noqa: FBT003 - empty

    def _path(self, address: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(address)

    def _below(self, address: str, place: str) -> Any:
        """Return the path of a file below a table's folder, whatever letters its name has."""
        # By its own constructor, so that a colon in the place is taken for no scheme.
        relative = self._jvm.org.apache.hadoop.fs.Path(None, None, place)
        return self._jvm.org.apache.hadoop.fs.Path(self._path(address), relative)

    def _files(self, path: Any) -> Any:
        """Return the file system that a path lies in."""
        return path.getFileSystem(self._session.sessionState().newHadoopConf())

    def _latest(self, address: str) -> Any:
        nothing = self._jvm.scala.Option.empty()
        log = self._logs.forTable(self._session, address)
        return log.update(False, nothing, nothing)  # noqa: FBT003 - not a stale one
