"""Rows of the tables: what the gateway says, as texts in the viewer's language."""

from decimal import Decimal, InvalidOperation

from millstream.contracts.api.identity import AuditEntry, User
from millstream.contracts.api.market import Instrument
from millstream.contracts.api.trading import Fill, Order, Position, Rejection, Trade

from ..i18n import Translator
from .formats import NOTHING, Formats
from .tables import Column, Row

ORDERS = (
    Column("time", "col.time", "time"), Column("target", "col.target"), Column("deployment", "col.deployment"),
    Column("instrument", "col.instrument"), Column("side", "col.side"), Column("type", "col.type"),
    Column("quantity", "col.quantity", "number"), Column("filled", "col.filled", "number"),
    Column("price", "col.price", "number"), Column("average", "col.average", "number"), Column("state", "col.state"),
    Column("ack", "col.ack", "number"), Column("reason", "col.reason"),
)  # fmt: skip
FILLS = (
    Column("time", "col.time", "time"), Column("target", "col.target"), Column("deployment", "col.deployment"),
    Column("instrument", "col.instrument"), Column("side", "col.side"), Column("quantity", "col.quantity", "number"),
    Column("price", "col.price", "number"), Column("fee", "col.fee", "money"), Column("pnl", "col.realized", "signed"),
    Column("liquidity", "col.liquidity"),
)  # fmt: skip
TRADES = (
    Column("opened", "col.opened", "time"), Column("closed", "col.closed", "time"), Column("target", "col.target"),
    Column("deployment", "col.deployment"), Column("instrument", "col.instrument"), Column("side", "col.side"),
    Column("quantity", "col.quantity", "number"), Column("entry", "col.entry", "number"),
    Column("exit", "col.exit", "number"), Column("pnl", "col.pnl", "signed"), Column("return", "col.return", "signed"),
    Column("fees", "col.fees", "money"), Column("indicators", "col.indicators"),
)  # fmt: skip
OPEN_TRADES = tuple(column for column in TRADES if column.key not in {"closed", "exit"})
POSITIONS = (
    Column("target", "col.target"), Column("deployment", "col.deployment"), Column("instrument", "col.instrument"),
    Column("quantity", "col.quantity", "signed"), Column("average", "col.average", "number"),
    Column("mark", "col.mark", "number"), Column("unrealized", "col.unrealized", "signed"),
    Column("realized", "col.realized", "signed"), Column("stop", "col.stop", "number"),
    Column("take", "col.take", "number"), Column("fees", "col.fees", "money"),
    Column("updated", "col.updated", "time"),
)  # fmt: skip
REJECTIONS = (
    Column("time", "col.time", "time"), Column("deployment", "col.deployment"), Column("instrument", "col.instrument"),
    Column("code", "col.code"), Column("stage", "col.stage", "number"), Column("observed", "col.observed"),
    Column("limit", "col.limit"), Column("message", "col.message"),
)  # fmt: skip
INSTRUMENTS = (
    Column("key", "col.instrument"), Column("currency", "col.currency"), Column("tick", "col.tick", "number"),
    Column("lot", "col.lot", "number"), Column("minimum", "col.minimum", "number"),
    Column("fee", "col.fee_rate", "number"),
    Column("timeframes", "col.timeframes"), Column("registered", "col.registered", "time"),
    Column("description", "col.description"),
)  # fmt: skip
USERS = (
    Column("user", "col.user"), Column("name", "col.name"), Column("role", "col.role"),
    Column("portfolios", "col.portfolios"), Column("active", "col.active"), Column("factor", "col.factor"),
    Column("login", "col.last_login", "time"),
)  # fmt: skip
AUDIT = (
    Column("time", "col.time", "time"), Column("actor", "col.actor"), Column("action", "col.action"),
    Column("subject", "col.subject"), Column("address", "col.address"), Column("details", "col.details"),
)  # fmt: skip


class Rows:
    """Makes the rows of one viewer."""

    def __init__(self, t: Translator, f: Formats) -> None:
        self._t = t
        self._f = f

    def order(self, order: Order) -> Row:
        """A row of :data:`ORDERS`."""
        t, f = self._t, self._f
        return {
            "id": order.order, "time": f.moment(order.decided_at), "target": t.of("target", order.target),
            "deployment": order.deployment, "instrument": order.instrument, "side": self.side(order.side),
            "type": t.of("type", order.order_type), "quantity": f.quantity(order.quantity, order.instrument),
            "filled": f.quantity(order.filled, order.instrument),
            "price": f.price(order.limit_price or order.stop_price, order.instrument),
            "average": f.price(order.average_price, order.instrument), "state": t.of("state", order.state),
            "ack": f.number(order.ack_ms, 1), "reason": order.reason,
        }  # fmt: skip

    def fill(self, fill: Fill) -> Row:
        """A row of :data:`FILLS`."""
        t, f = self._t, self._f
        return {
            "id": fill.trade_id, "time": f.moment(fill.time), "target": t.of("target", fill.target),
            "deployment": fill.deployment, "instrument": fill.instrument, "side": self.side(fill.side),
            "quantity": f.quantity(fill.quantity, fill.instrument), "price": f.price(fill.price, fill.instrument),
            "fee": f.money(fill.fee, fill.fee_currency),
            "pnl": f.money(fill.realized_pnl, f.currency(fill.instrument), signed=True),
            "liquidity": t.of("liquidity", fill.liquidity),
        }  # fmt: skip

    def trade(self, trade: Trade) -> Row:
        """A row of :data:`TRADES`."""
        t, f = self._t, self._f
        return {
            "id": trade.trade, "opened": f.moment(trade.opened_at),
            "closed": f.moment(trade.closed_at) if trade.closed_at else t("trade.open"),
            "target": t.of("target", trade.target), "deployment": trade.deployment, "instrument": trade.instrument,
            "side": self.side(trade.side), "quantity": f.quantity(trade.quantity, trade.instrument),
            "entry": f.price(trade.entry_price, trade.instrument), "exit": f.price(trade.exit_price, trade.instrument),
            "pnl": f.money(trade.pnl, trade.currency, signed=True), "return": f.percent(trade.return_, signed=True),
            "fees": f.money(trade.fees, trade.currency), "indicators": self.indicators(trade.indicators),
        }  # fmt: skip

    def position(self, position: Position) -> Row:
        """A row of :data:`POSITIONS`."""
        f, key, currency = self._f, position.instrument, position.currency
        return {
            "id": f"{position.portfolio}|{key}", "target": self._t.of("target", position.target),
            "deployment": position.deployment, "instrument": key,
            "quantity": f.quantity(position.quantity, key, signed=True),
            "average": f.price(position.average_price, key),
            "mark": f.price(position.mark, key), "unrealized": f.money(position.unrealized_pnl, currency, signed=True),
            "realized": f.money(position.realized_pnl, currency, signed=True),
            "stop": f.price(position.stop_price, key), "take": f.price(position.target_price, key),
            "fees": f.money(position.fees, currency), "updated": f.moment(position.updated_at),
        }  # fmt: skip

    def rejection(self, rejection: Rejection) -> Row:
        """A row of :data:`REJECTIONS`."""
        return {
            "id": rejection.intent, "time": self._f.moment(rejection.time), "deployment": rejection.deployment,
            "instrument": rejection.instrument, "code": rejection.code, "stage": str(rejection.stage),
            "observed": self.told(rejection.observed), "limit": self.told(rejection.limit),
            "message": rejection.message,
        }  # fmt: skip

    def instrument(self, instrument: Instrument) -> Row:
        """A row of :data:`INSTRUMENTS`."""
        f = self._f
        return {
            "id": instrument.key, "key": instrument.key, "currency": instrument.currency,
            "tick": f.quantity(instrument.price_tick), "lot": f.quantity(instrument.lot_step),
            "minimum": f.quantity(instrument.min_quantity), "fee": f.percent(float(instrument.fee_rate), 3),
            "timeframes": ", ".join(instrument.timeframes), "registered": f.moment(instrument.registered_at),
            "description": instrument.description,
        }  # fmt: skip

    def user(self, user: User) -> Row:
        """A row of :data:`USERS`."""
        t = self._t
        return {
            "id": user.user, "user": user.user, "name": user.name, "role": t.of("role", user.role),
            "portfolios": ", ".join(user.portfolios) or t("users.all_portfolios"), "active": self.yes(flag=user.active),
            "factor": self.yes(flag=user.second_factor), "login": self._f.moment(user.last_login),
        }  # fmt: skip

    def audit(self, entry: AuditEntry) -> Row:
        """A row of :data:`AUDIT`."""
        details = ", ".join(f"{name}={value}" for name, value in entry.details.items())
        return {
            "id": str(entry.sequence), "time": self._f.moment(entry.time), "actor": entry.actor,
            "action": entry.action, "subject": entry.subject, "address": entry.address, "details": details,
        }  # fmt: skip

    def told(self, text: str) -> str:
        """What a rule wrote of what it saw: a number in the viewer's language, anything else as it is."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            return text
        return self._f.quantity(value) if value.is_finite() else text

    def side(self, side: str) -> str:
        """The side as a word with an arrow."""
        return f"{'▲' if side == 'buy' else '▼'} {self._t.of('side', side)}"

    def indicators(self, values: dict[str, float]) -> str:
        """Indicator values by name."""
        return "  ".join(f"{name} {self._f.price(value)}" for name, value in values.items()) or NOTHING

    def yes(self, *, flag: bool) -> str:
        """A yes or a no."""
        return self._t("word.yes" if flag else "word.no")
