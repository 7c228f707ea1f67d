"""A landing zone and a lake's root in S3, held against an emulated S3."""

import pickle
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pipeline.errors import CallError, LakeError, LakehouseError
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.inspection import inspect
from pipeline.landing.s3 import S3Store, bucket_and_prefix
from pipeline.runner.home import Intent
from pipeline.runner.s3_home import S3LakeHome

# botocore's own business.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ORDERS = b"order_num,order_id,user_id,order_timestamp,total_amount,date\n1,1,1,x,1.00,y\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of an emulated S3 with an empty bucket `shop`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="shop")
        yield client


def put(client: Any, key: str, body: bytes = ORDERS) -> None:
    client.put_object(Bucket="shop", Key=key, Body=body)


def test_files_are_listed_by_their_path_below_the_prefix(bucket: Any) -> None:
    """In the order of bytes, over more than one page, without folders and other prefixes."""
    for number in range(1_005):
        put(bucket, f"in/orders/{number:04}.csv")
    for key in ("in/orders/", "in/products/é.csv", "other/x.csv", "inn/y.csv"):
        put(bucket, key)
    paths = [file.path for file in S3Store("s3://shop/in/").list()]

    assert len(paths) == 1_006
    assert paths[:2] == ["orders/0000.csv", "orders/0001.csv"]
    assert paths[-1] == "products/é.csv"


def test_a_file_is_read_and_its_fingerprint_follows_its_bytes(bucket: Any) -> None:
    """The same fingerprint from the list and from the file; another one after a change."""
    put(bucket, "in/orders/a.csv")
    store = S3Store("s3://shop/in")
    listed = store.list()[0]
    with store.open("orders/a.csv") as file:
        assert file.read() == ORDERS
        file.seek(0)
        assert file.readline().startswith(b"order_num")

    assert listed.size == len(ORDERS)
    assert store.fingerprint("orders/a.csv") == listed.fingerprint
    put(bucket, "in/orders/a.csv", ORDERS.replace(b"1.00", b"2.00"))
    assert store.fingerprint("orders/a.csv") != listed.fingerprint


def test_a_file_in_s3_passes_and_fails_the_same_checks(bucket: Any) -> None:
    """Inspection does not know where a file lies; one that is gone is refused alone."""
    put(bucket, "orders/a.csv")
    put(bucket, "orders/b.csv", b"order_num\n1\n")
    store = S3Store("s3://shop")
    good, bad = (inspect(store, file) for file in store.list())
    gone = store.list()[0]
    bucket.delete_object(Bucket="shop", Key="orders/a.csv")

    assert isinstance(good, Delivery)
    assert isinstance(bad, Refusal)
    assert bad.check == "header"
    refused = inspect(store, gone)
    assert isinstance(refused, Refusal)
    assert refused.check == "readable"


def test_moving_never_writes_over_a_file(bucket: Any) -> None:
    """A taken name gets a number; the bytes go along."""
    put(bucket, "in/a.csv", b"new")
    put(bucket, "in/archive/a.csv", b"old")
    store = S3Store("s3://shop/in")

    assert store.move("a.csv", "archive/a.csv") == "archive/a-2.csv"
    assert [file.path for file in store.list()] == ["archive/a-2.csv", "archive/a.csv"]
    with store.open("archive/a-2.csv") as file:
        assert file.read() == b"new"


def test_a_store_may_be_sent_to_another_process(bucket: Any) -> None:
    """Its client stays behind, also one that was used."""
    put(bucket, "orders/a.csv")
    store = S3Store("s3://shop")
    assert store.list()
    sent: S3Store = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own

    assert sent.list() == store.list()


def test_a_bucket_that_is_not_there_is_said(bucket: Any) -> None:
    """The address and what S3 said, as an error of the project's own."""
    with pytest.raises(LakehouseError, match=r"s3://nowhere/in.*NoSuchBucket"):
        S3Store("s3://nowhere/in").list()


@pytest.mark.parametrize("address", ["s3://", "shop/in", "/shop", "s3:///in"])
def test_what_is_no_address_is_said(address: str) -> None:
    """Before S3 is asked."""
    with pytest.raises(CallError, match="is no address in S3"):
        bucket_and_prefix(address)


# --- A lake's root -------------------------------------------------------------------------------


def test_a_run_is_noted_and_forgotten(bucket: Any) -> None:
    """The note is there for the next process until the run has ended; so is the run's state."""
    home = S3LakeHome("s3://shop/lake")
    assert not home.check()
    intent = Intent(3, {"silver/orders": 7, "gold/daily_sales": None})
    home.begin(intent)
    home.keep_state({"works": True})
    other = S3LakeHome("s3://shop/lake/")

    assert other.check()
    assert other.interrupted() == intent
    assert other.kept_state() == {"works": True}
    other.end()
    other.forget_state()
    assert home.interrupted() is None
    assert home.kept_state() is None
    assert home.check()


def test_an_undone_first_run_leaves_nothing(bucket: Any) -> None:
    """The prefix is as it was before."""
    home = S3LakeHome("s3://shop/lake")
    home.begin(Intent(1, {"silver/orders": None}))
    home.make_room()
    home.forget_state()
    home.abandon()

    assert "Contents" not in bucket.list_objects_v2(Bucket="shop")
    assert not home.check()


def test_a_prefix_with_something_else_is_no_lake(bucket: Any) -> None:
    """It is refused before anything is written; a newer lake is, too."""
    put(bucket, "docs/readme.txt")
    put(bucket, "newer/lakehouse.json", b'{"format": 99}')

    with pytest.raises(CallError, match="is not empty and not a lake"):
        S3LakeHome("s3://shop/docs").check()
    with pytest.raises(LakeError, match="has format 99"):
        S3LakeHome("s3://shop/newer").check()
