"""The quality gates as tables, from their declaration."""

from collections.abc import Callable
from fractions import Fraction

from docs.generate.markdown import NOTHING, table
from pipeline.contracts.checks import CHECKS, FILE_CHECKS, Check, Layer
from pipeline.quality.thresholds import share_text


def files() -> str:
    """Return the file-level checks: the word that a refusal carries, and what it means."""
    return table(
        ("check", "files are refused because"),
        [
            (f"`{name}`", check.counts.removeprefix("refused because "))
            for name, check in FILE_CHECKS.items()
        ],
    )


def gates(layer: Layer) -> Callable[[], str]:
    """Return what writes the checks of one layer, with those thresholds that the contract gives."""
    names = {check.name for check in FILE_CHECKS.values()}
    found = [check for check in CHECKS if check.layer is layer and check.name not in names]
    return lambda: table(
        ("check", "severity", "share", "alert above", "block above", "weight", "what to do"),
        [_row(check) for check in found],
    )


def _row(check: Check) -> tuple[str, ...]:
    return (
        f"`{check.name}`",
        check.severity.value,
        f"{check.counts}, of {check.of}",
        _limit(check.alert),
        _limit(check.block),
        str(check.weight),
        check.hint,
    )


def _limit(share: Fraction | None) -> str:
    if share is None:
        return NOTHING
    return "any" if share == 0 else share_text(share)
