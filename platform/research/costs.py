"""What trading costs in a backtest: the same numbers that the paper venue takes."""

from dataclasses import dataclass
from decimal import Decimal

from ..contracts.enums import Side
from ..contracts.errors import InputError
from ..contracts.instrument import Instrument
from ..contracts.money import BPS, ZERO, decimal
from ..execution.venues.paper_matching import slipped


@dataclass(frozen=True, slots=True)
class Costs:
    """``fees`` is a fraction of the notional; ``None`` takes each instrument's own ``fee_rate``.

    ``slippage_bps`` moves every market and stop fill against the order.
    """

    fees: Decimal | None = None
    slippage_bps: Decimal = ZERO

    def fee_rate(self, instrument: Instrument) -> Decimal:
        return instrument.fee_rate if self.fees is None else self.fees

    def price(self, opened: Decimal, side: Side) -> Decimal:
        """Price of a market order that meets ``opened``."""
        return slipped(opened, side, self.slippage_bps)


def costs_of(fees: float | None, slippage: float | None) -> Costs:
    """``fees`` and ``slippage`` as fractions (0.001 = 0.1 % = 10 bps). Raises :class:`InputError` outside [0, 1)."""
    for name, value in (("fees", fees), ("slippage", slippage)):
        if value is not None and not 0 <= value < 1:
            raise InputError(f"{name}={value!r} is not a fraction", hint="Write 0.001 for 0.1 %.")
    return Costs(None if fees is None else decimal(fees), decimal(slippage or 0) * BPS)
