"""Thresholds of an environment: those of the contract, and what it says otherwise."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.contracts.checks import CHECK_BY_NAME, Check
from pipeline.errors import CallError

NONE = "none"
_FORM = 'Write a share such as "0.5 %" or "1/200", a whole number, or "none" for never.'
_KINDS = ("alert", "block")


@dataclass(frozen=True)
class Limits:
    """Shares above which a check alerts and blocks; None for never."""

    alert: Fraction | None
    block: Fraction | None


@dataclass(frozen=True)
class Thresholds:
    """The limits of every check.

    Attributes:
        overrides: Limits by check name, where they are not the contract's.
    """

    overrides: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, check: Check) -> Limits:
        """Return the limits of a check."""
        return self.overrides.get(check.name) or Limits(check.alert, check.block)

    def document(self) -> dict[str, dict[str, str]]:
        """Return the overrides as values that JSON knows; `thresholds_of` reads them."""
        return {
            name: {"alert": _exact(limits.alert), "block": _exact(limits.block)}
            for name, limits in self.overrides.items()
        }


def thresholds_of(settings: Mapping[str, Any], source: str = "the thresholds") -> Thresholds:
    """Return the thresholds that a mapping asks for.

    Args:
        settings: By check name, a mapping with `alert`, `block` or both: a text such as `0.5 %`,
            `1/200` or `0.005`, a whole number or an exact decimal, or `none` for never. What is
            not given stays as the contract has it.
        source: Where the settings come from, for messages.

    Raises:
        CallError: An unknown check, a threshold that is no share of at least 0, or an alert above
            its block.
    """
    overrides = {str(name): _limits(str(name), wanted, source) for name, wanted in settings.items()}
    return Thresholds(overrides)


def read_thresholds(path: Path) -> Thresholds:
    """Read thresholds from a TOML file: one section per check, with `alert` and `block`.

    Raises:
        CallError: The file cannot be read, is no TOML, or asks for what `thresholds_of` refuses.
    """
    try:
        with path.open("rb") as file:
            # Decimal keeps 0.005 what it says, a float would not.
            settings = tomllib.load(file, parse_float=Decimal)
    except OSError as error:
        msg = f"The thresholds in {path} cannot be read: {error.strerror or error}."
        raise CallError(msg, "Give a TOML file with one section per check.") from error
    except ValueError as error:  # Not TOML, or not UTF-8.
        msg = f"The thresholds in {path} are no TOML: {error}."
        raise CallError(msg, "Give a TOML file with one section per check.") from error
    return thresholds_of(settings, str(path))


def share_text(share: Fraction | None) -> str:
    """Return a share for people: `0.5 %`, or `1/3` where per cent would not be exact."""
    if share is None:
        return NONE
    percent = share * 100
    scaled = percent * 10**6
    if scaled.denominator != 1:
        return _exact(share)
    text = f"{Decimal(scaled.numerator).scaleb(-6):f}"
    return f"{text.rstrip('0').rstrip('.')} %"


def _exact(share: Fraction | None) -> str:
    return NONE if share is None else str(share)


def _limits(name: str, wanted: Any, source: str) -> Limits:
    check = CHECK_BY_NAME.get(name)
    if check is None:
        msg = f"There is no check {name!r}, which {source} sets."
        raise CallError(msg, f"The checks are {', '.join(CHECK_BY_NAME)}.")
    if not isinstance(wanted, Mapping) or not wanted or set(wanted) - set(_KINDS):
        msg = f"{name} in {source} needs `alert`, `block` or both, and nothing else; got {wanted}."
        raise CallError(msg, _FORM)
    given = {kind: _share(value, f"{name}.{kind}", source) for kind, value in wanted.items()}
    limits = Limits(given.get("alert", check.alert), given.get("block", check.block))
    as_declared = limits == Limits(check.alert, check.block)
    if not as_declared and _is_above(limits.alert, limits.block):
        msg = (
            f"{name} in {source} would alert above {share_text(limits.alert)}, but block above "
            f"{share_text(limits.block)} already."
        )
        raise CallError(msg, "Set alert to at most block.")
    return limits


def _is_above(alert: Fraction | None, block: Fraction | None) -> bool:
    """Return whether a run would be undone before anybody was told; `none` never tells."""
    return alert is not None and block is not None and alert > block


def _share(value: Any, place: str, source: str) -> Fraction | None:
    share = _parsed(value)
    if share is None and value != NONE:
        msg = f"{place} in {source} is {value!r}, which is no share that is known exactly."
        raise CallError(msg, _FORM)
    if share is not None and share < 0:
        raise CallError(f"{place} in {source} is {value!r}, which is below 0.", _FORM)
    return share


def _parsed(value: Any) -> Fraction | None:
    """Return an exact share; None for what is none, floats and truth values among them."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction | str):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    text, percent = value, 1
    if isinstance(text, str) and text.rstrip().endswith("%"):
        text, percent = text.rstrip().removesuffix("%"), 100
    try:
        return Fraction(text) / percent
    except (ValueError, ZeroDivisionError):
        return None
