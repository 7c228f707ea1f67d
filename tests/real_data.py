"""The real days of a shop, which lie beside the checkout or nowhere."""

import os
import shutil
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parents[1]
REAL = Path(os.environ.get("LAKEHOUSE_REAL_DATA") or _HERE.parent / "shared" / "data")
ENTITIES = ("products", "orders", "order_items")


def real_or_skip() -> Path:
    """Return the folder of the real data, or skip the test and say why."""
    if not (REAL / "orders").is_dir():
        pytest.skip(f"no real data in {REAL}; LAKEHOUSE_REAL_DATA names another folder")
    return REAL


def copy_csv(source: Path, landing: Path) -> None:
    """Copy the CSV files of a shop, without its workbooks."""
    for entity in ENTITIES:
        shutil.copytree(source / entity, landing / entity)


def copy_workbooks(source: Path, landing: Path) -> None:
    """Copy the catalogue and the workbooks of a shop, which hold more days than its CSV files."""
    shutil.copytree(source / "products", landing / "products")
    for path in (source / "workbooks").iterdir():
        shutil.copyfile(path, landing / path.name)
