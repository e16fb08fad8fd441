"""The kill switch: stop a scope with a reason and a confirmation, and let it go on."""

from collections.abc import Awaitable, Callable

import panel as pn

from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import Halt
from millstream.contracts.enums import ScopeKind

from .commands import Confirm
from .html import heading
from .page import pane, typed
from .screen import Screen
from .style import sheet

_GLOBAL = f"{ScopeKind.GLOBAL}|"


class KillSwitch:
    """Two forms: halt and resume. A refused command leaves what was typed."""

    def __init__(self, screen: Screen, done: Callable[[], Awaitable[None]]) -> None:
        t = screen.t
        self._screen = screen
        self._done = done
        # What was asked about is what is done, though the lists of scopes move on meanwhile.
        self._halting = self._letting_go = ("", "")
        style = {"stylesheets": [sheet()], "sizing_mode": "stretch_width", "margin": (4, 0, 4, 0)}
        self._scope = pn.widgets.Select(label=t("risk.scope"), options={t.of("scope", "global"): _GLOBAL}, **style)
        self._reason = pn.widgets.TextInput(
            label=t("risk.reason"), placeholder=t("risk.reason_why"), max_length=500, **style
        )
        passes = {t("risk.stop_all"): False, t("risk.reduce_only"): True}
        self._reduce = pn.widgets.Select(label=t("risk.passes"), options=passes, value=False, **style)
        self._halt = Confirm(screen, t("risk.halt"), self._halt_question, self._do_halt)
        self._halted = pn.widgets.Select(label=t("risk.halted_scope"), options={}, **style)
        self._why = pn.widgets.TextInput(
            label=t("risk.reason"), placeholder=t("risk.resume_why"), max_length=500, **style
        )
        self._resume = Confirm(screen, t("risk.resume"), self._resume_question, self._do_resume, "primary")
        self._resuming = self._form(t("risk.resume_title"), self._halted, self._why, self._resume.view)
        self._resuming.visible = False
        halting = self._form(t("risk.halt_title"), self._scope, self._reason, self._reduce, self._halt.view)
        self.view = pn.layout.FlexBox(
            halting, self._resuming, gap="12px", sizing_mode="stretch_width", margin=(10, 0, 0, 0)
        )

    @staticmethod
    def _form(title: str, *parts: pn.viewable.Viewable) -> pn.Column:
        return pn.Column(
            pane(heading(title, level=3)), *parts, css_classes=["panel-card"], stylesheets=[sheet()], margin=0,
            styles={"flex": "1 1 320px", "max-width": "560px"},
        )  # fmt: skip

    def show(self, halts: list[Halt], deployments: list[Deployment]) -> None:
        """Offer the scopes that exist, and those that are halted."""
        t = self._screen.t
        scopes = {t.of("scope", "global"): _GLOBAL} if not self._screen.me.portfolios else {}
        for kind, names in (
            (ScopeKind.PORTFOLIO, {one.portfolio for one in deployments}),
            (ScopeKind.DEPLOYMENT, {one.deployment for one in deployments}),
            (ScopeKind.INSTRUMENT, {name for one in deployments for name in one.instruments}),
        ):
            scopes |= {f"{t.of('scope', kind)} {name}": f"{kind}|{name}" for name in sorted(names)}
        if self._scope.options != scopes:
            self._scope.options = scopes
        halted = {f"{t.of('scope', h.scope)} {h.scope_id}".strip(): f"{h.scope}|{h.scope_id}" for h in halts}
        self._resuming.visible = bool(halted)
        if self._halted.options != halted:
            self._halted.options = halted

    def _named(self, widget: pn.widgets.Select) -> str:
        return next((name for name, value in widget.options.items() if value == widget.value), "")

    def _halt_question(self) -> str:
        key = "risk.reduce_question" if self._reduce.value else "risk.halt_question"
        self._halting = str(self._scope.value), self._named(self._scope)
        return self._screen.t(key, scope=self._halting[1])

    def _resume_question(self) -> str:
        self._letting_go = str(self._halted.value), self._named(self._halted)
        return self._screen.t("risk.resume_question", scope=self._letting_go[1])

    async def _do_halt(self) -> None:
        (value, shown), reduce_only = self._halting, bool(self._reduce.value)
        kind, _, name = value.partition("|")
        result = await self._screen.command(
            lambda client: client.halt(
                scope=ScopeKind(kind), scope_id=name, reason=typed(self._reason), reduce_only=reduce_only
            ),
            self._screen.t("risk.halt_done", scope=shown),
        )
        if result is not None:
            self._reason.value = ""
            await self._done()

    async def _do_resume(self) -> None:
        value, shown = self._letting_go
        kind, _, name = value.partition("|")
        result = await self._screen.command(
            lambda client: client.resume(scope=ScopeKind(kind), scope_id=name, reason=typed(self._why)),
            self._screen.t("risk.resume_done", scope=shown),
        )
        if result is not None:
            self._why.value = ""
            await self._done()
