"""Deployments: what they are, how their runners do, what they wrote, and the commands on them."""

from html import escape
from io import StringIO
from itertools import starmap

import panel as pn

from millstream.client import ApiNotFoundError
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.promotion import Deployment

from ..commands import Confirm, command_row
from ..deploy_form import DeployForm
from ..deployment_html import facts, limit_facts, state_badges
from ..html import badge, empty, figure, figures, heading, signed, table, tone_of
from ..limits_form import LimitsForm
from ..page import Page, button, card, pane, section, stack
from ..pager import BY_NAME, Pager, parts
from ..screen import Screen
from ..style import sheet

LOG_LINES = 200
SHOWN = 50
LISTED = ("deployment", "target", "state", "instrument", "timeframe", "equity", "pnl", "heartbeat")


class Deployments(Page):
    """A list, and one deployment in detail: facts, parameters, limits, log, executed notebooks."""

    name = "deployments"
    topics = frozenset({"runners", "heartbeats", "portfolios", "halts"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._list, self._figures, self._facts, self._log, self._runs = pane(), pane(), pane(), pane(), pane()
        self._pager = Pager(t, self.again, size=SHOWN, words=BY_NAME)
        self._limits, self._limits_form, self._deploy = pane(), LimitsForm(screen), DeployForm(screen, self.again)
        self._asked = ""
        self._choice = pn.widgets.Select(label=t("deployments.which"), options=[], stylesheets=[sheet()], max_width=420)
        self._choice.param.watch(self._chosen, "value")
        self._start = button(t("deployments.start"), "primary")
        self._start.on_click(self._do_start)
        self._stop = Confirm(
            screen, t("deployments.stop"), lambda: self._question("deployments.stop_question"), self._do_stop
        )
        self._pause = Confirm(
            screen,
            t("deployments.pause"),
            lambda: self._question("deployments.pause_question"),
            self._do_pause,
            "quiet",
        )
        self._unpause = button(t("deployments.unpause"))
        self._unpause.on_click(self._do_unpause)
        self._notebook = pn.widgets.FileDownload(
            callback=self._executed, filename="executed.ipynb", label=t("deployments.notebook"), embed=False, auto=True,
            css_classes=["quiet"], stylesheets=[sheet()], margin=(4, 8, 4, 0),
        )  # fmt: skip
        self._epoch = pn.widgets.Select(label=t("deployments.run"), options=[], width=120, stylesheets=[sheet()])
        self._detail = stack()

    def view(self) -> pn.viewable.Viewable:
        t, may = self.t, self.screen.may
        commands: list[Confirm | pn.widgets.Button] = []
        if may(Permission.DEPLOY):
            commands += [self._start, self._stop]
        if may(Permission.HALT):
            commands += [self._pause, self._unpause]
        limits = [self._limits, *([self._limits_form.view] if may(Permission.LIMITS) else [])]
        self._detail.objects = [
            self._choice,
            self._figures,
            command_row(*commands),
            card(self._facts, title=t("deployments.facts")),
            card(*limits, title=t("deployments.limits")),
            card(self._log, title=t("deployments.log")),
            card(
                self._runs, pn.layout.FlexBox(self._epoch, self._notebook, align_items="flex-end"),
                title=t("deployments.runs"),
            ),
        ]  # fmt: skip
        made = [self._deploy.view] if may(Permission.DEPLOY) else []
        return stack(self._list, self._pager.view, *made, section(t("deployments.detail"), self._detail))

    async def load(self) -> None:
        deployments = self.screen.selection.of(self.screen.deployments)
        self._list.object = self._table(await self._pager.read(parts(deployments), of=self.screen.selection))
        self._detail.visible = bool(deployments)
        names = [deployment.deployment for deployment in deployments]
        if self._choice.options != names:
            self._choice.options = names
        found = self._current()
        if found is not None:
            await self._show(found)

    def _table(self, deployments: list[Deployment]) -> str:
        t, f = self.t, self.f
        if not deployments:
            return empty(t("deployments.none"), t("deployments.none_next"))
        titles = [t(f"col.{name}") for name in LISTED]
        rows = []
        for one in deployments:
            pnl = one.realized_pnl + one.unrealized_pnl - one.fees
            rows.append([
                escape(one.deployment), badge(t.of("target", one.target), "live" if one.target == "live" else ""),
                state_badges(t, one), escape(", ".join(one.instruments)), escape(one.timeframe),
                escape(f.money(one.equity, one.currency)), signed(f.money(pnl, one.currency, signed=True), pnl),
                escape(f.moment(one.heartbeat_at)),
            ])  # fmt: skip
        return table(t("page.deployments"), titles, rows, [5, 6])

    def _current(self) -> Deployment | None:
        return next((d for d in self.screen.deployments if d.deployment == self._choice.value), None)

    async def _show(self, one: Deployment) -> None:
        t, f = self.t, self.f
        pnl = one.realized_pnl + one.unrealized_pnl - one.fees
        cards = [
            (t("col.state"), t.of("state", one.state), one.message, ""),
            (t("money.equity"), f.money(one.equity, one.currency),
             t("money.of", amount=f.money(one.initial_cash, one.currency)), ""),
            (t("money.pnl"), f.money(pnl, one.currency, signed=True), t("money.after_fees"), tone_of(pnl)),
            (t("col.heartbeat"), f.time(one.heartbeat_at), f.date(one.heartbeat_at), ""),
            (t("deployments.last_slice"), f.moment(one.last_slice), t("deployments.market_time"), ""),
            (t("deployments.restarts"), str(one.restarts), t("deployments.epoch", epoch=one.epoch), ""),
        ]  # fmt: skip
        self._figures.object = heading(f"{one.deployment} · {one.currency}", state_badges(t, one), 3) + figures(
            starmap(figure, cards)
        )
        self._facts.object = facts(t, f, one)
        self._limits.object = limit_facts(t, f, one)
        self._limits_form.of(one.deployment)
        running = one.desired_state == "running"
        self._start.disabled = running
        self._stop.enable(enabled=running)
        self._pause.show(shown=one.halt == "active")
        self._unpause.visible = one.halt == "reduce_only"
        await self._show_log(one)

    async def _show_log(self, one: Deployment) -> None:
        t = self.t
        try:
            text = (await self.screen.read("read_log", deployment=one.deployment, lines=LOG_LINES)).text
        except ApiNotFoundError:  # it has not run yet
            text = ""
        self._log.object = (
            f'<pre class="log" tabindex="0" role="region" aria-label="{t("deployments.log")}">{escape(text)}</pre>'
            if text.strip()
            else empty(t("deployments.no_log"), t("deployments.no_log_next"))
        )
        runs = [str(run) for run in await self.screen.every("list_runs", deployment=one.deployment)]
        self._epoch.visible = self._notebook.visible = bool(runs)
        self._runs.object = "" if runs else empty(t("deployments.no_runs"), t("deployments.no_runs_next"))
        if self._epoch.options != runs:
            self._epoch.options = runs

    async def _chosen(self, _event: object) -> None:
        found = self._current()
        if found is not None:
            await self.screen.attempt(lambda: self._show(found))

    def _question(self, key: str) -> str:
        # What was asked about is what is done, though the list moves on meanwhile.
        self._asked = str(self._choice.value)
        return self.t(key, deployment=self._asked)

    async def _executed(self) -> StringIO:
        name, epoch = str(self._choice.value), int(self._epoch.value or 0)
        text = await self.screen.own(
            lambda client: client.read_executed_notebook(deployment=name, epoch=epoch, format="ipynb")
        )
        self._notebook.filename = f"{name}-{epoch}.ipynb"
        return StringIO(text)

    async def _do_start(self, _event: object) -> None:
        await self._command(str(self._choice.value), "start_deployment", "deployments.started")

    async def _do_stop(self) -> None:
        await self._command(self._asked, "stop_deployment", "deployments.stopped")

    async def _do_pause(self) -> None:
        await self._command(self._asked, "pause_deployment", "deployments.paused")

    async def _do_unpause(self, _event: object) -> None:
        await self._command(str(self._choice.value), "unpause_deployment", "deployments.unpaused")

    async def _command(self, name: str, operation: str, done: str) -> None:
        text = self.t(done, deployment=name)
        if await self.screen.command(lambda client: getattr(client, operation)(deployment=name), text) is not None:
            await self.screen.attempt(self._anew)

    async def _anew(self) -> None:
        await self.screen.selected()
        await self.load()
