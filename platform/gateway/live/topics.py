"""The topics of the live events: which event of the bus belongs to which, what it is about, and which is newer.

An event is *about* a portfolio, a deployment, an instrument and a session; filters and permissions compare these. A
dimension that is ``None`` concerns all: a global halt reaches whoever follows halts at all.
"""

from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Any, NamedTuple

from ...contracts import topics
from ...contracts.enums import HaltState, ScopeKind
from ...contracts.events import (
    AlertRaised,
    Bar,
    Event,
    HaltChanged,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    Quote,
    RunnerHeartbeat,
    RunnerStateChanged,
    Trade,
    TradeRejected,
)
from .directory import Directory

Values = tuple[str, ...] | None


class LiveTopic(StrEnum):
    """What can be subscribed to."""

    ORDERS = "orders"
    FILLS = "fills"
    REJECTIONS = "rejections"
    PORTFOLIOS = "portfolios"
    RUNNERS = "runners"
    HALTS = "halts"
    PRICES = "prices"
    ALERTS = "alerts"


BUS_TOPICS = (
    topics.ORDERS_PLACED.name,
    topics.ORDERS_FILLS.name,
    topics.TRADES_REJECTED.name,
    topics.PORTFOLIO_UPDATED.name,
    topics.RUNNER_EVENTS.name,
    topics.CONTROL_COMMANDS.name,
    topics.ALERTS.name,
    topics.MARKET_RAW_DATA.name,
)


class Facts(NamedTuple):
    """What an event is about, by dimension of a filter."""

    portfolio: Values = None
    deployment: Values = None
    instrument: Values = None
    session: Values = None


# The dimensions by which a topic can be filtered; of others a filter says nothing.
DIMENSIONS: dict[LiveTopic, frozenset[str]] = {
    LiveTopic.ORDERS: frozenset(Facts._fields),
    LiveTopic.FILLS: frozenset(Facts._fields),
    LiveTopic.REJECTIONS: frozenset(Facts._fields),
    LiveTopic.PORTFOLIOS: frozenset({"portfolio", "deployment", "session"}),
    LiveTopic.RUNNERS: frozenset({"portfolio", "deployment", "session"}),
    LiveTopic.HALTS: frozenset({"portfolio", "deployment", "instrument"}),
    LiveTopic.PRICES: frozenset({"instrument", "session"}),
    LiveTopic.ALERTS: frozenset({"portfolio", "deployment", "instrument"}),
}


class Told(NamedTuple):
    """What the hub needs to know of an event.

    ``key`` names the thing it tells of and ``version`` orders what is told of it; ``content``, where given, makes two
    tellings the same. ``group`` is whose newest things a snapshot keeps together. ``pinned`` things stay in snapshots
    however old they are, ``gone`` ones leave them.
    """

    topic: LiveTopic
    key: Hashable
    version: tuple[int, ...]
    facts: Facts
    group: str = ""
    content: Hashable = None
    pinned: bool = False
    gone: bool = False


def tell(event: Event, directory: Directory) -> Told | None:
    """What ``event`` means for subscribers; None for what nobody can subscribe to."""
    reader = _READERS.get(type(event))
    return None if reader is None else reader(event, directory)


def _trading(event: OrderUpdated | OrderFilled | TradeRejected) -> Facts:
    return Facts((event.portfolio_id,), (event.deployment_id,), (event.instrument,), (event.session,))


def _order(event: OrderUpdated, _: Directory) -> Told:
    return Told(
        LiveTopic.ORDERS,
        event.order_id,
        (event.version,),
        _trading(event),
        group=event.portfolio_id,
        pinned=not event.state.terminal,
    )


def _fill(event: OrderFilled, _: Directory) -> Told:
    key = (event.venue, event.account, event.trade_id)
    return Told(LiveTopic.FILLS, key, (0,), _trading(event), group=event.portfolio_id)


def _rejection(event: TradeRejected, _: Directory) -> Told:
    return Told(LiveTopic.REJECTIONS, event.event_id, (0,), _trading(event), group=event.portfolio_id)


def _portfolio(event: PortfolioUpdated, directory: Directory) -> Told:
    facts = Facts((event.portfolio_id,), directory.deployments_of(event.portfolio_id), None, (event.session,))
    return Told(LiveTopic.PORTFOLIOS, event.portfolio_id, (event.version, event.ts), facts)


def _runner_facts(event: RunnerStateChanged | RunnerHeartbeat, directory: Directory) -> Facts:
    known = directory.get(event.deployment_id)
    portfolio = () if known is None else (known.portfolio,)
    session = event.session if known is None else known.session
    return Facts(portfolio, (event.deployment_id,), None, (session,))


def _runner_state(event: RunnerStateChanged, directory: Directory) -> Told:
    return Told(
        LiveTopic.RUNNERS,
        ("state", event.deployment_id),
        (event.epoch, event.occurred_at),
        _runner_facts(event, directory),
        content=(event.epoch, event.state, event.message, event.notebook),
    )


def _heartbeat(event: RunnerHeartbeat, directory: Directory) -> Told:
    return Told(
        LiveTopic.RUNNERS,
        ("heartbeat", event.deployment_id),
        (event.epoch, event.occurred_at),
        _runner_facts(event, directory),
    )


def _scope(scope: ScopeKind, scope_id: str, directory: Directory) -> Facts:
    """Fails closed: of a deployment that is not known nobody with a list of portfolios is told."""
    if scope is ScopeKind.PORTFOLIO:
        return Facts(portfolio=(scope_id,), deployment=directory.deployments_of(scope_id))
    if scope is ScopeKind.DEPLOYMENT:
        known = directory.get(scope_id)
        return Facts(portfolio=() if known is None else (known.portfolio,), deployment=(scope_id,))
    return Facts(instrument=(scope_id,)) if scope is ScopeKind.INSTRUMENT else Facts()


def _halt(event: HaltChanged, directory: Directory) -> Told:
    return Told(
        LiveTopic.HALTS,
        (event.scope, event.scope_id),
        (event.occurred_at,),
        _scope(event.scope, event.scope_id, directory),
        gone=event.state is HaltState.ACTIVE,
    )


def _alert(event: AlertRaised, directory: Directory) -> Told:
    return Told(LiveTopic.ALERTS, event.event_id, (0,), _scope(event.scope, event.scope_id, directory))


def _price(event: Bar | Quote | Trade, _: Directory) -> Told:
    kind = f"bar:{event.timeframe}" if isinstance(event, Bar) else type(event).__name__
    return Told(
        LiveTopic.PRICES,
        (event.session, event.instrument, kind),
        (event.ts, event.sequence),
        Facts(instrument=(event.instrument,), session=(event.session,)),
    )


_READERS: dict[type[Event], Callable[[Any, Directory], Told]] = {
    OrderUpdated: _order,
    OrderFilled: _fill,
    TradeRejected: _rejection,
    PortfolioUpdated: _portfolio,
    RunnerStateChanged: _runner_state,
    RunnerHeartbeat: _heartbeat,
    HaltChanged: _halt,
    AlertRaised: _alert,
    Bar: _price,
    Quote: _price,
    Trade: _price,
}
