"""Entry point of the command line: `python -m simulator.cli.main` or `lakehouse`."""

import os
import sys
from pathlib import Path

from simulator.cli.guard import guarded


def main() -> None:
    """Run the command line on the words of this process and exit with its code."""
    for name in ("stdout", "stderr"):
        # Closed by whoever started us: nobody listens, which is no reason to fail.
        stream = getattr(sys, name) or Path(os.devnull).open("w")  # noqa: SIM115
        # A name that the terminal cannot write is spelt out; it must not end the command.
        stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, stream)
    sys.exit(guarded(lambda: run(sys.argv[1:])))


def run(words: list[str]) -> int:
    """Run the command line on these words and return its exit code."""
    import typer

    from simulator.cli import completion
    from simulator.cli.app import app

    command = typer.main.get_command(app)
    answered = completion.answer(command)
    if answered is not None:
        return answered
    try:
        with command.make_context("lakehouse", words) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


if __name__ == "__main__":
    main()
