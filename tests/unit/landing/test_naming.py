"""What a path says (sections 1 and 9): entity, format, and whether it is a delivery at all."""

import pytest

from pipeline.errors import FileRefusedError
from pipeline.landing.naming import Format, entity_of, format_of, is_delivery
from tests.unit.landing.tools import products, refused, take

ENTITY_BY_PATH = {
    # The first folder below the landing zone.
    "products/a.csv": "products",
    "orders/2025-04-01/part-0.csv": "orders",
    "order_items/2025/04/01/x.csv.gz": "order_items",
    "ORDERS/a.csv": "orders",
    "Order_Items/a.csv": "order_items",
    "orders/products.csv": "orders",
    "orders/order_items.csv": "orders",
    "order_items/orders.csv": "order_items",
    "products/whatever.xlsx": "products",
    # Else its own name, the longest that fits, not followed by a letter.
    "products.csv": "products",
    "orders.csv": "orders",
    "order_items.csv": "order_items",
    "orders_apr_2025.xlsx": "orders",
    "order_items_apr_2025.xlsx": "order_items",
    "Order_Items-1.csv": "order_items",
    "PRODUCTS.CSV": "products",
    "orders2025.csv": "orders",
    "orders 1.csv": "orders",
    "orders.2025.csv": "orders",
    "orders_.csv": "orders",
    "incoming/orders.csv": "orders",
    "incoming/deep/order_items_1.csv": "order_items",
    "orders_old/products.csv": "products",
    # Only a folder at the top names the entity.
    "incoming/orders/products.csv": "products",
}

WITHOUT_ENTITY = [
    "ordersummary.csv",
    "order_itemsx.csv",
    "productsé.csv",
    "ordersЖ.csv",
    "order.csv",
    "order_item.csv",
    "my_orders.csv",
    " orders.csv",
    "customers/orderly.csv",
    "incoming/orders/part-0.csv",
    "orders_old/part-0.csv",
    "\u017forders.csv",
    "order\u017f.csv",  # Its upper case is ORDERS, but not in ASCII.
]


@pytest.mark.parametrize(("path", "entity"), ENTITY_BY_PATH.items())
def test_entity_of_a_path(path: str, entity: str) -> None:
    assert entity_of(path).name == entity


@pytest.mark.parametrize("path", WITHOUT_ENTITY)
def test_path_without_entity_is_refused(path: str) -> None:
    with pytest.raises(FileRefusedError) as caught:
        entity_of(path)
    assert caught.value.check == "entity"


@pytest.mark.parametrize("path", ["ordersummary.csv", "customers/a.csv"])
def test_refusal_without_entity_names_the_entities(path: str) -> None:
    refusal = refused(products("1,2,a,b"), path)
    assert (refusal.check, refusal.entity) == ("entity", "")
    assert "products, orders, order_items" in refusal.reason


DELIVERIES = {
    "orders.csv": True,
    "orders/a.csv": True,
    "orders/sub/a.csv": True,
    "archive.csv": True,
    "archived/orders.csv": True,
    "orders/archive/a.csv": True,
    "orders/rejected/a.csv": True,
    ".orders.csv": False,
    "_orders.csv": False,
    "orders/.a.csv": False,
    "orders/_SUCCESS": False,
    "orders/_temporary/0/a.csv": False,
    ".git/orders.csv": False,
    "_orders/a.csv": False,
    "archive/orders/2025-04-01/a.csv": False,
    "archive/a.csv": False,
    "rejected/orders/a.csv": False,
    "rejected/orders/a.csv.reason.json": False,
}


@pytest.mark.parametrize(("path", "expected"), DELIVERIES.items())
def test_dot_underscore_archive_and_rejected_names_are_no_deliveries(
    path: str, *, expected: bool
) -> None:
    assert is_delivery(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("orders.csv", Format.CSV),
        ("orders.csv.gz", Format.CSV_GZ),
        ("orders.xlsx", Format.XLSX),
        ("ORDERS.CSV", Format.CSV),
        ("orders.Csv.GZ", Format.CSV_GZ),
        ("orders.XLSX", Format.XLSX),
        ("orders.tar.csv", Format.CSV),
        ("orders.csv.xlsx", Format.XLSX),
        ("a.csv/b.xlsx", Format.XLSX),
    ],
)
def test_format_of_an_extension(path: str, expected: Format) -> None:
    assert format_of(path) is expected


@pytest.mark.parametrize(
    "name",
    ["orders", "orders.tsv", "orders.xls", "orders.gz", "orders.csv.zip", "orders.csv~",
     "orders.json", "orders.csv.gz.part", "orders.xlsm", "orders.csv/readme"],
)  # fmt: skip
def test_other_extension_is_refused(name: str) -> None:
    refusal = refused(b"x", name if "/" not in name else f"orders/{name}")
    assert refusal.check == "extension"
    assert ".csv.gz" in refusal.reason


def test_same_content_is_read_alike_from_every_place() -> None:
    text = products("1,2,a,b")
    paths = ["products.csv", "products/x.csv", "PRODUCTS/a/b/c.csv", "elsewhere/products_2.csv"]
    assert [take(text, path).shown() for path in paths] == [[("1", "2", "a", "b")]] * len(paths)


@pytest.mark.parametrize("name", ["orders/caf\udce9.csv", "\udcff/orders.csv", "orders_\udc80.csv"])
def test_file_name_that_is_not_utf8_is_refused(name: str) -> None:
    from pipeline.landing.delivery import Refusal
    from pipeline.landing.inspection import inspect
    from pipeline.landing.store import StoredFile
    from tests.unit.landing.tools import MemoryStore

    outcome = inspect(MemoryStore({name: b"x"}), StoredFile(name, 1, "f"))
    assert isinstance(outcome, Refusal)
    assert outcome.check == "name"
    assert "UTF-8" in outcome.reason
