"""Putting a registered release to work: a deployment on a portfolio of its own."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from html import escape
from typing import Any

import panel as pn

from millstream.contracts.api.identity import Permission
from millstream.contracts.api.market import Session
from millstream.contracts.api.promotion import Release
from millstream.contracts.enums import Target
from millstream.contracts.errors import MillstreamError

from .commands import Confirm
from .entry import number_in
from .html import empty, heading
from .limits_form import LEASE
from .page import button, pane, row, typed
from .screen import Screen
from .style import sheet

OPEN = frozenset({"created", "running"})
WHICHEVER = "*"
CAPITAL = "100000"


class DeployForm:
    """Opens with the releases and markets as they are then. ``done`` loads the page. A refused form keeps its fields.

    Parameters belong to the release: with others the notebook is promoted again.
    """

    def __init__(self, screen: Screen, done: Callable[[], Awaitable[None]]) -> None:
        t = self._t = screen.t
        self._screen = screen
        self._done = done
        self._releases: dict[str, Release] = {}
        self._asked: dict[str, Any] = {}
        style: dict[str, Any] = {"stylesheets": [sheet()], "width": 232, "margin": (4, 10, 4, 0)}
        targets = {
            t.of("target", one): one.value for one in Target if one is Target.PAPER or screen.may(Permission.LIVE)
        }
        yes = {t("word.yes"): True, t("word.no"): False}
        self._release = pn.widgets.Select(label=t("col.release"), options=[], **style)
        self._release.param.watch(self._described, "value")
        self._name = pn.widgets.TextInput(label=t("deploy.name"), placeholder=t("deploy.name_hint"), **style)
        self._target = pn.widgets.Select(label=t("col.target"), options=targets, **style)
        self._capital = pn.widgets.TextInput(label=t("deploy.capital"), value=CAPITAL, **style)
        self._session = pn.widgets.Select(label=t("col.session"), options={t("deploy.any"): WHICHEVER}, **style)
        self._lost = pn.widgets.Select(
            label=t("deployments.on_lease_lost"), options={t.of("lease", name): name for name in LEASE}, **style
        )
        self._start = pn.widgets.Select(label=t("deploy.start"), options=yes, value=True, **style)
        self._open = button(t("deploy.open"))
        self._open.on_click(self._opened)
        self._close = button(t("limits.close"))
        self._close.on_click(self._closed)
        self._make = Confirm(screen, t("deploy.make"), self._question, self._do_make, "primary")
        self._facts, self._nothing = pane(), pane()
        fields = row(self._release, self._name, self._target, self._capital, self._session, self._lost, self._start)
        self._fields = pn.Column(
            fields, self._facts, row(self._make.press, self._close), self._make.box,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self._form = pn.Column(
            pane(heading(t("deploy.title"), level=3)), self._nothing, self._fields,
            sizing_mode="stretch_width", margin=0, visible=False,
        )  # fmt: skip
        self.view = pn.Column(self._open, self._form, sizing_mode="stretch_width", margin=(8, 0, 0, 0))

    async def _opened(self, _event: object) -> None:
        await self._screen.attempt(self._fill)

    async def _fill(self) -> None:
        t, screen = self._t, self._screen
        self._releases = {one.ref: one for one in await screen.every("list_releases")}
        sessions: list[Session] = await screen.every("list_market_sessions")
        markets = {one.session or t("deployments.live_market"): one.session for one in sessions if one.state in OPEN}
        self._session.options = {t("deploy.any"): WHICHEVER} | markets
        newest = next(iter(self._releases), None)
        kept = self._release.value if self._release.value in self._releases else newest
        self._release.param.update(options=list(self._releases), value=kept)
        self._nothing.object = "" if self._releases else empty(t("deploy.none"), t("deploy.none_next"))
        self._fields.visible = bool(self._releases)
        self._describe()
        self._form.visible, self._open.visible = True, False

    def _closed(self, _event: object = None) -> None:
        self._make.reset()
        self._form.visible, self._open.visible = False, True

    def _described(self, _event: object) -> None:
        self._describe()

    def _describe(self) -> None:
        one = self._releases.get(str(self._release.value))
        if one is not None:
            given = ", ".join(f"{name}={value}" for name, value in one.parameters.items())
            text = self._t(
                "deploy.what", strategy=one.strategy, instruments=", ".join(one.instruments), timeframe=one.timeframe,
                parameters=given or "–",
            )  # fmt: skip
            self._facts.object = f'<p class="note">{escape(text)}</p>'

    def _question(self) -> str:
        # What the question named is what is made.
        asked = self._asked = {
            "release": str(self._release.value), "name": typed(self._name), "target": Target(str(self._target.value)),
            "capital": typed(self._capital), "on_lease_lost": self._lost.value, "start": bool(self._start.value),
        }  # fmt: skip
        if self._session.value != WHICHEVER:
            asked["session"] = self._session.value
        target = self._t.of("target", asked["target"])
        return self._t("deploy.question", release=asked["release"], capital=asked["capital"] or CAPITAL, target=target)

    async def _do_make(self) -> None:
        t, screen = self._t, self._screen
        try:
            capital = number_in(t, t("deploy.capital"), self._asked["capital"])
        except MillstreamError as error:
            screen.notices.error(error)
            return
        given = self._asked | {"capital": Decimal(CAPITAL) if capital is None else capital}
        done = t("deploy.done", release=given["release"])
        if await screen.command(lambda client: client.create_deployment(**given), done) is not None:
            self._name.value = ""
            self._closed()
            await screen.attempt(screen.selected)
            await self._done()
