"""All events of the topic table."""

from .base import SCHEMA_VERSION, Event
from .control import AlertRaised, CancelOrders, DeadLetter, DeploymentChanged, HaltChanged
from .market import (
    Bar,
    BarOpened,
    IndicatorsComputed,
    InstrumentRegistered,
    MarketEvent,
    Quote,
    SessionEnded,
    SignalPublished,
    Trade,
    Watermark,
)
from .orders import (
    CancelIntent,
    IntentBase,
    IntentCleared,
    OrderFilled,
    OrderIntent,
    OrderUpdated,
    TradeApproved,
    TradeRejected,
)
from .portfolio import PortfolioUpdated, PositionView
from .runner import RunnerEvent, RunnerHeartbeat, RunnerLog, RunnerStateChanged, SliceFinished

AnyMarketEvent = BarOpened | Bar | Quote | Trade | Watermark | SessionEnded
AnyIntent = OrderIntent | CancelIntent
AnyControl = HaltChanged | CancelOrders | DeploymentChanged
AnyRunnerEvent = RunnerStateChanged | RunnerHeartbeat | SliceFinished | RunnerLog

__all__ = [
    "SCHEMA_VERSION",
    "AlertRaised",
    "AnyControl",
    "AnyIntent",
    "AnyMarketEvent",
    "AnyRunnerEvent",
    "Bar",
    "BarOpened",
    "CancelIntent",
    "CancelOrders",
    "DeadLetter",
    "DeploymentChanged",
    "Event",
    "HaltChanged",
    "IndicatorsComputed",
    "InstrumentRegistered",
    "IntentBase",
    "IntentCleared",
    "MarketEvent",
    "OrderFilled",
    "OrderIntent",
    "OrderUpdated",
    "PortfolioUpdated",
    "PositionView",
    "Quote",
    "RunnerEvent",
    "RunnerHeartbeat",
    "RunnerLog",
    "RunnerStateChanged",
    "SessionEnded",
    "SignalPublished",
    "SliceFinished",
    "Trade",
    "TradeApproved",
    "TradeRejected",
    "Watermark",
]
