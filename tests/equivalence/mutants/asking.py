"""Asking tests: they run in this process, where one Spark session serves for all mutants."""

import io
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass

import pytest

from tests.equivalence.mutants.planting import ROOT, Mutant, StaleMutantError, planted

CAUGHT = "caught"
MISSED = "missed"
BROKEN = "broken"

# Code that raises these does not do the wrong thing, it does nothing: no test was needed to see it.
# What the machine or an earlier mutant leaves behind makes for the others.
_NO_SLIPS = (AttributeError, ImportError, NameError, OSError, SyntaxError, TypeError, Warning)
_LETTERS_SHOWN = 100
_LINES_SHOWN = 60


@dataclass(frozen=True)
class Answer:
    """What the tests said.

    Attributes:
        verdict: `CAUGHT` when one of them failed, `MISSED` when all passed, `BROKEN` when they
            could not be asked or the error was no slip.
        by: The test that failed.
        why: What it failed of, in short.
        passed: How many passed.
        seconds: Time that it took.
        output: The end of what pytest printed.
    """

    verdict: str
    by: str
    why: str
    passed: int
    seconds: float
    output: str


class _Watch:
    """The plugin of pytest that remembers which test failed, and of what."""

    def __init__(self) -> None:
        self.failed = ""
        self.why = ""
        self.is_slip = True
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that passed."""
        self.passed += report.when == "call" and report.passed

    def pytest_exception_interact(
        self,
        node: pytest.Item | pytest.Collector,
        call: "pytest.CallInfo[object]",
        report: pytest.TestReport | pytest.CollectReport,
    ) -> None:
        """Remember the first failure; only in a test's own body it tells of a slip."""
        if not self.failed and call.excinfo is not None:
            self.failed = node.name
            raised = call.excinfo.value
            self.why = call.excinfo.exconly(tryshort=True).partition("\n")[0][:_LETTERS_SHOWN]
            self.is_slip = report.when == "call" and not isinstance(raised, _NO_SLIPS)


def start_spark(scratch: str) -> None:
    """Start the session that the tests will find; its files outlive theirs.

    Args:
        scratch: A folder for its files.
    """
    from pipeline.errors import LakehouseError
    from pipeline.spark.session import SMALL, laptop_session

    folder = tempfile.mkdtemp(prefix="spark-", dir=scratch)
    with suppress(LakehouseError):  # The tests tell it.
        laptop_session({**SMALL, "spark.local.dir": folder})


def ask(tests: Sequence[str], mutant: Mutant | None) -> Answer:
    """Plant an error, or none, and run tests until one fails.

    Args:
        tests: Paths of tests below the folder `tests`.
        mutant: The error.
    """
    began = time.monotonic()
    watch, said = _Watch(), io.StringIO()
    words = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:xdist"]
    words += [str(ROOT / "tests" / test) for test in tests]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="lakehouse-mutant-") as scratch,
            planted(mutant),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            code = pytest.main([f"--basetemp={scratch}/tests", *words], [watch])
    except StaleMutantError as error:
        return Answer(BROKEN, "", "", 0, time.monotonic() - began, str(error))
    if code == pytest.ExitCode.OK:
        verdict = MISSED
    elif code == pytest.ExitCode.TESTS_FAILED and watch.is_slip:
        verdict = CAUGHT
    else:
        verdict = BROKEN
    output = "\n".join(said.getvalue().splitlines()[-_LINES_SHOWN:])
    seconds = time.monotonic() - began
    return Answer(verdict, watch.failed, watch.why, watch.passed, seconds, output)
