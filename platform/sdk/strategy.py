"""``Strategy``: what a strategy notebook subclasses."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from ..contracts.errors import InputError
from .parameters import Gt, Lt, bind
from .shown import Showcase, check

if TYPE_CHECKING:
    import pandas as pd

    from .context import Context
    from .views import BarView, FillView, QuoteView, TradeView

WARMUP_MARGIN = 10
_EVENTS = ("on_bar", "on_quote", "on_trade")


class Kind(StrEnum):
    """How a strategy decides."""

    VECTORISED = "vectorised"
    EVENTS = "events"


class Strategy:
    """Base of all strategies; the annotations of a subclass are its parameters.

    Override ``target`` (vectorised: one expression over all bars), or ``on_bar``, ``on_quote``, ``on_trade``
    (event-driven: orders of your own), never both. Every strategy also takes:

    - ``rebalance``: order when the target changes from the instrument's own previous bar (``"on_change"``), or at every
      bar (``"always"``); for ``target`` only.
    - ``stop_loss``, ``take_profit``: fractions of the entry price (0.05 is 5 %), or ``None``. The trading service keeps
      these orders itself, also while the runner is dead. After such an exit the position stays flat until the target
      changes (or until the next bar with ``"always"``).
    """

    rebalance: Literal["on_change", "always"] = "on_change"
    stop_loss: Annotated[float, Gt(0), Lt(1)] | None = None
    take_profit: Annotated[float, Gt(0)] | None = None

    warmup: ClassVar[int | None] = None
    """Bars a live run loads before its first decision. ``None``: see :attr:`warmup_bars`."""

    _showcase: Showcase | None = None

    def __init__(self, **parameters: Any) -> None:
        _ = self.kind
        self._parameters = bind(type(self), parameters)
        for name, value in self._parameters.items():
            object.__setattr__(self, name, value)
        try:
            self.validate()
        except ValueError as error:
            raise InputError(
                f"The parameters of {type(self).__name__} do not fit together: {error}",
                hint="Change one of them, or the rule in validate().",
            ) from error

    def __setattr__(self, name: str, value: Any) -> None:
        if name in getattr(self, "_parameters", {}):
            raise InputError(
                f"{type(self).__name__}.{name} is a parameter and cannot be changed",
                hint=f"Make another strategy: strategy.replace({name}={value!r}).",
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._parameters.items() if value is not None)
        return f"{type(self).__name__}({values})"

    def validate(self) -> None:
        """Override to check parameters against each other; raise ``ValueError`` saying what is wrong."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by name, all of them."""
        return dict(self._parameters)

    def replace(self, **changes: Any) -> Self:
        """The same strategy with other parameters. Raises :class:`InputError` as the constructor does."""
        return type(self)(**{**self._parameters, **changes})

    @property
    def kind(self) -> Kind:
        """Vectorised or event-driven. Raises :class:`InputError` when the class is both or neither."""
        cls = type(self)
        vectorised = cls.target is not Strategy.target
        events = [name for name in _EVENTS if getattr(cls, name) is not getattr(Strategy, name)]
        if vectorised and events:
            raise InputError(
                f"{cls.__name__} overrides both target and {events[0]}",
                hint="Keep target for a vectorised strategy, or the on_… methods for an event-driven one.",
            )
        if not vectorised and not events:
            raise InputError(
                f"{cls.__name__} never decides anything",
                hint="Write target(self, bars), or on_bar(self, context, bar) for orders of your own.",
            )
        return Kind.VECTORISED if vectorised else Kind.EVENTS

    @property
    def warmup_bars(self) -> int:
        """``warmup`` where the class sets it, else the largest integer parameter plus 10.

        Set ``warmup`` where that is not enough: an indicator with memory (an exponential average) wants several times
        its length, and a parameter that counts something else than bars may be too small or much too large.
        """
        if self.warmup is not None:
            return int(self.warmup)
        counts = [
            value for value in self._parameters.values() if isinstance(value, int) and not isinstance(value, bool)
        ]
        return max([0, *counts]) + WARMUP_MARGIN

    def show(self, **values: Any) -> None:
        """Tell those who watch what the strategy looks at: ``self.show(fast=fast, slow=slow)``.

        In ``target`` give Series with the index of ``bars``, or DataFrames with a column an instrument; the row of the
        newest bar is kept. In ``on_bar`` give numbers: they are those of the bar's instrument. A runner stores them
        with the decision, screens draw them; a backtest has them as ``result.indicators``. It changes no decision.
        Raises :class:`InputError` for what is neither a number, a Series nor a DataFrame, and for more than 32 values.
        """
        check(values)
        if self._showcase is not None:
            self._showcase.note(values)

    def watch(self, showcase: Showcase | None) -> None:
        """Have a host collect what is shown from now on, or nobody."""
        self._showcase = showcase

    def target(self, bars: "pd.DataFrame") -> "pd.Series[Any] | pd.DataFrame":
        """Exposure in [-1, 1] of the allotted capital at each bar of ``bars``; NaN counts as 0.

        ``bars``: UTC index of open times, oldest first, up to now. One instrument: columns open, high, low, close,
        volume; return a Series. Several: columns (field, symbol), so that ``bars.close`` has one column an instrument,
        NaN where it has no bar; return a DataFrame with those columns. A row may use itself and earlier rows only.
        """
        raise NotImplementedError

    def on_start(self, context: "Context") -> None:
        """Before the first event: prepare the state of the strategy."""

    def on_bar(self, context: "Context", bar: "BarView") -> None:
        """A bar of one instrument has closed; ``context.bars`` holds it already."""

    def on_quote(self, context: "Context", quote: "QuoteView") -> None:
        """Best bid and ask changed (feeds with quotes only)."""

    def on_trade(self, context: "Context", trade: "TradeView") -> None:
        """A public trade happened (feeds with trades only)."""

    def on_fill(self, context: "Context", fill: "FillView") -> None:
        """One of the strategy's orders was filled, wholly or in part; told before the next bar, quote or trade."""

    def on_stop(self, context: "Context") -> None:
        """The runner ends; working orders stay unless they are cancelled here."""
