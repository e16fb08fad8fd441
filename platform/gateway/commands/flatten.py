"""Flattening: cancel what works in a scope, then close what is held, with reduce-only market orders."""

from decimal import Decimal
from typing import NamedTuple

from ...contracts.api.trading import Flatten, FlattenResult, Ticket
from ...contracts.enums import Side
from ...contracts.errors import InputError, NotFoundError
from .. import audit
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..reads.orders import ENDED
from ..reads.selection import Wanted, choose
from . import cancels, tickets
from .waiting import until

_WORKING = (
    f"SELECT deployment_id, order_id FROM orders WHERE portfolio_id = ANY(%s) AND state NOT IN {ENDED}"  # noqa: S608 - constant
    " AND leg = '' AND (%s = '' OR instrument = %s) ORDER BY created_ts, order_id"
)
_HELD = (
    "SELECT portfolio_id, instrument, quantity FROM positions WHERE portfolio_id = ANY(%s) AND quantity <> 0"
    " AND (%s = '' OR instrument = %s) ORDER BY portfolio_id, instrument"
)


class Scope(NamedTuple):
    """What is to be flat afterwards: portfolios with their deployment, and an instrument where it is only one."""

    deployments: dict[str, str]
    instrument: str

    @property
    def values(self) -> tuple[list[str], str, str]:
        return list(self.deployments), self.instrument, self.instrument


async def flatten(here: Gateway, principal: Principal, wanted: Flatten, *, key: str) -> FlattenResult:
    """Make a scope flat; ``key`` is the command's idempotency key, if it has one.

    Working orders are canceled first, so that none of them opens again what is closed. Protective orders stay until
    the position that they protect is closed, and end with it. Raises :class:`InputError` without ``confirm`` or a
    scope, :class:`NotFoundError`, and as :func:`~millstream.gateway.commands.tickets.place`.
    """
    if not wanted.confirm:
        raise InputError(
            "flattening closes positions at the market: it has to be confirmed",
            hint='Send "confirm": true when you mean it.',
        )
    if not wanted.portfolio and not wanted.deployment:
        raise InputError("what is to be flattened?", hint="Name a portfolio or a deployment; an instrument narrows it.")
    scope, working = await here.database(lambda conn: _begin(conn, principal, wanted))
    await cancels.ask(here, principal, working)
    if working:
        await until(here, lambda: _gone(here, [order for _, order in working]))
    held = await here.database(lambda conn: _held(conn, scope))
    closing = await tickets.place_all(here, principal, held, key=f"flatten/{key}" if key else "") if held else ()
    return FlattenResult(closing=closing, canceling=tuple(order for _, order in working))


def _begin(conn: Connection, principal: Principal, wanted: Flatten) -> tuple[Scope, list[tuple[str, str]]]:
    """The scope and its working orders (deployment, order), audited."""
    asked = Wanted(portfolio=wanted.portfolio, deployments=(wanted.deployment,) if wanted.deployment else ())
    facts = choose(conn, asked, principal).facts.values()
    if not facts:
        name = wanted.deployment or wanted.portfolio
        raise NotFoundError(f"there is nothing called {name!r} to flatten", hint="GET /api/v1/portfolios lists them.")
    scope = Scope({one.portfolio: one.deployment for one in facts}, wanted.instrument)
    subject = f"deployment:{wanted.deployment}" if wanted.deployment else f"portfolio:{wanted.portfolio}"
    audit.record(conn, principal, "flatten", subject, {"instrument": wanted.instrument} if wanted.instrument else {})
    return scope, [(name, order) for name, order in conn.execute(_WORKING, scope.values).fetchall()]


async def _gone(here: Gateway, orders: list[str]) -> bool | None:
    """True once none of ``orders`` works any more."""

    def work(conn: Connection) -> bool:
        text = f"SELECT 1 FROM orders WHERE order_id = ANY(%s) AND state NOT IN {ENDED} LIMIT 1"  # noqa: S608 - constant
        return conn.execute(text.encode(), (orders,)).fetchone() is None

    return await here.database(work) or None


def _held(conn: Connection, scope: Scope) -> list[Ticket]:
    rows: list[tuple[str, str, Decimal]] = conn.execute(_HELD, scope.values).fetchall()
    return [
        Ticket(
            deployment=scope.deployments[portfolio],
            instrument=instrument,
            side=Side.SELL if quantity > 0 else Side.BUY,
            quantity=abs(quantity),
            reduce_only=True,
        )
        for portfolio, instrument, quantity in rows
    ]
