"""What a Delta table's log tells on its own, without a query, and what lies in its folder.

Delta Lake's Python interface asks the log by queries only, a tenth of a second each, and says
nothing of files. Its log object answers at once; it has been the same in the releases that Glue
runs, and the conformance tests of both hold it there.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

# Place below a folder, size in bytes, time of writing in milliseconds since 1970 UTC.
StoredFile = tuple[str, int, int]


@dataclass(frozen=True)
class NotedFile:
    """A data file of a table, as its log tells it.

    Attributes:
        partition: Values of the partition columns, as text.
        rows: Number of its rows.
        least: Least values of columns; a column without any value is left out.
        greatest: Greatest values of columns.
    """

    partition: Mapping[str, str]
    rows: int
    least: Mapping[str, Any]
    greatest: Mapping[str, Any]

    @classmethod
    def of(cls, action: Mapping[str, Any]) -> "NotedFile":
        """Understand what a log says of a file that it has added."""
        stats = json.loads(action["stats"])
        least, greatest = stats.get("minValues", {}), stats.get("maxValues", {})
        return cls(action["partitionValues"], stats["numRecords"], least, greatest)


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
        self._nothing = self._jvm.scala.Option.empty()

    def exists(self, address: str) -> bool:
        """Return whether there is a table."""
        return bool(self._latest(address).version() >= 0)

    def version(self, address: str) -> int | None:
        """Return the number of the latest version; None when there is no table."""
        version = int(self._latest(address).version())
        return None if version < 0 else version

    def transactions(self, address: str) -> dict[str, int]:
        """Return the last transaction of every application that has noted one in the table."""
        if (noted := (self._noted(address) or {}).get("setTransactions")) is not None:
            return {each["appId"]: each["version"] for each in noted}
        told = self._latest(address).setTransactions()
        return {told.apply(n).appId(): int(told.apply(n).version()) for n in range(told.length())}

    def files(self, address: str) -> DataFrame:
        """Return the data files of the latest version, a row each, with the log's own columns."""
        return DataFrame(self._latest(address).allFiles().toDF(), self._spark)

    def noted_files(self, address: str) -> list[NotedFile] | None:
        """Return the data files of the latest version of a small table.

        None where the table's checksum file does not tell all about them.
        """
        files = (self._noted(address) or {}).get("allFiles")
        if files is None or any("stats" not in file for file in files):
            return None
        return [NotedFile.of(file) for file in files]

    def _noted(self, address: str) -> dict[str, Any] | None:
        """Return what the checksum file of the latest version says of it; None without one.

        Delta Lake writes it beside the commit, so that nobody has to replay the log.
        """
        place = f"_delta_log/{self._latest(address).version():020}.crc"
        path = self._below(address, place)
        files = self._files(path)
        if not files.exists(path):
            return None
        try:
            noted: dict[str, Any] = json.loads(self._text(files, path))
        except ValueError:  # A writer that was killed has left half of it.
            return None
        return noted

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
        return self._text(self._files(path), path)

    def _text(self, files: Any, path: Any) -> str:
        stream = files.open(path)
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
        log = self._logs.forTable(self._session, address)
        return log.update(False, self._nothing, self._nothing)  # noqa: FBT003 - not a stale one
