"""Market sessions: the live market (``""``) and replays, each a market of its own that deployments trade on."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import dict_row

from ..contracts.errors import ConflictError, NotFoundError
from ..contracts.ids import random_id
from ..contracts.time import timeframe_ns

LIVE = ""
_NAMES = "session_id, kind, clock, timeframe, instruments, speed, lock_step, state, message, position"


class SessionState(StrEnum):
    """``CREATED`` until the first slice is published; ``FAILED`` replays may be resumed at their position."""

    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class MarketSession(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``market_sessions``. ``position``: close time (UTC ns) of the last published slice, 0: none."""

    session_id: str
    kind: Literal["live", "replay"]
    clock: Literal["wall", "market"]
    timeframe: str
    instruments: list[str]
    speed: float
    lock_step: bool
    state: SessionState
    message: str = ""
    position: int = 0


def create_replay(
    conn: psycopg.Connection,
    instruments: Sequence[str],
    timeframe: str,
    *,
    lock_step: bool = False,
    speed: float = 0.0,
    session_id: str | None = None,
    position: int = 0,
) -> MarketSession:
    """Store a new replay session. ``speed``: bars a second, 0 for as fast as possible.

    It begins with the first slice that closes at or after ``position`` (UTC ns).

    Raises :class:`ConflictError` when ``session_id`` is taken.
    """
    timeframe_ns(timeframe)
    session = MarketSession(
        session_id=session_id or f"replay-{random_id()[:12]}",
        kind="replay",
        clock="market",
        timeframe=timeframe,
        instruments=sorted(set(instruments)),
        speed=speed,
        lock_step=lock_step,
        state=SessionState.CREATED,
        position=position,
    )
    if not _insert(conn, session, "DO NOTHING"):
        raise ConflictError(f"session {session.session_id!r} exists", hint="Choose another name, or none.")
    return session


def open_live(conn: psycopg.Connection, instruments: Sequence[str], timeframe: str) -> MarketSession:
    """Mark the live market as running with these instruments."""
    session = MarketSession(
        session_id=LIVE,
        kind="live",
        clock="wall",
        timeframe=timeframe,
        instruments=sorted(set(instruments)),
        speed=1.0,
        lock_step=False,
        state=SessionState.RUNNING,
    )
    _insert(
        conn,
        session,
        "(session_id) DO UPDATE SET timeframe = excluded.timeframe, instruments = excluded.instruments,"
        " state = excluded.state, message = ''",
    )
    return session


def _insert(conn: psycopg.Connection, session: MarketSession, on_conflict: str) -> bool:
    row = msgspec.structs.asdict(session)
    values = ", ".join(f"%({name})s" for name in row)
    query = (
        f"INSERT INTO market_sessions ({', '.join(row)}, created_at) VALUES ({values}, now())"  # noqa: S608 - fixed names
        f" ON CONFLICT {on_conflict}"
    )
    with conn.transaction(), conn.cursor() as cursor:
        return cursor.execute(query, row).rowcount == 1


def get_session(conn: psycopg.Connection, session_id: str) -> MarketSession:
    """The session of that id. Raises :class:`NotFoundError`."""
    found = _select(conn, "WHERE session_id = %s", session_id)
    if not found:
        raise NotFoundError(f"there is no market session {session_id!r}", hint="`millstream data replay` makes one.")
    return found[0]


def set_speed(conn: psycopg.Connection, session_id: str, speed: float) -> None:
    """Bars a second of a replay from its next start on."""
    with conn.transaction():
        conn.execute("UPDATE market_sessions SET speed = %s WHERE session_id = %s", (speed, session_id))


def list_sessions(conn: psycopg.Connection) -> list[MarketSession]:
    """All sessions, the newest first."""
    return _select(conn, "ORDER BY created_at DESC")


def session_for(conn: psycopg.Connection, instruments: Sequence[str]) -> MarketSession:
    """The open session that carries all of ``instruments``: the live market first, then the newest replay.

    Raises :class:`NotFoundError` that says what is open.
    """
    carries = "WHERE state IN ('created', 'running') AND instruments @> %s::text[]"
    found = _select(conn, f"{carries} ORDER BY session_id <> '', created_at DESC LIMIT 1", list(instruments))
    if found:
        return found[0]
    open_ = [one for one in list_sessions(conn) if one.state in {SessionState.CREATED, SessionState.RUNNING}]
    shown = "; ".join(f"{one.session_id or 'live'}: {', '.join(one.instruments)}" for one in open_) or "none"
    raise NotFoundError(
        f"no market is open for {', '.join(instruments)}",
        hint=f"`millstream up` opens the live market, `millstream data replay` plays stored candles. Open: {shown}.",
    )


def finish_session(
    conn: psycopg.Connection, session_id: str, state: SessionState = SessionState.COMPLETED, message: str = ""
) -> None:
    """Record how a session ended."""
    with conn.transaction():
        conn.execute(
            "UPDATE market_sessions SET state = %s, message = %s WHERE session_id = %s", (state, message, session_id)
        )


def _select(conn: psycopg.Connection, tail: str, *values: object) -> list[MarketSession]:
    query = f"SELECT {_NAMES} FROM market_sessions {tail}"  # noqa: S608 - texts of this module
    with conn.cursor(row_factory=dict_row) as cursor:
        return msgspec.convert(cursor.execute(query, values).fetchall(), list[MarketSession])
