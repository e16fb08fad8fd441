"""What one cell printed and displayed, bounded: the newest part of each stream, the newest rich outputs."""

import base64
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nbformat.v4 import new_output

STREAM_LIMIT = 20_000
RICH_LIMIT = 200
UPDATE_SECONDS = 0.5
# A widget's view is a reference into state that only a live kernel has.
_LIVE_ONLY = frozenset({"application/vnd.jupyter.widget-view+json"})


@dataclass(slots=True)
class _Stream:
    name: str
    chunks: deque[str] = field(default_factory=deque)

    def node(self) -> Any:
        return new_output("stream", name=self.name, text="".join(self.chunks))


@dataclass(slots=True)
class _Rich:
    kind: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str | None
    execution_count: int | None = None

    def node(self) -> Any:
        extra = {"execution_count": self.execution_count} if self.kind == "execute_result" else {}
        return new_output(self.kind, data=self.data, metadata=self.metadata, **extra)


@dataclass(slots=True)
class _Failure:
    name: str
    value: str
    traceback: list[str]

    def node(self) -> Any:
        return new_output("error", ename=self.name, evalue=self.value, traceback=self.traceback)


class CellOutputs:
    """Collects the outputs of one cell; ``nodes`` gives them in nbformat's shape.

    ``monotonic`` is a timer in nanoseconds: updates of one display id are applied at most twice a second, the newest
    one always in the end.
    """

    def __init__(self, monotonic: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._items: list[_Stream | _Rich | _Failure] = []
        self._kept: dict[str, int] = {}
        self._cut: dict[str, int] = {}
        self._rich = 0
        self._dropped = 0
        self._applied: dict[str, int] = {}
        self._waiting: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._clear_next = False
        self.changed = False

    def stream(self, name: str, text: str) -> None:
        if not text:
            return
        self._before_new()
        last = self._items[-1] if self._items else None
        if not isinstance(last, _Stream) or last.name != name:
            last = _Stream(name)
            self._items.append(last)
        last.chunks.append(text)
        self._kept[name] = self._kept.get(name, 0) + len(text)
        if self._kept[name] > 2 * STREAM_LIMIT:
            self._trim(name)

    def display(
        self, data: dict[str, Any], metadata: dict[str, Any] | None = None, display_id: str | None = None
    ) -> None:
        self._add(_Rich("display_data", storable(data), metadata or {}, display_id))

    def result(self, data: dict[str, Any], metadata: dict[str, Any] | None, execution_count: int) -> None:
        self._add(_Rich("execute_result", storable(data), metadata or {}, None, execution_count))

    def update(self, data: dict[str, Any], metadata: dict[str, Any] | None, display_id: str) -> bool:
        """Replace what stands under ``display_id``; whether this cell has such an output."""
        if not any(isinstance(item, _Rich) and item.display_id == display_id for item in self._items):
            return False
        self._waiting[display_id] = (data, metadata or {})
        self.flush(only_due=True)
        return True

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        self._before_new()
        self._items.append(_Failure(name, value, traceback))

    def clear(self, *, wait: bool) -> None:
        """Drop everything: now, or with ``wait`` when the next output comes."""
        self._clear_next = wait
        if not wait:
            self._reset()

    def flush(self, *, only_due: bool = False) -> None:
        """Apply the waiting display updates (``only_due``: those whose last one is half a second old)."""
        now = self._monotonic()
        for display_id in list(self._waiting):
            if only_due and now - self._applied.get(display_id, -(1 << 62)) < UPDATE_SECONDS * 1e9:
                continue
            data, metadata = self._waiting.pop(display_id)
            self._applied[display_id] = now
            self._replace(display_id, storable(data), metadata)

    def nodes(self) -> list[Any]:
        for name, kept in self._kept.items():
            if kept > STREAM_LIMIT:
                self._trim(name)
        self.changed = False
        return [*self._notes(), *(item.node() for item in self._items)]

    def _add(self, item: _Rich) -> None:
        self._before_new()
        self._items.append(item)
        self._rich += 1
        if self._rich > RICH_LIMIT:
            index = next(index for index, kept in enumerate(self._items) if isinstance(kept, _Rich))
            del self._items[index]
            self._rich -= 1
            self._dropped += 1

    def _before_new(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._reset()
        self.changed = True

    def _reset(self) -> None:
        self._items.clear()
        self._kept.clear()
        self._cut.clear()
        self._waiting.clear()
        self._rich = self._dropped = 0
        self.changed = True

    def _replace(self, display_id: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        for item in self._items:
            if isinstance(item, _Rich) and item.display_id == display_id:
                item.data, item.metadata = data, metadata
        self.changed = True

    def _trim(self, name: str) -> None:
        excess = self._kept[name] - STREAM_LIMIT
        self._kept[name] = STREAM_LIMIT
        self._cut[name] = self._cut.get(name, 0) + excess
        for item in self._items:
            if isinstance(item, _Stream) and item.name == name:
                while excess and item.chunks:
                    head = item.chunks.popleft()
                    if len(head) > excess:
                        item.chunks.appendleft(head[excess:])
                    excess = max(0, excess - len(head))
        self._items = [item for item in self._items if not isinstance(item, _Stream) or item.chunks]

    def _notes(self) -> list[Any]:
        lines = [f"[{count:,} earlier characters of {name} are in the log file]" for name, count in self._cut.items()]
        if self._dropped:
            lines.append(f"[{self._dropped:,} earlier displays were dropped]")
        return [new_output("stream", name="stderr", text="\n".join(lines) + "\n")] if lines else []


def storable(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` as JSON types: bytes in base64, live widget views left out, anything else replaced by its text."""
    return {mime: _storable(value) for mime, value in data.items() if mime not in _LIVE_ONLY}


def _storable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"[this output could not be stored: {error}] {value!r:.500}"
    return value
