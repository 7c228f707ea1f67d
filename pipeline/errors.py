"""The errors a user may meet, each one sentence of what happened and one of what to do."""


class LakehouseError(Exception):
    """Something the user can act on.

    Args:
        what: What is wrong, where, and what was found instead of what was expected.
        hint: What to do about it; empty when `what` already says so.
    """

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


class BalanceError(LakehouseError):
    """Rows were lost or doubled: the rows read are not the rows accounted for."""


class AmountOverflowError(LakehouseError):
    """An amount does not fit the decimal type that its contract gives it."""
