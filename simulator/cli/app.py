"""The words that `lakehouse` understands."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from simulator.cli import console, examples
from simulator.cli.backfill import backfill
from simulator.cli.bench import bench
from simulator.cli.checkout import WORDS, only_in_checkout
from simulator.cli.compare import compare
from simulator.cli.completion import install_wanted, show_wanted
from simulator.cli.demo import demo
from simulator.cli.doctor import doctor
from simulator.cli.explain import EPILOG as EXPLAIN_EPILOG
from simulator.cli.explain import explain
from simulator.cli.generate import EPILOG, generate
from simulator.cli.maintain import maintain
from simulator.cli.quarantine import quarantine
from simulator.cli.query import EPILOG as QUERY_EPILOG
from simulator.cli.query import query
from simulator.cli.replay import replay
from simulator.cli.report import report
from simulator.cli.rollback import rollback
from simulator.cli.runs import runs
from simulator.cli.show import show
from simulator.cli.simulate import simulate
from simulator.cli.version import version
from simulator.cli.watch import watch
from simulator.cli.workflow import workflow

_TRY = "Try it"
_WORK = "Run it"
_KEEP = "Keep it"
_LOOK = "Look into it"
_CODE = "Work on the code (in a checkout)"

_EXAMPLES = """\
[bold]Examples[/]
  lakehouse demo
  lakehouse simulate --landing shop --lake lake
  lakehouse show daily_sales --lake lake --desc
  lakehouse quarantine export --lake lake --to mend
  lakehouse report --lake lake
  lakehouse compare lake other-lake

[dim]Exit codes: 0 done; 1 the run failed and the lake is as it was, or compared lakes differ; \
2 the call was wrong.[/]"""


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; flags without a type, which they do not take."""
        return [_without_type(param) for param in super().get_params(ctx)]


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; flags without a type, which they do not take."""
        return [_without_type(param) for param in super().get_params(ctx)]


def _without_type(param: Any) -> Any:
    if getattr(param, "is_flag", False):
        param.metavar = ""
    return param


app = typer.Typer(
    name="lakehouse",
    cls=_Group,
    help="An e-commerce lakehouse on this machine: files in, bronze, silver and gold out, "
    "every row accounted for.",
    epilog=_EXAMPLES,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(command: Callable[..., None], panel: str, epilog: str = "") -> None:
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    flowing = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    below = examples.epilog(command.__name__, epilog)
    app.command(cls=_Command, help=flowing, epilog=below, rich_help_panel=panel)(command)


_add(demo, _TRY)
_add(generate, _TRY, EPILOG)
_add(simulate, _WORK)
_add(watch, _WORK)
_add(replay, _WORK)
_add(backfill, _WORK)
_add(runs, _KEEP)
_add(rollback, _KEEP)
_add(maintain, _KEEP)
_add(doctor, _KEEP)
_add(show, _LOOK)
_add(query, _LOOK, QUERY_EPILOG)
_add(explain, _LOOK, EXPLAIN_EPILOG)
_add(quarantine, _LOOK)
_add(report, _LOOK)
_add(compare, _LOOK)
_add(workflow, _LOOK)
_add(bench, _LOOK)


for _word in WORDS:
    app.command(
        cls=_Command,
        rich_help_panel=_CODE,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )(only_in_checkout(_word))


def _print_version(wanted: bool) -> None:
    if wanted:
        console.say(f"lakehouse {version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    __: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            callback=install_wanted,
            is_eager=True,
            help="Let this shell complete commands, options and values.",
        ),
    ] = False,
    ___: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            callback=show_wanted,
            is_eager=True,
            help="Print what that installs.",
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
