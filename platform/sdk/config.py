"""Who trades what: the identity of a strategy's host."""

from dataclasses import dataclass

from ..contracts.instrument import Instrument
from ..contracts.time import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """``intent_ttl`` is an intent's time to live in ns, counted from the market time it was decided at."""

    deployment_id: str
    portfolio_id: str
    epoch: int
    instruments: tuple[Instrument, ...]
    timeframe: str
    session: str = ""
    intent_ttl: int = 30 * SECOND
