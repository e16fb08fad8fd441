"""What a handler of the trading core wants done: rows, events and orders for the venue. Data only, no I/O."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ..contracts.events import Event
from ..contracts.topics import Topic
from .order import Order
from .rows import (
    AuditRecord,
    CashRecord,
    DecisionRecord,
    EquityRecord,
    FillRecord,
    HaltRecord,
    IntentRecord,
    LatchRecord,
    MarkRecord,
    OrderChange,
    OrderRecord,
    PortfolioChange,
    PositionRecord,
)


class Emitted(NamedTuple):
    """An event to publish on ``topic`` under ``key`` after the rows are committed."""

    topic: Topic
    key: str
    event: Event


@dataclass(slots=True)
class Effects:
    """Everything that follows from one or more events, in order. Rows that replace each other keep the last.

    ``sends`` and ``cancels`` go to the venue only after the rows are committed.
    """

    intents: list[IntentRecord] = field(default_factory=list)
    decisions: dict[str, DecisionRecord] = field(default_factory=dict)
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    changes: dict[str, OrderChange] = field(default_factory=dict)
    fills: list[FillRecord] = field(default_factory=list)
    positions: dict[tuple[str, str], PositionRecord] = field(default_factory=dict)
    cash: dict[tuple[str, str], CashRecord] = field(default_factory=dict)
    portfolios: dict[str, PortfolioChange] = field(default_factory=dict)
    equity: dict[tuple[str, datetime], EquityRecord] = field(default_factory=dict)
    marks: dict[tuple[str, str], MarkRecord] = field(default_factory=dict)
    latches: dict[tuple[str, str, str], LatchRecord] = field(default_factory=dict)
    halts: dict[tuple[str, str], HaltRecord] = field(default_factory=dict)
    audit: list[AuditRecord] = field(default_factory=list)
    events: list[Emitted] = field(default_factory=list)
    sends: list[Order] = field(default_factory=list)
    cancels: list[Order] = field(default_factory=list)

    def add(self, later: "Effects") -> None:
        """Append what happened ``later``."""
        self.intents += later.intents
        self.decisions |= later.decisions
        self.orders |= later.orders
        self.changes |= later.changes
        self.fills += later.fills
        self.positions |= later.positions
        self.cash |= later.cash
        self.portfolios |= later.portfolios
        self.equity |= later.equity
        self.marks |= later.marks
        self.latches |= later.latches
        self.halts |= later.halts
        self.audit += later.audit
        self.events += later.events
        self.sends += later.sends
        self.cancels += later.cancels

    @property
    def commands(self) -> bool:
        """Whether the venue has something to do."""
        return bool(self.sends or self.cancels)

    def take_commands(self) -> tuple[list[Order], list[Order]]:
        """Remove and return what goes to the venue: (sends, cancels)."""
        sends, cancels = self.sends, self.cancels
        self.sends, self.cancels = [], []
        return sends, cancels

    @property
    def empty(self) -> bool:
        """Whether nothing is to be written or published."""
        return not (
            self.events
            or self.intents
            or self.decisions
            or self.orders
            or self.changes
            or self.fills
            or self.marks
            or self.equity
            or self.portfolios
            or self.positions
            or self.cash
            or self.latches
            or self.halts
        )
