"""Which deployments are meant: what was asked for, within what the person may see."""

from collections.abc import Iterable
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ...contracts.errors import NotFoundError
from ..auth.access import Principal
from ..context import Connection


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; an empty field does not restrict. ``start`` <= time < ``end`` in market time (UTC ns).

    ``strategies`` are names of releases (``sma_cross``) or of strategy classes (``SmaCross``).
    """

    deployments: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    portfolio: str = ""
    instrument: str = ""
    target: str = ""
    start: int | None = None
    end: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment as lists need it. ``opened`` (with the portfolio's id) tells this account from any other, ever."""

    deployment: str
    portfolio: str
    session: str
    target: str
    release: str
    strategy: str
    currency: str
    instruments: tuple[str, ...]
    timeframe: str
    limits: dict[str, Any]
    epoch: int
    opened: float


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The deployments that are meant, by id. ``everything``: nothing restricts, rows need not be filtered by them."""

    facts: dict[str, Facts]
    everything: bool

    @property
    def portfolios(self) -> list[str]:
        """Ids of their portfolios, in the order of the deployments."""
        return list(dict.fromkeys(one.portfolio for one in self.facts.values()))

    def target_of(self, deployment: str) -> str:
        """``paper`` or ``live``; empty for a deployment that nobody knows."""
        known = self.facts.get(deployment)
        return known.target if known is not None else ""


_SELECT = """SELECT d.deployment_id AS deployment, d.portfolio_id AS portfolio, d.session, f.target,
 d.release_name || '@' || d.release_version AS release, r.strategy, f.currency, d.instruments, d.timeframe, d.limits,
 d.epoch, extract(epoch FROM f.created_at)::float8 AS opened
 FROM deployments d JOIN portfolios f USING (portfolio_id)
 JOIN releases r ON r.name = d.release_name AND r.version = d.release_version"""


def choose(conn: Connection, wanted: Wanted, principal: Principal) -> Chosen:
    """The deployments that ``wanted`` names and ``principal`` sees; what they do not see is as if it did not exist."""
    conditions = {
        "d.deployment_id = ANY(%(deployments)s)": bool(wanted.deployments),
        "(d.release_name = ANY(%(strategies)s) OR r.strategy = ANY(%(strategies)s))": bool(wanted.strategies),
        "d.portfolio_id = %(portfolio)s": bool(wanted.portfolio),
        "f.target = %(target)s": bool(wanted.target),
        "d.portfolio_id = ANY(%(seen)s)": bool(principal.portfolios),
    }
    values = {
        "deployments": list(wanted.deployments),
        "strategies": list(wanted.strategies),
        "portfolio": wanted.portfolio,
        "target": wanted.target,
        "seen": sorted(principal.portfolios),
    }
    found = _facts(conn, [text for text, holds in conditions.items() if holds], values)
    return Chosen(facts={one.deployment: one for one in found}, everything=not any(conditions.values()))


def deployment(conn: Connection, name: str, principal: Principal) -> Facts:
    """One deployment. Raises :class:`NotFoundError` for one that the principal does not see."""
    found = _facts(conn, ["d.deployment_id = %(name)s"], {"name": name})
    if not found or not principal.sees(found[0].portfolio):
        raise NotFoundError(f"there is no deployment {name!r}", hint="GET /api/v1/deployments lists them.")
    return found[0]


def _facts(conn: Connection, conditions: Iterable[str], values: dict[str, Any]) -> list[Facts]:
    where = " AND ".join(conditions)
    text = f"{_SELECT} {f'WHERE {where}' if where else ''} ORDER BY d.created_at DESC, d.deployment_id"
    with conn.cursor(row_factory=dict_row) as cursor:
        return msgspec.convert(cursor.execute(text.encode(), values).fetchall(), list[Facts])
