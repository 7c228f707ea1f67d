"""A column that a contract gains appears in the tables, by changing the contract alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lakes import Shop, delivered, rows

ROOT = Path(__file__).resolve().parents[2]

BEFORE = """        Column(
            "date",
            DATE,
            "UTC date of order_timestamp.","""
COUPON = """        Column("coupon", TEXT, "Code of the voucher.", source="shop", required=False),
"""
OLD = (1, 1, 7, "2025-04-01T08:00", "10.00", "2025-04-01")
HEADER = "order_num,order_id,user_id,order_timestamp,total_amount,date,coupon"


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This software with one more optional column of orders, in the middle of its contract."""
    root = tmp_path_factory.mktemp("evolved")
    for room in ("pipeline", "simulator"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    contract = root / "pipeline/contracts/entities.py"
    text = contract.read_text()
    assert text.count(BEFORE) == 1
    contract.write_text(text.replace(BEFORE, COUPON + BEFORE))
    return root


def test_a_new_optional_column_is_filled_from_the_next_delivery_on(
    evolved: Path, tmp_path: Path
) -> None:
    """In bronze, silver and quarantine; null in older rows, also when these come again changed."""
    shop = Shop(tmp_path)
    rejected = ("x", *OLD[1:])
    shop.run([delivered("orders", "orders/1.csv", OLD, (2, 2, *OLD[2:]), rejected)])
    again = f"{HEADER}\n2,2,7,2025-04-01T08:00,11.00,2025-04-01,SPRING\n"
    fresh = "3,3,7,2025-04-02T08:00,5.00,2025-04-02,\ny,4,7,2025-04-02T08:00,5,2025-04-02,BAD\n"
    (shop.landing / "orders/2.csv").write_text(again + fresh)
    (shop.landing / "orders/3.csv").write_text(f"{HEADER.removesuffix(',coupon')}\n{_line(OLD)}\n")
    words = ("simulate", "--landing", str(shop.landing), "--lake", str(shop.lake))
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "simulator.cli.main", *words],
        env={**os.environ, "PYTHONPATH": str(evolved)},
        cwd=evolved,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    coupons = {row["order_id"]: row["coupon"] for row in rows(shop.lake, "silver/orders")}
    assert coupons == {1: None, 2: "SPRING", 3: None}
    raw = {(r["source_file"], r["order_id"]): r["coupon"] for r in rows(shop.lake, "bronze/orders")}
    assert raw == {
        ("orders/1.csv", "1"): None,
        ("orders/1.csv", "2"): None,
        ("orders/2.csv", "2"): "SPRING",
        ("orders/2.csv", "3"): "",
        ("orders/2.csv", "4"): "BAD",
    }
    held = {row["order_num"]: row["coupon"] for row in rows(shop.lake, "quarantine/orders")}
    assert held == {"x": None, "y": "BAD"}
    # A file that does not have the column at all is refused, optional or not.
    assert "orders/3.csv" in ended.stdout
    assert "coupon" in ended.stdout


def _line(values: tuple[object, ...]) -> str:
    return ",".join(map(str, (9, *values[1:])))
