"""What the equivalence tests compared: counted by each test, told when all have run.

The counts travel as properties of a test's report, which pytest-xdist brings home from its
processes. So the figures are the same for one process and for several.
"""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pipeline.spark.releases import GLUE_6_0, release_of

PLUGIN = "equivalence-recording"
FOLDER = "tests/equivalence/"
PACKAGES = {
    "Spark": "pyspark",
    "Delta Lake": "delta-spark",
    "Polars": "polars",
    "delta-rs": "deltalake",
    "Narwhals": "narwhals",
}
COLUMNS = f"{'cases':>10} {'rows':>11} {'seconds':>8} {'divergences':>11}"


@dataclass
class Tally:
    """What the running test has compared so far."""

    cases: int = 0
    rows: int = 0

    def compared(self, *, cases: int, rows: int) -> None:
        """Count one comparison of what both engines answered.

        Args:
            cases: Inputs in it, each of which could have shown a divergence.
            rows: Rows of the answer, counted on one engine.
        """
        self.cases += cases
        self.rows += rows


@dataclass
class Property:
    """What one test function showed, over all its parameters.

    Attributes:
        module: Name of the file it stands in, without its ending.
        name: Name of the function.
        cases: Inputs compared.
        rows: Rows compared.
        seconds: Time that its tests took, one after the other.
        divergences: How many of its tests failed.
    """

    module: str
    name: str
    cases: int = 0
    rows: int = 0
    seconds: float = 0.0
    divergences: int = 0

    def line(self, width: int) -> str:
        """Return its line of the report, with so much room for the name."""
        return f"{words(self.name):<{width}} {figures(self)}"


@dataclass(frozen=True)
class Conditions:
    """What a run depended on.

    Attributes:
        glue: Version of Glue whose Spark this is.
        profile: Profile of Hypothesis.
        seed: What the random examples started from; None when they are the same every time.
        versions: Versions by name of the software.
    """

    glue: str
    profile: str
    seed: str | None
    versions: dict[str, str]

    def again(self, name: str) -> str:
        """Return the command that runs a test once more, on the same examples."""
        command = ["./lakehouse", "equivalence"]
        if self.glue != GLUE_6_0.glue:
            command += ["--glue", self.glue]
        if self.profile != "default":
            command += ["--profile", self.profile, *(["--seed", self.seed] if self.seed else [])]
        return shlex.join([*command, "-k", name])


def conditions(config: pytest.Config) -> Conditions:
    """Find out what this run depends on."""
    versions = {"Python": platform.python_version(), "Java": java_version()}
    versions |= {name: version(package) for name, package in PACKAGES.items()}
    release = release_of(versions["Spark"])
    return Conditions(
        glue=release.glue if release else "none",
        profile=os.environ.get("LAKEHOUSE_PROFILE") or "default",
        seed=config.getoption("hypothesis_seed"),
        versions=versions,
    )


def java_version() -> str:
    """Return the version of the Java that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java") or "java"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "([^"]+)"', said)
    return found[1] if found else "unknown"


def words(name: str) -> str:
    """Return the name of a test as a sentence."""
    return name.removeprefix("test_").replace("_", " ")


def figures(found: Property) -> str:
    """Return the figures of a line of the report, under `COLUMNS`."""
    return (
        f"{found.cases:>10,} {found.rows:>11,} {found.seconds:>8.1f} {found.divergences or '-':>11}"
    )


class Recorder:
    """The plugin of pytest that gathers the counts and tells them."""

    def __init__(self, config: pytest.Config) -> None:
        self.tally = Tally()
        self._config = config
        self._began = time.monotonic()
        self._found: dict[str, Property] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Attach to the report of a test what it compared."""
        self.tally.cases = self.tally.rows = 0
        try:
            return (yield)
        finally:
            counts = {"cases": self.tally.cases, "rows": self.tally.rows}
            item.user_properties += counts.items() if any(counts.values()) else ()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what the reports of a test tell; each of its phases has one."""
        if FOLDER not in report.nodeid:
            return
        test = report.nodeid.partition("[")[0]
        path, _, name = test.partition("::")
        found = self._found.setdefault(test, Property(Path(path).stem, name))
        found.seconds += report.duration
        if report.when == "call":
            counts: dict[str, Any] = dict(report.user_properties)
            found.cases += counts.get("cases", 0)
            found.rows += counts.get("rows", 0)
            found.divergences += report.failed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was compared; a run that compared nothing has nothing to tell."""
        found = [one for one in self._found.values() if one.cases or one.divergences]
        if not found:
            return
        found.sort(key=lambda one: (one.module, one.name))
        under = conditions(self._config)
        seconds = time.monotonic() - self._began
        terminalreporter.section("equivalence")
        for line in report(found, under, seconds):
            terminalreporter.write_line(line)
        path = self._config.getoption("equivalence_json")
        if path:
            document = asdict(under) | {"seconds": seconds, "properties": list(map(asdict, found))}
            Path(path).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def report(found: Sequence[Property], under: Conditions, seconds: float) -> list[str]:
    """Return the lines of the report.

    Args:
        found: Properties, those of one module side by side.
        under: What the run depended on.
        seconds: Time that the whole run took; with several processes less than its tests'.
    """
    width = max(len(words(one.name)) for one in found)
    lines = []
    module = ""
    for one in found:
        if one.module != module:
            module = one.module
            lines += ["", f"{module:<{width}} {COLUMNS}"]
        lines.append(one.line(width))
    cases = sum(one.cases for one in found)
    rows = sum(one.rows for one in found)
    divergences = sum(one.divergences for one in found)
    rate = 60 * cases / seconds
    versions = ", ".join(f"{name} {number}" for name, number in under.versions.items())
    lines += [
        "",
        f"{len(found)} properties, {cases:,} cases, {rows:,} rows: {divergences} divergences",
        f"{seconds:.0f} seconds, {rate:,.0f} cases a minute",
        f"Glue {under.glue}, profile {under.profile}: {versions}",
        *(f"again: {under.again(one.name)}" for one in found if one.divergences),
    ]
    return lines
