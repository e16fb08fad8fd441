"""The commands that only look: ``status``, ``positions``, ``orders``, ``fills``, ``risk``, ``logs`` and their like."""

from argparse import Namespace

from . import tables
from .selecting import all_of, filters, newest
from .session import Session
from .views import Lines, Stack


def status(ms: Session, given: Namespace) -> None:
    """Deployments and their runners, of all or of one."""
    found = [ms.client.get_deployment(given.name)] if given.name else all_of(ms, "list_deployments")
    ms.answer(found, tables.deployments(found), as_json=given.json)


def positions(ms: Session, given: Namespace) -> None:
    """Open positions."""
    found = all_of(ms, "list_positions", **filters(given))
    ms.answer(found, tables.positions(found), as_json=given.json)


def orders(ms: Session, given: Namespace) -> None:
    """The newest orders, the oldest of them first."""
    found = newest(ms, "list_orders", given, **({"working": True} if given.working else {}))
    ms.answer(found, tables.orders(found), as_json=given.json)


def fills(ms: Session, given: Namespace) -> None:
    """The newest executions, the oldest of them first."""
    found = newest(ms, "list_fills", given)
    ms.answer(found, tables.fills(found), as_json=given.json)


def rejections(ms: Session, given: Namespace) -> None:
    """What was refused, the oldest first."""
    found = newest(ms, "list_rejections", given)
    ms.answer(found, tables.rejections(found), as_json=given.json)


def portfolio(ms: Session, given: Namespace) -> None:
    """Money and positions of one portfolio, or the money of all."""
    if not given.name:
        found = all_of(ms, "list_portfolios")
        ms.answer(found, tables.portfolios(found), as_json=given.json)
        return
    one = ms.client.get_portfolio(given.name)
    held = all_of(ms, "list_positions", portfolio=one.portfolio)
    view = Stack([tables.portfolios([one]), tables.positions(held)])
    ms.answer({"portfolio": one, "positions": held}, view, as_json=given.json)


def risk(ms: Session, given: Namespace) -> None:
    """Halts and latches in force, and limits with their use."""
    chosen = {"deployment": given.deployment} if given.deployment else {}
    halts, latches = all_of(ms, "list_halts"), all_of(ms, "list_latches")
    limits = all_of(ms, "list_limits", **chosen)
    view = Stack([tables.halts(halts), tables.latches(latches), tables.limits(limits)])
    ms.answer({"halts": halts, "latches": latches, "limits": limits}, view, as_json=given.json)


def releases(ms: Session, given: Namespace) -> None:
    """Registered releases, the newest first."""
    found = all_of(ms, "list_releases")
    ms.answer(found, tables.releases(found), as_json=given.json)


def logs(ms: Session, given: Namespace) -> None:
    """What the runner of a deployment printed."""
    found = ms.client.read_log(given.name, lines=given.lines or 200)
    ms.answer(found, Lines(found.text or "nothing yet"), as_json=given.json)
