"""What rules may see. The trading service keeps these objects up to date and hands them to the engine; rules only read.

Nothing here is copied for an intent: build one view an intent (it is a small slotted object around live state).
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from ..contracts.errors import NotFoundError
from ..contracts.events import OrderIntent
from ..contracts.instrument import Instrument
from ..portfolio.ledger import Ledger
from .day import RiskDay
from .exposure import Exposure, measure
from .halts import Halts
from .limits import MissingLimitError, RiskLimits
from .recent import RecentIntents
from .reservations import Reservations


@dataclass(slots=True, kw_only=True)
class DeploymentState:
    """A deployment as risk knows it. ``epoch`` is the newest one; ``limits`` None means they could not be read.

    ``decided_ts``: what was decided up to this market time (UTC ns) was decided under earlier epochs, by runners that
    held the lease then.
    """

    deployment_id: str
    portfolio_id: str
    session: str
    epoch: int
    instruments: frozenset[str]
    limits: RiskLimits | None
    decided_ts: int = 0


@dataclass(slots=True, kw_only=True)
class InstrumentState:
    """One instrument in one session: its last price and the one before, times on the session's clock (UTC ns)."""

    instrument: Instrument
    session: str = ""
    mark: Decimal | None = None
    mark_ts: int = 0
    previous_mark: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None

    def on_price(self, price: Decimal, ts: int) -> None:
        """A new last price (bar close, bar open, trade)."""
        self.previous_mark, self.mark, self.mark_ts = self.mark, price, ts

    def on_quote(self, bid: Decimal, ask: Decimal, ts: int) -> None:
        """A new best bid and ask; the mark is their middle."""
        self.bid, self.ask = bid, ask
        self.on_price((bid + ask) / 2, ts)


class CommonView(Protocol):
    """What rules of both stages see. ``now`` is the session's clock (UTC ns)."""

    @property
    def now(self) -> int: ...
    @property
    def deployment(self) -> DeploymentState | None: ...
    @property
    def halts(self) -> Halts: ...
    @property
    def limits(self) -> RiskLimits: ...


def _limits(deployment: DeploymentState | None) -> RiskLimits:
    if deployment is None or deployment.limits is None:
        raise MissingLimitError("the deployment has no readable limits", hint="Give it limits: none at all means deny.")
    return deployment.limits


@dataclass(slots=True, kw_only=True)
class InstrumentView:
    """Stage 1: one instrument of one session. ``market`` None means the instrument is not known there."""

    now: int
    deployment: DeploymentState | None
    market: InstrumentState | None
    halts: Halts
    recent: RecentIntents

    @property
    def limits(self) -> RiskLimits:
        """The deployment's limits. Raises ``MissingLimitError`` when there are none."""
        return _limits(self.deployment)

    @property
    def state(self) -> InstrumentState:
        """The instrument's market. Raises ``NotFoundError`` when it is not known."""
        if self.market is None:
            raise NotFoundError("the instrument is not known in this session", hint="Register it and feed its prices.")
        return self.market


@dataclass(slots=True, kw_only=True)
class PortfolioView:
    """Stage 2: one portfolio.

    ``reservations`` hold every working order of it, those in ``unknown`` included; ``reference_price`` is stage 1's,
    the portfolio's own mark by default. Build one view an intent: it measures once.
    """

    now: int
    deployment: DeploymentState | None
    ledger: Ledger | None
    reservations: Reservations
    day: RiskDay
    halts: Halts
    reference_price: Decimal | None = None
    _measured: tuple[str, Exposure] | None = field(default=None, init=False, repr=False)

    @property
    def limits(self) -> RiskLimits:
        """The deployment's limits. Raises ``MissingLimitError`` when there are none."""
        return _limits(self.deployment)

    @property
    def portfolio(self) -> Ledger:
        """The ledger. Raises ``NotFoundError`` when the portfolio is not known."""
        if self.ledger is None:
            raise NotFoundError("the portfolio is not known", hint="It is created with its first deployment.")
        return self.ledger

    def exposure(self, intent: OrderIntent) -> Exposure:
        """Worst cases before and after ``intent``; see :func:`~millstream.risk.exposure.measure` for what it raises."""
        if self._measured is None or self._measured[0] != intent.intent_id:
            self._measured = (intent.intent_id, measure(intent, self))
        return self._measured[1]
