"""Orders, fills, trades, rejections, positions, portfolios, equity, indicators; tickets, cancels and flattening."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request

from ...contracts.api.base import Page
from ...contracts.api.identity import Permission
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
from ...contracts.enums import OrderState, RejectCode
from ..auth.access import Asking
from ..commands import cancels, flatten, tickets
from ..context import Here
from ..idempotency import given_key
from ..openapi import declared
from ..pagination import Cursor, Limit, keys_of, page
from ..reads import equity, fills, indicators, orders, portfolios, positions, rejections, trades
from ..reads.selection import Wanted
from ..reads.snapshot import snapshot
from ..routing import Routes
from .filters import Filters, Moment, Name, nanoseconds

router = Routes(tags=["trading"])
_LATE = declared(504)


def _item(found: tuple[Any, Any]) -> Any:
    return found[1]


@router.read("/orders", Permission.READ, "list_orders", summary="Orders, the newest first")
async def list_orders(
    here: Here,
    asking: Asking,
    filters: Filters,
    state: Annotated[OrderState | None, Query(description="Only in this state.")] = None,
    working: Annotated[
        bool | None, Query(description="Only those that may still be filled, or only the ended.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Order]:
    """Protective orders are orders of their own: ``leg`` names them."""
    after = keys_of(cursor, tuple[int, str])
    found = await here.database(
        lambda conn: orders.orders(
            conn, filters, asking, state=state or "", working=working, after=after, limit=limit + 1
        )
    )
    return page(found, limit, lambda one: one[0], _item)


@router.read("/orders/{order}", Permission.READ, "get_order", summary="One order")
async def get_order(here: Here, asking: Asking, order: Annotated[str, Path(max_length=64)]) -> Order:
    """By the id that lists and tickets give."""
    return await here.database(lambda conn: orders.order(conn, order, asking))


@router.command("/orders", Permission.TRADE, "place_order", summary="A manual order", responses=_LATE)
async def place_order(here: Here, asking: Asking, request: Request, ticket: Ticket) -> TicketResult:
    """It passes the same risk rules as the strategy's own; answered when it was decided."""
    return await tickets.place(here, asking, ticket, key=given_key(request))


@router.command(
    "/orders/{order}", Permission.TRADE, "cancel_order", method="DELETE", summary="Cancel an order", responses=_LATE
)
async def cancel_order(here: Here, asking: Asking, order: Annotated[str, Path(max_length=64)]) -> Order:
    """Answered when the order has ended: canceled, or filled before the cancel came."""
    return await cancels.cancel(here, asking, order)


@router.command(
    "/flatten", Permission.TRADE, "flatten", summary="Cancel what works and close what is held", responses=_LATE
)
async def flatten_scope(here: Here, asking: Asking, request: Request, wanted: Flatten) -> FlattenResult:
    """Reduce-only market orders, one a position; protective orders end with the position that they protect."""
    return await flatten.flatten(here, asking, wanted, key=given_key(request))


@router.read("/fills", Permission.READ, "list_fills", summary="Executions, the newest first")
async def list_fills(
    here: Here, asking: Asking, filters: Filters, limit: Limit = 100, cursor: Cursor = ""
) -> Page[Fill]:
    """What the venue executed, with the profit that it realised before fees."""
    after = keys_of(cursor, tuple[int, int, str])
    found = await here.database(lambda conn: fills.fills(conn, filters, asking, after=after, limit=limit + 1))
    return page(found, limit, lambda one: one[0], _item)


@router.read("/trades", Permission.READ, "list_trades", summary="Round trips: the open ones, then the newest closed")
async def list_trades(
    here: Here,
    asking: Asking,
    filters: Filters,
    is_open: Annotated[bool | None, Query(alias="open", description="Only open ones, or only closed ones.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Trade]:
    """``start`` and ``end`` are compared with the time of the close; an open trade's is its opening."""
    after = keys_of(cursor, tuple[int, str, str, int])
    found = await here.database(
        snapshot(lambda conn: trades.trades(conn, filters, asking, is_open=is_open, after=after, limit=limit + 1))
    )
    return page(found, limit, lambda one: one[0], _item)


@router.read("/indicators", Permission.READ, "list_indicators", summary="What a strategy saw, the oldest first")
async def list_indicators(
    here: Here,
    asking: Asking,
    deployment: Name,
    instrument: Annotated[str, Query(max_length=96, examples=["SAMPLE:AAPL"])] = "",
    start: Moment = None,
    end: Moment = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[IndicatorPoint]:
    """The values that the strategy showed (``self.show``) at the close of each slice it decided."""
    wanted = Wanted(deployments=(deployment,), instrument=instrument, start=nanoseconds(start), end=nanoseconds(end))
    after = keys_of(cursor, tuple[int, str])
    found = await here.database(lambda conn: indicators.points(conn, wanted, asking, after=after, limit=limit + 1))
    return page(found, limit, lambda one: one[0], _item)


@router.read("/rejections", Permission.READ, "list_rejections", summary="Refused intents, the newest first")
async def list_rejections(
    here: Here,
    asking: Asking,
    filters: Filters,
    code: Annotated[RejectCode | None, Query(description="Only of this rule.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Rejection]:
    """The rule's code, what it saw and what it allows."""
    after = keys_of(cursor, tuple[int, str])
    found = await here.database(
        lambda conn: rejections.rejections(conn, filters, asking, code=code or "", after=after, limit=limit + 1)
    )
    return page(found, limit, lambda one: one[0], _item)


@router.read("/positions", Permission.READ, "list_positions", summary="Positions by portfolio and instrument")
async def list_positions(
    here: Here,
    asking: Asking,
    filters: Filters,
    *,
    closed: Annotated[bool, Query(description="Those of quantity 0 too.")] = False,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Position]:
    """With unrealised profit at the newest price, and the prices of the protective orders that are working."""
    after, wall = keys_of(cursor, tuple[str, str]), here.clock.now()
    found = await here.database(
        snapshot(
            lambda conn: positions.positions(
                conn, filters, asking, wall=wall, closed=closed, after=after, limit=limit + 1
            )
        )
    )
    return page(found, limit, lambda one: one[0], _item)


@router.read("/portfolios", Permission.READ, "list_portfolios", summary="Portfolios now, the newest first")
async def list_portfolios(
    here: Here, asking: Asking, filters: Filters, limit: Limit = 100, cursor: Cursor = ""
) -> Page[Portfolio]:
    """Each in its own currency."""
    keys, wall = keys_of(cursor, tuple[str]), here.clock.now()
    after = keys[0] if keys is not None else None
    found = await here.database(
        snapshot(lambda conn: portfolios.portfolios(conn, filters, asking, wall=wall, after=after, limit=limit + 1))
    )
    return page(found, limit, lambda one: (one[0],), _item)


@router.read("/portfolios/{portfolio}", Permission.READ, "get_portfolio", summary="One portfolio now")
async def get_portfolio(here: Here, asking: Asking, portfolio: Annotated[str, Path(max_length=64)]) -> Portfolio:
    """Cash, equity, profit and exposure at the newest prices."""
    wall = here.clock.now()
    return await here.database(snapshot(lambda conn: portfolios.portfolio(conn, portfolio, asking, wall=wall)))


@router.read("/equity", Permission.READ, "list_equity", summary="Equity of one portfolio, the oldest first")
async def list_equity(
    here: Here,
    asking: Asking,
    portfolio: Name,
    start: Moment = None,
    end: Moment = None,
    points: Annotated[int, Query(ge=4, le=20_000, description="Most points; highs and lows are kept.")] = 1000,
) -> Page[EquityPoint]:
    """One point a slice, thinned to ``points``."""
    wanted = Wanted(portfolio=portfolio, start=nanoseconds(start), end=nanoseconds(end))
    wall = here.clock.now()
    found = await here.database(snapshot(lambda conn: equity.equity(conn, wanted, asking, wall=wall, points=points)))
    return Page[EquityPoint](items=tuple(found))
