"""The wheel in an environment of its own: the same command line, without the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_cli import ROOT
from tests.pages import assert_self_contained

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def uv() -> Path:
    """Return the wrapper's own uv, which stands beside the environment that runs the tests."""
    found = sorted(Path(sys.prefix).parent.glob("uv-*/bin/uv"))
    if not found:
        pytest.skip("no uv beside this environment: run it through ./lakehouse test")
    return found[-1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it as a user would; return the folder of its programs."""
    home = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = home.glob("*.whl")
    env, python = home / "env", home / "env" / "bin" / "python"
    locked = ["--require-hashes", "--only-binary", ":all:", "-r"]
    for words in (
        ["venv", "--no-project", "--python", sys.executable, str(env)],
        ["pip", "install", "--python", str(python), *locked, str(ROOT / "requirements/laptop.txt")],
        ["pip", "install", "--python", str(python), "--no-deps", str(wheel)],
    ):
        subprocess.run([uv(), *words, "--quiet"], cwd=home, check=True, timeout=300)
    return env / "bin"


def call(installed: Path, *words: str, cwd: Path, code: int = 0) -> str:
    """Call the installed program, with nothing of the checkout in its surroundings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LAKEHOUSE", "PYTHON"))}
    ended = subprocess.run(
        [installed / "lakehouse", *words],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert str(ROOT) not in ended.stdout + ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def test_the_wheel_does_what_the_checkout_does(installed: Path, tmp_path: Path) -> None:
    assert call(installed, "--version", cwd=tmp_path) == "lakehouse 0.1.0\n"
    help_text = call(installed, "--help", cwd=tmp_path)
    assert "simulate" in help_text
    shown = call(installed, "demo", "--days", "2", "--dir", "demo", cwd=tmp_path)
    assert "figures are what the generator planted" in shown
    assert "  lakehouse show --lake demo/lake\n" in shown
    lake = ("--lake", "demo/lake")
    call(installed, "report", *lake, cwd=tmp_path)
    assert_self_contained((tmp_path / "lakehouse-report.html").read_text(encoding="utf-8"))
    assert "daily_sales" in call(installed, "show", *lake, cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "lakehouse-report.html"]


def test_what_needs_the_checkout_says_so_in_a_sentence(installed: Path, tmp_path: Path) -> None:
    said = call(installed, "test", "unit", "-x", cwd=tmp_path, code=2)
    assert said == (
        "lakehouse: `lakehouse test` works on the project's sources. In a checkout of the "
        "project, run: ./lakehouse test\n"
    )
    said = call(installed, "bench", "--orders", "300", cwd=tmp_path, code=2)
    assert said.count("\n") == 1
    assert "checkout" in said
