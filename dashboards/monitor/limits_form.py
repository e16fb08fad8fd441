"""Changing the risk limits of a deployment: made of what was seen, so that nobody's change is lost unnoticed."""

from html import escape
from typing import Any

import panel as pn

from millstream.client import ApiConflictError, AsyncClient
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.errors import ConflictError, InputError, MillstreamError

from .commands import Confirm
from .html import heading
from .limits import LIMITS, changed, title, unit_of, written
from .page import button, pane, row, typed
from .screen import Screen
from .style import sheet

LEASE = ("cancel", "hold", "keep")


class LimitsForm:
    """Opens with the limits as they are then.

    What others changed meanwhile is a conflict: it is shown, and what was typed stays, to be saved over it or not.
    """

    def __init__(self, screen: Screen) -> None:
        t = self._t = screen.t
        self._screen = screen
        self._name = self._tag = self._lost_before = ""
        self._before: dict[str, str] = {}
        # What the question named is what is saved.
        self._asked: dict[str, str] = {}
        self._asked_lost = ""
        style: dict[str, Any] = {"stylesheets": [sheet()], "width": 232, "margin": (4, 10, 4, 0)}
        self._fields = {name: pn.widgets.TextInput(label=title(t, name), **style) for name in LIMITS}
        self._lost = pn.widgets.Select(
            label=t("deployments.on_lease_lost"), options={t.of("lease", name): name for name in LEASE}, **style
        )
        self._open = button(t("limits.change"))
        self._open.on_click(self._opened)
        self._close = button(t("limits.close"))
        self._close.on_click(self._closed)
        self._save = Confirm(screen, t("limits.save"), self._question, self._do_save, "primary")
        self._seen = pane()
        self._form = pn.Column(
            pane(heading(t("limits.change_title"), level=3) + f'<p class="note">{escape(t("limits.unset"))}</p>'),
            self._seen, row(*self._fields.values(), self._lost), row(self._save.press, self._close), self._save.box,
            sizing_mode="stretch_width", margin=0, visible=False,
        )  # fmt: skip
        self.view = pn.Column(self._open, self._form, sizing_mode="stretch_width", margin=0)

    def of(self, name: str) -> None:
        """The deployment that is shown; a form of another one closes."""
        if name != self._name:
            self._name = name
            self._closed()

    async def _opened(self, _event: object) -> None:
        await self._screen.attempt(self._fill)

    async def _fill(self) -> None:
        await self._look()
        for name, field in self._fields.items():
            field.value = self._before[name]
        self._lost.value = self._lost_before
        self._seen.object = ""
        self._form.visible, self._open.visible = True, False

    def _closed(self, _event: object = None) -> None:
        self._save.reset()
        self._form.visible, self._open.visible = False, True

    async def _look(self) -> Deployment:
        """Read the deployment as it is now, with the tag that a change made of it has to name."""
        call = AsyncClient.get_deployment.request(deployment=self._name)
        one, self._tag = await self._screen.own(lambda client: client.tagged(call))
        self._before = {name: written(one.limits, name) for name in LIMITS}
        self._lost_before = one.on_lease_lost
        for name, field in self._fields.items():
            field.label = f"{title(self._t, name)}, {unit_of(self._t, name, one.currency)}"
        return one

    def _texts(self) -> dict[str, str]:
        return {name: typed(field) for name, field in self._fields.items()}

    def _question(self) -> str:
        texts = self._asked = self._texts()
        lost = self._asked_lost = str(self._lost.value)
        changes = [
            f"{title(self._t, name)}: {self._before[name] or self._t('limits.none')} → {text or self._t('limits.none')}"
            for name, text in texts.items()
            if text != self._before[name]
        ]
        if lost != self._lost_before:
            changes.append(f"{self._t('deployments.on_lease_lost')}: {self._t.of('lease', lost)}")
        return self._t("limits.question", deployment=self._name, changes="; ".join(changes) or self._t("limits.same"))

    async def _do_save(self) -> None:
        name, tag = self._name, self._tag
        try:
            given: dict[str, Any] = {"limits": changed(self._t, self._before, self._asked)}
        except MillstreamError as error:
            self._screen.notices.error(error)
            return
        if self._asked_lost != self._lost_before:
            given["on_lease_lost"] = self._asked_lost
        given = {key: value for key, value in given.items() if value}
        if not given:
            self._screen.notices.error(InputError(self._t("limits.nothing"), hint=self._t("limits.nothing_hint")))
            return
        call = AsyncClient.change_deployment.request(name, **given)
        try:
            await self._screen.own(lambda client: client.call(call, match=tag))
        except ApiConflictError:
            await self._screen.attempt(self._conflict)
        except MillstreamError as error:
            self._screen.notices.error(error)
        else:
            self._screen.notices.done(self._t("limits.saved", deployment=name))
            self._closed()

    async def _conflict(self) -> None:
        """Somebody changed it first: show what is in force, keep what was typed, and go on from there."""
        t, before, lost = self._t, self._before, self._lost_before
        await self._look()
        now = [f"{title(t, name)}: {self._before[name] or t('limits.none')}"
               for name in LIMITS if self._before[name] != before[name]]  # fmt: skip
        if self._lost_before != lost:
            now.append(f"{t('deployments.on_lease_lost')}: {t.of('lease', self._lost_before)}")
        # A field that was left alone follows; one that was typed into stays.
        for name, field in self._fields.items():
            if typed(field) == before[name]:
                field.value = self._before[name]
        if self._lost.value == lost:
            self._lost.value = self._lost_before
        text = t("limits.in_force", changes="; ".join(now))
        self._seen.object = f'<div class="notice warn" role="status">{escape(text)}</div>'
        self._screen.notices.error(ConflictError(t("limits.conflict"), hint=t("limits.conflict_hint")))
