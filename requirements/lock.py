"""Write the locked requirements, and tell when they no longer fit ``pyproject.toml``.

Run by ``./lakehouse lock [--upgrade]`` with the wrapper's own uv. It needs the standard library
only, since it has to work when the lock files are missing or broken.

The first line of each lock file holds a fingerprint of the declarations it was made from. Comparing
fingerprints needs no network, so the lint stage does it every time.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent
COMMAND = "./lakehouse lock"
MARK = "# made from: "


@dataclass(frozen=True)
class Lock:
    """One lock file: what of ``pyproject.toml`` it holds, and which lock it must agree with."""

    name: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    agrees_with: str | None = None
    source: str = "pyproject.toml"

    @property
    def path(self) -> Path:
        """Where the lock file stands."""
        return FOLDER / f"{self.name}.txt"

    def fingerprint(self) -> str:
        """Return a digest of all that this lock file is made from, order and layout aside."""
        if self.source != "pyproject.toml":
            lines = (ROOT / self.source).read_text(encoding="utf-8").splitlines()
            declared: Any = [line for line in lines if line and not line.startswith("#")]
        else:
            with (ROOT / self.source).open("rb") as file:
                document = tomllib.load(file)
            project = document["project"]
            declared = [
                project["requires-python"],
                sorted(project["dependencies"]),
                {extra: sorted(project["optional-dependencies"][extra]) for extra in self.extras},
                {group: sorted(document["dependency-groups"][group]) for group in self.groups},
            ]
        return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:32]

    def arguments(self) -> list[str]:
        """Return the words for ``uv pip compile`` that make this lock file."""
        words = [self.source, "--quiet", "--universal", "--generate-hashes", "--no-emit-index-url"]
        words += ["--python-version", "3.11", "--custom-compile-command", COMMAND]
        words += [f"--extra={extra}" for extra in self.extras]
        words += [f"--group={group}" for group in self.groups]
        if self.agrees_with:
            words.append(f"--constraint=requirements/{self.agrees_with}.txt")
        if self.source == "pyproject.toml":
            # What a package of source only depends on is told by building it.
            words += ["--build-constraint=requirements/build.txt", "--require-build-hashes"]
            words += ["--preview-features=build-dependency-hashes"]
        return [*words, f"--output-file=requirements/{self.name}.txt"]


LOCKS = (
    Lock("uv", source="requirements/uv.in"),
    Lock("build", source="requirements/build.in"),
    Lock("laptop", extras=("laptop",)),
    Lock("spark", extras=("laptop", "spark"), agrees_with="laptop"),
    Lock("dev", extras=("laptop", "spark", "infra"), groups=("dev", "test"), agrees_with="spark"),
    Lock(
        "dev-glue-5.1",
        extras=("laptop", "spark-glue-5-1"),
        groups=("test",),
        agrees_with="laptop",
    ),
    Lock("infra", extras=("infra",), agrees_with="dev"),
)


def stale() -> list[str]:
    """Return one sentence for each lock file that is missing or made from other declarations."""
    faults = []
    for lock in LOCKS:
        where = f"requirements/{lock.name}.txt"
        if not lock.path.is_file():
            faults.append(f"{where} is missing: run {COMMAND}")
            continue
        with lock.path.open(encoding="utf-8") as file:
            first = file.readline().strip()
        if first != MARK + lock.fingerprint():
            faults.append(f"{where} does not fit {lock.source}: run {COMMAND}")
    return faults


def write(uv: str, *, upgrade: bool) -> int:
    """Make every lock file anew and return the exit code.

    Versions already locked are kept where they still fit, unless ``upgrade`` asks for the newest.
    """
    for lock in LOCKS:
        words = [uv, "pip", "compile", *lock.arguments(), *(["--upgrade"] if upgrade else [])]
        done = subprocess.run(words, cwd=ROOT, check=False)
        if done.returncode:
            print(f"lakehouse: requirements/{lock.name}.txt could not be made.", file=sys.stderr)
            return 1
        body = lock.path.read_text(encoding="utf-8")
        lines = [line for line in body.splitlines() if not line.startswith(MARK)]
        lock.path.write_text("\n".join([MARK + lock.fingerprint(), *lines, ""]), encoding="utf-8")
        print(f"lakehouse: requirements/{lock.name}.txt written.", file=sys.stderr)
    return 0


def main() -> int:
    """Run from the wrapper script."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Renew the locked requirements.")
    parser.add_argument("uv", help=argparse.SUPPRESS)
    parser.add_argument(
        "--upgrade", action="store_true", help="move to the newest versions allowed"
    )
    chosen = parser.parse_args()
    return write(chosen.uv, upgrade=chosen.upgrade)


if __name__ == "__main__":
    sys.exit(main())
