"""What the trading service counts: plain numbers that a turn adds to, made into metrics when somebody asks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..bus.base import Delivery
from ..ops.metrics import PREFIX, Buckets
from .effects import Effects
from .order import Order

if TYPE_CHECKING:
    from prometheus_client.core import Metric

APPROVED = "APPROVED"
_SECOND = 1e9


class Tally:
    """Counts since the process began; it outlives recoveries. Latencies begin at the runner's intent."""

    __slots__ = ("acknowledged", "decisions", "fills", "intents", "journalled", "lag", "recoveries", "turns", "working")

    def __init__(self) -> None:
        self.turns = 0
        self.recoveries = 0
        self.intents = 0
        self.fills = 0
        self.working = 0
        self.lag = 0.0
        self.decisions: Counter[str] = Counter()
        self.journalled = Buckets()
        self.acknowledged = Buckets()

    def committed(self, effects: Effects) -> None:
        """Count what a commit made durable."""
        self.intents += len(effects.intents)
        self.fills += len(effects.fills)
        for decision in effects.decisions.values():
            self.decisions[APPROVED if decision.approved else decision.code] += 1

    def sent(self, orders: Iterable[Order], *, journalled: int, acknowledged: int) -> None:
        """Count the latencies of orders that the venue answered at ``acknowledged`` (wall, UTC ns)."""
        for order in orders:
            if not order.leg:
                self.journalled.add((journalled - order.intent_wall) / _SECOND)
                self.acknowledged.add((acknowledged - order.intent_wall) / _SECOND)

    def turned(self, deliveries: Sequence[Delivery], *, now: int, working: int) -> None:
        """Count a turn that ended at ``now`` (wall, UTC ns); its lag is the age of the newest record it handled."""
        self.turns += 1
        self.working = working
        self.lag = (now - max(one.timestamp for one in deliveries)) / _SECOND if deliveries else 0.0

    def collect(self) -> "Iterable[Metric]":
        """The metric families as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for name, value, text in (
            ("trading_turns", self.turns, "Turns of the trading service"),
            ("trading_recoveries", self.recoveries, "Times the trading service recovered from the database"),
            ("intents", self.intents, "Intents taken in"),
            ("fills", self.fills, "Executions booked"),
        ):
            yield CounterMetricFamily(f"{PREFIX}{name}", text, value=value)
        decisions = CounterMetricFamily(f"{PREFIX}decisions", "Decisions on intents by code", labels=["code"])
        for code, count in self.decisions.items():
            decisions.add_metric([code], count)
        yield decisions
        yield GaugeMetricFamily(f"{PREFIX}working_orders", "Orders that may still be filled", value=self.working)
        yield GaugeMetricFamily(f"{PREFIX}trading_lag_seconds", "Age of the newest record of the last turn", self.lag)
        yield self.journalled.family(f"{PREFIX}intent_journalled_seconds", "From an intent to the journal's commit")
        yield self.acknowledged.family(f"{PREFIX}intent_acknowledged_seconds", "From an intent to the venue's answer")
