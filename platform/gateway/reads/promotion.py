"""Releases, deployments with their money and halts, and runners."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ...contracts.api.base import Page
from ...contracts.api.promotion import Deployment, Release, Runner
from ...contracts.enums import HaltState, ScopeKind
from ...contracts.errors import NotFoundError
from ...contracts.time import to_datetime
from ...promotion.runs import list_runs
from ...risk.halts import Halt, Halts
from ...risk.kill_switch import active_halts
from ..auth.access import Principal
from ..context import Connection
from ..etag import version_of
from ..pagination import keys_of, page
from .accounts import Account, accounts

Row = dict[str, Any]
_SEVERITY = list(HaltState)
_RELEASES = """SELECT name || '@' || version AS ref, name, version, bundle, strategy, instruments, timeframe,
 parameters, report, author, created_at FROM releases"""
_DEPLOYMENTS = """SELECT d.deployment_id AS deployment, d.release_name || '@' || d.release_version AS release,
 l.strategy, d.target, d.portfolio_id AS portfolio, d.session, d.instruments, d.timeframe,
 d.parameters, d.limits, d.on_lease_lost,
 d.desired_state, coalesce(r.state, CASE d.desired_state WHEN 'running' THEN 'pending' ELSE 'stopped' END) AS state,
 coalesce(r.message, '') AS message, d.epoch, coalesce(r.restarts, 0) AS restarts, r.heartbeat_at,
 coalesce(r.checkpoint_ts, 0) AS checkpoint_ts, d.author, d.created_at
 FROM deployments d LEFT JOIN runners r USING (deployment_id)
 JOIN releases l ON l.name = d.release_name AND l.version = d.release_version"""
_RUNNERS = """SELECT r.deployment_id AS deployment, r.epoch, r.state, r.message, r.pid, r.host, r.restarts,
 r.heartbeat_at, r.started_at FROM runners r JOIN deployments d USING (deployment_id)"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deployments: an empty field does not restrict. ``strategies``: names of releases or strategy classes."""

    deployments: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    portfolio: str = ""
    instrument: str = ""
    target: str = ""
    state: str = ""


def list_releases(conn: Connection, *, name: str, strategy: str, limit: int, cursor: str) -> Page[Release]:
    """Releases, the newest first."""
    after = keys_of(cursor, tuple[datetime, str, int])
    conditions = {
        "(created_at, name, version) < (%(at)s::timestamptz, %(last)s, %(version)s)": after is not None,
        "name = %(name)s": bool(name),
        "strategy = %(strategy)s": bool(strategy),
    }
    at, last, version = after or (None, "", 0)
    values = {"at": at, "last": last, "version": version, "name": name, "strategy": strategy, "limit": limit + 1}
    tail = f"{_where(conditions)} ORDER BY created_at DESC, name DESC, version DESC LIMIT %(limit)s"
    rows = _rows(conn, f"{_RELEASES} {tail}", values)
    return page(rows, limit, lambda row: (row["created_at"], row["name"], row["version"]), lambda row: Release(**row))


def list_deployments(
    conn: Connection, wanted: Wanted, principal: Principal, *, wall: int, limit: int, cursor: str
) -> Page[Deployment]:
    """Deployments that ``principal`` sees, the newest first; ``wall`` is the time (UTC ns)."""
    after = keys_of(cursor, tuple[datetime, str])
    at, last = after or (None, "")
    conditions = {
        "(d.created_at, d.deployment_id) < (%(at)s::timestamptz, %(last)s)": after is not None,
        "d.deployment_id = ANY(%(deployments)s)": bool(wanted.deployments),
        "(d.release_name = ANY(%(strategies)s) OR l.strategy = ANY(%(strategies)s))": bool(wanted.strategies),
        "d.portfolio_id = %(portfolio)s": bool(wanted.portfolio),
        "%(instrument)s = ANY(d.instruments)": bool(wanted.instrument),
        "d.target = %(target)s": bool(wanted.target),
        "coalesce(r.state, CASE d.desired_state WHEN 'running' THEN 'pending' ELSE 'stopped' END) = %(state)s": bool(
            wanted.state
        ),
        "d.portfolio_id = ANY(%(seen)s)": bool(principal.portfolios),
    }
    values = msgspec.structs.asdict(wanted) | {
        "deployments": list(wanted.deployments),
        "strategies": list(wanted.strategies),
        "seen": sorted(principal.portfolios),
        "at": at,
        "last": last,
        "limit": limit + 1,
    }
    tail = f"{_where(conditions)} ORDER BY d.created_at DESC, d.deployment_id DESC LIMIT %(limit)s"
    rows = _rows(conn, f"{_DEPLOYMENTS} {tail}", values)
    made = {one.deployment: one for one in _deployments(conn, rows[:limit], wall)}
    return page(rows, limit, lambda row: (row["created_at"], row["deployment"]), lambda row: made[row["deployment"]])


def get_deployment(conn: Connection, name: str, principal: Principal, *, wall: int) -> Deployment:
    """One deployment. Raises :class:`NotFoundError`, also for one that ``principal`` does not see."""
    rows = _rows(conn, f"{_DEPLOYMENTS} WHERE d.deployment_id = %(name)s", {"name": name})
    if not rows or not principal.sees(rows[0]["portfolio"]):
        raise NotFoundError(f"there is no deployment {name!r}", hint="GET /api/v1/deployments lists them.")
    return _deployments(conn, rows, wall)[0]


def configuration_version(limits: dict[str, Any], on_lease_lost: str) -> str:
    """The version that ``If-Match`` of a change compares: of what a change changes, not of what trading does."""
    return version_of(limits, on_lease_lost)


def list_runners(conn: Connection, principal: Principal, home: Path, *, limit: int, cursor: str) -> Page[Runner]:
    """Runners of deployments that ``principal`` sees, the last started first; ``home`` keeps their runs."""
    after = keys_of(cursor, tuple[datetime, str])
    at, last = after or (None, "")
    conditions = {
        "(r.started_at, r.deployment_id) < (%(at)s::timestamptz, %(last)s)": after is not None,
        "d.portfolio_id = ANY(%(seen)s)": bool(principal.portfolios),
    }
    tail = f"{_where(conditions)} ORDER BY r.started_at DESC, r.deployment_id DESC LIMIT %(limit)s"
    values = {"at": at, "last": last, "seen": sorted(principal.portfolios), "limit": limit + 1}
    return page(
        _rows(conn, f"{_RUNNERS} {tail}", values),
        limit,
        lambda row: (row["started_at"], row["deployment"]),
        lambda row: Runner(**row, runs=tuple(list_runs(home, row["deployment"]))),
    )


def _deployments(conn: Connection, rows: Sequence[Row], wall: int) -> list[Deployment]:
    """The answers of ``rows``, with one read of their accounts and one of the halts."""
    held = accounts(conn, sorted({row["portfolio"] for row in rows}), wall=wall)
    halts = Halts()
    halts.replace([Halt(one.scope, one.scope_id, one.state, one.reason) for one in active_halts(conn)])
    return [_deployment(row, held[row["portfolio"]], halts) for row in rows]


def _deployment(row: Row, account: Account, halts: Halts) -> Deployment:
    ts = row["checkpoint_ts"]
    return Deployment(
        **row,
        halt=_strictest(row, halts),
        paused=halts.state(ScopeKind.DEPLOYMENT, row["deployment"]) is not HaltState.ACTIVE,
        last_slice=to_datetime(ts) if ts else None,
        currency=account.currency,
        initial_cash=account.initial_cash,
        equity=account.equity,
        realized_pnl=account.ledger.realized_pnl(),
        unrealized_pnl=account.ledger.unrealized_pnl(),
        fees=account.ledger.total_fees(),
    )


def _strictest(row: Row, halts: Halts) -> HaltState:
    """The strictest state that holds any order of the deployment."""
    found = [
        halts.effective(portfolio_id=row["portfolio"], deployment_id=row["deployment"], instrument=instrument)
        for instrument in row["instruments"]
    ]
    return max((one.state for one in found if one is not None), key=_SEVERITY.index, default=HaltState.ACTIVE)


def _where(conditions: dict[str, bool]) -> str:
    texts = [text for text, holds in conditions.items() if holds]
    return f"WHERE {' AND '.join(texts)}" if texts else ""


def _rows(conn: Connection, query: str, values: Row) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
