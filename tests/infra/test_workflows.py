"""GitHub's workflows: linted, pinned, with as few permissions as they need; and their scripts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted((ROOT / ".github" / "scripts").glob("*.sh"))
PINNED = re.compile(
    r"uses: (\./\.github/workflows/\w+\.yml|[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$"
)


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    words = [str(zizmor), "--offline", "--no-progress", "--quiet", str(ROOT / ".github")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )
    words = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--quiet", str(bad)]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(not shutil.which("actionlint"), reason="there is no actionlint on PATH")
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(
        ["actionlint", *map(str, WORKFLOWS)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_permissions_are_few(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    for line in text.splitlines():
        if "uses:" in line:
            assert PINNED.search(line), line
    document = yaml.safe_load(text)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        for permission, level in job.get("permissions", {}).items():
            assert level == "read" or permission in {"id-token", "pull-requests"}, name


def test_what_deploys_waits_for_its_environment_and_its_turn() -> None:
    stack = yaml.safe_load((ROOT / ".github/workflows/stack.yml").read_text(encoding="utf-8"))
    job = stack["jobs"]["up"]
    assert job["environment"] == "${{ inputs.stack }}"
    assert job["concurrency"] == {
        "group": "deploy-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    deploy = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8"))
    needs = {name: job.get("needs") for name, job in deploy["jobs"].items()}
    assert needs == {
        "preview": None,
        "dev": None,
        "test": "dev",
        "window": "test",
        "prod": "window",
    }
    assert "--sample" not in str(deploy["jobs"]["prod"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)


# --- What a rollback goes back to ----------------------------------------------------------------

NEW, MIDDLE, OLD, FOREIGN = "a" * 40, "b" * 40, "c" * 40, "d" * 40


def _last_good(
    folder: Path, asked: str, states: dict[str, tuple[str, str]]
) -> tuple[int, str, str]:
    """Run the script with a GitHub that knows these deployments: commit and state by id."""
    listing = "".join(f"{number} {sha}\\n" for number, (sha, _) in states.items())
    cases = "\n".join(f"*deployments/{n}/*) echo {state} ;;" for n, (_, state) in states.items())
    gh = f'#!/bin/sh\ncase "$*" in\n{cases}\n*) printf "{listing}" ;;\nesac\n'
    git = (
        '#!/bin/sh\ncase "$1" in\nmerge-base) [ "$3" != '
        + "d" * 40
        + " ] ;;\n*) echo subject ;;\nesac\n"
    )
    for name, text in (("gh", gh), ("git", git)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    output = folder / "output"
    output.touch()
    done = subprocess.run(
        ["bash", str(ROOT / ".github/scripts/last-good.sh")],
        env={
            "ASKED": asked,
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "shop/lakehouse",
            "PATH": f"{folder}:{os.environ['PATH']}",
            "STACK": "test",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, output.read_text().strip(), done.stdout


@pytest.mark.parametrize(
    ("asked", "states", "expected"),
    [
        ("", {"3": (NEW, "other"), "2": (MIDDLE, "success")}, MIDDLE),
        ("", {"3": (NEW, "success"), "2": (MIDDLE, "other"), "1": (OLD, "success")}, OLD),
        (OLD, {}, OLD),
    ],
)  # fmt: skip
def test_a_rollback_goes_to_the_last_good_commit(
    asked: str, states: dict[str, tuple[str, str]], expected: str, tmp_path: Path
) -> None:
    code, output, told = _last_good(tmp_path, asked, states)
    assert (code, output) == (0, f"commit={expected}"), told


@pytest.mark.parametrize(
    ("asked", "states", "said"),
    [
        ("main; rm -rf /", {}, "is no commit: give all 40 digits"),
        (FOREIGN, {}, "is not part of main"),
        ("", {"3": (NEW, "success"), "2": (NEW, "success")}, "name a commit"),
    ],
)
def test_a_rollback_that_cannot_be_says_why(
    asked: str, states: dict[str, tuple[str, str]], said: str, tmp_path: Path
) -> None:
    code, output, told = _last_good(tmp_path, asked, states)
    assert (code, output) == (1, "")
    assert said in told
