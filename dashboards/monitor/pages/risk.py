"""Risk: limits with what is used of them, rejections with reasons, latches, and the kill switch."""

from html import escape

import panel as pn

from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import Halt, Latch, LimitUse
from millstream.contracts.enums import ScopeKind

from ..html import badge, bar, empty, table
from ..kill_switch import KillSwitch
from ..page import Page, pane, section, stack
from ..rows import REJECTIONS, Rows
from ..screen import Screen
from ..tables import LiveTable

SHOWN = 200


class Risk(Page):
    """What holds trading back, and the commands to stop it and to let it go on."""

    name = "risk"
    topics = frozenset({"halts", "rejections", "portfolios"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._rows = Rows(t, self.f)
        self._halts, self._limits, self._latches = pane(), pane(), pane()
        self._rejections = LiveTable(t, self.f, REJECTIONS, (t("risk.no_rejections"), t("risk.no_rejections_next"), ""))
        self._switch = KillSwitch(screen, self._again)

    def view(self) -> pn.viewable.Viewable:
        t = self.t
        halts: list[pn.viewable.Viewable] = [self._halts]
        if self.screen.may(Permission.HALT):
            halts.append(self._switch.view)
        return stack(
            section(t("risk.halts"), *halts),
            section(t("risk.limits"), self._limits),
            section(t("risk.rejections"), self._rejections.view),
            section(t("risk.latches"), self._latches),
        )

    async def load(self) -> None:
        chosen = self.screen.selection.filters()
        halts = await self.screen.items("list_halts")
        self._halts.object = self._halt_table(halts)
        self._switch.show(halts, self.screen.deployments)
        self._limits.object = self._limit_table(await self.screen.items("list_limits", **chosen))
        rejections = await self.screen.items("list_rejections", limit=SHOWN, **chosen)
        self._rejections.show([self._rows.rejection(rejection) for rejection in rejections])
        self._latches.object = self._latch_table(await self.screen.items("list_latches"))

    async def _again(self) -> None:
        await self.screen.attempt(self.load)

    def _scope(self, kind: ScopeKind, scope_id: str) -> str:
        return escape(f"{self.t.of('scope', kind)} {scope_id}".strip())

    def _halt_table(self, halts: list[Halt]) -> str:
        t = self.t
        if not halts:
            return empty(t("risk.no_halts"), t("risk.no_halts_next"))
        titles = [t("col.scope"), t("col.state"), t("col.actor"), t("col.reason"), t("col.time")]
        rows = [
            [self._scope(halt.scope, halt.scope_id), badge(t.of("halt", halt.state), "bad"), escape(halt.actor),
             escape(halt.reason), escape(self.f.moment(halt.changed_at))]
            for halt in halts
        ]  # fmt: skip
        return table(t("risk.halts"), titles, rows)

    def _limit_table(self, limits: list[LimitUse]) -> str:
        t, f = self.t, self.f
        if not limits:
            return empty(t("risk.no_limits"), t("risk.no_limits_next"))
        titles = [t("col.deployment"), t("col.rule"), t("col.used"), t("col.limit"), t("col.use"), ""]
        rows = []
        for limit in sorted(limits, key=lambda one: -(one.use or 0.0)):
            use = f.percent(limit.use, 1)
            label = t("risk.use_of", limit=limit.name, use=use)
            rows.append([
                escape(limit.deployment), f'<span title="{escape(limit.code, quote=True)}">{escape(limit.name)}</span>',
                escape(f"{f.quantity(limit.used)} {limit.unit}"), escape(f"{f.quantity(limit.limit)} {limit.unit}"),
                escape(use), bar(limit.use, label) if limit.use is not None else "",
            ])  # fmt: skip
        return table(t("risk.limits"), titles, rows, [2, 3, 4])

    def _latch_table(self, latches: list[Latch]) -> str:
        t = self.t
        if not latches:
            return empty(t("risk.no_latches"), t("risk.no_latches_next"))
        titles = [t("col.scope"), t("col.rule"), t("col.details"), t("col.time")]
        rows = [
            [self._scope(latch.scope, latch.scope_id), escape(latch.name),
             escape(", ".join(f"{name}={value}" for name, value in latch.value.items())),
             escape(self.f.moment(latch.time))]
            for latch in latches
        ]  # fmt: skip
        return table(t("risk.latches"), titles, rows)
