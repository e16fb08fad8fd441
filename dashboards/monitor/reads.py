"""Reads that several sessions share: the same question within a moment is asked once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from millstream.contracts.clock import Clock

from .gateway import apart

SECOND = 1_000_000_000
FRESH = 0.4
MOST = 256


class SharedReads:
    """A small cache: an answer counts for :data:`FRESH` seconds, and who asks meanwhile waits for the same answer.

    At most :data:`MOST` answers are held; failures are not.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[int, asyncio.Task[Any]]] = OrderedDict()

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to ``question``, which ``key`` identifies. Raises what the question raises."""
        now = self._clock.monotonic()
        found = self._answers.get(key)
        if found is None or (found[1].done() and now - found[0] > FRESH * SECOND):
            task = apart(_answer(question))
            self._answers[key] = (now, task)
            self._answers.move_to_end(key)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
            found = (now, task)
        try:
            # A session that closes while it waits must not take the answer from the others.
            return await asyncio.shield(found[1])
        except Exception:
            self._answers.pop(key, None)
            raise

    def forget(self) -> None:
        """Drop everything: what follows asks anew."""
        self._answers.clear()

    def __len__(self) -> int:
        return len(self._answers)


async def _answer(question: Callable[[], Awaitable[Any]]) -> Any:
    return await question()


def key_of(operation: str, arguments: dict[str, Any]) -> Hashable:
    """A key that equal questions share."""
    return operation, tuple(sorted((name, _frozen(value)) for name, value in arguments.items()))


def _frozen(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list | tuple) else value
