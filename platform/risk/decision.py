"""What risk answers: a decision, and the breaches that made it a rejection."""

from dataclasses import dataclass
from decimal import Decimal

from ..contracts.enums import RejectCode, ScopeKind
from ..contracts.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Why an intent is rejected.

    ``observed`` and ``limit`` are texts for people; ``trips_day`` asks the caller to latch the deployment in its
    :class:`~millstream.risk.day.RiskDay` and to store that.
    """

    code: RejectCode
    message: str
    scope: ScopeKind
    scope_id: str
    observed: str = ""
    limit: str = ""
    trips_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``breaches`` is empty when approved (only the first one unless the engine was told to find all).

    ``reference_price`` is the price it was valued at, ``reserved`` the worst-case notional in the portfolio's
    currency to write into ``Order.reserved`` (stage 2, approved only).
    """

    stage: int
    breaches: tuple[Breach, ...] = ()
    reference_price: Decimal | None = None
    reserved: Decimal = ZERO

    @property
    def approved(self) -> bool:
        return not self.breaches

    @property
    def breach(self) -> Breach:
        """The first breach. Raises ``IndexError`` when approved."""
        return self.breaches[0]
