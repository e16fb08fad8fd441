"""Risk: limits with what is used of them, rejections with reasons, latches, and the kill switch."""

from html import escape

import panel as pn

from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import Halt, Latch, LimitUse
from millstream.contracts.enums import ScopeKind

from ..html import badge, bar, empty, table
from ..kill_switch import KillSwitch
from ..limits import amount, title
from ..listing import Listing
from ..page import Page, pane, section, stack
from ..rows import REJECTIONS, Rows
from ..screen import Screen


class Risk(Page):
    """What holds trading back, and the commands to stop it and to let it go on."""

    name = "risk"
    topics = frozenset({"halts", "rejections", "portfolios"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._halts, self._limits, self._latches = pane(), pane(), pane()
        nothing = (t("risk.no_rejections"), t("risk.no_rejections_next"), "")
        self._rejections = Listing(screen, REJECTIONS, Rows(t, self.f).rejection, nothing, self.again)
        self._switch = KillSwitch(screen, self.again)

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
        self._limits.object = self._limit_table(await self.screen.every("list_limits", **chosen))
        await self._rejections.load(self.screen.asking("list_rejections"), **chosen)
        self._latches.object = self._latch_table(await self.screen.items("list_latches"))

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
            use, name = f.percent(limit.use, 1), title(t, limit.name)
            code = escape(f"{limit.name} · {limit.code}", quote=True)
            rows.append([
                escape(limit.deployment), f'<span title="{code}">{escape(name)}</span>',
                escape(amount(t, f, limit.used, limit.unit)), escape(self._bound(limit)),
                escape(use) if limit.use is not None else "",
                bar(limit.use, t("risk.use_of", limit=name, use=use)) if limit.use is not None else "",
            ])  # fmt: skip
        return table(t("risk.limits"), titles, rows, [2, 3, 4])

    def _bound(self, limit: LimitUse) -> str:
        """The limit; one that is not set denies, which a dash would hide."""
        return self.t("limits.none") if limit.limit is None else amount(self.t, self.f, limit.limit, limit.unit)

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
