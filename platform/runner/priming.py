"""The first slice of a deployment: which one it is, and what the strategy's frame holds before it."""

from collections.abc import Iterable

from ..contracts.events import Bar, MarketEvent, SessionEnded, Watermark


class Priming:
    """Collects market events until every instrument has shown a watermark.

    The newest of these first watermarks is the first slice that was seen in full. A deployment may join in
    the middle of a slice: what was missed of it stands in the candle store.
    """

    def __init__(self, instruments: Iterable[str]) -> None:
        self._first: dict[str, int] = dict.fromkeys(instruments, 0)
        self._events: list[MarketEvent] = []

    def add(self, event: MarketEvent) -> int:
        """Take an event in; the first slice's close time (UTC ns) once it is known, else 0."""
        self._events.append(event)
        if isinstance(event, Watermark) and not self._first[event.instrument]:
            self._first[event.instrument] = event.ts
        if isinstance(event, SessionEnded) and not self._first[event.instrument]:
            # An instrument without any slice to come: the others decide when the first one is.
            self._first[event.instrument] = event.ts
        return max(self._first.values()) if all(self._first.values()) else 0

    def split(self, first: int, stored: Iterable[Bar]) -> tuple[list[Bar], list[MarketEvent]]:
        """Warm-up bars before the slice ``first``, and the events from it on, completed from the ``stored`` bars."""
        bars = {(bar.ts, bar.instrument): bar for bar in stored if bar.ts <= first}
        seen = [event for event in self._events if isinstance(event, Bar) and event.ts <= first]
        bars |= {(bar.ts, bar.instrument): bar for bar in seen}
        ordered = [bars[key] for key in sorted(bars)]
        later = [event for event in self._events if not isinstance(event, Bar) or event.ts > first]
        at_first: list[MarketEvent] = [bar for bar in ordered if bar.ts == first]
        return [bar for bar in ordered if bar.ts < first], [*at_first, *(e for e in later if _belongs(e, first))]


def _belongs(event: MarketEvent, first: int) -> bool:
    return isinstance(event, SessionEnded) or event.ts >= first
