"""The limits of a deployment: every one explicit, an unset one denies."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Self

import msgspec

from ..contracts.errors import InputError, MillstreamError
from ..contracts.time import SECOND

DAY_NS = 86_400 * SECOND


class MissingLimitError(MillstreamError):
    """A rule needs a limit that is not set: the intent is denied."""


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``None`` means unset, and an unset limit denies.

    Where a limit has an absolute and a relative form, at least one must be set and every one that is set must hold.
    ``…_of_equity`` is a multiple of the portfolio's equity (1 = all of it), ``daily_loss_of_equity`` of the equity at
    the day's start. Money is in the portfolio's currency, except ``max_order_notional``, which is in the
    instrument's. ``…_ns`` are nanoseconds on the session's clock; a ``dup_window_ns`` of 0 switches the likeness
    check off. docs/risk.md explains each.
    """

    max_order_qty: Decimal | None = None
    max_order_notional: Decimal | None = None
    max_order_notional_of_equity: Decimal | None = None
    price_collar_bps: Decimal | None = None
    max_data_age_ns: int | None = None
    max_jump_bps: Decimal | None = None
    dup_window_ns: int | None = None
    max_position_qty: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_position_of_equity: Decimal | None = None
    max_gross_exposure: Decimal | None = None
    max_gross_exposure_of_equity: Decimal | None = None
    leverage: Decimal | None = Decimal(1)
    buying_power_tolerance: Decimal | None = Decimal("0.01")
    daily_loss: Decimal | None = None
    daily_loss_of_equity: Decimal | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and (not Decimal(value).is_finite() or value < 0):
                msg = f"{name} must be a number of at least 0, not {value}"
                raise ValueError(msg)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Limits from JSON values (numbers or numeric texts). Raises :class:`InputError` naming what is wrong."""
        for name in values:
            if name not in cls.__struct_fields__:
                near = get_close_matches(name, cls.__struct_fields__, n=1)
                meant = f" Did you mean {near[0]}?" if near else ""
                raise InputError(f"{name!r} is not a risk limit.{meant}", hint="docs/risk.md lists all limits.")
        try:
            return msgspec.convert({name: _exact(value) for name, value in values.items()}, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(
                f"The risk limits are not valid: {error}", hint="docs/risk.md lists all limits."
            ) from error

    def to_mapping(self) -> dict[str, Any]:
        """JSON values; :meth:`from_mapping` gives equal limits back."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values


def _exact(value: Any) -> Any:
    """A float as its shortest text, so that 0.1 stays 0.1."""
    return repr(value) if isinstance(value, float) else value


def paper_defaults(capital: Decimal) -> RiskLimits:
    """Explicit limits for a paper account of ``capital`` that an honest unlevered strategy never meets.

    Sizes are relative to equity, so that they hold after decades of compounding: a rotation may hold the old and the
    new instrument at once, and shorts that went wrong grow against a shrinking equity. A day may lose everything; data
    may be two weeks old (holidays). The bounds on a single order only stop nonsense.
    """
    threefold = Decimal(3)
    return RiskLimits(
        max_order_qty=capital * 1_000_000_000,
        max_order_notional_of_equity=Decimal(25),
        price_collar_bps=Decimal(10_000),
        max_data_age_ns=14 * DAY_NS,
        max_jump_bps=Decimal(1_000_000),
        dup_window_ns=0,
        max_position_of_equity=threefold,
        max_gross_exposure_of_equity=threefold,
        leverage=threefold,
        buying_power_tolerance=Decimal("0.01"),
        daily_loss_of_equity=Decimal(1),
    )
