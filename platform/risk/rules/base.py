"""What a rule is: it takes an intent and a read-only view, and returns a breach or nothing. It fails closed."""

from abc import ABC, abstractmethod
from decimal import Context, Decimal
from typing import ClassVar, Generic, TypeVar

from ...contracts.enums import RejectCode, ScopeKind
from ...contracts.events import IntentBase, OrderIntent
from ..decision import Breach
from ..limits import MissingLimitError
from ..view import CommonView

ViewT_contra = TypeVar("ViewT_contra", bound=CommonView, contravariant=True)

_SHORT = Context(prec=10)


class Rule(ABC, Generic[ViewT_contra]):
    """One check.

    ``codes`` are the rejection codes it may give besides ``MISSING_LIMIT`` and ``RULE_ERROR``; ``limits`` the fields
    of :class:`~millstream.risk.limits.RiskLimits` it reads; ``stages`` where it is applied.
    """

    codes: ClassVar[tuple[RejectCode, ...]]
    limits: ClassVar[tuple[str, ...]] = ()
    stages: ClassVar[tuple[int, ...]]

    @abstractmethod
    def check(self, intent: OrderIntent, view: ViewT_contra) -> Breach | None:
        """The breach, or None when the intent may pass. May raise: see :meth:`evaluate`."""

    def evaluate(self, intent: OrderIntent, view: ViewT_contra) -> Breach | None:
        """:meth:`check`, failing closed: an unset limit is ``MISSING_LIMIT``, any other exception ``RULE_ERROR``."""
        try:
            return self.check(intent, view)
        except MissingLimitError as error:
            return deployment_breach(intent, RejectCode.MISSING_LIMIT, str(error), limit="unset")
        except Exception as error:  # noqa: BLE001 - the reaction is stated: a rule that cannot decide rejects
            message = f"rule {type(self).__name__} could not decide ({type(error).__name__}: {error})"
            return deployment_breach(intent, RejectCode.RULE_ERROR, message)


def required(value: Decimal | None, name: str) -> Decimal:
    """``value`` of the limit called ``name``. Raises :class:`MissingLimitError` when it is unset."""
    if value is None:
        raise MissingLimitError(f"the limit {name} is not set", hint=f"Set {name} in the deployment's limits.")
    return value


def required_ns(value: int | None, name: str) -> int:
    """As :func:`required`, for a duration in nanoseconds."""
    if value is None:
        raise MissingLimitError(f"the limit {name} is not set", hint=f"Set {name} in the deployment's limits.")
    return value


def tightest(equity: Decimal, absolute: Decimal | None, of_equity: Decimal | None, name: str) -> Decimal:
    """The smaller of the absolute and the relative form that is set. Raises :class:`MissingLimitError` when none is."""
    if of_equity is None:
        return required(absolute, f"{name} or {name}_of_equity")
    relative = of_equity * equity
    return relative if absolute is None else min(absolute, relative)


def deployment_breach(
    intent: IntentBase, code: RejectCode, message: str, *, observed: str = "", limit: str = ""
) -> Breach:
    """A breach in the scope of the intent's deployment."""
    return Breach(
        code=code,
        message=message,
        scope=ScopeKind.DEPLOYMENT,
        scope_id=intent.deployment_id,
        observed=observed,
        limit=limit,
    )


def instrument_breach(
    intent: OrderIntent, code: RejectCode, message: str, *, observed: str = "", limit: str = ""
) -> Breach:
    """A breach in the scope of the intent's instrument."""
    return Breach(
        code=code,
        message=message,
        scope=ScopeKind.INSTRUMENT,
        scope_id=intent.instrument,
        observed=observed,
        limit=limit,
    )


def portfolio_breach(
    intent: OrderIntent, code: RejectCode, message: str, *, observed: str = "", limit: str = ""
) -> Breach:
    """A breach in the scope of the intent's portfolio."""
    return Breach(
        code=code,
        message=message,
        scope=ScopeKind.PORTFOLIO,
        scope_id=intent.portfolio_id,
        observed=observed,
        limit=limit,
    )


def text(number: Decimal) -> str:
    """A number for people: at most ten significant digits, no exponent."""
    return f"{_SHORT.plus(number).normalize():f}" if number else "0"
