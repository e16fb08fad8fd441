"""Prometheus metrics of a process: what it counts is kept in plain numbers and read when somebody asks.

A hot path adds to integers and to a :class:`Buckets`; only a scrape makes metric families of them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "millstream_"
LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Collect = Callable[[], Iterable[Metric]]
"""Gives the metric families as they are now."""


class Buckets:
    """A histogram that costs a bisection an observation; bounds in seconds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float] = LATENCIES) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, documentation: str) -> Metric:
        """The metric family ``name`` (Prometheus counts cumulatively)."""
        total, buckets = 0, []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=self._sum)


class Metrics:
    """What one process tells Prometheus: about itself (memory, processor, files), and what ``add`` was given."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def add(self, collect: Collect) -> None:
        """Have ``collect`` called at every scrape."""
        self.registry.register(_Collector(collect))

    def text(self) -> bytes:
        """The metrics in Prometheus' text format, of content type :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)


class _Collector:
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known at the first scrape, not before the process has begun."""
        return ()
