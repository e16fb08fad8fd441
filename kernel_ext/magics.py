"""``%ms``: the commands of ``millstream`` that belong in a notebook, with the same words, options and output."""

import shlex
import sys
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class

COMMANDS = {
    "promote": "promote a strategy notebook: %ms promote strategies/sma_cross.ipynb -p fast=10",
    "status": "deployments and their runners",
    "positions": "open positions, with unrealised P&L",
    "orders": "the newest orders",
    "fills": "the newest executions",
    "rejections": "what risk refused, and why",
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
        words = shlex.split(line)
        if not words or words[0] in {"help", "--help"}:
            _print_help()
            return
        if words[0] not in COMMANDS:
            print(f"%ms {words[0]} is not offered in a notebook.", file=sys.stderr)  # noqa: T201 - a magic's output
            _print_help()
            return
        run_command([_ALIASES.get(words[0], words[0]), *words[1:]])


def run_command(words: list[str]) -> int:
    """Run one command of the CLI in this process and return its exit code."""
    from millstream.cli.main import call

    return call(words)


def _print_help() -> None:
    width = max(map(len, COMMANDS))
    print("\n".join(f"%ms {name.ljust(width)}  {what}" for name, what in COMMANDS.items()))  # noqa: T201 - as above
