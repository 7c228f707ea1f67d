"""The command line in a shell and on a terminal: completion, and colours where they are wanted."""

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.test_cli import BYTECODE, ROOT, UNSET

# What sets a colour; bold and dim are none.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")


@pytest.fixture
def lakehouse(tmp_path: Path) -> Path:
    """Return a script `lakehouse` in a folder that is not on PATH."""
    script = tmp_path / "bin" / "lakehouse"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nexec {sys.executable} -P -m simulator.cli.main "$@"\n', encoding="utf-8"
    )
    script.chmod(0o755)
    return script


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if k not in {*UNSET, "NO_COLOR", "FORCE_COLOR"}}
    return {**clean, **BYTECODE, "PYTHONPATH": str(ROOT), **more}


def shell(name: str, script: str, cwd: Path, **more: str) -> str:
    """Run a script in a shell and return what it prints."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    ended = subprocess.run(
        [name, "-c", script],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ended.stderr == ""
    return ended.stdout


def test_bash_completes_words_options_and_values(lakehouse: Path, tmp_path: Path) -> None:
    """Also by the path of the program, as users of a checkout call it."""
    asked = ("./lakehouse qua", "./lakehouse show --sche", "./lakehouse quarantine ex")
    tries = "\n".join(
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); "
        '_lakehouse_completion ./lakehouse; echo "${COMPREPLY[@]}"'
        for words in asked
    )
    installed = shell(
        "bash",
        f"./lakehouse --install-completion && . ~/.bashrc\n{tries}\ncomplete -p lakehouse",
        lakehouse.parent,
        HOME=str(tmp_path),
    ).splitlines()
    assert installed == [
        f"{tmp_path}/.bash_completions/lakehouse.sh: bash completes from its next start on.",
        "quarantine",
        "--schema",
        "export",
        "complete -o default -F _lakehouse_completion lakehouse",
    ]


def test_zsh_and_fish_complete_words(lakehouse: Path, tmp_path: Path) -> None:
    zsh = "compdef() {}; words=(./lakehouse qua); CURRENT=2; _arguments() { print -r -- $@ }; "
    zsh += "_describe() { print -r -- $@ }; source <(./lakehouse --show-completion); "
    assert "quarantine" in shell("zsh", f"{zsh}_lakehouse_completion", lakehouse.parent)
    fish = "./lakehouse --show-completion | source; complete --do-complete './lakehouse qua'"
    assert "quarantine" in shell("fish", fish, lakehouse.parent, HOME=str(tmp_path))


def on_terminal(words: list[str], env: Mapping[str, str]) -> str:
    """Run the command line on a terminal and return all that it prints."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "simulator.cli.main", *words],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=dict(env),
    )
    os.close(follower)
    printed = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # The terminal has no other end any more.
            break
        if not part:
            break
        printed += part
    os.close(leader)
    process.wait(timeout=60)
    return printed.decode()


@pytest.mark.parametrize("words", [["--help"], ["show", "--lake", "/nowhere"]])
def test_colours_are_for_those_who_want_them(words: list[str]) -> None:
    assert COLOUR.search(on_terminal(words, environment(TERM="xterm-256color")))
    without = on_terminal(words, environment(TERM="xterm-256color", NO_COLOR="1"))
    assert "lakehouse" in without
    assert not COLOUR.search(without)
    assert "\x1b" not in on_terminal(words, environment(TERM="dumb"))
