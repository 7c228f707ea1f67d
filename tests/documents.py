"""Markdown pages as tests see them: fenced blocks, commands with their output, headings, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
_PROMPT = "$ "


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    Attributes:
        page: Path of its page below the checkout's root.
        line: Number of its first line, from 1.
        language: The word after the opening fence.
        content: What stands within.
    """

    page: str
    line: int
    language: str
    content: str

    @property
    def place(self) -> str:
        """Where it is, as editors and people read it."""
        return f"{self.page}:{self.line}"


@dataclass
class Command:
    """A command of a page.

    Attributes:
        words: The line, or lines, as the reader copies it.
        line: Number of its line in the page.
        expected: The lines of output that the page shows; empty when it shows none.
    """

    words: str
    line: int
    expected: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """Return every page that people read: those at the root, in `docs/` and in the rooms."""
    rooms = ("docs", "benchmarks", "infra", "pipeline", "simulator", "tests")
    below = (page for room in rooms for page in (ROOT / room).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def name_of(page: Path) -> str:
    """Return a page's path below the checkout's root."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path) -> list[Fence]:
    """Return the fenced blocks of a page."""
    return [
        Fence(name_of(page), token.map[0] + 1, token.info.strip(), token.content)
        for token in _MARKDOWN.parse(page.read_text(encoding="utf-8"))
        if token.type == "fence" and token.map
    ]


def commands(fence: Fence) -> list[Command]:
    """Return the commands of a block: all of its lines, or those after a `$` where it shows output.

    A line that ends in a backslash goes on in the next one; a comment is no command.
    """
    lines = list(enumerate(fence.content.splitlines(), fence.line + 1))
    found: list[Command] = []
    shows_output = any(line.startswith(_PROMPT) for _, line in lines)
    continues = False
    for number, line in lines:
        if continues:
            found[-1].words += f"\n{line}"
        elif shows_output and not line.startswith(_PROMPT):
            if found:
                found[-1].expected.append(line)
            continue
        else:
            words = line.removeprefix(_PROMPT)
            if not words.strip() or words.lstrip().startswith("#"):
                continue
            found.append(Command(words, number))
        continues = found[-1].words.endswith("\\")
    return found


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the target of every link and picture of a page, with its line."""
    for block in _MARKDOWN.parse(page.read_text(encoding="utf-8")):
        for token in block.children or []:
            target = token.attrs.get("href") or token.attrs.get("src")
            if target:
                yield (block.map or [0])[0] + 1, str(target)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    tokens = _MARKDOWN.parse(page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for opened, heading in pairwise(tokens):
        if opened.type == "heading_open":
            anchor = base = _slug(_text(heading))
            number = 0
            while anchor in found:
                number += 1
                anchor = f"{base}-{number}"
            found.add(anchor)
    return found


def _text(heading: Token) -> str:
    return "".join(token.content for token in heading.children or [])


def _slug(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
