"""The ticket: a manual order on the account of a deployment, under that deployment's limits."""

from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any

import ipywidgets

from millstream.client import AsyncClient
from millstream.contracts.api.trading import Rejection, Ticket
from millstream.contracts.enums import OrderType, Side, TimeInForce
from millstream_dashboards.monitor.html import heading

from .book import Book
from .screen import RefusedError, Screen, button, column, html, put

WITH_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
WITH_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
SHORT = 12


class FaultyTicketError(Exception):
    """A field of the form is no number above zero; the text says which."""


class TicketForm:
    """Asks only for what the order type needs; risk decides as it does for the deployment's own orders."""

    def __init__(self, screen: Screen) -> None:
        t = screen.t
        self._screen = screen
        self._instruments: dict[str, tuple[str, ...]] = {}
        self._deployment = _field(ipywidgets.Dropdown, t("deployment"))
        self._instrument = _field(ipywidgets.Dropdown, t("instrument"))
        self._side = ipywidgets.ToggleButtons(
            options=[(t.of("side", side.value), side) for side in Side], value=Side.BUY
        )
        self._side.style.button_width = "auto"
        self._side.add_class("ms-side")
        self._quantity = _field(ipywidgets.Text, t("quantity"), placeholder="0")
        self._type = _field(
            ipywidgets.Dropdown, t("type"), options=[(t.of("type", one.value), one) for one in OrderType]
        )
        self._limit = _field(ipywidgets.Text, t("limit_price"))
        self._stop = _field(ipywidgets.Text, t("stop_price"))
        valid = [(t.of("valid", one.value), one) for one in TimeInForce]
        self._valid = _field(ipywidgets.Dropdown, t("valid"), options=valid)
        self._reduce = ipywidgets.Checkbox(description=t("reduce_only"), indent=False, layout={"width": "auto"})
        self._send = button(t("ticket.send"), self._sent, kind="primary")
        self._fault = html()
        title = html(heading(t("ticket")) + f'<p class="note">{escape(t("ticket.note"))}</p>')
        self.view = column([title, *self._form()], "ms-card")
        self._deployment.observe(lambda _: self._offer(), names="value")
        self._type.observe(lambda _: self._ask_for(), names="value")
        self._ask_for()

    def _form(self) -> list[ipywidgets.Widget]:
        return [
            self._deployment, self._instrument, self._side, self._quantity, self._type, self._limit, self._stop,
            self._valid, self._reduce, self._fault, self._send,
        ]  # fmt: skip

    def show(self, book: Book) -> None:
        found = {one.deployment: one.instruments for one in book.deployments}
        if found == self._instruments:
            return
        chosen, self._instruments = self._deployment.value, found
        self._deployment.options = tuple(found)
        self._deployment.value = chosen if chosen in found else next(iter(found), None)
        self._send.disabled = not found
        put(self._fault, "" if found else f'<p class="note">{escape(self._screen.t("ticket.none"))}</p>')
        self._offer()

    def _offer(self) -> None:
        offered = self._instruments.get(self._deployment.value or "", ())
        if tuple(self._instrument.options) != offered:
            self._instrument.options = offered
            self._instrument.value = offered[0] if offered else None

    def _ask_for(self) -> None:
        self._limit.layout.display = "" if self._type.value in WITH_LIMIT else "none"
        self._stop.layout.display = "" if self._type.value in WITH_STOP else "none"

    def _sent(self) -> None:
        screen = self._screen
        try:
            ticket = self._ticket()
        except FaultyTicketError as fault:
            put(self._fault, f'<p class="bad" role="alert">{escape(str(fault))}</p>')
            return
        put(self._fault, "")
        if screen.target == "live":
            question = screen.t(
                "ticket.ask",
                side=screen.t.of("side", ticket.side.value),
                quantity=screen.f.quantity(ticket.quantity),
                instrument=ticket.instrument,
                deployment=ticket.deployment,
            )
            screen.confirm.ask(question, lambda: screen.do(lambda client: self._place(client, ticket), self._send))
        else:
            screen.do(lambda client: self._place(client, ticket), self._send)

    def _ticket(self) -> Ticket:
        fields: dict[str, Any] = {
            "deployment": self._deployment.value or "",
            "instrument": self._instrument.value or "",
            "side": self._side.value,
            "order_type": self._type.value,
            "time_in_force": self._valid.value,
            "reduce_only": self._reduce.value,
            "quantity": self._number(self._quantity),
        }
        if self._type.value in WITH_LIMIT:
            fields["limit_price"] = self._number(self._limit)
        if self._type.value in WITH_STOP:
            fields["stop_price"] = self._number(self._stop)
        return Ticket(**fields)

    def _number(self, field: ipywidgets.Text) -> Decimal:
        """A number as the viewer's language writes it. Raises :class:`FaultyTicketError`."""
        t, mark, text = self._screen.t, self._screen.f.decimal_mark, field.value.strip()
        if set(text) & set(".,'’ ") - {mark}:
            # "1.000" is a thousand to one reader and one to another: an order must not depend on that.
            raise FaultyTicketError(t("ticket.mark", field=field.description, mark=mark))
        try:
            value = Decimal(text.replace(mark, "."))
        except InvalidOperation:
            value = Decimal(0)
        if not value.is_finite() or value <= 0:
            raise FaultyTicketError(t("ticket.number", field=field.description))
        return value

    async def _place(self, client: AsyncClient, ticket: Ticket) -> str:
        t, result = self._screen.t, await client.place_order(ticket)
        if result.rejection is not None:
            raise RefusedError(self._refusal(result.rejection))
        if result.order is None:
            raise RefusedError(t("failed"))
        self._quantity.value = ""
        return t("ticket.done", order=result.order.order[:SHORT], state=t.of("order_state", result.order.state.lower()))

    def _refusal(self, one: Rejection) -> str:
        message = one.message if one.message.endswith((".", "!", "?", "。")) else f"{one.message}."
        return self._screen.t("ticket.rejected", code=one.code, message=message, observed=one.observed, limit=one.limit)


def _field(kind: type[Any], title: str, **options: Any) -> Any:
    made = kind(description=title, style={"description_width": "128px"}, layout={"width": "100%"}, **options)
    made.add_class("ms-field")
    return made
