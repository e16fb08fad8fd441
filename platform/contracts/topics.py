"""The topic table: every topic, its key, partitions and retention. Topics are append-only, none is compacted."""

from dataclasses import dataclass

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Topic:
    """``key`` names what the records are keyed by; retention is in seconds and bytes per partition."""

    name: str
    key: str
    partitions: int
    retention_seconds: int = 7 * DAY
    retention_bytes: int = 256 * 1024 * 1024


INSTRUMENT_REGISTERED = Topic("instrument.registered", "instrument", 1)
MARKET_RAW_DATA = Topic("market.raw.data", "instrument", 4, retention_seconds=2 * DAY)
FEATURES_INDICATORS = Topic("features.indicators", "instrument", 4, retention_seconds=2 * DAY)
TRADING_SIGNALS = Topic("trading.signals", "instrument", 4)
ORDERS_INTENTS = Topic("orders.intents", "instrument", 4)
ORDERS_INTENTS_PORTFOLIO = Topic("orders.intents.portfolio", "portfolio", 4)
TRADES_APPROVED = Topic("trades.approved", "portfolio", 4)
TRADES_REJECTED = Topic("trades.rejected", "portfolio", 4)
ORDERS_PLACED = Topic("orders.placed", "portfolio", 4)
ORDERS_FILLS = Topic("orders.fills", "portfolio", 4)
PORTFOLIO_UPDATED = Topic("portfolio.updated", "portfolio", 4)
CONTROL_COMMANDS = Topic("control.commands", "scope", 1)
RUNNER_EVENTS = Topic("runner.events", "deployment", 4, retention_seconds=2 * DAY)
ALERTS = Topic("alerts", "source", 1)
DEAD_LETTERS = Topic("dead.letters", "source", 1, retention_seconds=30 * DAY)

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        INSTRUMENT_REGISTERED,
        MARKET_RAW_DATA,
        FEATURES_INDICATORS,
        TRADING_SIGNALS,
        ORDERS_INTENTS,
        ORDERS_INTENTS_PORTFOLIO,
        TRADES_APPROVED,
        TRADES_REJECTED,
        ORDERS_PLACED,
        ORDERS_FILLS,
        PORTFOLIO_UPDATED,
        CONTROL_COMMANDS,
        RUNNER_EVENTS,
        ALERTS,
        DEAD_LETTERS,
    )
}
