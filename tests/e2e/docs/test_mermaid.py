"""Every Mermaid diagram of the documents is one that Mermaid's own parser understands."""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.documents import fences, pages
from tests.run import CACHE

HERE = Path(__file__).parent / "mermaid"
OLDEST_NODE = 20


@pytest.fixture(scope="module")
def packages() -> Path:
    """Return the folder with Mermaid's packages: made once for each lock, by one rename."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("Mermaid's parser needs Node and npm, and there is none here")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    found = re.match(r"v(\d+)", version.stdout)
    if found is None or int(found[1]) < OLDEST_NODE:
        pytest.skip(f"Mermaid's parser needs Node {OLDEST_NODE}, here is {version.stdout.strip()}")
    lock = HERE / "package-lock.json"
    home = CACHE / f"mermaid-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not home.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="mermaid-new-") as scratch:
            made = Path(scratch) / "packages"
            made.mkdir()
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(HERE / name, made)
            done = subprocess.run(
                ["npm", "ci"], cwd=made, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"npm could not install Mermaid: {done.stderr}"
            made.rename(home)
    return home


def errors(packages: Path, diagrams: Sequence[str]) -> list[str | None]:
    """Return what the parser says of each diagram; None where it understands it."""
    done = subprocess.run(
        ["node", HERE / "parse.mjs", packages],
        input=json.dumps(list(diagrams)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: list[str | None] = json.loads(done.stdout)
    return said


def test_every_diagram_is_understood(packages: Path) -> None:
    diagrams = [f for page in pages() for f in fences(page) if f.language == "mermaid"]
    assert diagrams
    said = errors(packages, [fence.content for fence in diagrams])
    told = [f"{f.place}: {error}" for f, error in zip(diagrams, said, strict=True) if error]
    assert not told, "\n".join(told)


def test_the_parser_sees_mistakes(packages: Path) -> None:
    """One for each kind of diagram that the documents have."""
    wrong = [
        "flowchart LR\n    a -->",
        "stateDiagram-v2\n    a --> ",
        'erDiagram\n    a["x"] {\n        bigint\n    }',
        "no diagram",
    ]
    assert all(errors(packages, wrong))
