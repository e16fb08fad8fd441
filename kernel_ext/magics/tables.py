"""The tables of the commands: which columns each kind of thing has."""

from collections.abc import Sequence
from typing import Any

from .formats import Kind
from .views import Column, Table

PROMOTE_FIRST = "none yet: promote a strategy with %ms promote strategies/sma_cross.ipynb"


def deployments(rows: Sequence[Any]) -> Table:
    """Deployments with runner, halt and P&L."""
    columns = (
        Column("deployment", lambda row: row.deployment),
        Column("release", lambda row: row.release),
        Column("target", lambda row: row.target),
        Column("session", lambda row: row.session or "live"),
        Column("state", lambda row: row.state, Kind.STATE),
        Column("halt", lambda row: row.halt, Kind.STATE),
        Column("P&L", lambda row: row.realized_pnl + row.unrealized_pnl - row.fees, Kind.PNL),
        Column("equity", lambda row: row.equity, Kind.MONEY),
        Column("currency", lambda row: row.currency),
        Column("last slice (UTC)", lambda row: row.last_slice),
        Column("restarts", lambda row: row.restarts, Kind.NUMBER),
        Column("message", lambda row: row.message),
    )
    return Table("Deployments", columns, rows, PROMOTE_FIRST)


def positions(rows: Sequence[Any]) -> Table:
    """Open positions."""
    columns = (
        Column("deployment", lambda row: row.deployment),
        Column("instrument", lambda row: row.instrument),
        Column("quantity", lambda row: row.quantity, Kind.NUMBER),
        Column("entry", lambda row: row.average_price, Kind.PRICE),
        Column("mark", lambda row: row.mark, Kind.PRICE),
        Column("stop", lambda row: row.stop_price, Kind.PRICE),
        Column("target", lambda row: row.target_price, Kind.PRICE),
        Column("unrealized P&L", lambda row: row.unrealized_pnl, Kind.PNL),
        Column("realized P&L", lambda row: row.realized_pnl, Kind.PNL),
        Column("currency", lambda row: row.currency),
    )
    return Table("Positions", columns, rows, "flat")


def orders(rows: Sequence[Any]) -> Table:
    """Orders with their state."""
    columns = (
        Column("decided (UTC)", lambda row: row.decided_at),
        Column("deployment", lambda row: row.deployment),
        Column("instrument", lambda row: row.instrument),
        Column("side", lambda row: row.side),
        Column("type", lambda row: f"{row.order_type} {row.leg}".strip()),
        Column("quantity", lambda row: row.quantity, Kind.NUMBER),
        Column("filled", lambda row: row.filled, Kind.NUMBER),
        Column("price", lambda row: row.average_price, Kind.PRICE),
        Column("state", lambda row: row.state, Kind.STATE),
        Column("ack ms", lambda row: row.ack_ms, Kind.MONEY),
    )
    return Table("Orders", columns, rows, PROMOTE_FIRST)


def fills(rows: Sequence[Any]) -> Table:
    """Executions."""
    columns = (
        Column("time (UTC)", lambda row: row.time),
        Column("deployment", lambda row: row.deployment),
        Column("instrument", lambda row: row.instrument),
        Column("side", lambda row: row.side),
        Column("quantity", lambda row: row.quantity, Kind.NUMBER),
        Column("price", lambda row: row.price, Kind.PRICE),
        Column("fee", lambda row: row.fee, Kind.MONEY),
        Column("realized P&L", lambda row: row.realized_pnl, Kind.PNL),
        Column("note", lambda row: " ".join(filter(None, [row.leg, "late" if row.late else ""]))),
    )
    return Table("Fills", columns, rows, "none yet")


def rejections(rows: Sequence[Any]) -> Table:
    """What was refused, and why."""
    columns = (
        Column("time (UTC)", lambda row: row.time),
        Column("deployment", lambda row: row.deployment),
        Column("instrument", lambda row: row.instrument),
        Column("code", lambda row: row.code),
        Column("observed", lambda row: row.observed),
        Column("limit", lambda row: row.limit),
        Column("message", lambda row: row.message),
    )
    return Table("Rejections", columns, rows, "none")


def portfolios(rows: Sequence[Any]) -> Table:
    """Money of each portfolio."""
    columns = (
        Column("portfolio", lambda row: row.portfolio),
        Column("target", lambda row: row.target),
        Column("equity", lambda row: row.equity, Kind.MONEY),
        Column("currency", lambda row: row.currency),
        Column("today", lambda row: row.day_pnl, Kind.PNL),
        Column("realized P&L", lambda row: row.realized_pnl, Kind.PNL),
        Column("unrealized P&L", lambda row: row.unrealized_pnl, Kind.PNL),
        Column("fees", lambda row: row.fees, Kind.MONEY),
        Column("exposure", lambda row: row.exposure, Kind.MONEY),
        Column("drawdown", lambda row: row.drawdown, Kind.SHARE),
        Column("cash", lambda row: {name: f"{value:,.2f}" for name, value in row.cash.items()}),
    )
    return Table("Portfolios", columns, rows, PROMOTE_FIRST)


def releases(rows: Sequence[Any]) -> Table:
    """Registered releases."""
    columns = (
        Column("release", lambda row: row.ref),
        Column("strategy", lambda row: row.strategy),
        Column("instruments", lambda row: row.instruments),
        Column("timeframe", lambda row: row.timeframe),
        Column("parameters", lambda row: row.parameters),
        Column("return", lambda row: row.report.get("statistics", {}).get("total_return"), Kind.SHARE),
        Column("author", lambda row: row.author),
        Column("created (UTC)", lambda row: row.created_at),
    )
    return Table("Releases", columns, rows, PROMOTE_FIRST)


def halts(rows: Sequence[Any]) -> Table:
    """Scopes that do not trade freely."""
    columns = (
        Column("scope", lambda row: f"{row.scope} {row.scope_id}".strip()),
        Column("state", lambda row: row.state, Kind.STATE),
        Column("by", lambda row: row.actor),
        Column("reason", lambda row: row.reason),
        Column("since (UTC)", lambda row: row.changed_at),
    )
    return Table("Halts", columns, rows, "none: trading is allowed")


def limits(rows: Sequence[Any]) -> Table:
    """Limits, with what is used of them."""
    columns = (
        Column("deployment", lambda row: row.deployment),
        Column("limit", lambda row: row.name),
        Column("value", lambda row: row.limit, Kind.NUMBER),
        Column("used", lambda row: row.used, Kind.NUMBER),
        Column("use", lambda row: row.use, Kind.SHARE),
        Column("unit", lambda row: row.unit),
    )
    return Table("Limits", columns, rows, "none")


def latches(rows: Sequence[Any]) -> Table:
    """What tripped and stays so."""
    columns = (
        Column("scope", lambda row: f"{row.scope} {row.scope_id}".strip()),
        Column("latch", lambda row: row.name),
        Column("value", lambda row: row.value),
        Column("since (UTC)", lambda row: row.time),
    )
    return Table("Latches", columns, rows, "none tripped")
