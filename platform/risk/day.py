"""Risk's memory of a portfolio's UTC day: start equity, peak, and whose loss latch has tripped."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from .limits import DAY_NS


@dataclass(slots=True)
class RiskDay:
    """``day`` counts UTC days since the epoch on the session's clock (-1: not begun).

    ``tripped`` names the deployments whose DAILY_LOSS tripped today; they may only reduce until the next day. Stored
    as one row of ``risk_latches`` (scope ``portfolio``, name ``day``).
    """

    day: int = -1
    start_equity: Decimal | None = None
    peak_equity: Decimal | None = None
    tripped: frozenset[str] = frozenset()

    def roll(self, now: int, equity: Decimal) -> bool:
        """Begin a new day if ``now`` (UTC ns) is in one; True when it did (store the row then).

        Call it with the equity *before* a market event's prices are applied: the day starts with the last equity
        known before it, so that on daily bars the loss of the day is the loss of the last bar.
        """
        day = now // DAY_NS
        if day <= self.day:
            return False
        self.day = day
        self.start_equity = equity
        self.tripped = frozenset()
        self.observe(equity)
        return True

    def observe(self, equity: Decimal) -> None:
        """Follow the peak."""
        if self.peak_equity is None or equity > self.peak_equity:
            self.peak_equity = equity

    def trip(self, deployment_id: str) -> bool:
        """Latch a deployment for the rest of the day; True when it was not latched before (store the row then)."""
        if deployment_id in self.tripped:
            return False
        self.tripped |= {deployment_id}
        return True

    def to_value(self) -> dict[str, Any]:
        """JSON value of the row."""
        return {
            "day": self.day,
            "start_equity": _text(self.start_equity),
            "peak_equity": _text(self.peak_equity),
            "tripped": sorted(self.tripped),
        }

    @classmethod
    def from_value(cls, value: dict[str, Any]) -> Self:
        """The day as :meth:`to_value` gave it. Raises ``KeyError`` or ``InvalidOperation`` for anything else."""
        return cls(
            day=value["day"],
            start_equity=_number(value["start_equity"]),
            peak_equity=_number(value["peak_equity"]),
            tripped=frozenset(value["tripped"]),
        )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
