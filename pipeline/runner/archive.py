"""Decided files leave the landing zone: for `archive/` when accepted, else for `rejected/`."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pipeline.landing.delivery import Refusal
from pipeline.landing.naming import entity_of
from pipeline.landing.store import Store
from pipeline.runner.plan import Plan


def archive(store: Store, plan: Plan, run_time: datetime) -> None:
    """Move every decided file; files that earlier runs took in and left behind move too.

    Accepted and repeated files go to `archive/<entity>/<date of the run>/`, refused ones to
    `rejected/<entity>/` with `<name>.reason.json` beside. Nothing is ever written over.
    """
    kept = [*(d.path for d in plan.accepted), *(d.path for d in plan.duplicates), *plan.known]
    # A try before this one may have moved some of them.
    there = {file.path for file in store.list()}
    for path in kept:
        if path not in there:
            continue
        store.move(path, _archive_place(path, run_time.date()))
    put_aside(store, plan.refused, run_time)


def put_aside(store: Store, refused: Sequence[Refusal], run_time: datetime) -> None:
    """Move refused files to `rejected/<entity>/`, each with its reason beside it."""
    there = {file.path for file in store.list()}
    for refusal in refused:
        if refusal.path in there:
            _reject(store, refusal, run_time)


def _reject(store: Store, refusal: Refusal, run_time: datetime) -> None:
    name = refusal.path.rpartition("/")[2]
    goal = store.move(refusal.path, f"rejected/{refusal.entity or 'unknown'}/{name}")
    reason = {
        "path": refusal.path,
        "entity": refusal.entity or None,
        "check": refusal.check,
        "reason": refusal.reason,
        "refused_at": run_time.isoformat(),
    }
    store.write_text(f"{goal}.reason.json", json.dumps(reason, indent=2, ensure_ascii=False) + "\n")


def _archive_place(path: str, day: date) -> str:
    return f"archive/{entity_of(path).name}/{day.isoformat()}/{path.rpartition('/')[2]}"


def archived_places(path: str, day: date, stored: Iterable[str]) -> list[str]:
    """Return where a delivery that a run of that day has archived may lie, the latest last.

    Where a name was taken, the landing zone has put a number before the extension.
    """
    return _numbered(_archive_place(path, day), stored)


def latest_archived(store: Store, path: str) -> str | None:
    """Return where a delivery lies that was archived on any day; None when it was not."""
    stored = [file.path for file in store.list()]
    start = f"archive/{entity_of(path).name}/"
    days = sorted({place.split("/")[2] for place in stored if place.startswith(start)})
    places = [
        place
        for day in days
        for place in _numbered(f"{start}{day}/{path.rpartition('/')[2]}", stored)
    ]
    return places[-1] if places else None


def _numbered(place: str, stored: Iterable[str]) -> list[str]:
    folder, _, name = place.rpartition("/")
    stem, dot, extension = name.partition(".")
    form = re.compile(rf"{re.escape(f'{folder}/{stem}')}(?:-(\d+))?{re.escape(dot + extension)}")
    found = [(int(match[1] or 1), other) for other in stored if (match := form.fullmatch(other))]
    return [other for _, other in sorted(found)]
