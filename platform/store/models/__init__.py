"""The tables. Importing this package registers them all on ``Base.metadata``."""

from .base import Base
from .market import CandleRow, CandleSeriesRow, InstrumentRow, MarketSessionRow, MarkRow
from .promotion import DeploymentRow, PortfolioRow, ReleaseRow, RunnerRow
from .trading import (
    AuditRow,
    CashRow,
    ConsumedOffsetRow,
    DecisionRow,
    EquityRow,
    FenceRow,
    FillRow,
    HaltRow,
    IntentRow,
    LatchRow,
    OrderRow,
    OutboxRow,
    PositionRow,
)

__all__ = [
    "AuditRow",
    "Base",
    "CandleRow",
    "CandleSeriesRow",
    "CashRow",
    "ConsumedOffsetRow",
    "DecisionRow",
    "DeploymentRow",
    "EquityRow",
    "FenceRow",
    "FillRow",
    "HaltRow",
    "InstrumentRow",
    "IntentRow",
    "LatchRow",
    "MarkRow",
    "MarketSessionRow",
    "OrderRow",
    "OutboxRow",
    "PortfolioRow",
    "PositionRow",
    "ReleaseRow",
    "RunnerRow",
]
