"""The AWS Glue Data Catalog after a run: which version of each table is the published one.

Tables and their columns are the infrastructure's to make, from the contracts. A run only notes on
each table what it has published, as parameters whose names begin with `lakehouse_`.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pipeline.errors import LakehouseError

# What `get_table` answers and `update_table` takes.
_KEPT = (
    *("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys"),
    *("TableType", "Parameters", "ViewOriginalText", "ViewExpandedText", "TargetTable"),
)


class GlueCatalog:
    """The catalogue of one environment.

    Args:
        prefix: What the names of its databases begin with; the layer's name follows.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    @cached_property
    def _client(self) -> Any:
        import boto3

        return boto3.client("glue")

    def publish(self, catalog: Mapping[str, Any]) -> None:
        """Note on every table the version and rows that the run has published.

        Args:
            catalog: What `pipeline.runner.control.catalog_of` says.

        Raises:
            LakehouseError: The catalogue refuses, or does not know a table.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        for path, table in catalog["tables"].items():
            layer, _, name = path.partition("/")
            database = f"{self._prefix}{layer}"
            noted = {
                "lakehouse_run": catalog["run_id"],
                "lakehouse_version": str(table["version"]),
                "lakehouse_rows": str(table["rows"]),
            }
            try:
                self._note(database, name, noted)
            except (BotoCoreError, ClientError) as error:
                msg = f"The catalogue's table {database}.{name} cannot be updated: {error}."
                raise LakehouseError(msg, "Deploy the catalogue, or look at the role.") from error

    def _note(self, database: str, name: str, noted: Mapping[str, str]) -> None:
        found = self._client.get_table(DatabaseName=database, Name=name)["Table"]
        table = {key: found[key] for key in _KEPT if key in found}
        table["Parameters"] = {**found.get("Parameters", {}), **noted}
        self._client.update_table(DatabaseName=database, TableInput=table)
