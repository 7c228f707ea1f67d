"""Completion of commands, options and values in bash, zsh and fish, for `./lakehouse` as well.

Typer makes the scripts and the answers. Its scripts for zsh and fish call the program by its name,
which does not find `./lakehouse`; here they call what the user has typed, as that for bash does.
"""

import os
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import CallError

_PROGRAM = "lakehouse"
_VARIABLE = "_LAKEHOUSE_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")
_TYPED = {
    "bash": (),
    "zsh": ((f"complete_zsh {_PROGRAM})", "complete_zsh ${words[1]})"),),
    "fish": ((f"(commandline -cp) {_PROGRAM}", "(commandline -cp) (commandline -opc)[1]"),),
}


def answer(command: Any) -> int | None:
    """Answer a shell that asks for completions; return None when none asks.

    Returns:
        The exit code.
    """
    asked = os.environ.get(_VARIABLE)
    if not asked:
        return None
    # Typer does not say that it exports the first.
    from typer.completion import completion_init, shell_complete  # type: ignore[attr-defined]

    completion_init()
    return shell_complete(command, {}, _PROGRAM, _VARIABLE, asked)


def script(shell: str) -> str:
    """Return what makes a shell complete the words of this program."""
    # As above.
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    made: str = get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell)
    return _called_as_typed(made, shell) + "\n"


def install(shell: str) -> Path:
    """Make a shell complete the words of this program from its next start on; return the file."""
    from typer.completion import install as install_script  # type: ignore[attr-defined]  # As above.

    _, path = install_script(shell=shell, prog_name=_PROGRAM, complete_var=_VARIABLE)
    path.write_text(_called_as_typed(path.read_text(encoding="utf-8"), shell), encoding="utf-8")
    return Path(path)


def _called_as_typed(text: str, shell: str) -> str:
    for old, new in _TYPED[shell]:
        text = text.replace(old, new)
    return text


def current_shell() -> str:
    """Return the shell that the user is in.

    Raises:
        CallError: It cannot be told, or is none that can be served.
    """
    import shellingham

    try:
        shell = str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        shell = Path(os.environ.get("SHELL", "")).name
    if shell not in _SHELLS:
        msg = f"Completion is for bash, zsh and fish, not for {shell or 'this shell'}."
        raise CallError(msg, "Call it from one of them.")
    return shell


def show_wanted(wanted: bool) -> None:
    """Print the script for the current shell and end, if that is wanted."""
    if wanted:
        sys.stdout.write(script(current_shell()))
        _end()


def install_wanted(wanted: bool) -> None:
    """Install completion for the current shell and end, if that is wanted."""
    if wanted:
        from simulator.cli import console

        shell = current_shell()
        console.say(f"{install(shell)}: {shell} completes from its next start on.")
        _end()


def _end() -> None:
    import typer

    raise typer.Exit
