"""Words that need the project's sources, which an installed command line does not have."""

import os
from collections.abc import Callable
from pathlib import Path

import typer

from pipeline.errors import CallError

_ROOT = Path(__file__).parents[2]
# What `./lakehouse` does itself, before it comes to this program.
WORDS = {
    "test": "Run every check and test, as CI runs them.",
    "equivalence": "Prove that Spark and Polars agree, with figures.",
    "rehearse": "Play the deployed workflow in an emulated AWS account.",
    "lint": "Run the checks that take seconds.",
    "format": "Tidy the code.",
    "docs": "Write what contracts, workflow and code know into the documents.",
    "lock": "Renew requirements/*.txt.",
}


def checkout() -> Path | None:
    """Return the checkout that this program runs from; None when it is installed."""
    return _ROOT if (_ROOT / "pyproject.toml").is_file() else None


def command_name() -> str:
    """Return the words that start this program here, for commands that can be pasted."""
    typed = os.environ.get("LAKEHOUSE_COMMAND")
    return typed or ("lakehouse" if checkout() is None else "./lakehouse")


def needs_checkout(word: str) -> CallError:
    """Return the error of a command that needs what only a checkout has."""
    msg = f"`lakehouse {word}` works on the project's sources."
    return CallError(msg, f"In a checkout of the project, run: ./lakehouse {word}")


def only_in_checkout(word: str) -> Callable[..., None]:
    """Return a command that says where it can be run."""

    def refuse(context: typer.Context) -> None:
        del context  # Whatever its words are.
        raise needs_checkout(word)

    refuse.__name__ = word
    refuse.__doc__ = WORDS[word]
    return refuse
