"""Equity and drawdown of what is selected, as lines for the charts."""

from collections.abc import Sequence
from typing import Any

from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import EquityPoint

from .screen import Screen
from .series import Line, drawdown, groups, localized, portfolios, total

POINTS = 400


async def equity_lines(
    screen: Screen, deployments: Sequence[Deployment], **period: Any
) -> tuple[dict[str, Line], dict[str, Line]]:
    """Equity and drawdown for each target and currency, on the viewer's clock: paper and live are different lines."""
    equity, depth = {}, {}
    for (target, currency), members in groups(deployments).items():
        initial = portfolios(members)
        parts: dict[str, list[EquityPoint]] = {
            name: await screen.items("list_equity", portfolio=name, points=POINTS, limit=POINTS, **period)
            for name in initial
        }
        line = localized(total(parts, initial), screen.f.local)
        if line[0]:
            name = f"{screen.t.of('target', target)} · {currency}"
            equity[name] = line
            depth[name] = line[0], drawdown(line[1])
    return equity, depth
