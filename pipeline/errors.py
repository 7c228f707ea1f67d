"""The errors a user may meet, each one sentence of what happened and one of what to do."""

import errno

_FULL = ("No space left on device", "Disk quota exceeded", "os error 28")
_FORBIDDEN = (
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "Access Denied",
    "AccessDenied",
)


class LakehouseError(Exception):
    """Something the user can act on.

    Args:
        what: What is wrong, where, and what was found instead of what was expected.
        hint: What to do about it; empty when `what` already says so.

    Attributes:
        passing: Whether the same may go well when it is tried again.
    """

    passing = False

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(f"{what} {hint}".rstrip())
        self.what = what
        self.hint = hint


class CallError(LakehouseError):
    """The call itself was wrong: a missing folder, an unknown table, a date that is none."""


class FileRefusedError(LakehouseError):
    """One delivered file cannot be taken in; the other files go on.

    Args:
        check: Name of the file-level check that failed, for instance `header`.
        what: What is wrong with the file.
        hint: What to do about it.
    """

    def __init__(self, check: str, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.check = check


class LakeError(LakehouseError):
    """The lake cannot be read or written: damaged, newer than this software, locked, disk full."""


class EngineError(LakehouseError):
    """The engine failed on a table; the run ends as failed and the lake is put back."""


class PassingError(EngineError):
    """The engine failed on a table for a reason that nobody has to mend first."""

    passing = True


class RejectedError(LakehouseError):
    """Not one file of the landing zone could be taken in."""


class BalanceError(LakehouseError):
    """Rows were lost or doubled: the rows read are not the rows accounted for."""


class BlockedError(LakehouseError):
    """A quality gate found the run's data unfit; the run was undone."""


class AmountOverflowError(LakehouseError):
    """An amount does not fit the decimal type that its contract gives it."""


def engine_error(doing: str, place: str, text: str, number: int | None = None) -> EngineError:
    """Return the error for a failure of a library or of what it stands on.

    Args:
        doing: What was tried, e.g. `writing silver/orders`.
        place: The lake.
        text: What the library said.
        number: The system's error number, where it gave one.
    """
    said = " ".join(text.split())
    if number in {errno.ENOSPC, errno.EDQUOT} or any(sign in said for sign in _FULL):
        return EngineError(
            f"The disk was full while {doing} in {place}.", "Free some space, then run again."
        )
    if number in {errno.EACCES, errno.EPERM, errno.EROFS} or any(s in said for s in _FORBIDDEN):
        return EngineError(
            f"There is no permission for {doing} in {place}.",
            "Allow this user to read and write the lake, then run again.",
        )
    return PassingError(
        f"{doing.capitalize()} in {place} failed: {said[:500]}.",
        "Run again; if it fails again, look at the table named above.",
    )
