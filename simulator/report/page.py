"""Facts as one HTML page that needs nothing else: style, pictures and script stand in it."""

import base64
import hashlib
import unicodedata
from datetime import date
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulator.cli.text import cell, cents, count, listed, size, utc
from simulator.report import charts, lineage
from simulator.report.facts import Facts
from simulator.report.flow import flow
from simulator.report.graph import graph
from simulator.report.reading import half_up

GENERATOR = "lakehouse report"
_TEMPLATES = "templates"
# Writing that would turn the text around it; `bdi` keeps what is right to left to itself.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONG = 160
# As many are shown at once; the others can be opened.
_MOST_REASONS = 12


def render(facts: Facts) -> str:
    """Return the page.

    It is XML, too, so that a strict parser can read it. Everything that was delivered goes through
    Jinja's escaping, and the page forbids any script but its own.
    """
    environment = Environment(
        loader=PackageLoader("simulator.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clean=clean,
        money=cents,
        amount=amount,
        size=size,
        utc=utc,
        cell=cell,
        day=day,
        percent=percent,
        words=words,
    )
    script = _text("script.js")
    page = environment.get_template("page.html").render(
        facts=facts,
        shop=facts.shop,
        books=facts.books,
        quarantine=facts.quarantine,
        quality=facts.quality,
        generator=GENERATOR,
        style=Markup(_text("style.css")),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own file
        script_hash=_hash(script),
        pictures=_pictures(facts),
        weekdays=charts.WEEKDAYS,
        hours=charts.HOURS,
        most_reasons=_MOST_REASONS,
        sources_of=lineage.sources_of,
        count=count,
        listed=listed,
    )
    return page.strip() + "\n"


def _pictures(facts: Facts) -> dict[str, Any]:
    """Lay out every picture, wide and narrow."""
    shop, books, quality = facts.shop, facts.books, facts.quality
    return {
        "history": [charts.history(shop.periods, form) for form in charts.FORMS],
        "week": [charts.week(shop.hours, form) for form in charts.FORMS],
        "trends": [charts.spark(each.trend) for each in shop.departments],
        "flow": [flow(books.fates, form) for form in charts.FORMS],
        "runs": [charts.run_bars(books.runs, form) for form in charts.FORMS],
        "scores": [charts.scores(quality.runs, form) for form in charts.FORMS] if quality else [],
        "lineage": graph(),
    }


def _text(name: str) -> str:
    return (resources.files("simulator.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def clean(text: object, longest: int = _LONG) -> str:
    """Return delivered text that neither a page nor a reader stumbles over.

    What is no character for a page, and what would turn the order of the text around it, is
    written out as an escape. A text that is too long is cut and ends in `…`.
    """
    found = str(text)
    cut = found if len(found) <= longest else found[: longest - 1] + "…"
    return "".join(
        c.encode("unicode_escape", "backslashreplace").decode()
        if c in _TURNING or unicodedata.category(c) in _ESCAPED
        else c
        for c in cut
    )


def amount(number: int) -> str:
    """Return cents rounded to whole units, as they read best in a heading: `1,204`."""
    return f"{half_up(number, 100):,}"


def day(value: date, *, year: bool = True) -> str:
    """Return a date for people: `7 April 2025`."""
    return f"{value.day} {value:%B %Y}" if year else f"{value.day} {value:%b}"


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share as a percentage; `·` where there is none."""
    if share is None:
        return "·"
    return f"{share:+.1%}" if signed else f"{share:.1%}"


def words(name: str) -> str:
    """Return a name in words: `order_items` as `order items`."""
    return name.replace("_", " ")
