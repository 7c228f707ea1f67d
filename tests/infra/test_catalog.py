"""The catalog says what the contracts say: every table, column, type, meaning and partition."""

import re

import pytest

from pipeline.contracts import TABLES
from pipeline.contracts.model import Table
from tests.infra.graph import ACCOUNT, Graph, Made, graph_of

# Types that Athena reads from a Delta table, by the names that the catalog knows them under.
HIVE = re.compile(r"bigint|int|boolean|string|date|timestamp|decimal\((\d+),(\d+)\)")
LAKE = f"s3://lakehouse-prod-lake-{ACCOUNT}-eu-central-1"


def made_of(table: Table) -> Made:
    """Return what is declared for a contract."""
    return graph_of("prod").one("CatalogTable", f"table-{table.layer}-{table.name}")


def test_there_is_a_database_for_every_layer_and_a_table_for_every_contract() -> None:
    graph = graph_of("prod")
    layers = {"bronze", "silver", "quarantine", "interim", "gold", "meta"}
    databases = {made.inputs["name"]: made for made in graph.of("CatalogDatabase")}
    assert set(databases) == {f"lakehouse_prod_{layer}" for layer in layers}
    for layer in layers:
        assert databases[f"lakehouse_prod_{layer}"].inputs["locationUri"] == f"{LAKE}/{layer}/"
    declared = {(m.inputs["databaseName"], m.inputs["name"]) for m in graph.of("CatalogTable")}
    assert declared == {(f"lakehouse_prod_{table.layer}", table.name) for table in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.path)
def test_a_table_is_a_native_delta_table_with_the_columns_of_its_contract(table: Table) -> None:
    inputs = made_of(table).inputs
    storage = inputs["storageDescriptor"]
    assert inputs["tableType"] == "EXTERNAL_TABLE"
    assert inputs["description"] == table.description
    assert len(inputs["description"]) <= 2048
    for name, value in {
        "EXTERNAL": "TRUE",
        "classification": "delta",
        "spark.sql.sources.provider": "delta",
        "table_type": "DELTA",
    }.items():
        assert inputs["parameters"][name] == value
    assert storage["location"] == f"{LAKE}/{table.layer}/{table.name}/"
    assert storage["serDeInfo"]["parameters"]["path"] == storage["location"]

    columns = [*storage["columns"], *inputs.get("partitionKeys", [])]
    assert {column["name"] for column in inputs.get("partitionKeys", [])} == set(table.partition_by)
    assert sorted(column["name"] for column in columns) == sorted(table.column_names)
    by_name = {column.name: column for column in table.columns}
    for column in columns:
        contract = by_name[column["name"]]
        assert HIVE.fullmatch(column["type"])
        assert column["type"] == contract.type.storage
        assert column["comment"].startswith(contract.description)
        assert contract.unit in column["comment"]
        assert len(column["comment"].encode()) <= 255  # More of it Glue refuses.
    others = [name for name in table.column_names if name not in table.partition_by]
    assert [column["name"] for column in storage["columns"]] == others


def test_nothing_crawls(graph: Graph) -> None:
    assert not [made for made in graph.made if "rawler" in made.type]
