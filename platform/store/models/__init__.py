"""The tables. Importing this package registers them all on ``Base.metadata``."""

from .base import Base
from .gateway import IdempotencyRow, OperationRow
from .identity import ApiKeyRow, InvitationRow, LoginFailureRow, LoginSessionRow, RefreshTokenRow, UserRow
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
    IndicatorRow,
    IntentRow,
    LatchRow,
    OrderRow,
    OutboxRow,
    PositionRow,
)

__all__ = [
    "ApiKeyRow",
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
    "IdempotencyRow",
    "IndicatorRow",
    "InstrumentRow",
    "IntentRow",
    "InvitationRow",
    "LatchRow",
    "LoginFailureRow",
    "LoginSessionRow",
    "MarkRow",
    "MarketSessionRow",
    "OperationRow",
    "OrderRow",
    "OutboxRow",
    "PortfolioRow",
    "PositionRow",
    "RefreshTokenRow",
    "ReleaseRow",
    "RunnerRow",
    "UserRow",
]
