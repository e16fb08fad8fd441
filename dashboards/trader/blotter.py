"""The blotter: working orders with the button that cancels one, recent orders, fills, rejections."""

from collections.abc import Iterable
from html import escape

import ipywidgets

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import Fill, Order, Rejection
from millstream_dashboards.monitor.html import badge, empty, heading, signed, table

from .book import SHOWN, Book
from .rows import Action, Cell, Row, Rows
from .screen import Screen, column, html, put

SHORT = 12


class Blotter:
    """What was ordered, and what became of it."""

    def __init__(self, screen: Screen) -> None:
        t = screen.t
        self._screen = screen
        self._working = Rows(empty(t("working.empty"), t("working.next")), "working")
        self._tables = {name: html() for name in ("orders", "fills", "rejections")}
        tabs = ipywidgets.Tab(tuple(self._tables.values()), titles=tuple(t(name) for name in self._tables))
        tabs.add_class("ms-tabs")
        self.view = column([html(heading(t("working"))), self._working.view, tabs], "ms-card")

    def show(self, book: Book) -> None:
        self._working.show([self._row(one) for one in book.working])
        put(self._tables["orders"], self._orders(book.orders[:SHOWN]))
        put(self._tables["fills"], self._fills(book.fills[:SHOWN]))
        put(self._tables["rejections"], self._rejections(book.rejections[:SHOWN]))

    def _row(self, one: Order) -> Row:
        t, f = self._screen.t, self._screen.f
        cells = (
            Cell(t("instrument"), f"<b>{escape(one.instrument)}</b>"),
            Cell(t("deployment"), escape(one.deployment)),
            Cell(t("side"), self._side(one.side.value)),
            Cell(t("type"), escape(t.of("type", one.order_type.value))),
            Cell(t("quantity"), f.quantity(one.quantity), number=True),
            Cell(t("filled"), f.quantity(one.filled), number=True),
            Cell(t("price"), self._price(one), number=True),
            Cell(t("state"), badge(t.of("order_state", one.state.lower()))),
        )
        label = t("cancel.label", order=f"{t.of('side', one.side.value)} {f.quantity(one.quantity)} {one.instrument}")
        cancel = Action(t("cancel"), label, lambda: self._screen.do(lambda client: self._cancel(client, one.order)))
        return Row(one.order, cells, (cancel,) if self._screen.may(Permission.TRADE) else ())

    async def _cancel(self, client: AsyncClient, order: str) -> str:
        t, now = self._screen.t, await client.cancel_order(order=order)
        return t("cancel.done", order=order[:SHORT], state=t.of("order_state", now.state.lower()))

    def _price(self, one: Order) -> str:
        f = self._screen.f
        prices = [f.price(price) for price in (one.stop_price, one.limit_price) if price is not None]
        return " / ".join(prices) or f.price(None)

    def _side(self, side: str) -> str:
        return signed(self._screen.t.of("side", side), 1 if side == "buy" else -1)

    def _orders(self, orders: Iterable[Order]) -> str:
        t, f = self._screen.t, self._screen.f
        keys = ("time", "instrument", "deployment", "side", "type", "quantity", "filled", "average", "state", "reason")
        rows = [
            (
                f.moment(one.updated_at), escape(one.instrument), escape(one.deployment), self._side(one.side.value),
                escape(t.of("type", one.order_type.value)), f.quantity(one.quantity), f.quantity(one.filled),
                f.price(one.average_price), badge(t.of("order_state", one.state.lower())), escape(one.reason),
            )
            for one in orders
        ]  # fmt: skip
        return table(t("orders"), [t(key) for key in keys], rows, (5, 6, 7)) if rows else self._none("orders")

    def _fills(self, fills: Iterable[Fill]) -> str:
        t, f = self._screen.t, self._screen.f
        keys = ("time", "instrument", "deployment", "side", "quantity", "price", "fee", "realized")
        rows = [
            (
                f.moment(one.time), escape(one.instrument), escape(one.deployment), self._side(one.side.value),
                f.quantity(one.quantity), f.price(one.price), f.money(one.fee, escape(one.fee_currency)),
                signed(f.money(one.realized_pnl, signed=True), one.realized_pnl),
            )
            for one in fills
        ]  # fmt: skip
        return table(t("fills"), [t(key) for key in keys], rows, (4, 5, 6, 7)) if rows else self._none("fills")

    def _rejections(self, rejections: Iterable[Rejection]) -> str:
        t, f = self._screen.t, self._screen.f
        keys = ("time", "instrument", "deployment", "reason")
        rows = [
            (
                f.moment(one.time), escape(one.instrument), escape(one.deployment),
                f"{badge(one.code, 'bad')} {escape(one.message)}",
            )
            for one in rejections
        ]  # fmt: skip
        return table(t("rejections"), [t(key) for key in keys], rows) if rows else self._none("rejections")

    def _none(self, name: str) -> str:
        key = {"orders": "working.next", "fills": "working.next", "rejections": "ticket.note"}[name]
        return empty(self._screen.t(f"{name}.empty"), self._screen.t(key))
