"""Delta tables in folders of this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable

from pipeline.contracts import Table
from simulator.engine.failures import told


class LocalTable(DeltaTable):
    """A table whose files are found even where its folder's name has a space or an umlaut.

    delta-rs names files by their table's URL, in which such letters are spelt out. Polars, like
    everyone else, takes the names for paths (https://github.com/pola-rs/polars/issues/20944).
    """

    def file_uris(self, *which: Any, **more: Any) -> list[str]:
        """Return the paths of the files that the table consists of."""
        root = self.table_uri.removeprefix("file://")
        uris = super().file_uris(*which, **more)
        return [unquote(root) + uri.removeprefix(root) for uri in uris]


class LocalTables:
    """The tables of a lake, latest or as of versions that fit together.

    Args:
        lake: Root folder of the lake.
        versions: The versions to open tables as, by path; None for a table that is not there.
            Tables that are not named are opened as their latest version.
    """

    def __init__(self, lake: Path, versions: Mapping[str, int | None] | None = None) -> None:
        self._lake = lake
        self._versions = versions or {}

    def exists(self, table: Table) -> bool:
        """Return whether the lake has a table."""
        if table.path in self._versions:
            return self._versions[table.path] is not None
        return DeltaTable.is_deltatable(str(self._lake / table.path))

    def open(self, table: Table, version: int | None = None) -> LocalTable:
        """Open a table, as of a version if one is given.

        Raises:
            EngineError: It cannot be opened.
        """
        if version is None:
            version = self._versions.get(table.path)
        of = table.path if version is None else f"version {version} of {table.path}"
        with told(f"opening {of}", self._lake):
            return LocalTable(self._lake / table.path, version=version)
