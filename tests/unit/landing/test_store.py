"""A landing zone in a folder: what is found in it, in which order, and what cannot be read."""

import errno
import json
import os
import socket
from pathlib import Path

import pytest

from pipeline.errors import CallError, LakehouseError
from pipeline.landing.delivery import Delivery, Refusal
from pipeline.landing.inspection import inspect, read_delivery
from pipeline.landing.store import LocalStore
from pipeline.runner.planning import Ledger, deliveries_of, plan_run
from tests.unit.landing.tools import STAMP, packed, products

TEXT = products("1,2,a,b")


def lay(root: Path, **files: str | bytes) -> LocalStore:
    """Write files by path into a folder and return it as a store."""
    return lay_all(root, files)


def lay_all(root: Path, files: dict[str, str | bytes]) -> LocalStore:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return LocalStore(root)


def paths(store: LocalStore) -> list[str]:
    return [file.path for file in store.list()]


def outcome_of(store: LocalStore, path: str) -> Delivery | Refusal:
    return inspect(store, next(file for file in store.list() if file.path == path))


def refusal_of(store: LocalStore, path: str) -> Refusal:
    outcome = outcome_of(store, path)
    assert isinstance(outcome, Refusal)
    return outcome


def test_files_come_in_the_order_of_the_bytes_of_their_paths(tmp_path: Path) -> None:
    names = [
        "a/b",
        "a.b",
        "a b",
        "B",
        "ab",
        "é",
        "e\u0301",
        "z",
        "\uffee",
        "😀",
        "a/é/c",
        "a-b",
        "10",
        "9",
    ]
    store = lay_all(tmp_path, dict.fromkeys(names, "x"))
    assert paths(store) == sorted(names, key=str.encode)
    # Not that of the text: in UTF-16 the emoji would come before the half-width sign.
    assert paths(store)[-2:] == ["\uffee", "😀"]


def test_files_lie_in_nested_folders(tmp_path: Path) -> None:
    deep = "/".join(["orders", *(f"d{i}" for i in range(60)), "a.csv"])
    assert paths(lay_all(tmp_path, {deep: TEXT, "orders/x.csv": TEXT})) == [deep, "orders/x.csv"]


def test_empty_folders_and_folders_named_like_files_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "orders" / "empty.csv").mkdir(parents=True)
    store = lay_all(tmp_path, {"products.csv/part-0.csv": TEXT})
    assert paths(store) == ["products.csv/part-0.csv"]
    assert isinstance(outcome_of(store, "products.csv/part-0.csv"), Refusal)  # No such entity.


def test_folder_that_contains_itself_by_a_link_is_entered_once(tmp_path: Path) -> None:
    store = lay_all(tmp_path, {"orders/2025/a.csv": TEXT})
    (tmp_path / "orders" / "2025" / "again").symlink_to(tmp_path / "orders")
    (tmp_path / "orders" / "0").symlink_to("..")
    (tmp_path / "Zone").symlink_to(".")
    assert paths(store) == ["orders/2025/a.csv"]


@pytest.mark.parametrize("link", ["aaa", "orders-too", "zzz"])
@pytest.mark.parametrize("first", ["link", "folder"])
def test_folder_with_several_paths_is_entered_by_its_own(
    tmp_path: Path, link: str, first: str
) -> None:
    if first == "link":
        (tmp_path / link).symlink_to("orders")
    store = lay_all(tmp_path, {"orders/x/a.csv": TEXT})
    if first == "folder":
        (tmp_path / link).symlink_to("orders")
    (tmp_path / "Q").symlink_to(link)
    assert paths(store) == ["orders/x/a.csv"]


def test_folder_elsewhere_with_several_links_is_entered_by_the_first(tmp_path: Path) -> None:
    lay_all(tmp_path / "elsewhere", {"a.csv": TEXT, "sub/b.csv": TEXT})
    zone = tmp_path / "zone"
    zone.mkdir()
    for name in ("products", "orders", "order_items"):
        (zone / name).symlink_to("../elsewhere")
    assert paths(LocalStore(zone)) == ["order_items/a.csv", "order_items/sub/b.csv"]


def test_links_to_files_are_files(tmp_path: Path) -> None:
    store = lay_all(tmp_path, {"products/a.csv": TEXT})
    (tmp_path / "products" / "b.csv").symlink_to("a.csv")
    plan = plan_run(store, deliveries_of(store), Ledger())
    assert [d.path for d in plan.accepted] == ["products/a.csv"]
    assert [d.path for d in plan.duplicates] == ["products/b.csv"]


@pytest.mark.parametrize("target", ["nowhere.csv", "products.csv", "../x/../products.csv"])
def test_broken_link_and_link_to_itself_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "products.csv").symlink_to(target)
    refusal = refusal_of(LocalStore(tmp_path), "products.csv")
    assert refusal.check == "readable"
    assert refusal.entity == "products"
    assert "cannot be read" in refusal.reason


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").symlink_to("orders2.csv")
    (tmp_path / "orders2.csv").symlink_to("orders.csv")
    store = LocalStore(tmp_path)
    assert [refusal_of(store, path).check for path in paths(store)] == ["readable"] * 2


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "orders.csv")
    refusal = refusal_of(LocalStore(tmp_path), "orders.csv")
    assert refusal.check == "readable"
    assert "Not a regular file" in refusal.reason


def test_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").symlink_to("/dev/zero")
    assert refusal_of(LocalStore(tmp_path), "orders.csv").check == "readable"


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # A socket's path must be short.
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind("orders.csv")
        assert refusal_of(LocalStore(tmp_path), "orders.csv").check == "readable"


def test_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = lay_all(tmp_path, {"products.csv": TEXT})

    def forbidden(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    # Taking the permission away would not keep a superuser out.
    monkeypatch.setattr(store, "open", forbidden)
    refusal = refusal_of(store, "products.csv")
    assert refusal.check == "readable"
    assert "Permission denied" in refusal.reason


def test_file_that_is_gone_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    store = lay_all(tmp_path, {"products.csv": TEXT})
    file = store.list()[0]
    (tmp_path / "products.csv").unlink()
    outcome = inspect(store, file)
    assert isinstance(outcome, Refusal)
    assert outcome.check == "readable"


@pytest.mark.parametrize("change", ["content", "same size", "gone", "replaced by a link"])
def test_file_that_changes_while_it_is_taken_in_fails_the_run(tmp_path: Path, change: str) -> None:
    store = lay_all(tmp_path, {"products.csv": TEXT})
    delivery = outcome_of(store, "products.csv")
    assert isinstance(delivery, Delivery)
    batches = read_delivery(store, delivery, STAMP)
    next(batches)
    place = tmp_path / "products.csv"
    times = place.stat()
    if change == "content":
        place.write_text(products("1,2,a,b", "3,4,c,d"))
    elif change == "same size":
        place.write_text(products("9,2,a,b"))
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "gone":
        place.unlink()
    else:
        place.rename(tmp_path / "_other")
        place.symlink_to("_nowhere")
    with pytest.raises(LakehouseError, match=r"products\.csv was changed"):
        list(batches)


def test_file_names_that_are_not_utf8_are_listed_and_refused(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/products_\xff.csv"
    Path(os.fsdecode(name)).write_text(TEXT)
    store = LocalStore(tmp_path)
    refusal = refusal_of(store, "products_\udcff.csv")
    assert refusal.check == "name"


@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a\\b.csv", "a'b\".csv", "a;b.csv", "%41.csv", " .csv", "-.csv"]
)
def test_file_names_with_odd_characters_are_taken_in(tmp_path: Path, name: str) -> None:
    store = lay_all(tmp_path, {f"products/{name}": TEXT})
    delivery = outcome_of(store, f"products/{name}")
    assert isinstance(delivery, Delivery)
    rows = [row for b in read_delivery(store, delivery, STAMP) for row in b.to_pylist()]
    assert [row["source_file"] for row in rows] == [f"products/{name}"]


def test_same_bytes_under_another_name_and_entity_are_a_duplicate(tmp_path: Path) -> None:
    # A header that fits two entities, so that only the content can tell.
    both = "product_id,department_id,department,product_name,order_num,order_id,user_id,"
    both += "order_timestamp,total_amount,date\n1,1,a,b,1,1,1,2025-04-01T00:00:00,1,2025-04-01\n"
    store = lay_all(
        tmp_path,
        {
            "orders/a.csv": both,
            "orders/b.csv": both,
            "products/z.csv": both,
            "products/y.csv.gz": packed(both.encode()),
            "order_items/c.csv": both,
        },
    )
    plan = plan_run(store, deliveries_of(store), Ledger())
    # Products go first; the packed bytes are other bytes; items lack columns.
    assert [d.path for d in plan.accepted] == ["products/y.csv.gz", "products/z.csv"]
    assert [d.path for d in plan.duplicates] == ["orders/a.csv", "orders/b.csv"]
    assert [r.path for r in plan.refused] == ["order_items/c.csv"]


def test_refused_content_is_not_remembered(tmp_path: Path) -> None:
    store = lay_all(tmp_path, {"ordersummary.csv": TEXT, "products/a.csv": TEXT, "a.tsv": TEXT})
    plan = plan_run(store, deliveries_of(store), Ledger())
    assert [d.path for d in plan.accepted] == ["products/a.csv"]
    assert plan.duplicates == []
    assert {r.path: r.check for r in plan.refused} == {
        "a.tsv": "entity",
        "ordersummary.csv": "entity",
    }


def test_fingerprint_changes_with_the_content_and_stays_without(tmp_path: Path) -> None:
    store = lay_all(tmp_path, {"a.csv": "x"})
    before = store.fingerprint("a.csv")
    assert store.list()[0].fingerprint == before == store.fingerprint("a.csv")
    status = (tmp_path / "a.csv").stat()
    (tmp_path / "a.csv").write_text("y")
    os.utime(tmp_path / "a.csv", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.fingerprint("a.csv") != before


def test_moving_never_writes_over_a_file(tmp_path: Path) -> None:
    store = lay_all(
        tmp_path, {"a.csv.gz": "1", "b.csv.gz": "2", "c.csv.gz": "3", "t/x.csv.gz": "0"}
    )
    goals = [store.move(name, "t/x.csv.gz") for name in ("a.csv.gz", "b.csv.gz", "c.csv.gz")]
    assert goals == ["t/x-2.csv.gz", "t/x-3.csv.gz", "t/x-4.csv.gz"]
    assert [(tmp_path / p).read_text() for p in paths(store)] == ["1", "2", "3", "0"]


def test_moving_what_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(LakehouseError, match=r"a\.csv could not be moved"):
        LocalStore(tmp_path).move("a.csv", "archive/a.csv")


def test_reason_beside_a_file_whose_name_is_no_text_is_json(tmp_path: Path) -> None:
    store = lay(tmp_path)
    store.write_text("reason.json", json.dumps({"path": "a\udcff.csv"}, ensure_ascii=False))
    assert json.loads((tmp_path / "reason.json").read_bytes()) == {"path": "a\udcff.csv"}


def test_reason_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(LakehouseError, match="could not be written"):
        lay(tmp_path).write_text("x" * 300, "reason")


def test_landing_zone_that_is_missing_or_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="does not exist"):
        LocalStore(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(CallError, match="is not a folder"):
        LocalStore(tmp_path / "file")
