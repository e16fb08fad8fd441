"""Orders and fills as they happen."""

import panel as pn

from millstream.contracts.api.identity import Permission

from ..commands import Confirm
from ..page import Page, section, stack
from ..rows import FILLS, ORDERS, Rows
from ..screen import Screen
from ..style import sheet
from ..tables import LiveTable

SHOWN = 200


class Orders(Page):
    """Working orders, which a trader can cancel; the newest orders; the newest fills."""

    name = "orders"
    topics = frozenset({"orders", "fills"})

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._rows = Rows(t, self.f)
        nothing = (t("orders.none"), t("orders.none_next"), "")
        self._working = LiveTable(t, self.f, ORDERS, (t("orders.no_working"), t("orders.no_working_next"), ""))
        self._orders = LiveTable(t, self.f, ORDERS, nothing)
        self._fills = LiveTable(t, self.f, FILLS, (t("orders.no_fills"), t("orders.none_next"), ""))
        self._choice = pn.widgets.Select(label=t("orders.which"), options={}, stylesheets=[sheet()], max_width=420)
        self._cancel = Confirm(screen, t("orders.cancel"), self._question, self._do_cancel)
        self._commands = stack(self._choice, self._cancel.view)
        self._commands.visible = False

    def view(self) -> pn.viewable.Viewable:
        t = self.t
        working = [self._working.view]
        if self.screen.may(Permission.TRADE):
            working.append(self._commands)
        return stack(
            section(t("orders.working"), *working),
            section(t("orders.fills"), self._fills.view),
            section(t("orders.orders"), self._orders.view),
        )

    async def load(self) -> None:
        chosen = self.screen.selection.filters()
        working = await self.screen.items("list_orders", working=True, limit=SHOWN, **chosen)
        fills = await self.screen.items("list_fills", limit=SHOWN, **chosen)
        orders = await self.screen.items("list_orders", limit=SHOWN, **chosen)
        self._working.show([self._rows.order(order) for order in working])
        self._fills.show([self._rows.fill(fill) for fill in fills])
        self._orders.show([self._rows.order(order) for order in orders])
        self._commands.visible = bool(working)
        options = {
            f"{order.deployment} · {order.instrument} · {self._rows.side(order.side)} {self.f.quantity(order.quantity)}"
            f" · {order.order[-8:]}": order.order
            for order in working
        }
        if self._choice.options != options:
            self._choice.options = options

    def _question(self) -> str:
        names = {order: name for name, order in self._choice.options.items()}
        return self.t("orders.cancel_question", order=names.get(self._choice.value, ""))

    async def _do_cancel(self) -> None:
        order = self._choice.value
        if order:
            await self.screen.command(lambda client: client.cancel_order(order=order), self.t("orders.cancelled"))
            await self.load()
