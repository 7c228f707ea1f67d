"""The documents say of the cloud what the Pulumi program declares."""

from pathlib import Path

import pytest

from docs.generate.blocks import BLOCKS, RUN_THE_PROGRAM
from docs.generate.pages import ROOT, pages, refreshed, used

PAGES = [page for page in pages() if used(page.read_text(encoding="utf-8")) & RUN_THE_PROGRAM]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_generated_blocks_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == refreshed(page.name, text, BLOCKS), "write it: ./lakehouse docs"
