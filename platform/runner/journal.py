"""What a live loop shows in its notebook: a line for each intent, and one display that stands for the present."""

from collections import deque
from html import escape
from typing import Any

from IPython.display import HTML, DisplayHandle, display

from ..contracts.clock import Clock
from ..contracts.events import AnyIntent, OrderIntent
from ..contracts.time import iso

SHOWN = 20
UPDATE_NS = 500_000_000


class Journal:
    """Writes into the running cell; the engine keeps the newest part there and everything in the log."""

    def __init__(self, clock: Clock, title: str) -> None:
        self._clock = clock
        self._title = title
        self._newest: deque[str] = deque(maxlen=SHOWN)
        self._handle: DisplayHandle | None = None
        self._shown = 0
        self._slices = 0
        self._intents = 0
        self._ts = 0

    def begin(self) -> None:
        self._handle = display(self._page(), display_id=True)

    def slice(self, ts: int, intents: list[AnyIntent]) -> None:
        """A slice was decided; the display follows at most twice a second."""
        self._slices += 1
        self._ts = ts
        for intent in intents:
            line = f"{iso(ts)} {describe(intent)}"
            self._newest.appendleft(line)
            self._intents += 1
            print(line)  # noqa: T201 - the cell's output is where decisions are recorded
        if self._clock.monotonic() - self._shown > UPDATE_NS:
            self.show()

    def show(self) -> None:
        self._shown = self._clock.monotonic()
        if self._handle is not None:
            self._handle.update(self._page())

    @property
    def now(self) -> int:
        """Wall time (UTC ns)."""
        return self._clock.now()

    @property
    def summary(self) -> dict[str, Any]:
        """What the cell returns in the end."""
        last = iso(self._ts) if self._ts else None
        return {"slices": self._slices, "intents": self._intents, "last_slice": last}

    def _page(self) -> HTML:
        last = f", last slice {iso(self._ts)}" if self._ts else ", waiting for the first slice"
        lines = "\n".join(escape(line) for line in self._newest)
        return HTML(
            f"<b>{escape(self._title)}</b>: {self._slices} slices, {self._intents} intents{last}<pre>{lines}</pre>"
        )


def describe(intent: AnyIntent) -> str:
    """One intent in a few words."""
    if not isinstance(intent, OrderIntent):
        return f"{intent.instrument} cancel {intent.target_intent_id}"
    prices = [("limit", intent.limit_price), ("stop", intent.stop_price)]
    extra = "".join(f" {name} {price}" for name, price in prices if price is not None)
    return f"{intent.instrument} {intent.side} {intent.quantity} {intent.order_type}{extra} {intent.intent_id}"
