"""How long an intent lives on the clock of its market.

The setting is wall time: what was decided longer ago is not to be sent any more. A replay's clock moves with its bars,
so there an intent lives as many bars as are played meanwhile, and two more: its own slice is over when it is decided,
and a market pauses (nights, weekends), so that one bar of time can pass without a bar.
"""

import math

from ..contracts.time import SECOND, timeframe_ns

FASTEST = 10_000.0
"""Bars a second that a replay without a speed of its own is taken to reach."""
LEAST_BARS = 2
LONGEST = 100 * 365 * 86_400 * SECOND


def lifetime(ttl_seconds: float, *, clock: str, timeframe: str, speed: float, waits: bool = False) -> int:
    """Nanoseconds that an intent of ``ttl_seconds`` lives in a session, counted from the time it was decided at.

    ``clock`` is the session's, ``wall`` or ``market``; ``speed`` is bars a second, 0 for as fast as possible.
    ``waits``: the market goes on when the intent was decided (lock-step), so nothing is played meanwhile.
    """
    wall = round(ttl_seconds * SECOND)
    if clock == "wall":
        return wall
    meanwhile = 0 if waits else math.ceil((speed or FASTEST) * ttl_seconds)
    return min(max(wall, (meanwhile + LEAST_BARS) * timeframe_ns(timeframe)), LONGEST)
