"""Instruments, candles, market sessions and marks over HTTP."""

from typing import Annotated

from fastapi import Path, Query

from ...contracts.api.base import Page, Time
from ...contracts.api.identity import Permission
from ...contracts.api.market import Candle, Instrument, InstrumentSpec, Mark, Session
from ..auth.access import Asking
from ..commands import market as commands
from ..context import Here
from ..pagination import Cursor, Limit
from ..reads import market as reads
from ..routing import Routes

router = Routes(tags=["market"])
Key = Annotated[str, Query(min_length=1, max_length=100, description="EXCHANGE:SYMBOL", examples=["SAMPLE:AAPL"])]


@router.read("/instruments", Permission.READ, "list_instruments")
async def list_instruments(
    here: Here,
    exchange: Annotated[str, Query(max_length=32, description="Of this exchange only.")] = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Instrument]:
    """Registered instruments by key, with their stored timeframes and newest prices."""
    return await here.database(lambda conn: reads.list_instruments(conn, exchange=exchange, limit=limit, cursor=cursor))


@router.read("/instruments/{key:path}", Permission.READ, "get_instrument")
async def get_instrument(
    here: Here, key: Annotated[str, Path(max_length=100, description="EXCHANGE:SYMBOL", examples=["SAMPLE:AAPL"])]
) -> Instrument:
    """One instrument."""
    return await here.database(lambda conn: reads.get_instrument(conn, key))


@router.command("/instruments", Permission.INSTRUMENTS, "register_instrument", status_code=201)
async def register_instrument(here: Here, asking: Asking, spec: InstrumentSpec) -> Instrument:
    """Register an instrument and publish `instrument.registered`.

    The simulated market (exchange `SIM`) begins to collect it at once, with candles of the past days. Other exchanges
    have no feed that takes up instruments: theirs get data by `millstream data import` and replays, and `sessions` of
    the answer stays empty. Registering the same terms again changes nothing; other terms are refused.
    """
    return await commands.register(here, asking, spec)


@router.read("/candles", Permission.READ, "list_candles")
async def list_candles(
    here: Here,
    instrument: Key,
    timeframe: Annotated[str, Query(max_length=8, examples=["1d"])],
    start: Annotated[Time | None, Query(description="First open time.")] = None,
    end: Annotated[Time | None, Query(description="Before this open time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Candle]:
    """Stored candles, the oldest first; without `start` the newest `limit` of them before `end`."""
    return await here.database(
        lambda conn: reads.list_candles(conn, (instrument, timeframe), start=start, end=end, limit=limit, cursor=cursor)
    )


@router.read("/market-sessions", Permission.READ, "list_market_sessions")
async def list_market_sessions(here: Here, limit: Limit = 100, cursor: Cursor = "") -> Page[Session]:
    """The live market (`session` empty) and replays, the newest first."""
    return await here.database(lambda conn: reads.list_sessions(conn, limit=limit, cursor=cursor))


@router.read("/marks", Permission.READ, "list_marks")
async def list_marks(
    here: Here,
    session: Annotated[
        str | None, Query(max_length=64, description="Of this session only; empty: the live one.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[Mark]:
    """The newest price of each instrument by session."""
    return await here.database(lambda conn: reads.list_marks(conn, session=session, limit=limit, cursor=cursor))
