"""Equity curves of several portfolios as one: sums, drawdowns, results by day and month. Pure.

A portfolio counts with its initial cash before its first point and with its last equity after its last one, so that
one that begins or ends within a period adds or takes no profit. A slice that closes at midnight ends the day before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ...contracts.money import ZERO


class Point(NamedTuple):
    """Equity at the end of the ``bucket`` (a day, an hour) that begins then; ``at`` is the moment it was noted."""

    bucket: datetime
    at: datetime
    value: Decimal


class Decline(NamedTuple):
    """A drawdown: ``depth`` is a fraction of the peak (0.1 = 10 %), ``recovered_at`` None while it lasts."""

    depth: float
    peak_at: datetime
    trough_at: datetime
    recovered_at: datetime | None


class Result(NamedTuple):
    """Profit of a ``period`` (its name), and the equity at its start."""

    period: str
    pnl: Decimal
    base: Decimal

    @property
    def fraction(self) -> float:
        return float(self.pnl / self.base) if self.base > 0 else 0.0


def total(curves: Mapping[str, Sequence[Point]], initial: Mapping[str, Decimal]) -> list[Point]:
    """The sum of ``curves`` (each ascending) at every bucket where one of them has a point."""
    moved: dict[datetime, dict[str, Point]] = {}
    for name, points in curves.items():
        for point in points:
            moved.setdefault(point.bucket, {})[name] = point
    standing, value = dict(initial), sum(initial.values(), ZERO)
    found = []
    for bucket in sorted(moved):
        for name, point in moved[bucket].items():
            value += point.value - standing[name]
            standing[name] = point.value
        found.append(Point(bucket, max(point.at for point in moved[bucket].values()), value))
    return found


def results(points: Iterable[Point], initial: Decimal, form: str) -> list[Result]:
    """Profit by period, ascending; ``form`` names the period of a bucket, as ``strftime`` does."""
    found: list[Result] = []
    before = initial
    for point in points:
        period, change = point.bucket.strftime(form), point.value - before
        if found and found[-1].period == period:
            found[-1] = found[-1]._replace(pnl=found[-1].pnl + change)
        else:
            found.append(Result(period, change, before))
        before = point.value
    return found


def declines(points: Sequence[Point], initial: Decimal) -> list[Decline]:
    """Every drawdown from a peak, as they began; the initial equity is a peak too."""
    if not points:
        return []
    found: list[Decline] = []
    peak, peak_at, trough = initial, points[0].at, None
    for point in points:
        if point.value >= peak:
            if trough is not None:
                found.append(_decline(peak, peak_at, trough, point.at))
            peak, peak_at, trough = point.value, point.at, None
        elif trough is None or point.value < trough.value:
            trough = point
    if trough is not None:
        found.append(_decline(peak, peak_at, trough, None))
    return found


def depth(value: Decimal, peak: Decimal) -> float:
    """How far ``value`` stands below ``peak`` (>= value), as a fraction of it; all is lost below a peak of nothing."""
    if value == peak:
        return 0.0
    return float(1 - value / peak) if peak > 0 else 1.0


def _decline(peak: Decimal, peak_at: datetime, trough: Point, recovered_at: datetime | None) -> Decline:
    return Decline(depth(trough.value, peak), peak_at, trough.at, recovered_at)
