"""How a command ends, whatever happens in it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from pipeline.errors import CallError, EngineError, LakeError
from simulator.cli.guard import guarded
from simulator.generate import GenerateError


class PanicException(BaseException):
    """What a library in Rust raises: no `Exception`."""


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CallError("No such folder x.", "Make it."), 2, "No such folder x. Make it."),
        (GenerateError("days", expected="1", got=0), 2, "days: expected 1, got 0"),
        (LakeError("The lake is newer."), 1, "The lake is newer."),
        (EngineError("Two\nlines."), 1, "Two\\nlines."),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x cannot be read or written: Perm"),
        (KeyError("oops"), 1, "Unexpected KeyError: 'oops'. This is a defect; run again with"),
        (PanicException("called unwrap"), 1, "Unexpected PanicException: called unwrap. This is a"),
    ],
)
def test_errors_become_one_sentence(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lakehouse: {said}")
    assert len(err.splitlines()) == 1


def test_traceback_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_TRACEBACK", "1")
    assert guarded(raising(KeyError("oops"))) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_win_over_what_libraries_make_of_them(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def swallowing() -> None:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), number)

    def converting() -> None:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            raise RuntimeError from None

    assert guarded(swallowing) == guarded(converting) == code
    assert capsys.readouterr().err == "lakehouse: Interrupted.\n" * 2


def test_codes_of_commands_are_kept() -> None:
    assert guarded(lambda: None) == 0
    assert guarded(lambda: 2) == 2
    assert guarded(raising(SystemExit(3))) == 3
