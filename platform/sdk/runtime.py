"""Where ``run`` finds out what this process is: a runner that may trade, a backtest, or a place to look first.

Only the runner's engine sets a runtime that trades, by :func:`use_runtime`, inside a process that holds a lease.
Everywhere else a runtime comes from the entry points of the group ``millstream.runtime``: ``preflight`` unless the
environment variable ``MILLSTREAM_RUNTIME`` names another.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import entry_points
from typing import Protocol

from ..contracts.errors import ConfigurationError
from .matching import near
from .strategy import Strategy

GROUP = "millstream.runtime"
VARIABLE = "MILLSTREAM_RUNTIME"
DEFAULT = "preflight"


class Runtime(Protocol):
    """What ``run`` hands a strategy to."""

    async def trade(self, strategy: Strategy, symbols: tuple[str, ...], timeframe: str) -> object:
        """Run ``strategy`` on ``symbols`` (as the notebook names them: keys or bare symbols) until it ends.

        Returns what the notebook's last cell displays: a report, or ``None``. Raises :class:`MillstreamError`.
        """
        ...


_current: ContextVar[Runtime | None] = ContextVar("millstream_runtime", default=None)


@contextmanager
def use_runtime(runtime: Runtime) -> Iterator[Runtime]:
    """Make ``runtime`` the one that ``run`` finds in this context (and in tasks started from it)."""
    token = _current.set(runtime)
    try:
        yield runtime
    finally:
        _current.reset(token)


def current_runtime() -> Runtime:
    """The runtime of this context, else the plug-in that ``MILLSTREAM_RUNTIME`` names, else preflight.

    Raises :class:`ConfigurationError` when no such plug-in is installed.
    """
    return _current.get() or _plug_in(os.environ.get(VARIABLE) or DEFAULT)


def _plug_in(name: str) -> Runtime:
    found = entry_points(group=GROUP)
    if name not in found.names:
        raise ConfigurationError(
            f"There is no runtime {name!r}",
            hint=f"{near(name, found.names)}Set {VARIABLE} to one of {', '.join(sorted(found.names)) or 'none'}, "
            "or install Millstream again.",
        )
    runtime: Runtime = found[name].load()()
    return runtime
