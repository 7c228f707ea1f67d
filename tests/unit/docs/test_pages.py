"""The documents are fresh and hang together: generated blocks, links, records, named tests."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from docs.generate import pages as generated
from docs.generate.blocks import BLOCKS, RUN_THE_PROGRAM
from docs.generate.pages import PageError, refreshed, used
from tests.documents import ROOT, anchors, links, name_of, pages

PAGES = pages()
# A test as the requirements name it: `tests/e2e/test_x.py::test_y`, or the whole file.
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


QUICK = {name: BLOCKS[name] for name in BLOCKS if name not in RUN_THE_PROGRAM}


@pytest.mark.parametrize("page", generated.pages(), ids=name_of)
def test_generated_blocks_are_fresh(page: Path) -> None:
    """tests/infra/test_pages.py has those for which the Pulumi program has to be run."""
    text = page.read_text(encoding="utf-8")
    if not used(text) & RUN_THE_PROGRAM:
        assert text == refreshed(name_of(page), text, QUICK), "write it: ./lakehouse docs"


def test_every_block_has_a_place() -> None:
    found = [name for page in generated.pages() for name in used(page.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(BLOCKS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n<!-- begin nowhere -->\n<!-- end nowhere -->\n", "p:2: there is no block nowhere"),
        ("<!-- begin one -->\n", "p: the block one does not end"),
        ("<!-- end one -->\n", "p:1: the block one ends here and has not begun"),
        ("<!-- begin one -->\n<!-- begin two -->\n", "p:2: two begins within the block one"),
    ],
)
def test_markers_that_make_no_sense_are_told(text: str, said: str) -> None:
    with pytest.raises(PageError, match=re.escape(said)):
        refreshed("p", text, {"one": lambda: "", "two": lambda: ""})


def test_a_block_is_replaced_and_the_rest_stays() -> None:
    text = "before\n\n<!-- begin one -->\nold\n\nolder\n<!-- end one -->\n\nafter\n"
    fresh = refreshed("p", text, {"one": lambda: "new\n"})
    mark = "<!-- begin one: ./lakehouse docs writes this -->"
    assert fresh == f"before\n\n{mark}\nnew\n<!-- end one -->\n\nafter\n"
    assert refreshed("p", fresh, {"one": lambda: "new\n"}) == fresh


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    broken = []
    for line, target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or not there.is_relative_to(ROOT):
            broken.append(f"{name_of(page)}:{line}: {target}: there is no such file")
        elif anchor and anchor not in anchors(there):
            broken.append(f"{name_of(page)}:{line}: {target}: there is no such heading")
    assert not broken


def test_every_document_is_reached_from_the_index() -> None:
    """Whoever starts at docs/README.md comes to every page of docs/ by links alone."""
    start = ROOT / "docs" / "README.md"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for _, target in links(page):
            there = (page.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.is_file() and there not in reached:
                reached.add(there)
                waiting.append(there)
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_tests_exist(page: Path) -> None:
    absent = []
    for path, name in NAMED_TEST.findall(page.read_text(encoding="utf-8")):
        file = ROOT / path
        if not file.is_file() or (name and name not in names_in(file)):
            absent.append(f"{path}::{name}" if name else path)
    assert not absent


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    named = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
    # A state machine is a test by an assignment.
    targets = (node.targets for node in tree.body if isinstance(node, ast.Assign))
    return named | {one.id for several in targets for one in several if isinstance(one, ast.Name)}
