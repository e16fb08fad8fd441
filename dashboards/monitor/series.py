"""Series for charts: equity of several portfolios together, drawdowns, candles of other time frames."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from millstream.contracts.api.market import Candle
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import EquityPoint, IndicatorPoint

Line = tuple[list[datetime], list[float]]
Group = tuple[str, str]


def groups(deployments: Iterable[Deployment]) -> dict[Group, list[Deployment]]:
    """Deployments by target and currency: what may be added up, and nothing else (paper and live never are)."""
    found: dict[Group, list[Deployment]] = defaultdict(list)
    for deployment in deployments:
        found[deployment.target.value, deployment.currency].append(deployment)
    return dict(sorted(found.items()))


def portfolios(deployments: Iterable[Deployment]) -> dict[str, Decimal]:
    """The initial cash of each portfolio; one that several deployments share counts once."""
    return {deployment.portfolio: deployment.initial_cash for deployment in deployments}


def total(parts: Mapping[str, Sequence[EquityPoint]], initial: Mapping[str, Decimal]) -> Line:
    """The sum of several equity curves: each keeps its last value, and counts its initial cash before its first."""
    events = sorted((point.time, name, float(point.equity)) for name, points in parts.items() for point in points)
    now = {name: float(initial[name]) for name in parts}
    times: list[datetime] = []
    values: list[float] = []
    for moment, name, equity in events:
        now[name] = equity
        if times and times[-1] == moment:
            values[-1] = sum(now.values())
        else:
            times.append(moment)
            values.append(sum(now.values()))
    return times, values


def drawdown(values: Sequence[float]) -> list[float]:
    """The distance to the highest value so far, as a fraction (0 at a peak, -0.1 ten percent below)."""
    peak = float("-inf")
    depths = []
    for value in values:
        peak = max(peak, value)
        depths.append(value / peak - 1 if peak > 0 else 0.0)
    return depths


def localized(line: Line, local: Callable[[datetime], datetime]) -> Line:
    """The line on the viewer's clock."""
    return [local(moment) for moment in line[0]], list(line[1])


def by_name(points: Iterable[IndicatorPoint]) -> dict[str, Line]:
    """Indicator points as one line for each name."""
    lines: dict[str, Line] = {}
    for point in points:
        for name, value in point.values.items():
            times, values = lines.setdefault(name, ([], []))
            times.append(point.time)
            values.append(value)
    return lines


def on_scale(line: Line, candles: Sequence[Candle]) -> bool:
    """Whether a line belongs on the axis of the prices: it overlaps their range, widened by its half."""
    if not line[1] or not candles:
        return False
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    room = (high - low) / 2
    return all(low - room <= value <= high + room for value in (min(line[1]), max(line[1])))
