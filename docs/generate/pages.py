"""Markdown pages with generated blocks between markers; what stands around them is written by hand.

A block stands between the lines `<!-- begin NAME: ./lakehouse docs writes this -->` and
`<!-- end NAME -->`. Its content follows from code alone, so a page is either fresh or stale.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Blocks = Mapping[str, Callable[[], str]]

_BEGIN = "<!-- begin {name}: ./lakehouse docs writes this -->"
_END = "<!-- end {name} -->"
_MARK = re.compile(r"^<!-- (?P<side>begin|end) (?P<name>[a-z0-9-]+)\b.*-->$")


class PageError(Exception):
    """A page's markers make no sense: which page, which line, and what is wrong with it."""


def pages() -> list[Path]:
    """Return every Markdown page that people read: those at the root and those in `docs/`."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def refreshed(page: str, text: str, blocks: Blocks) -> str:
    """Return the page with every block written anew.

    Args:
        page: Name of the page, for errors.
        text: What it says now.
        blocks: What makes each block's content.

    Raises:
        PageError: A block is unknown, not closed, or closed without having begun.
    """
    return "".join(f"{line}\n" for line in _lines(page, text.splitlines(), blocks))


def _lines(page: str, lines: list[str], blocks: Blocks) -> Iterator[str]:
    within = ""
    for number, line in enumerate(lines, 1):
        mark = _MARK.match(line)
        if mark is None:
            if not within:
                yield line
            continue
        name, place = mark["name"], f"{page}:{number}"
        if mark["side"] == "end":
            if name != within:
                raise PageError(f"{place}: the block {name} ends here and has not begun.")
            within = ""
            continue
        if within:
            raise PageError(f"{place}: {name} begins within the block {within}.")
        if name not in blocks:
            raise PageError(f"{place}: there is no block {name}; there are {', '.join(blocks)}.")
        within = name
        yield _BEGIN.format(name=name)
        yield from blocks[name]().strip("\n").splitlines()
        yield _END.format(name=name)
    if within:
        raise PageError(f"{page}: the block {within} does not end.")


def used(text: str) -> set[str]:
    """Return the names of the blocks that a page has."""
    marks = (_MARK.match(line) for line in text.splitlines())
    return {mark["name"] for mark in marks if mark and mark["side"] == "begin"}
