"""Conversion between currencies: explicit rates, and an error where one is missing."""

from collections.abc import Mapping
from decimal import Decimal

from ..contracts.errors import MillstreamError
from ..contracts.money import ONE, ZERO


class MissingRateError(MillstreamError):
    """A value had to be converted and nobody said at which rate: what depends on it must not be guessed."""


class Rates:
    """Value of one unit of each currency, in units of ``currency``, which itself is worth 1."""

    __slots__ = ("_rates", "currency")

    def __init__(self, currency: str, rates: Mapping[str, Decimal] | None = None) -> None:
        self.currency = currency
        self._rates: dict[str, Decimal] = {}
        for name, rate in (rates or {}).items():
            self.set(name, rate)
        self._rates[currency] = ONE

    def set(self, currency: str, rate: Decimal) -> None:
        """Value one unit of ``currency`` at ``rate`` units of the common one. Raises ``ValueError`` unless positive."""
        if not rate.is_finite() or rate <= ZERO:
            msg = f"a rate must be a positive number, not {rate} for {currency}"
            raise ValueError(msg)
        if currency != self.currency:
            self._rates[currency] = rate

    def convert(self, amount: Decimal, source: str, target: str | None = None) -> Decimal:
        """``amount`` of ``source`` in ``target`` (the common currency by default). Raises :class:`MissingRateError`."""
        target = target or self.currency
        if source == target or not amount:
            return amount
        value = amount * self._rate(source)
        return value if target == self.currency else value / self._rate(target)

    def _rate(self, currency: str) -> Decimal:
        rate = self._rates.get(currency)
        if rate is None:
            raise MissingRateError(
                f"no rate from {currency} to {self.currency} is known",
                hint=f"Give the portfolio a rate for {currency}, or trade instruments quoted in {self.currency} only.",
            )
        return rate
