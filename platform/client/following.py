"""Following a command that takes time, and lists page by page."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ..contracts.api.base import Operation, Page, Problem
from .errors import error_of

Progress = Callable[[str], object]
Read = Callable[[str], Awaitable[Operation]]
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
RUNNING = "running"


async def followed(operation: Operation, read: Read, progress: Progress | None) -> Operation:
    """The operation once it is done; each new step is told to ``progress`` once.

    Raises the error of the operation's problem when it failed.
    """
    told, pause = 0, FIRST_PAUSE
    while True:
        for step in operation.steps[told:]:
            if progress is not None:
                progress(step)
        moved, told = len(operation.steps) > told, len(operation.steps)
        if operation.state != RUNNING:
            break
        await asyncio.sleep(pause)
        pause = FIRST_PAUSE if moved else min(2 * pause, LONGEST_PAUSE)
        operation = await read(operation.operation_id)
    if operation.state == "failed":
        raise error_of(operation.problem or _unexplained(operation))
    return operation


def _unexplained(operation: Operation) -> Problem:
    return Problem(
        title=f"{operation.kind} failed",
        status=500,
        code="FAILED",
        hint="The gateway's log says why.",
    )


async def every(read: Callable[..., Awaitable[Page[Any]]], *args: Any, **filters: Any) -> AsyncIterator[Any]:
    """Every item of a list, page after page."""
    page = await read(*args, **filters)
    while True:
        for item in page.items:
            yield item
        if not page.next:
            return
        page = await read(*args, **{**filters, "cursor": page.next})
