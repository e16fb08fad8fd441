"""``portfolio.updated``: the whole state of one portfolio, at a version."""

from decimal import Decimal

import msgspec

from .base import Event


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """Signed quantity (base units), average entry price and mark in the instrument's currency."""

    instrument: str
    quantity: Decimal
    average_price: Decimal
    mark: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    currency: str


class PortfolioUpdated(Event, frozen=True, kw_only=True, tag="portfolio.updated"):
    """``version`` grows with every fill and cash change; ``equity`` is cash plus positions at marks."""

    portfolio_id: str
    version: int
    ts: int
    currency: str
    cash: dict[str, Decimal]
    positions: tuple[PositionView, ...]
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    session: str = ""
