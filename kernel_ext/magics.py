"""``%ms``: the commands of ``millstream`` that belong in a notebook, with the same words, options and output."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class

COMMANDS = {
    "promote": "promote a strategy notebook: %ms promote strategies/sma_cross.ipynb -p fast=10",
    "status": "deployments and their runners",
    "positions": "open positions, with unrealised P&L",
    "orders": "the newest orders",
    "fills": "the newest executions",
    "rejections": "what risk refused, and why",
    "portfolio": "cash, equity and P&L",
    "risk": "halts in force, and limits",
    "releases": "registered releases",
    "start": "start a deployment",
    "stop": "stop a deployment",
    "logs": "the log of a runner",
    "halt": "stop trading: %ms halt --global --reason '…'",
    "resume": "allow trading again",
    "doctor": "check this installation",
}
_ALIASES = {"status": "deployments"}


@magics_class
class MillstreamMagics(Magics):
    """Adds ``%ms`` to a shell."""

    @line_magic
    def ms(self, line: str) -> Any:
        """Run a Millstream command in this notebook; ``%ms`` alone lists them.

        An error prints its message and what to do, without a traceback, and leaves the kernel as it was.
        """
        try:
            words = [_from_root(word) for word in shlex.split(line)]
        except ValueError as error:
            print(f"%ms cannot read this line: {error}.", file=sys.stderr)  # noqa: T201 - a magic's output
            return
        if not words or words[0] in {"help", "--help"}:
            _print_help()
            return
        if words[0] not in COMMANDS:
            print(f"%ms {words[0]} is not offered in a notebook.", file=sys.stderr)  # noqa: T201 - a magic's output
            _print_help()
            return
        run_command([_ALIASES.get(words[0], words[0]), *words[1:]])


def _from_root(word: str) -> str:
    """A notebook may be named as in JupyterLab's file browser, wherever the kernel was started."""
    root = os.environ.get("JUPYTER_SERVER_ROOT", "")
    if not root or not word.endswith(".ipynb") or Path(word).exists():
        return word
    named = Path(root).expanduser() / word
    return str(named) if named.exists() else word


def run_command(words: list[str]) -> int:
    """Run one command of the CLI in this process and return its exit code."""
    from millstream.cli.main import call

    return call(words)


def _print_help() -> None:
    width = max(map(len, COMMANDS))
    print("\n".join(f"%ms {name.ljust(width)}  {what}" for name, what in COMMANDS.items()))  # noqa: T201 - as above
