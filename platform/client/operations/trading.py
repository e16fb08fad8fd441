"""Orders, fills, trades, rejections, positions, portfolios and equity."""

from ...contracts.api.base import Page
from ...contracts.api.trading import (
    EquityPoint,
    Fill,
    Flatten,
    FlattenResult,
    IndicatorPoint,
    Order,
    Portfolio,
    Position,
    Rejection,
    Ticket,
    TicketResult,
    Trade,
)
from ..calls import Operation
from ..parameters import Equity, Indicators, Listed, OneOrder, OnePortfolio, Orders, Positions, Rejections, Trades


class TradingOperations:
    """What was traded, what is held, and manual orders."""

    list_orders = Operation("GET", "/orders", Orders, Page[Order], "Orders, the newest first.")
    get_order = Operation("GET", "/orders/{order}", OneOrder, Order, "One order.")
    place_order = Operation(
        "POST", "/orders", Ticket, TicketResult, "A manual order: it passes the same risk rules as a strategy's."
    )
    cancel_order = Operation("DELETE", "/orders/{order}", OneOrder, Order, "Cancel a working order.")
    flatten = Operation("POST", "/flatten", Flatten, FlattenResult, "Cancel what works and close what is held.")
    list_fills = Operation("GET", "/fills", Listed, Page[Fill], "Executions, the newest first.")
    list_trades = Operation("GET", "/trades", Trades, Page[Trade], "Round trips, the newest first.")
    list_indicators = Operation(
        "GET", "/indicators", Indicators, Page[IndicatorPoint], "Indicators as the strategy saw them, oldest first."
    )
    list_rejections = Operation("GET", "/rejections", Rejections, Page[Rejection], "What was refused, and why.")
    list_positions = Operation("GET", "/positions", Positions, Page[Position], "Open positions.")
    list_portfolios = Operation("GET", "/portfolios", Listed, Page[Portfolio], "Portfolios.")
    get_portfolio = Operation("GET", "/portfolios/{portfolio}", OnePortfolio, Portfolio, "One portfolio.")
    list_equity = Operation("GET", "/equity", Equity, Page[EquityPoint], "Equity, oldest first.")
