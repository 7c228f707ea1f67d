"""The one error that the generator raises for a user to read."""

from __future__ import annotations


class GenerateError(Exception):
    """The shop cannot be generated as asked; the message says what to change.

    Args:
        what: The setting or the file at fault, with what is wrong about it.
        expected: What would have been right, if that can be said.
        got: The value that was given, if there was one.
    """

    def __init__(self, what: str, *, expected: str = "", got: object = None) -> None:
        message = what
        if expected:
            message += f": expected {expected}"
        if got is not None:
            message += f", got {got!r}"
        super().__init__(message)
