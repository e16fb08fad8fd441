"""Orders and fills as they happen."""

import panel as pn

from millstream.contracts.api.identity import Permission

from ..commands import Confirm
from ..listing import Listing
from ..page import Page, section, stack
from ..rows import FILLS, ORDERS, Rows
from ..screen import Screen
from ..style import sheet


class Orders(Page):
    """Working orders, which a trader can cancel; the newest orders; the newest fills."""

    name = "orders"
    topics = frozenset({"orders", "fills"})

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        rows = self._rows = Rows(t, self.f)
        waiting = (t("orders.no_working"), t("orders.no_working_next"), "")
        unfilled = (t("orders.no_fills"), t("orders.none_next"), "")
        nothing = (t("orders.none"), t("orders.none_next"), "")
        self._working = Listing(screen, ORDERS, rows.order, waiting, self.again)
        self._fills = Listing(screen, FILLS, rows.fill, unfilled, self.again)
        self._orders = Listing(screen, ORDERS, rows.order, nothing, self.again)
        self._asked = ""
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
        screen = self.screen
        working = await self._working.load(screen.asking("list_orders"), working=True, **chosen)
        await self._fills.load(screen.asking("list_fills"), **chosen)
        await self._orders.load(screen.asking("list_orders"), **chosen)
        self._commands.visible = bool(working)
        options = {
            f"{order.deployment} · {order.instrument} · {self._rows.side(order.side)}"
            f" {self.f.quantity(order.quantity, order.instrument)} · {order.order[-8:]}": order.order
            for order in working
        }
        if self._choice.options != options:
            self._choice.options = options

    def _question(self) -> str:
        # What was asked about is what is cancelled, though the list moves on meanwhile.
        self._asked = str(self._choice.value or "")
        names = {order: name for name, order in self._choice.options.items()}
        return self.t("orders.cancel_question", order=names.get(self._asked, ""))

    async def _do_cancel(self) -> None:
        order = self._asked
        if order:
            await self.screen.command(lambda client: client.cancel_order(order=order), self.t("orders.cancelled"))
            await self.again()
