"""The trial after a deployment, against an emulated AWS: what it does, and what it says."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from moto.athena.models import QueryResults, athena_backends

from infra.emulator.account import Account, emulated
from infra.smoke import Sales, Smoke, SmokeError, sample
from pipeline.contracts import ORDERS

ROLE = "arn:aws:iam::123456789012:role/any"
OUTPUTS = {
    "region": "eu-central-1",
    "landing": "s3://raw/landing",
    "workgroup": "primary",
    "gold": "lakehouse_dev_gold",
}


@pytest.fixture
def account() -> Iterator[Account]:
    with emulated() as made:
        place = {"LocationConstraint": "eu-central-1"}
        made.client("s3").create_bucket(Bucket="raw", CreateBucketConfiguration=place)
        yield made


def _smoke(account: Account, end: str = "Succeed") -> Smoke:
    states = {"a": {"Type": end}} if end != "Fail" else {"a": {"Type": "Fail", "Cause": "no rows"}}
    machine = account.client("stepfunctions").create_state_machine(
        name="run", definition=json.dumps({"StartAt": "a", "States": states}), roleArn=ROLE
    )
    ticks = iter(range(10**6))
    return Smoke(
        {**OUTPUTS, "stateMachine": machine["stateMachineArn"]},
        account.client,
        pause=lambda _: None,
        clock=lambda: next(ticks) / 10,
    )


def _answers(account: Account, *sales: tuple[int, str]) -> None:
    """Let Athena answer the next queries with these orders and amounts."""
    for orders, amount in sales:
        rows = [
            {"Data": [{"VarCharValue": text} for text in row]}
            for row in (("n", "orders", "sales"), ("1", str(orders), amount))
        ]
        backend = athena_backends[account.account_id][account.region]
        backend.query_results_queue.append(QueryResults(rows=rows, column_info=[]))


def test_a_sample_arrives_in_gold_to_the_cent(account: Account) -> None:
    _answers(account, (2, "20.02"), (3, "30.03"))
    assert _smoke(account).perform(77) == Sales(3, Decimal("30.03"))
    held = account.client("s3").get_object(Bucket="raw", Key="landing/orders/smoke-77.csv")
    assert held["Body"].read() == sample(77)


def test_a_sample_is_a_valid_order() -> None:
    header, row = sample(5).decode().splitlines()
    assert header.split(",") == list(ORDERS.column_names)
    assert row == "1,5,5,2000-01-01T12:00:00Z,10.01,2000-01-01"


def test_without_a_sample_nothing_is_delivered(account: Account) -> None:
    _answers(account, (0, "0"))
    assert _smoke(account).perform(None) == Sales(0, Decimal(0))
    assert account.client("s3").list_objects_v2(Bucket="raw")["KeyCount"] == 0


def test_gold_that_lacks_the_sample_is_told(account: Account) -> None:
    _answers(account, (2, "20.02"), (2, "20.02"))
    with pytest.raises(SmokeError, match=r"2 orders for 20\.02 .* should be 3 for 30\.03"):
        _smoke(account).perform(77)


def test_a_failed_run_is_told(account: Account) -> None:
    with pytest.raises(SmokeError, match="ended as FAILED: no rows Look at its history"):
        _smoke(account, "Fail").perform(None)


def test_outputs_that_are_missing_are_told(account: Account) -> None:
    with pytest.raises(SmokeError, match=r"lack landing, stateMachine, workgroup, gold\. Run"):
        Smoke({}, account.client).perform(None)


def test_a_run_that_does_not_end_is_given_up(account: Account) -> None:
    smoke = _smoke(account)
    with pytest.raises(SmokeError, match="has not ended after 1 minutes"):
        smoke._waited(lambda: 0, lambda _: False, 60, "The run x")
