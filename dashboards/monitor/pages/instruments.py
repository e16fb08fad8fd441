"""Instruments: what is registered, and a form to register another."""

from decimal import Decimal
from typing import Any

import panel as pn

from millstream.contracts.api.identity import Permission
from millstream.contracts.errors import InputError

from ..entry import number_in
from ..listing import Listing
from ..page import Page, button, card, stack, typed
from ..pager import BY_NAME
from ..rows import INSTRUMENTS, Rows
from ..screen import Screen
from ..style import sheet

TEXTS = ("exchange", "symbol", "currency", "base", "description")
NUMBERS = {"price_tick": "0.01", "lot_step": "0.000001", "min_quantity": "0", "min_notional": "0",
           "fee_rate": "0", "maker_fee_rate": "0"}  # fmt: skip
SHOWN = 50


class Instruments(Page):
    """Registering an instrument starts the collection of its data. A refused form keeps what was typed."""

    name = "instruments"
    topics = frozenset[str]()

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        nothing = (t("instruments.none"), t("instruments.none_next"), "")
        self._list = Listing(
            screen, INSTRUMENTS, Rows(t, self.f).instrument, nothing, self.again, size=SHOWN, words=BY_NAME
        )
        style = {"stylesheets": [sheet()], "width": 190, "margin": (4, 10, 4, 0)}
        self._fields = {name: pn.widgets.TextInput(label=t(f"instrument.{name}"), **style) for name in TEXTS}
        self._fields |= {
            name: pn.widgets.TextInput(label=t(f"instrument.{name}"), value=value, **style)
            for name, value in NUMBERS.items()
        }
        self._register = button(t("instruments.register"), "primary")
        self._register.on_click(self._do_register)

    def view(self) -> pn.viewable.Viewable:
        form = card(
            pn.layout.FlexBox(*self._fields.values()), self._register, title=self.t("instruments.register_title")
        )
        return stack(self._list.view, form) if self.screen.may(Permission.INSTRUMENTS) else stack(self._list.view)

    async def load(self) -> None:
        await self._list.load(self.screen.asking("list_instruments"))

    async def _do_register(self, _event: object) -> None:
        try:
            values = {name: typed(self._fields[name]) for name in TEXTS} | self._numbers()
        except InputError as error:
            self.screen.notices.error(error)
            return
        given: dict[str, Any] = {name: value for name, value in values.items() if value != ""}
        done = self.t("instruments.registered", symbol=values["symbol"])
        if await self.screen.command(lambda client: client.register_instrument(**given), done) is not None:
            for name in TEXTS:
                self._fields[name].value = ""
            await self.again()

    def _numbers(self) -> dict[str, Decimal | str]:
        """The numbers of the form. Raises :class:`InputError` for what is none, with the name of its field."""
        numbers: dict[str, Decimal | str] = {}
        for name, field in ((name, self._fields[name]) for name in NUMBERS):
            value = number_in(self.t, self.t(f"instrument.{name}"), typed(field))
            numbers[name] = "" if value is None else value
        return numbers
