"""Deployments: their state, and the buttons that start, stop, pause and flatten one."""

from collections.abc import Iterator
from html import escape
from typing import Any

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.promotion import Deployment
from millstream_dashboards.monitor.html import badge, empty, heading, signed

from .book import Book
from .positions import flatten
from .rows import Action, Cell, Row, Rows
from .screen import Screen, column, html

STATE_TONES = {"running": "good", "failed": "bad", "held": "bad", "starting": "warn", "pending": "warn"}
HALT_TONES = {"halted": "bad", "reduce_only": "warn"}
CALLS = {
    "start": "start_deployment",
    "stop": "stop_deployment",
    "pause": "pause_deployment",
    "unpause": "unpause_deployment",
}


class Deployments:
    """A row for each deployment."""

    def __init__(self, screen: Screen) -> None:
        t = screen.t
        self._screen = screen
        self._rows = Rows(empty(t("deployments.empty"), t("deployments.next")), "deployments")
        self.view = column([html(heading(t("deployments"))), self._rows.view], "ms-card")

    def show(self, book: Book) -> None:
        self._rows.show([self._row(one) for one in book.deployments])

    def _row(self, one: Deployment) -> Row:
        t, f = self._screen.t, self._screen.f
        halted = badge(t.of("halt", one.halt), HALT_TONES[one.halt]) if one.halt in HALT_TONES else ""
        cells = (
            Cell(t("deployment"), f"<b>{escape(one.deployment)}</b>"),
            Cell(t("state"), f"{badge(t.of('state', one.state), STATE_TONES.get(one.state, ''))} {halted}"),
            Cell(t("instrument"), escape(", ".join(one.instruments))),
            Cell(
                t("realized"),
                signed(f.money(one.realized_pnl, one.currency, signed=True), one.realized_pnl),
                number=True,
            ),
            Cell(t("unrealized"), signed(f.money(one.unrealized_pnl, signed=True), one.unrealized_pnl), number=True),
            Cell(t("time"), f.moment(one.last_slice or one.heartbeat_at)),
        )
        return Row(one.deployment, cells, tuple(self._actions(one)))

    def _actions(self, one: Deployment) -> Iterator[Action]:
        screen, name = self._screen, one.deployment
        if screen.may(Permission.DEPLOY):
            if one.desired_state == "running":
                yield self._action("stop", name, asked=True)
            else:
                yield self._action("start", name)
        if screen.may(Permission.HALT):
            yield self._action("unpause" if one.halt == "reduce_only" else "pause", name)
        if screen.may(Permission.TRADE):
            question = screen.t("flatten_all.ask", deployment=name)
            label = screen.t("flatten_all", deployment=name)
            yield Action(
                screen.t("flatten"),
                label,
                lambda: screen.confirm.ask(question, lambda: screen.do(lambda client: flatten(screen, client, name))),
                "danger",
            )

    def _action(self, verb: str, name: str, *, asked: bool = False) -> Action:
        screen = self._screen
        text = screen.t("stop.verb" if verb == "stop" else verb)

        async def call(client: AsyncClient) -> str:
            method: Any = getattr(client, CALLS[verb])
            await method(deployment=name)
            return screen.t(f"{verb}.done", deployment=name)

        def act() -> None:
            if asked:
                screen.confirm.ask(screen.t(f"{verb}.ask", deployment=name), lambda: screen.do(call))
            else:
                screen.do(call)

        return Action(text, f"{text}: {name}", act)
