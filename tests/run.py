"""Every check and test of the project, stage by stage.

    ./lakehouse test                     all stages, in order
    ./lakehouse test unit e2e            these stages
    ./lakehouse test unit -- -k money    everything after `--` goes to pytest
    ./lakehouse test -x                  stop at the first stage that fails
    ./lakehouse test --no-spark          leave out what needs Java
    ./lakehouse test --glue 5.1          the equivalence stage on the Spark of Glue 5.1
    ./lakehouse equivalence              that stage alone; see its --help
    ./lakehouse lint                     the checks that take seconds: lint and walls
    ./lakehouse format                   tidy the code
    ./lakehouse docs                     write the generated parts of the documents; see its --help

The last line of the output is always `N passed, N failed, N skipped`. A check that is not pytest
counts as one test. A pytest run that breaks down, or ends badly without a failed test, counts as
one failed test.
"""

import argparse
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from requirements import lock

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("LAKEHOUSE_CACHE") or ROOT / ".lakehouse" / "cache")
CODE = ("pipeline", "simulator", "infra", "benchmarks", "tests", "requirements", "docs")

GLUE = ("6.0", "5.1")  # The wrapper chooses the environment that has the Spark of this version.
PROFILES = ("default", "nightly")  # See tests/conftest.py.
NO_TESTS = 5  # pytest's exit code when it collected nothing


@dataclass(frozen=True)
class Tally:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Add up two tallies."""
        return Tally(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self) -> str:
        """Return the line that closes the output."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Options:
    """What the command line asks of the stages."""

    pytest: tuple[str, ...] = ()
    stop_early: bool = False
    spark: bool = True


def say(text: str = "") -> None:
    """Print a line now, so that it stands before what the next tool prints."""
    print(text, flush=True)


def python(*words: str) -> int:
    """Run this environment's Python in the checkout and return its exit code."""
    return subprocess.run([sys.executable, "-P", *words], cwd=ROOT, check=False).returncode


def run(module: str, *words: str) -> int:
    """Run a tool of this environment in the checkout and return its exit code."""
    return python("-m", module, *words)


def present(names: Sequence[str]) -> list[str]:
    """Return those of these folders that hold Python files."""
    return [name for name in names if next((ROOT / name).rglob("*.py"), None)]


def engine_remark() -> str:
    """Return what has to be said at the end when Pulumi's engine is missing."""
    if shutil.which("pulumi"):
        return ""
    return (
        "There is no pulumi command on PATH, so its engine has not deployed the program: the tests "
        "in tests/infra/engine were skipped."
    )


def verdict(*, good: bool) -> Tally:
    """Return the tally of a check that is not pytest."""
    return Tally(passed=1) if good else Tally(failed=1)


def lint(_: Options) -> Tally:
    """Check style, layout and that the locked requirements fit their declarations."""
    faults = lock.stale()
    for fault in faults:
        say(fault)
    cache = f"--cache-dir={CACHE / 'ruff'}"
    codes = [
        run("ruff", "check", "--output-format=concise", cache, "."),
        run("ruff", "format", cache, "--check", "."),
    ]
    return verdict(good=not faults and not any(codes))


def types(_: Options) -> Tally:
    """Check types."""
    return verdict(good=run("mypy", f"--cache-dir={CACHE / 'mypy'}", *present(CODE)) == 0)


def walls(_: Options) -> Tally:
    """Check which room imports which."""
    if not present(("pipeline",)):
        say("nothing here yet: passed over")
        return Tally()
    program = "from importlinter.cli import lint_imports_command as command; command()"
    cache = f"--cache-dir={CACHE / 'walls'}"
    return verdict(good=python("-c", program, "--no-logo", cache) == 0)


def count(report: Path) -> Tally:
    """Count the tests of a JUnit report, each once.

    The report's own totals count a test twice that fails and then fails to clean up.
    """
    worst: dict[tuple[str | None, str | None], Tally] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own pytest wrote it
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = Tally(failed=1)
        elif case.find("skipped") is not None:
            outcome = Tally(skipped=1)
        else:
            outcome = Tally(passed=1)
        test = (case.get("classname"), case.get("name"))
        worst[test] = max(worst.get(test, outcome), outcome, key=lambda tally: tally.failed)
    return sum(worst.values(), Tally())


def tests(folder: str, *words: str) -> Callable[[Options], Tally]:
    """Return the stage that runs the tests of one folder."""

    def stage(options: Options) -> Tally:
        here = ROOT / "tests" / folder
        if next(here.rglob("test_*.py"), None) is None:
            say(f"no tests in tests/{folder} yet: passed over")
            return Tally()
        with tempfile.TemporaryDirectory(prefix="lakehouse-tests-") as scratch:
            report = Path(scratch) / "report.xml"
            slowest = ("--durations=15", "--durations-min=5")
            told = (f"--junitxml={report}", *slowest)
            code = run("pytest", f"tests/{folder}", *told, *words, *options.pytest)
            try:
                total = count(report)
            except (OSError, ET.ParseError):
                say()
                say(f"pytest ended without a report, with exit code {code}")
                return Tally(failed=1)
        if code == NO_TESTS:
            say(f"no test of tests/{folder} was chosen")
        elif code and not total.failed:
            total += Tally(failed=1)
        return total

    return stage


# Two processes take one test after the other, in their order: long ones come first.
IN_TURN = ("-n", "2", "--dist", "load", "--maxschedchunk", "1")


def equivalence(options: Options) -> Tally:
    """Prove that both engines give the same answer."""
    if not options.spark:
        say("left out because of --no-spark; with Java 17 it runs")
        return Tally(skipped=1)
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        say(
            "Java 17 is needed for the equivalence tests: install it (on Debian and Ubuntu: "
            "apt-get install openjdk-17-jre-headless), or pass --no-spark to leave them out."
        )
        return Tally(failed=1)
    return tests("equivalence", *IN_TURN)(options)


STAGES: dict[str, Callable[[Options], Tally]] = {
    "lint": lint,
    "types": types,
    "walls": walls,
    "unit": tests("unit", "-n", "2"),
    "equivalence": equivalence,
    # Tests of what is deployed follow one another: a file stays in one process.
    "infra": tests("infra", "-n", "2", "--dist", "loadfile"),
    "e2e": tests("e2e", *IN_TURN),
}


def perform(names: Sequence[str], options: Options) -> int:
    """Run these stages, print the tally as the last line, and return the exit code."""
    total = Tally()
    lines = []
    for name in names:
        say(f"--- {name}")
        began = time.monotonic()
        found = STAGES[name](options)
        total += found
        lines.append(f"{name:<12} {time.monotonic() - began:6.1f} s   {found}")
        say(lines[-1])
        if found.failed and options.stop_early:
            break
    say("---")
    for line in lines:
        say(line)
    if "infra" in names and (remark := engine_remark()):
        say(remark)
    say(str(total))
    return 1 if total.failed else 0


def tidy() -> int:
    """Apply what ruff can mend by itself."""
    cache = f"--cache-dir={CACHE / 'ruff'}"
    codes = [
        run("ruff", "check", cache, "--fix-only", "--exit-zero", "."),
        run("ruff", "format", cache, "."),
    ]
    return 1 if any(codes) else 0


def stage(name: str) -> str:
    """Return the name of a stage; argparse tells when there is none of that name."""
    if name not in STAGES:
        msg = f"there is no stage {name!r}; the stages are {', '.join(STAGES)}"
        raise argparse.ArgumentTypeError(msg)
    return name


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands that the wrapper script passes on."""
    shared = argparse.ArgumentParser(add_help=False)
    # No abbreviations: the wrapper, which chooses the environment by --glue, knows none.
    shared.add_argument("--glue", choices=GLUE, default=GLUE[0], help="whose Spark (6.0)")
    shared.add_argument(
        "--profile",
        choices=PROFILES,
        default=PROFILES[0],
        help="the same examples every time, or many random ones",
    )
    shared.add_argument("--seed", type=int, help="what nightly's examples start from")

    whole = argparse.ArgumentParser(
        prog="./lakehouse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", required=True)
    stages = ", ".join(STAGES)
    test = commands.add_parser(
        "test", parents=[shared], allow_abbrev=False, help=f"run the stages: {stages}"
    )
    test.add_argument("stages", nargs="*", type=stage, metavar="stage", help=f"any of {stages}")
    test.add_argument("-x", action="store_true", help="stop at the first stage that fails")
    test.add_argument("--no-spark", action="store_true", help="leave out what needs Java")
    test.set_defaults(k=None)
    proof = commands.add_parser(
        "equivalence",
        parents=[shared],
        allow_abbrev=False,
        help="the proof that Spark and Polars agree, with figures",
    )
    proof.add_argument("-k", metavar="WORD", help="only the tests with this in their name")
    proof.add_argument(
        "--mutants",
        action="store_true",
        help="see that errors put into the code on purpose are found; other words go there",
    )
    proof.set_defaults(stages=["equivalence"], x=False, no_spark=False)
    commands.add_parser("lint", help="run the stages lint and walls")
    commands.add_parser("format", help="tidy the code")
    commands.add_parser("docs", add_help=False, help="write the generated parts of the documents")
    return whole


def examples(chosen: argparse.Namespace, words: Sequence[str]) -> list[str]:
    """Set which examples the tests try, tell how to get them again, return words for pytest."""
    os.environ["LAKEHOUSE_PROFILE"] = chosen.profile
    if chosen.profile == "default":
        return []
    seed = random.SystemRandom().getrandbits(32) if chosen.seed is None else chosen.seed
    again = words if chosen.seed is not None else [words[0], f"--seed={seed}", *words[1:]]
    say(f"the same examples again: ./lakehouse {shlex.join(again)}")
    return [f"--hypothesis-seed={seed}"]


def main() -> int:
    """Run from the wrapper script, which passes all its words on."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    extra = words[at + 1 :]

    whole = parser()
    chosen, others = whole.parse_known_args(words[:at])
    if chosen.command == "equivalence" and chosen.mutants:
        os.environ["LAKEHOUSE_PROFILE"] = chosen.profile
        some = ["-k", chosen.k] if chosen.k else []
        return run("tests.equivalence.mutants", *some, *others, *extra)
    if chosen.command == "docs":
        return run("docs.generate", *others, *extra)
    if others:
        whole.error(f"unrecognized arguments: {' '.join(others)}")
    if chosen.command == "format":
        return tidy()
    if chosen.command == "lint":
        return perform(("lint", "walls"), Options())

    names = chosen.stages
    if chosen.glue != GLUE[0]:
        names = names or ["equivalence"]
        if names != ["equivalence"]:
            whole.error("--glue is for the stage equivalence; the others do not depend on it")
    some = ["-k", chosen.k] if chosen.k else []
    options = Options(
        pytest=(*examples(chosen, words), *some, *extra),
        stop_early=chosen.x,
        spark=not chosen.no_spark,
    )
    return perform([name for name in STAGES if not names or name in names], options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
