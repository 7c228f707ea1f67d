"""Reading an HTML page of the project as a strict parser and a reader with a screen reader do."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

Element = ET.Element

CHROMIUM_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def parsed(page: str) -> Element:
    """Return the page's root; a tag that is not closed or text that is not escaped raises."""
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    return ET.fromstring(page.encode())  # noqa: S314 - a page that was made here


def text_of(element: Element) -> str:
    """Return all text within an element, white space made one space."""
    return " ".join("".join(element.itertext()).split())


def with_id(root: Element, name: str) -> Element:
    """Return the one element of an id."""
    (found,) = (element for element in root.iter() if element.get("id") == name)
    return found


def table(root: Element, caption: str) -> list[dict[str, str]]:
    """Return the rows of the one table whose caption begins so, by column heading."""
    (found,) = (
        each
        for each in root.iter("table")
        if text_of(next(each.iter("caption"))).startswith(caption)
    )
    head, body = next(found.iter("thead")), next(found.iter("tbody"))
    names = [text_of(cell) for cell in head.iter("th")]
    rows = [[text_of(cell) for cell in row] for row in body.iter("tr")]
    return [dict(zip(names, row, strict=True)) for row in rows]


# --- Laws of every page --------------------------------------------------------------------------


def assert_self_contained(page: str) -> None:
    """Nothing in the page leads, loads or sends anywhere."""
    root = parsed(page)
    assert "://" not in page
    assert "@import" not in page
    for element in root.iter():
        assert element.tag not in {"iframe", "object", "embed", "form", "base", "img", "image"}
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            place = element.get(name)
            assert place is None or place.startswith("#") or place == "data:,"
    for sheet in [*root.iter("style"), *(e for e in root.iter() if e.get("style"))]:
        assert "url(" not in (sheet.text or "") + sheet.get("style", "")


def assert_structured(page: str) -> None:
    """A screen reader finds its way: landmarks, headings, named tables and pictures."""
    root = parsed(page)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert root.get("lang") == "en"
    assert text_of(next(root.iter("title")))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(list(root.iter(landmark))) == 1
    levels = [int(e.tag[1]) for e in root.iter() if re.fullmatch("h[1-6]", str(e.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for link in root.iter("a"):
        assert link.get("href", "")[1:] in ids
        assert text_of(link)
    for element in root.iter():
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(element.get(name, "").split()) <= set(ids)
    for each in root.iter("table"):
        assert text_of(next(each.iter("caption")))
        assert all(cell.get("scope") for cell in each.iter("th"))
        assert len({len(row) for row in each.iter("tr")}) == 1
    for picture in root.iter("svg"):
        assert picture.get("aria-hidden") == "true" or _is_named(picture, root)
    for region in root.iter("div"):
        if "scroll" in region.get("class", "").split():
            assert region.get("tabindex") == "0"
            assert region.get("role") == "group"
            assert region.get("aria-label")
    for button in root.iter("details"):
        assert text_of(next(button.iter("summary")))


def _is_named(picture: Element, root: Element) -> bool:
    title, about = (with_id(root, name) for name in picture.get("aria-labelledby", "").split())
    tags = (title.tag, about.tag)
    return picture.get("role") == "img" and tags == ("title", "desc") and bool(text_of(about))


# --- Colours -------------------------------------------------------------------------------------


def schemes(style: str) -> Iterator[Mapping[str, str]]:
    """Yield the colours by variable of a style sheet: first the light ones, then the dark ones."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-fA-F]+);", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    )
    assert light.keys() == dark.keys()
    yield light
    yield dark


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(d * 2 for d in digits)
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- In a browser --------------------------------------------------------------------------------


def chromium_or_skip() -> str:
    """Return the command of Chromium, or skip the test and say why."""
    names = (os.environ.get("LAKEHOUSE_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    return found


def in_browser(page: Path, home: Path, *, width: int, dark: bool = False) -> Element:
    """Open a page in Chromium and return what it has left in the element `found`."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    colours = ["--blink-settings=preferredColorScheme=0"] if dark else []
    words = [chromium_or_skip(), *CHROMIUM_FLAGS, *sandbox, *colours]
    words += [f"--user-data-dir={home}", f"--window-size={width},900", "--dump-dom"]
    ended = subprocess.run(
        [*words, "--virtual-time-budget=20000", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert found, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ET.fromstring(f"<pre>{found[1]}</pre>")  # noqa: S314 - a page that was made here
