"""Registering an instrument, and having its data collected where a feed can."""

from ...contracts.api.market import Instrument, InstrumentSpec
from ...contracts.errors import ConflictError
from ...contracts.instrument import Instrument as Terms
from ...contracts.time import SECOND
from ...market import instruments
from ...market.feeds.served import SERVED
from ...market.sessions import LIVE
from .. import audit
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..reads.market import get_instrument

PATIENCE = 5 * SECOND
_PAUSE = 0.1


async def register(gateway: Gateway, principal: Principal, spec: InstrumentSpec) -> Instrument:
    """Store and announce an instrument; answered when the live market carries it, where a running feed can serve it.

    Raises :class:`ConflictError` when it is registered with other terms, :class:`InputError` for what is no name.
    """
    terms = Terms(**spec.model_dump() | {"exchange": spec.exchange.upper()})
    await gateway.database(lambda conn: _store(conn, principal, terms))
    await instruments.announce(gateway.bus, gateway.clock, [terms])
    deadline = gateway.clock.monotonic() + PATIENCE
    while True:
        stored, awaited = await gateway.database(lambda conn: _look(conn, terms))
        if not awaited or gateway.clock.monotonic() > deadline:
            return stored
        await gateway.clock.sleep(_PAUSE)


def _store(conn: Connection, principal: Principal, terms: Terms) -> None:
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('millstream.instrument'), hashtext(%s))", (terms.key,))
        known = instruments.find(conn, terms.key)
        if known is not None and known != terms:
            raise ConflictError(
                f"{terms.key} is registered with other terms",
                hint="Its terms stand as GET /api/v1/instruments says; deployments may trade on them.",
            )
        if instruments.register(conn, terms):
            audit.record(conn, principal, "instrument.registered", f"instrument:{terms.key}", {"terms": str(terms)})


def _look(conn: Connection, terms: Terms) -> tuple[Instrument, bool]:
    """The stored instrument, and whether its feed runs and has not taken it up yet."""
    stored = get_instrument(conn, terms.key)
    if terms.exchange not in SERVED or LIVE in stored.sessions:
        return stored, False
    running = conn.execute(
        "SELECT 1 FROM market_sessions WHERE session_id = %s AND state = 'running'", (LIVE,)
    ).fetchone()
    return stored, running is not None
