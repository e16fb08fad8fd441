"""What a restarted runner knows of its own past, and the order in which its strategy saw it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ..contracts.events import Bar, OrderFilled
from .orders import WorkingOrder
from .portfolio import PortfolioView


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """``bars``: all bars known, warm-up included, in any order.

    ``started_ts`` is the close time (UTC ns) of the first slice the deployment decided on, 0 for none yet;
    ``checkpoint_ts`` that of the last it finished. ``orders`` are the deployment's orders that have not ended, without
    protective legs, and ``fills`` all fills of the portfolio, both read in one transaction with the portfolio that the
    runner goes on with; orders decided after the checkpoint are made again, under the same ids, by the slices that
    follow. Event-driven strategies also need ``initial``, the portfolio before all fills, and ``ended``: the market
    time from which on the strategy knew that an intent was rejected or its order ended unfilled, by intent id (cancels
    are taken as granted where they were asked).
    """

    bars: Sequence[Bar]
    started_ts: int
    checkpoint_ts: int
    initial: PortfolioView
    orders: Sequence[WorkingOrder] = ()
    fills: Sequence[OrderFilled] = ()
    ended: Mapping[str, int] = field(default_factory=dict)

    def slices(self) -> Iterator[tuple[int, list[Bar]]]:
        """Close times up to the checkpoint with their bars, oldest first."""
        known = sorted((bar for bar in self.bars if bar.ts <= self.checkpoint_ts), key=lambda bar: bar.ts)
        for ts, bars in groupby(known, key=lambda bar: bar.ts):
            yield ts, list(bars)


class FillsInOrder:
    """Fills in the order of the portfolio's versions, each handed out at the slice that first knew it.

    A fill at the very moment a slice closed was known to it when a bar's range made it, and not yet when the next bar's
    open did; then its price is that open. Where both are possible (the limit price is the next open) the strategy is
    told one bar later than it was, which only matters to one that keeps fills in a state of its own.
    """

    def __init__(self, past: Past) -> None:
        self._fills = sorted(past.fills, key=lambda fill: (fill.portfolio_version, fill.ts))
        self._opens = {(bar.instrument, bar.open_time): bar.open for bar in past.bars}
        self._next = 0

    def until(self, ts: int) -> list[OrderFilled]:
        """The fills not handed out yet that the slice closing at ``ts`` knew."""
        begin = self._next
        while self._next < len(self._fills) and self._known(self._fills[self._next], ts):
            self._next += 1
        return self._fills[begin : self._next]

    def _known(self, fill: OrderFilled, ts: int) -> bool:
        if fill.ts != ts:
            return fill.ts < ts
        return self._opens.get((fill.instrument, ts)) != fill.price
