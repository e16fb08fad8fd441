"""Answers that the gateway named by an ``ETag``: a poll whose answer did not change transfers and parses nothing."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MOST_ANSWERS = 128
LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Known:
    """A parsed answer and its name."""

    etag: str
    answer: Any


class AnswerCache:
    """The newest answers, by request; it holds at most ``MOST_ANSWERS`` of at most ``LARGEST`` bytes each."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], Known] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> Known | None:
        """What is known of this request."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def put(self, key: tuple[Any, ...], etag: str, answer: Any, size: int) -> None:
        """Keep an answer of ``size`` bytes."""
        if not etag or size > LARGEST:
            return
        self._known[key] = Known(etag, answer)
        self._known.move_to_end(key)
        while len(self._known) > MOST_ANSWERS:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: another person acts from now on."""
        self._known.clear()
