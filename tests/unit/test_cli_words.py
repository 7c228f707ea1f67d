"""The words of the command line: help, examples, options that are the same everywhere, guesses."""

import re
import shlex
from typing import Any

import pytest
import typer

from simulator.cli.app import app
from simulator.cli.checkout import WORDS
from simulator.cli.completion import script
from simulator.cli.guard import WRONG_CALL, guarded
from simulator.cli.main import run

COMMAND: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = {
    name: command for name, command in COMMAND.commands.items() if name not in WORDS
}
# Commands that read or write a lake name it by the same option; compare has two of them.
WITHOUT_LAKE = {"demo", "generate", "compare", "workflow", "bench"}


def options(command: Any) -> dict[str, Any]:
    return {name: param for param in command.params for name in param.opts if name[0] == "-"}


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert guarded(lambda: run(list(words))) == WRONG_CALL
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_can_be_called(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    examples = re.findall(r"^\s*lakehouse (.*)$", command.epilog or "", re.MULTILINE)
    assert examples
    for example in examples:
        first, *words = shlex.split(example)
        assert first == name
        # Reads the words and calls nothing.
        assert command.make_context(name, words, resilient_parsing=False).params


@pytest.mark.parametrize("name", COMMANDS)
def test_options_mean_the_same_everywhere(name: str) -> None:
    found = options(COMMANDS[name])
    if name not in WITHOUT_LAKE:
        # `query --list` asks no lake.
        assert found["--lake"].required or name == "query"
        assert found["--lake"].metavar == "DIR"
        assert found["--lake"].help == options(COMMANDS["show"])["--lake"].help
    if "--json" in found:
        assert found["--json"].is_flag
    for option, param in found.items():
        assert param.help, option
        assert re.fullmatch(r"--[a-z]+(-[a-z]+)*|-h", option)


@pytest.mark.parametrize("name", [*COMMANDS, "-"])
@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_is_there_by_either_word(
    name: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: run([name, word] if name != "-" else [word])) == 0
    assert "Examples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["simulat"], "No such command 'simulat'. Did you mean 'simulate'?"),
        (["tset"], "No such command 'tset'. Did you mean 'test'?"),
        (["simulate", "--landin", "x"], "There is no option --landin. Did you mean --landing?"),
        (["report", "--jsn"], "There is no option --jsn. Did you mean --json?"),
        (["--versoin"], "There is no option --versoin. Did you mean --version?"),
        (["show", "--zzz"], "There is no option --zzz. See: lakehouse show --help"),
    ],
)
def test_a_slip_is_guessed(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, *words).startswith(f"lakehouse: {sentence}")


@pytest.mark.parametrize("word", WORDS)
def test_what_needs_the_sources_says_so(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, word, "--some", "-x", "words") == (
        f"lakehouse: `lakehouse {word}` works on the project's sources. In a checkout of the "
        f"project, run: ./lakehouse {word}\n"
    )


def test_scripts_call_what_was_typed() -> None:
    assert " $1 " in script("bash")
    assert "complete_zsh ${words[1]})" in script("zsh")
    assert script("fish").count("(commandline -opc)[1]") == 2
    for shell in ("zsh", "fish"):
        assert not re.search(r"(complete_zsh|commandline -cp\)) lakehouse", script(shell))
