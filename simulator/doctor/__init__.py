"""Is a lake healthy? Checks as data, each with what it finds and how to mend it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pipeline.errors import LakehouseError
from simulator.doctor import roots, rows, tables
from simulator.doctor.finding import Check, Finding, Patient, Severity

CHECKS: tuple[Check, ...] = (
    Check("marker", "The lake says what it is, in a format that is known.", roots.marker),
    Check("unfinished", "No run has stopped half-way.", roots.unfinished),
    Check("leftovers", "Nothing is left of runs that have ended.", roots.leftovers),
    Check("complete", "Every table of the contracts is there.", roots.complete),
    Check("logs", "Every table's log can be read.", tables.logs),
    Check("protocol", "Every engine can read and write every table.", tables.protocol),
    Check("schema", "Columns, types and partitions are the contract's.", tables.schema),
    Check("files", "Every file that a table consists of is there, undamaged.", tables.files),
    Check("orphans", "Every file belongs to a version of its table.", tables.orphans),
    Check("order", "Logs have checkpoints, files a good size.", tables.order),
    Check("ledger", "Bronze has the rows of every accepted file.", rows.ledger, of_rows=True),
    Check("keys", "Silver has one row per key.", rows.keys, of_rows=True),
    Check("balance", "No row is lost or doubled.", rows.balance, of_rows=True),
    Check("statuses", "Quarantined rows are in a state that exists.", rows.statuses, of_rows=True),
    Check("gold", "Gold has a row for everything that silver has.", rows.gold, of_rows=True),
)

_SEVEREST_FIRST = list(Severity)


def examine(
    root: Path, now: datetime, *, begins: Callable[[Check], None] = lambda _: None
) -> list[Finding]:
    """Look at everything, and return what is not as it should be, the worst first.

    Args:
        root: Folder of the lake.
        now: The time of the examination.
        begins: Is told of each check before its turn.
    """
    patient = Patient(root, now)
    findings: list[Finding] = []
    try:
        for check in CHECKS:
            if check.of_rows and any(found.check == "unfinished" for found in findings):
                continue
            begins(check)
            findings += _looked(check, patient)
    finally:
        patient.engine.close()
    return sorted(findings, key=lambda found: _SEVEREST_FIRST.index(found.severity))


def _looked(check: Check, patient: Patient) -> list[Finding]:
    """Return what a check finds; one that cannot be done is a finding, too."""
    found: list[Finding] = []
    try:
        found.extend(check.look(patient))
    except LakehouseError as error:
        what = f"This could not be looked at: {error.what}"
        found.append(Finding(Severity.BROKEN, check.name, ".", what, error.hint))
    return found


__all__ = ["CHECKS", "Check", "Finding", "Severity", "examine"]
