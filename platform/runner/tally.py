"""What the supervisor counts, made into metrics when somebody asks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..contracts.enums import RunnerState
from ..ops.metrics import PREFIX
from .desired import DesiredRow

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Tally:
    """Runners that should run or are not known to have ended, by state, as they were at the last look."""

    def __init__(self) -> None:
        self.looks = 0
        self.states: Counter[RunnerState] = Counter()

    def looked(self, rows: Sequence[DesiredRow]) -> None:
        """Count one look at the deployments."""
        self.looks += 1
        self.states = Counter(row.state for row in rows)

    def collect(self) -> "Iterable[Metric]":
        """The metric families as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        yield CounterMetricFamily(f"{PREFIX}supervisor_looks", "Looks at the deployments", value=self.looks)
        runners = GaugeMetricFamily(f"{PREFIX}runners", "Runners by state", labels=["state"])
        for state in RunnerState:
            runners.add_metric([state.value], self.states[state])
        yield runners
