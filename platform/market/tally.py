"""What the market service counts, made into metrics when somebody asks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..bus.base import TopicPartitionOffset
from ..contracts.clock import Clock
from ..contracts.events import Bar, MarketEvent
from ..contracts.time import SECOND
from ..ops.metrics import PREFIX
from .feeds.base import Publish

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Tally:
    """Events that feeds published by session (``live`` for the live one), and live candles that were stored.

    The lag runs from a live bar's close to its commit; it means nothing for a feed that is faster than real time.
    """

    def __init__(self) -> None:
        self.published: Counter[str] = Counter()
        self.candles = 0
        self.lag = 0.0

    def counting(self, publish: Publish, session: str) -> Publish:
        """``publish``, counted."""

        async def publish_counted(events: Sequence[MarketEvent]) -> Sequence[TopicPartitionOffset]:
            places = await publish(events)
            self.published[session or "live"] += len(events)
            return places

        return publish_counted

    def stored(self, bars: Sequence[Bar], clock: Clock) -> None:
        """Count live bars that are candles now."""
        self.candles += len(bars)
        if bars:
            self.lag = (clock.now() - max(bar.ts for bar in bars)) / SECOND

    def collect(self) -> "Iterable[Metric]":
        """The metric families as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        events = CounterMetricFamily(f"{PREFIX}market_events", "Events that feeds published", labels=["session"])
        for session, count in self.published.items():
            events.add_metric([session], count)
        yield events
        yield CounterMetricFamily(f"{PREFIX}candles_stored", "Live bars that were stored", value=self.candles)
        yield GaugeMetricFamily(f"{PREFIX}ingestion_lag_seconds", "Age of the newest stored live bar", value=self.lag)
