"""Every command of the documents is run as a reader would, and prints what the page says.

Each page has a scratch folder of its own, in which its blocks are run in their order. In a block
that shows output, `...` stands for what was left out: alone for lines, else within its line. Times
and durations may differ. A query is asked of `lake`, which the page has made before it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from tests.documents import ROOT, Command, Fence, commands, fences, name_of, pages

# Said in the block itself, where readers see it, or plain from the programs that it calls.
NEEDS_AWS = "# needs AWS"
TALKS_TO_AWS = re.compile(r"(?:^|[(|;&]) *(?:aws|pulumi) ")
# Commands that the documents name and that are not run here, each with the reason.
NOT_RUN = {
    "./lakehouse bench": "generates a million orders",
    "./lakehouse docs": "writes into the checkout",
    "./lakehouse equivalence": "is a stage of the tests itself",
    "./lakehouse format": "writes into the checkout",
    "./lakehouse lint": "is a stage of the tests itself",
    "./lakehouse lock": "writes into the checkout",
    "./lakehouse rehearse": "is played by tests/infra/engine",
    "./lakehouse test": "runs this test",
}

# Or every start would compile the sources again.
BYTECODE = {
    "PYTHONPYCACHEPREFIX": sys.pycache_prefix
    or str(Path(tempfile.gettempdir()) / f"lakehouse-bytecode-{os.getuid()}")
}

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?")
_DURATION = re.compile(r"\b\d+(\.\d+)? (s|ms|min)\b( \d+ s\b)?")


def is_run(command: Command) -> bool:
    words = shlex.split(command.words, comments=True)
    return " ".join(words[:2]) not in NOT_RUN and words != ["./lakehouse", "demo"]


def is_session(fence: Fence) -> bool:
    """Return whether a reader would type what is in the block."""
    first = next((line for line in fence.content.splitlines() if line.strip()), "")
    return fence.language in {"sh", "sql"} or (fence.language == "text" and first.startswith("$ "))


def needs_aws(fence: Fence) -> bool:
    lines = [command.words for command in commands(fence)]
    says_so = NEEDS_AWS in fence.content.splitlines()
    return is_session(fence) and (says_so or any(TALKS_TO_AWS.search(line) for line in lines))


def is_run_here(fence: Fence) -> bool:
    return is_session(fence) and not needs_aws(fence)


def has_something_to_run(fence: Fence) -> bool:
    """Return whether anything of the block is run here."""
    return is_run_here(fence) and (fence.language == "sql" or any(map(is_run, commands(fence))))


PAGES = [page for page in pages() if any(map(has_something_to_run, fences(page)))]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return a folder in which `./lakehouse` is this checkout's, in this environment."""
    wrapper = tmp_path / "lakehouse"
    start = shlex.join([sys.executable, "-P", "-m", "simulator.cli.main"])
    wrapper.write_text(f'#!/bin/sh\nexec {start} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    return tmp_path


@pytest.mark.heavy
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_do_what_the_page_says(page: Path, scratch: Path) -> None:
    ran = 0
    for fence in filter(is_run_here, fences(page)):
        code = 0
        if fence.language == "sql":
            code, output = run("./lakehouse query --lake lake --format csv", scratch, fence.content)
            assert code == 0, f"{fence.place}: {output}"
            assert len(output.splitlines()) > 1, f"{fence.place}: the answer has no rows"
            ran += 1
            continue
        for command in commands(fence):
            place = f"{fence.page}:{command.line}"
            if command.words == "echo $?":
                assert command.expected == [str(code)], f"{place}: exit code is {code}"
                code = 0
                continue
            assert code == 0, f"{place}: the command before it ended with {code}, which is not said"
            if not is_run(command):
                continue
            if "--engine spark" in command.words and not has_java():
                pytest.skip(f"{place} needs Java 17; what follows on the page was not run")
            code, output = run(command.words, scratch)
            ran += 1
            if command.expected:
                hold(place, command.expected, output)
            else:
                assert code == 0, f"{place}: ended with {code}\n{output}"
        assert code == 0, f"{fence.place}: the last command ended with {code}, which is not said"
    assert ran, "the page has sessions, and none of them was run"


def has_java() -> bool:
    return bool(os.environ.get("JAVA_HOME") or shutil.which("java"))


def run(words: str, scratch: Path, given: str = "") -> tuple[int, str]:
    unset = {"COLUMNS", "LAKEHOUSE_TRACEBACK", "PYTHONDONTWRITEBYTECODE"}
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"PYTHONPATH": str(ROOT), "LAKEHOUSE_COMMAND": "./lakehouse", **BYTECODE}
    # What is said about a result comes after it, as on a terminal.
    env |= {"PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["sh", "-c", words],
        cwd=scratch,
        env=env,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


def hold(place: str, expected: list[str], output: str) -> None:
    """Hold what was printed against what the page shows."""
    shown = [alike(line) for line in trimmed(expected)]
    got = "".join(f"{alike(line)}\n" for line in trimmed(output.splitlines()))
    patterns = [as_pattern(line) for line in shown]
    if re.fullmatch("".join(patterns), got):
        return
    # The longest beginning of the page that was printed says where the two part.
    ways = ((n, re.match("".join(patterns[:n]), got)) for n in range(len(patterns), -1, -1))
    agreed, match = next((n, way) for n, way in ways if way)
    wanted = shown[agreed] if agreed < len(shown) else "nothing more"
    pytest.fail(
        f"{place}: after {agreed} lines the page says\n    {wanted}\n"
        f"and what is printed goes on with\n{textwrap.indent(got[match.end() :], '    ')}"
    )


def trimmed(lines: list[str]) -> list[str]:
    """Return lines without what nobody sees: blanks at their ends, blank lines around them."""
    return "\n".join(line.rstrip() for line in lines).strip("\n").splitlines()


def alike(line: str) -> str:
    """Return a line with what differs from run to run made equal, and the columns it moves."""
    neutral = _DURATION.sub("<duration>", _TIME.sub("<time>", line))
    neutral = re.sub("─+", "─", neutral)
    return re.sub(r"(?<=\S) {2,}", "  ", neutral)


def as_pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    # What is left out at the end of a line may be nothing, with the blank before it.
    within = ".*".join(re.escape(part) for part in re.split(r" *\.\.\.$|\.\.\.", line))
    return f"{within}\n"


def test_commands_stand_where_they_are_run() -> None:
    """In `sh`, or with their output in `text`: blocks of other languages are not run."""
    others = {"bash", "console", "shell", "shell-session", "zsh"}
    assert not [f.place for page in pages() for f in fences(page) if f.language in others]


def test_what_needs_aws_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not run here is listed in the output, so that nobody takes it for tested."""
    marked = [fence for page in pages() for fence in fences(page) if needs_aws(fence)]
    with capsys.disabled():
        print(f"\nnot run, they need AWS: {', '.join(fence.place for fence in marked) or 'none'}")
    assert marked
