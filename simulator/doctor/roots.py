"""Checks of a lake's root: what it says of itself, and what dead runs have left there."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.contracts import TABLES
from pipeline.errors import LakehouseError
from pipeline.runner.home import PASSING, LakeHome
from simulator.cli.lakes import suggestion
from simulator.cli.locking import is_locked, lock_file
from simulator.doctor.finding import Finding, Patient, Severity
from simulator.engine.polars_engine import SCRATCH

# What a run uses on its way, and removes.
_PASSING = (SCRATCH, *PASSING)


def marker(patient: Patient) -> Iterator[Finding]:
    """The lake says what it is, in a format that this software knows."""
    home = LakeHome(patient.root)
    try:
        if not home.check():
            yield _marker("The file is missing that says what this folder is.")
    except LakehouseError as error:
        yield _marker(error.what, error.hint)


def _marker(what: str, mend: str = "Restore the file from a copy of the lake.") -> Finding:
    return Finding(Severity.BROKEN, "marker", "lakehouse.json", what, mend)


def unfinished(patient: Patient) -> Iterator[Finding]:
    """No run has stopped half-way."""
    home = LakeHome(patient.root)
    if is_locked(patient.root):
        what = "A run is going on: what is found may be of its midst."
        yield _unfinished(lock_file(patient.root).name, what, "Look again when it has ended.")
        return
    again = f"The next run undoes it: {suggestion('simulate --landing DIR --lake', patient.root)}"
    try:
        intent = home.interrupted()
    except LakehouseError as error:
        yield Finding(Severity.BROKEN, "unfinished", "_run.json", error.what, error.hint)
        return
    if intent is not None:
        which = f"Run {intent.batch_id}" if intent.batch_id else "A run without files"
        what = (
            f"{which} has stopped half-way, so that tables do not fit together; no row is checked."
        )
        yield _unfinished("_run.json", what, again)
    try:
        if home.kept_state() is not None and intent is None:
            what = "A run that is done step by step has not come to its last step."
            yield _unfinished("_state.json", what, "Do its last step, or begin another run.")
    except ValueError:
        what = "What a run knew between two steps cannot be read."
        yield _unfinished("_state.json", what, again)


def _unfinished(where: str, what: str, mend: str) -> Finding:
    return Finding(Severity.WARNING, "unfinished", where, what, mend)


def leftovers(patient: Patient) -> Iterator[Finding]:
    """Nothing is left of runs that have ended."""
    for path in stale(patient.root):
        what = "This was left by a run that was killed, and takes space."
        mend = suggestion("doctor --mend --lake", patient.root)
        yield Finding(Severity.ADVICE, "leftovers", path.name, what, f"Remove it: {mend}")


def stale(root: Path) -> list[Path]:
    """Return what dead runs have left and nobody needs any more; nothing while a run goes on."""
    if is_locked(root) or (root / "_run.json").exists():
        return []
    found = [root / name for name in (*_PASSING, lock_file(root).name)]
    return [path for path in found if path.exists()]


def complete(patient: Patient) -> Iterator[Finding]:
    """Every table of the contracts is there."""
    there = {table.path for table in patient.present}
    for table in TABLES:
        if table.path not in there:
            if table.layer in {"gold", "interim"}:
                mend = suggestion("simulate --rebuild --landing DIR --lake", patient.root)
                mend = f"Compute it anew: {mend}"
            else:
                mend = "Restore its folder from a copy of the lake; a run makes a new one, empty."
            what = "The table is missing, or its log is."
            yield Finding(Severity.BROKEN, "complete", table.path, what, mend)
