"""The engine deploys the program: what it plans, makes, leaves alone, takes away and refuses."""

import dataclasses
from collections import Counter

import pytest
from pulumi import automation

import infra.catalog
from infra.emulator.kinds import KINDS, RECORDED
from pipeline.contracts import TABLES, Column, Table
from pipeline.contracts.types import TEXT
from tests.infra.engine.conftest import INTERRUPTED_AT, World
from tests.infra.inventory import inventory

ENVIRONMENTS = ("dev", "test", "prod")


def _of(found: set[str], environment: str) -> set[str]:
    own = f"lakehouse-{environment}"
    return {entry for entry in found if own in entry.replace("_", "-")}


def test_a_preview_announces_everything_and_makes_nothing(world: World) -> None:
    assert world.untouched == set()
    assert set(world.planned) == {"create"}
    # The stack, the provider, and the components are the engine's own.
    assert world.planned["create"] > len(world.made)


def test_an_up_makes_what_was_announced(world: World) -> None:
    assert {change.operation for change in world.made} == {"create"}
    assert len(world.made) > 100
    kinds = Counter(change.token for change in world.made)
    assert kinds["aws:glue/catalogTable:CatalogTable"] == len(TABLES)
    assert kinds["aws:sfn/stateMachine:StateMachine"] == 1
    found = _of(inventory(world.account), "dev")
    assert {entry.split(" ")[0] for entry in found} >= {
        *("bucket", "role", "database", "job", "function", "machine", "schedule", "pipe", "rule"),
        *("topic", "queue", "alarm", "dashboard", "workgroup", "table", "key", "object"),
    }


def test_an_up_that_finds_nothing_new_changes_nothing(world: World) -> None:
    assert world.again == []
    assert world.test_again == []


def test_an_interrupted_up_is_continued(world: World) -> None:
    """The next up makes the rest, and nothing twice."""
    first, rest = world.at_interruption, world.continued
    assert len(first) >= INTERRUPTED_AT
    assert rest
    assert {change.operation for change in (*first, *rest)} == {"create"}
    assert max(Counter((*first, *rest)).values()) == 1
    kept = {change.name for change in world.made}
    assert kept <= {change.name for change in (*first, *rest)}


def test_three_environments_share_an_account(world: World) -> None:
    """Each has everything of its own; destroying one leaves the others as they are."""
    found = inventory(world.account)
    parts = {name: _of(found, name) for name in ENVIRONMENTS}
    assert not parts["dev"] & parts["test"]
    assert not parts["dev"] & parts["prod"]
    plain = {
        name: {entry.replace(f"-{name}", "-x").replace(f"_{name}", "_x") for entry in part}
        for name, part in parts.items()
    }
    kinds = {name: Counter(e.split(" ")[0] for e in part) for name, part in plain.items()}
    for kind in ("bucket", "database", "table", "job", "function", "machine", "topic", "queue"):
        assert kinds["dev"][kind] == kinds["test"][kind] == kinds["prod"][kind] > 0, kind


def test_a_new_column_of_a_contract_updates_its_table_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    column = Column("coupon", TEXT, "Code that was redeemed.")
    monkeypatch.setattr(infra.catalog, "TABLES", _with_column("gold/daily_sales", column))
    summary = world.stacks["dev"].preview().change_summary
    planned = {str(operation): count for operation, count in summary.items()}
    changed = world.deployment.changes(world.stacks["dev"].up)
    assert [(change.operation, change.token, change.name) for change in changed] == [
        ("update", "aws:glue/catalogTable:CatalogTable", "table-gold-daily_sales")
    ]
    assert planned["update"] == 1
    said = world.account.client("glue").get_table(
        DatabaseName="lakehouse_dev_gold", Name="daily_sales"
    )
    columns = said["Table"]["StorageDescriptor"]["Columns"]
    assert columns[-1] == {"Name": "coupon", "Type": "string", "Comment": column.description}

    monkeypatch.undo()
    assert len(world.deployment.changes(world.stacks["dev"].up)) == 1
    assert world.deployment.changes(world.stacks["dev"].up) == []


def _with_column(path: str, column: Column) -> tuple[Table, ...]:
    return tuple(
        dataclasses.replace(table, columns=(*table.columns, column))
        if table.path == path
        else table
        for table in TABLES
    )


def test_prod_refuses_to_be_destroyed(world: World) -> None:
    """The preview, which people see first, stops it; without one, what holds data stays."""
    before = _of(inventory(world.account), "prod")
    with pytest.raises(automation.CommandError, match="protect"):
        world.stacks["prod"].preview_destroy()
    assert _of(inventory(world.account), "prod") == before
    with pytest.raises(automation.CommandError, match="protect"):
        world.stacks["prod"].destroy()
    after = _of(inventory(world.account), "prod")
    for purpose in ("raw", "lake", "logs"):
        assert f"bucket lakehouse-prod-{purpose}-123456789012-eu-central-1" in after
    assert {entry for entry in after if entry.startswith("key ")} == {
        entry for entry in before if entry.startswith("key ")
    }


def test_destroy_leaves_nothing(world: World) -> None:
    others = inventory(world.account) - _of(inventory(world.account), "test")
    world.account.client("s3").put_object(
        Bucket="lakehouse-test-raw-123456789012-eu-central-1", Key="landing/a.csv", Body=b"a"
    )
    world.stacks["test"].destroy()
    assert inventory(world.account) == others


def test_a_bucket_whose_name_is_taken_stops_an_up_that_says_what_to_do(world: World) -> None:
    """With the bucket out of the way, the same up goes on."""
    s3, name = world.account.client("s3"), "lakehouse-test-logs-123456789012-eu-central-1"
    bucket = ["**lakehouse:infra:Storage::storage", "**aws:s3/bucket:Bucket::logs"]
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(automation.CommandError, match="BucketAlreadyOwnedByYou") as failed:
        world.stacks["test"].up(target=bucket)
    assert "logs: The bucket's name is taken" in str(failed.value)
    assert "Delete the bucket if it is empty" in str(failed.value)

    s3.delete_bucket(Bucket=name)
    made = world.deployment.changes(lambda: world.stacks["test"].up(target=bucket))
    assert [change.name for change in made] == ["logs"]
    world.stacks["test"].destroy()


def test_every_kind_is_emulated_or_says_that_it_is_not() -> None:
    """Whoever trusts these tests has to know what they cannot show."""
    assert set(RECORDED) == {
        "aws:athena/namedQuery:NamedQuery",
        "aws:budgets/budget:Budget",
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "aws:resourcegroups/group:Group",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketPolicy:BucketPolicy",
    }
    assert set(RECORDED) < set(KINDS)
