"""Delta tables in folders of this machine."""

from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable


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
