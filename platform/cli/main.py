"""The ``millstream`` command."""

from collections.abc import Sequence
from typing import Annotated

import typer

from . import data, platform_commands, promotion, research, trading
from .errors import exit_reporting

app = typer.Typer(
    name="millstream",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"millstream {version('millstream')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Research, replay, paper and live trading from one notebook.

    Exit codes: 0 success, 1 the answer is no, 2 wrong input or configuration, 3 not found, 4 conflict, 5 try again,
    6 fatal, 130 interrupted.
    """


for module in (platform_commands, data, research, promotion, trading):
    module.register(app)


def call(words: Sequence[str]) -> int:
    """Run one command in this process and return its exit code: what ``%ms`` does in a notebook."""
    try:
        exit_reporting(lambda: app(list(words)))
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    return 0


def main() -> None:
    """Entry point: run the command and exit with its code."""
    exit_reporting(app)
