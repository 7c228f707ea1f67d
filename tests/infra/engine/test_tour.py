"""What the README says of a new column is what the engine plans after that very edit."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, commands, fences
from tests.infra.engine.conftest import World

PAGE = ROOT / "README.md"
PARTS = ("infra", "pipeline", "requirements", "simulator", "tests")
# A line of a preview: what is done, to which kind, of which name. Details of a replacement, which
# stand beside it, may come in any order with it and are left out.
CHANGE = re.compile(r" *(~|\+-) +(aws:\S+ \S+ (?:update|replace)\b.*)")
SUMMARY = re.compile(r" +(~ \d+ to update|\+-\d+ to replace)")


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Return a copy of the checkout with the tour's edit."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (diff,) = (fence.content for fence in fences(PAGE) if fence.language == "diff")
    _, target, *lines = diff.splitlines(keepends=True)
    file = tmp_path / target.removeprefix("+++ b/").strip()
    before = "".join(line[1:] for line in lines if line[0] != "+")
    after = "".join(line[1:] for line in lines if line[0] != "-")
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, "the tour's edit does not fit any more"
    file.write_text(text.replace(before, after), encoding="utf-8")
    return tmp_path


def test_the_preview_of_the_tour_is_what_the_engine_plans(world: World, edited: Path) -> None:
    deployed = world.deployment
    words = [sys.executable, "-P", "-m", "tests.infra.engine.preview"]
    done = subprocess.run(
        [*words, "dev", str(deployed.home), str(deployed.port)],
        cwd=edited,
        env={**os.environ, "PYTHONPATH": str(edited)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (shown,) = (
        command.expected
        for fence in fences(PAGE)
        for command in commands(fence)
        if command.words.startswith("pulumi preview")
    )
    for form in (CHANGE, SUMMARY):
        said = sorted(found.groups() for line in shown if (found := form.match(line)))
        planned = {
            found.groups() for line in done.stdout.splitlines() if (found := form.search(line))
        }
        assert said == sorted(planned)
        assert said
