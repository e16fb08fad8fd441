"""Waiting for the trading service: a command is answered when it took effect, or with what to do when it did not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ...bus.base import Record
from ...contracts.errors import RetriableError
from ..context import Gateway
from ..problems import ProblemError, unavailable

PATIENCE = 3.0
POLL = 0.02
LONGEST_POLL = 0.2
Result = TypeVar("Result")


async def publish(here: Gateway, records: Sequence[Record]) -> None:
    """Put records on the bus. Raises a 503 when it does not take them in time; they may still have arrived."""
    try:
        async with asyncio.timeout(PATIENCE):
            await here.bus.publish(records)
    except (TimeoutError, RetriableError) as error:
        raise unavailable(
            "the event bus does not answer, so the command did not reach the trading service for certain",
            "Look at the orders before you try again; under the same Idempotency-Key nothing is done twice.",
        ) from error


async def until(here: Gateway, look: Callable[[], Awaitable[Result | None]]) -> Result | None:
    """The first answer of ``look`` that is not None, asked again and again; None after ``PATIENCE`` seconds."""
    deadline = here.clock.monotonic() + round(PATIENCE * 1e9)
    pause = POLL
    while True:
        found = await look()
        if found is not None or here.clock.monotonic() >= deadline:
            return found
        await here.clock.sleep(pause)
        pause = min(1.5 * pause, LONGEST_POLL)


def no_answer(what: str) -> ProblemError:
    """``504``: the trading service has not acted in time. ``what`` says on which thing."""
    return ProblemError(
        504,
        "TRADING_TIMEOUT",
        "The trading service has not answered",
        f"{what} was sent, and the trading service has not acted on it within {PATIENCE:g} s.",
        "It may still act: look at orders and health (GET /api/v1/health) before you send another. Sending this one "
        "again under its Idempotency-Key is safe.",
    )
