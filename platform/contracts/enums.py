"""The closed vocabularies of the events."""

from enum import StrEnum


class Side(StrEnum):
    """Direction of an order, a fill or a public trade."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """``STOP`` becomes a market order when its stop price trades; ``STOP_LIMIT`` a limit order."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    """How long an order works: until canceled, at once or not at all (in part or whole), until the day ends."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    DAY = "day"


class OrderState(StrEnum):
    """States of RELIABILITY §2. ``SUBMITTED`` is journalled before the send: it is the ``SENDING`` row."""

    INITIALIZED = "initialized"
    DENIED = "denied"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_UPDATE = "pending_update"
    PENDING_CANCEL = "pending_cancel"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.DENIED, OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED}
)


class Liquidity(StrEnum):
    """Whether a fill made the market (a resting order) or took it."""

    MAKER = "maker"
    TAKER = "taker"


class HaltState(StrEnum):
    """Kill switch states, from the mildest to the strictest."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    HALTED = "halted"


class ScopeKind(StrEnum):
    """What a halt, a limit or an alert is about."""

    GLOBAL = "global"
    PORTFOLIO = "portfolio"
    DEPLOYMENT = "deployment"
    INSTRUMENT = "instrument"


class Target(StrEnum):
    """Where a release may be deployed to."""

    PAPER = "paper"
    LIVE = "live"


class DesiredState(StrEnum):
    """What the supervisor is to make of a deployment."""

    RUNNING = "running"
    STOPPED = "stopped"


class RunnerState(StrEnum):
    """What a runner process is doing, as the supervisor and the CLI show it."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    HELD = "held"

    @property
    def ended(self) -> bool:
        return self in {RunnerState.COMPLETED, RunnerState.STOPPED, RunnerState.HELD}


class RejectCode(StrEnum):
    """Stable machine-readable reasons of a rejection (RELIABILITY §1); later issues add codes, none changes meaning."""

    MAX_ORDER_QTY = "MAX_ORDER_QTY"
    MAX_ORDER_NOTIONAL = "MAX_ORDER_NOTIONAL"
    PRICE_COLLAR = "PRICE_COLLAR"
    STALE_MARKET_DATA = "STALE_MARKET_DATA"
    DUPLICATE_INTENT = "DUPLICATE_INTENT"
    INTENT_EXPIRED = "INTENT_EXPIRED"
    STALE_RUNNER = "STALE_RUNNER"
    MAX_POSITION = "MAX_POSITION"
    MAX_GROSS_EXPOSURE = "MAX_GROSS_EXPOSURE"
    INSUFFICIENT_BUYING_POWER = "INSUFFICIENT_BUYING_POWER"
    DAILY_LOSS = "DAILY_LOSS"
    HALTED = "HALTED"
    REDUCE_ONLY = "REDUCE_ONLY"
    INVALID_INTENT = "INVALID_INTENT"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    MISSING_LIMIT = "MISSING_LIMIT"
    RULE_ERROR = "RULE_ERROR"
    VENUE_REJECTED = "VENUE_REJECTED"
