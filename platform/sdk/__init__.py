"""What a strategy notebook imports: strategies and their parameters, the context of event-driven ones, and ``run``."""

from ..contracts.errors import InputError
from .context import Context
from .orders import WorkingOrder
from .parameters import Ge, Gt, Le, Lt
from .run import run
from .strategy import Strategy
from .views import BarView, FillView, QuoteView, TradeView

__all__ = [
    "BarView",
    "Context",
    "FillView",
    "Ge",
    "Gt",
    "InputError",
    "Le",
    "Lt",
    "QuoteView",
    "Strategy",
    "TradeView",
    "WorkingOrder",
    "run",
]
