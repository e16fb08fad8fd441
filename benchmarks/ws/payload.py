"""The event that is fanned out: a fill, as it is on the bus."""

from decimal import Decimal

from millstream.bus.base import Delivery
from millstream.contracts.codec import encode
from millstream.contracts.enums import Liquidity, Side
from millstream.contracts.events import OrderFilled
from millstream.contracts.ids import digest
from millstream.contracts.topics import ORDERS_FILLS

PORTFOLIO = "bench"


def marker(number: int) -> bytes:
    """What every client looks for in round ``number``."""
    return b'"round-%d"' % number


def delivery(number: int) -> Delivery:
    """The bus record of round ``number``."""
    event = OrderFilled(
        event_id=digest("bench", number),
        occurred_at=1_760_000_000_000_000_000,
        trade_id=f"round-{number}",
        venue="paper",
        account="bench",
        order_id=digest("order", number),
        intent_id=digest("intent", number),
        deployment_id="bench",
        portfolio_id=PORTFOLIO,
        instrument="SAMPLE:AAPL",
        side=Side.BUY,
        quantity=Decimal(10),
        price=Decimal("187.31"),
        fee=Decimal("0.19"),
        fee_currency="USD",
        liquidity=Liquidity.TAKER,
        ts=1_760_000_000_000_000_000,
    )
    return Delivery(ORDERS_FILLS.name, 0, number, PORTFOLIO, encode(event), {}, 0)


def text(number: int) -> bytes:
    """The message of the bare servers: as long as the hub's."""
    return b'{"op":"event","seq":%d,"topic":"fills","event":%b}' % (number, delivery(number).value)
