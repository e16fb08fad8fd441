"""Halts in force, and the kill switch with its reason and its confirmation."""

from html import escape

import ipywidgets

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import Halt
from millstream.contracts.enums import ScopeKind
from millstream_dashboards.monitor.html import heading

from .book import Book
from .rows import Action, Cell, Row, Rows
from .screen import Screen, button, column, html, line

Scope = tuple[ScopeKind, str]
EVERYTHING: Scope = (ScopeKind.GLOBAL, "")


class Halts:
    """Who may halt chooses a scope and says why; who may not sees what is halted."""

    def __init__(self, screen: Screen) -> None:
        t = screen.t
        self._screen = screen
        self._rows = Rows(f'<p class="note">{escape(t("halts.none"))}</p>', "halts")
        self._scope = ipywidgets.Dropdown(description=t("scope"), style={"description_width": "initial"})
        self._scope.layout.width = "min(100%, 380px)"
        self._offer({})
        command = line([self._scope, button(t("halt"), self._ask, kind="danger")], "ms-command")
        parts = [html(heading(t("halts"))), self._rows.view, *([command] if screen.may(Permission.HALT) else [])]
        self.view = column(parts, "ms-card")

    def show(self, book: Book) -> None:
        self._rows.show([self._row(one) for one in book.halts])
        scopes: dict[Scope, None] = {(ScopeKind.DEPLOYMENT, one.deployment): None for one in book.deployments}
        scopes |= {(ScopeKind.PORTFOLIO, one.portfolio): None for one in book.portfolios}
        scopes |= {(ScopeKind.INSTRUMENT, key): None for one in book.deployments for key in one.instruments}
        self._offer(scopes)

    def _offer(self, scopes: dict[Scope, None]) -> None:
        options = [(self._name(scope), scope) for scope in (EVERYTHING, *scopes)]
        if list(self._scope.options) != options:
            chosen = self._scope.value
            self._scope.options = options
            self._scope.value = chosen if chosen in scopes else EVERYTHING

    def _row(self, one: Halt) -> Row:
        screen, t = self._screen, self._screen.t
        scope: Scope = (one.scope, one.scope_id)
        text = t(
            "halted.by",
            scope=self._name(scope),
            state=t.of("halt", one.state),
            actor=one.actor,
            time=screen.f.moment(one.changed_at),
            reason=one.reason,
        )
        cell = Cell("", f'<div class="notice bad">{escape(text)}</div>')
        label = f"{t('resume')}: {self._name(scope)}"
        action = Action(t("resume"), label, lambda: self._ask_resume(scope))
        return Row(f"{one.scope} {one.scope_id}", (cell,), (action,) if screen.may(Permission.HALT) else ())

    def _name(self, scope: Scope) -> str:
        return self._screen.t.of("scope", scope[0].value, id=scope[1])

    def _ask(self) -> None:
        scope: Scope = self._scope.value
        question = self._screen.t("halt.ask", scope=self._name(scope))
        self._screen.confirm.ask_why(
            question, lambda reason: self._screen.do(lambda client: self._halt(client, scope, reason))
        )

    async def _halt(self, client: AsyncClient, scope: Scope, reason: str) -> str:
        result = await client.halt(scope=scope[0], scope_id=scope[1], reason=reason)
        name = self._name(scope)
        if not result.sealed:
            return self._screen.t("halt.unsealed", scope=name)
        return self._screen.t("halt.done", scope=name, working=len(result.working))

    def _ask_resume(self, scope: Scope) -> None:
        question = self._screen.t("resume.ask", scope=self._name(scope))
        self._screen.confirm.ask_why(
            question, lambda reason: self._screen.do(lambda client: self._resume(client, scope, reason))
        )

    async def _resume(self, client: AsyncClient, scope: Scope, reason: str) -> str:
        await client.resume(scope=scope[0], scope_id=scope[1], reason=reason)
        return self._screen.t("resume.done", scope=self._name(scope))
