"""The ``millstream`` command."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..contracts.environment import URL
from ..contracts.errors import InputError
from . import data, deployments, platform_commands, promotion, research, stopping, trading
from .errors import exit_reporting
from .where import where

ON_THIS_MACHINE = (platform_commands, data, research)
ON_A_GATEWAY_TOO = (promotion, deployments, trading, stopping)

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
    context: typer.Context,
    url: Annotated[str, typer.Option("--url", envvar=URL, help="Work through the gateway at this address.")] = "",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with the token for it (default: MILLSTREAM_TOKEN).")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Work on this machine's installation, whatever MILLSTREAM_URL says.")
    ] = False,
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
    del show_version, debug  # read where they are needed
    source = context.get_parameter_source("url")
    asked = source is not None and source.name == "COMMANDLINE"
    context.obj = where(url, token_file, local=local, asked=asked)
    command = context.invoked_subcommand
    if (asked or token_file) and command not in THROUGH_A_GATEWAY:
        raise InputError(
            f"`millstream {command}` works on this machine alone, not through a gateway",
            hint=f"Leave out --url and --token-file. Through a gateway work: {', '.join(THROUGH_A_GATEWAY)}.",
        )


for module in ON_THIS_MACHINE:
    module.register(app)
_first = len(app.registered_commands)
for module in ON_A_GATEWAY_TOO:
    module.register(app)
THROUGH_A_GATEWAY = tuple(one.callback.__name__ for one in app.registered_commands[_first:] if one.callback is not None)
"""Names of the commands that work through a gateway too."""


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
