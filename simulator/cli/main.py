"""Entry point of the command line: `python -m simulator.cli.main` or `lakehouse`."""

import sys

from simulator.cli.guard import guarded


def main() -> None:
    """Run the command line on the words of this process and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot write is spelt out; it must not end the command.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(guarded(lambda: run(sys.argv[1:])))


def run(words: list[str]) -> int:
    """Run the command line on these words and return its exit code."""
    import typer

    from simulator.cli.app import app

    command = typer.main.get_command(app)
    code = command.main(words, prog_name="lakehouse", standalone_mode=False)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
