"""What a user sees when a command does not come to its end: one sentence and an exit code."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import typer

from pipeline.errors import CallError, LakehouseError
from simulator.cli.text import did_you_mean, shown
from simulator.generate.errors import GenerateError

DONE = 0
FAILED = 1
WRONG_CALL = 2
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
PIPE_CLOSED = 128 + signal.SIGPIPE

_TRACEBACK = "LAKEHOUSE_TRACEBACK"


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command to its end or to one clear sentence on standard error.

    Args:
        command: What to run; it may return an exit code.

    Returns:
        The exit code: 0 done, 1 failed, 2 the call was wrong, 128 + n ended by signal n.
    """
    interrupts, code = _Interrupts(), DONE
    try:
        code = command() or DONE
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED
    except BaseException as error:  # noqa: BLE001 - this is where every error ends
        _flush()
        if not interrupts.code or isinstance(error, LakehouseError):
            code = _told(error)
            return interrupts.code or code
    if interrupts.code:
        # Whatever a library has made of it, a failure of its own or nothing at all.
        _complain("Interrupted.")
    return interrupts.code or code


class _Interrupts:
    """Remembers that the user or the system asked to stop, whatever libraries make of it."""

    def __init__(self) -> None:
        self.code = 0
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG002
        self.code = 128 + number
        # The run undoes itself on its way up, as it does for any other failure.
        raise KeyboardInterrupt


def _told(error: BaseException) -> int:
    """Say what went wrong and return the exit code for it."""
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    match error:
        case CallError() | GenerateError():
            code, text = WRONG_CALL, str(error)
        case LakehouseError():
            code, text = FAILED, str(error)
        case typer.TyperException():
            code, text = WRONG_CALL, _usage(error)
        case OSError():
            place = error.filename or "The output"
            code, text = FAILED, f"{place} cannot be read or written: {error.strerror or error}."
            text += " Look at the space of the disk and the rights of this user."
        case SystemExit():
            return error.code if isinstance(error.code, int) else FAILED
        case _:
            return _unexpected(error)
    _complain(text)
    return code


def _usage(error: typer.TyperException) -> str:
    """Return what is wrong with the words of the call, and where to read about them."""
    text = " ".join(error.format_message().split()).rstrip(".").replace("?.", "?")
    text = text.replace("Value error, ", "")  # A library's word that tells users nothing.
    context = getattr(error, "ctx", None)
    if hasattr(error, "possibilities") and context is not None:
        wrong = str(getattr(error, "option_name", ""))
        known = [name for param in context.command.get_params(context) for name in param.opts]
        text = f"There is no option {wrong}.{did_you_mean(wrong, known)}".rstrip(".")
    where = context.command_path if context is not None else "lakehouse"
    return f"{text}{'' if text.endswith('?') else '.'} See: {where} --help"


def _unexpected(error: BaseException) -> int:
    said = " ".join(str(error).split())[:300]
    _complain(
        f"Unexpected {type(error).__name__}{': ' + said if said else ''}. This is a defect; "
        f"run again with {_TRACEBACK}=1 to see where."
    )
    return FAILED


def _complain(text: str) -> None:
    """Write one sentence to standard error, with its sender in red on a terminal."""
    stream = sys.stderr
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colour = stream.isatty() and not plain
    sender = "\x1b[1;31mlakehouse:\x1b[0m" if colour else "lakehouse:"
    stream.write(f"{sender} {shown(text)}\n")


def _flush() -> None:
    """Hand out what was printed before the error; where that fails, it is the error told."""
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()


def _forget_output() -> None:
    """Let Python flush at its end without a second complaint about the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
