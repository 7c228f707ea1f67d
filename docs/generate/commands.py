"""The reference of the command line, from the commands themselves."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from docs.generate.markdown import code, table
from simulator.cli.app import app
from simulator.cli.checkout import WORDS


def reference() -> str:
    """Return every command: what it does, how it is called, what its words mean."""
    return "\n\n".join(_sections(typer.main.get_command(app), "./lakehouse", top=True))


def _sections(command: Any, name: str, *, top: bool = False) -> Iterator[str]:
    """Yield a command's section and those of the commands below it."""
    below = getattr(command, "commands", {})
    # Resilient: the words are missing, which is no error where only the help is asked for.
    with command.make_context(name, [], resilient_parsing=True) as context:
        usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
        records = [param.get_help_record(context) for param in command.params]
    if not top:
        rows = [_row(*record) for record in records if record]
        heading = f"## {name.removeprefix('./lakehouse ')}"
        parts = [heading, _prose(command.help or ""), code([usage])]
        yield "\n\n".join([*parts, table(("word", "meaning"), rows)] if rows else parts)
    for word, inner in below.items():
        if word in WORDS:  # These have their own page, tests/README.md.
            continue
        yield from _sections(inner, f"{name} {word}")


def _row(word: str, meaning: str) -> tuple[str, str]:
    return code([word]), _prose(meaning.replace("  [", " ["))


def _prose(text: str) -> str:
    """Return help as Markdown: without Rich's markup, with nothing that reads as HTML."""
    plain = re.sub(r"\[/?(?:bold|dim|italic|cyan|green|yellow)?\]", "", text)
    return plain.replace("<", "&lt;").strip()
