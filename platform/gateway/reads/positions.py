"""Positions with their newest price, profit and protective prices."""

from decimal import Decimal

from ...contracts.api.trading import Position
from ...contracts.time import to_datetime
from ...execution.protection import PROFIT_LEG, STOP_LEG
from ...portfolio.position import Position as Held
from ..auth.access import Principal
from ..context import Connection
from .accounts import Account, accounts
from .selection import Facts, Wanted, choose

Keys = tuple[str, str]


def positions(
    conn: Connection,
    wanted: Wanted,
    principal: Principal,
    *,
    wall: int,
    closed: bool = False,
    after: Keys | None = None,
    limit: int,
) -> list[tuple[Keys, Position]]:
    """Positions with their keys, by portfolio and instrument; with ``closed`` those of quantity 0 too.

    Stop and target are the prices of the protective orders that are working: none while trading of it is halted.
    """
    owners = {one.portfolio: one for one in choose(conn, wanted, principal).facts.values()}
    names = sorted(name for name in owners if after is None or name >= after[0])
    found: list[tuple[Keys, Position]] = []
    for begin in range(0, len(names), _BATCH):
        loaded = accounts(conn, names[begin : begin + _BATCH], wall=wall)
        for name, account in sorted(loaded.items()):
            for key, held in sorted(account.ledger.positions.items()):
                behind = after is None or (name, key) > after
                if behind and (held.quantity or closed) and wanted.instrument in {"", key}:
                    found.append(((name, key), _position(owners[name], account, held)))
        if len(found) >= limit:
            break
    return found[:limit]


_BATCH = 200


def _position(facts: Facts, account: Account, held: Held) -> Position:
    mark = account.marks.get(held.instrument)
    return Position(
        portfolio=account.portfolio,
        deployment=facts.deployment,
        instrument=held.instrument,
        session=account.session,
        target=account.target,
        quantity=held.quantity,
        average_price=held.average_price,
        mark=mark.price if mark else None,
        stop_price=_protective(account, held.instrument, STOP_LEG),
        target_price=_protective(account, held.instrument, PROFIT_LEG),
        realized_pnl=held.realized_pnl,
        unrealized_pnl=held.unrealized_pnl(mark.price) if mark else None,
        fees=held.fees,
        currency=held.currency,
        updated_at=to_datetime(held.updated_ts),
    )


def _protective(account: Account, instrument: str, leg: str) -> Decimal | None:
    """Price of the newest working order of that leg (a replaced pair counts its generations: ``stop_loss.1``)."""
    found = [
        order.stop_price if leg == STOP_LEG else order.limit_price
        for order in account.working
        if order.instrument == instrument and order.leg.partition(".")[0] == leg
    ]
    return found[-1] if found else None
