"""What the lake holds, for all who ask by SQL: a database per layer, a table per contract.

The tables are native Delta tables: Athena and Spark read columns and files from the Delta log below
the location; what stands here is what people see before they ask. It follows the contracts and no
crawler ever looks.
"""

import pulumi
import pulumi_aws as aws

from infra.names import LAYERS, Names
from pipeline.contracts import TABLES, Column, Table

_MEANING = {
    "bronze": "Every row as it was received.",
    "silver": "One typed and valid row per key.",
    "quarantine": "Rows that silver could not take, with their reasons.",
    "interim": "Daily sums between silver and gold.",
    "gold": "The tables that people ask for.",
    "meta": "What runs did: files, rows, checks.",
}
# What Spark writes for a Delta table that it registers in a Hive catalog; nobody reads through it.
_INPUT = "org.apache.hadoop.mapred.SequenceFileInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"
_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
# What tells Athena, Glue's console and Spark that this is a Delta table.
_DELTA = {
    "EXTERNAL": "TRUE",
    "classification": "delta",
    "spark.sql.sources.provider": "delta",
    "table_type": "DELTA",
}


class Catalog(pulumi.ComponentResource):
    """The databases and tables of the catalog.

    Attributes:
        databases: Databases by layer.
        tables: Tables by their path in the lake.
    """

    def __init__(self, names: Names, opts: pulumi.ResourceOptions) -> None:
        super().__init__("lakehouse:infra:Catalog", "catalog", None, opts)
        options = pulumi.ResourceOptions(parent=self)
        self.databases = {
            layer: aws.glue.CatalogDatabase(
                f"database-{layer}",
                name=names.database(layer),
                description=_MEANING.get(layer, f"Layer {layer}."),
                location_uri=f"{names.lake}/{layer}/",
                tags=names.settings.tags,
                opts=options,
            )
            for layer in LAYERS
        }
        self.tables = {table.path: self._table(names, table, options) for table in TABLES}
        self.register_outputs({"databases": [names.database(layer) for layer in LAYERS]})

    def _table(
        self, names: Names, table: Table, options: pulumi.ResourceOptions
    ) -> aws.glue.CatalogTable:
        location = f"{names.lake}/{table.path}/"
        partitions = [c for c in table.columns if c.name in table.partition_by]
        others = [c for c in table.columns if c.name not in table.partition_by]
        return aws.glue.CatalogTable(
            f"table-{table.layer}-{table.name}",
            name=table.name,
            database_name=self.databases[table.layer].name,
            description=table.description,
            table_type="EXTERNAL_TABLE",
            parameters={**_DELTA, "lakehouse.key": ",".join(table.key)},
            partition_keys=[_partition(column) for column in partitions],
            storage_descriptor={
                "location": location,
                "input_format": _INPUT,
                "output_format": _OUTPUT,
                "ser_de_info": {
                    "serialization_library": _SERDE,
                    "parameters": {"serialization.format": "1", "path": location},
                },
                "columns": [_column(column) for column in others],
            },
            opts=options,
        )


def comment(column: Column) -> str:
    """Return what a column means, with its unit."""
    return f"{column.description} Unit: {column.unit}." if column.unit else column.description


def _column(column: Column) -> aws.glue.CatalogTableStorageDescriptorColumnArgs:
    return aws.glue.CatalogTableStorageDescriptorColumnArgs(
        name=column.name, type=column.type.storage, comment=comment(column)
    )


def _partition(column: Column) -> aws.glue.CatalogTablePartitionKeyArgs:
    return aws.glue.CatalogTablePartitionKeyArgs(
        name=column.name, type=column.type.storage, comment=comment(column)
    )
