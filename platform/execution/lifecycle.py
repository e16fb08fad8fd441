"""The life of an order: an explicit table of which event leads from which state to which (RELIABILITY §2).

Venues repeat, reorder and delay what they say. The table absorbs exactly that: an event that is merely *old* (an
acknowledgement after a fill, a timeout of a send that turned out well) leaves the state as it is. An event that
*contradicts* the state is an :class:`~millstream.contracts.errors.IntegrityError`.
"""

from enum import StrEnum
from typing import Final

from ..contracts.enums import OrderState as S
from ..contracts.errors import IntegrityError


class OrderEvent(StrEnum):
    """What can happen to an order. ``PARTIAL_FILL`` leaves quantity open, ``FILL`` completes it (or more)."""

    SUBMITTED = "submitted"
    DENIED = "denied"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TRIGGERED = "triggered"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    PENDING_UPDATE = "pending_update"
    UPDATE_REFUSED = "update_refused"
    PENDING_CANCEL = "pending_cancel"
    CANCEL_REFUSED = "cancel_refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


E = OrderEvent
_OUTCOMES = {
    E.REJECTED: S.REJECTED,
    E.TRIGGERED: S.TRIGGERED,
    E.PARTIAL_FILL: S.PARTIALLY_FILLED,
    E.FILL: S.FILLED,
    E.PENDING_UPDATE: S.PENDING_UPDATE,
    E.PENDING_CANCEL: S.PENDING_CANCEL,
    E.CANCELED: S.CANCELED,
    E.EXPIRED: S.EXPIRED,
}
_OPEN = {**_OUTCOMES, E.ACCEPTED: S.ACCEPTED, E.UNKNOWN: S.UNKNOWN}


def _absorb(state: S, *events: E) -> dict[E, S]:
    return dict.fromkeys(events, state)


_LATE = (E.ACCEPTED, E.TRIGGERED, E.UNKNOWN, E.CANCEL_REFUSED, E.UPDATE_REFUSED)
_REFUSALS = (E.CANCEL_REFUSED, E.UPDATE_REFUSED)

TRANSITIONS: Final[dict[S, dict[E, S]]] = {
    S.INITIALIZED: {E.SUBMITTED: S.SUBMITTED, E.DENIED: S.DENIED},
    S.DENIED: {E.DENIED: S.DENIED},
    S.SUBMITTED: _OPEN,
    S.ACCEPTED: {**_OUTCOMES, **_absorb(S.ACCEPTED, E.ACCEPTED, E.UNKNOWN, *_REFUSALS)},
    S.TRIGGERED: {**_OUTCOMES, **_absorb(S.TRIGGERED, E.ACCEPTED, E.UNKNOWN, *_REFUSALS)},
    S.PARTIALLY_FILLED: {
        E.PARTIAL_FILL: S.PARTIALLY_FILLED,
        E.FILL: S.FILLED,
        E.PENDING_UPDATE: S.PENDING_UPDATE,
        E.PENDING_CANCEL: S.PENDING_CANCEL,
        E.CANCELED: S.CANCELED,
        E.EXPIRED: S.EXPIRED,
        **_absorb(S.PARTIALLY_FILLED, *_LATE),
    },
    S.PENDING_UPDATE: {**_OPEN, E.CANCEL_REFUSED: S.PENDING_UPDATE},
    S.PENDING_CANCEL: {**_OPEN, E.PENDING_UPDATE: S.PENDING_CANCEL, E.UPDATE_REFUSED: S.PENDING_CANCEL},
    S.UNKNOWN: {**_OPEN, E.SUBMITTED: S.SUBMITTED, **_absorb(S.UNKNOWN, *_REFUSALS)},
    S.FILLED: _absorb(S.FILLED, E.PARTIAL_FILL, E.FILL, E.CANCELED, E.EXPIRED, *_LATE),
    S.CANCELED: {E.FILL: S.FILLED, **_absorb(S.CANCELED, E.PARTIAL_FILL, E.CANCELED, *_LATE)},
    S.REJECTED: {E.FILL: S.FILLED, **_absorb(S.REJECTED, E.PARTIAL_FILL, E.REJECTED, *_LATE)},
    S.EXPIRED: {E.FILL: S.FILLED, **_absorb(S.EXPIRED, E.PARTIAL_FILL, E.EXPIRED, *_LATE)},
}
"""What each event makes of each state. A pair that is absent is impossible. A refused update or cancel is not here for
its own pending state: it restores the state before (see :func:`transition`)."""

_RESTORING = {(S.PENDING_CANCEL, E.CANCEL_REFUSED), (S.PENDING_UPDATE, E.UPDATE_REFUSED)}


def transition(state: S, event: E, previous: S = S.ACCEPTED) -> S:
    """The state after ``event``. ``previous`` is the state before a pending update or cancel, restored on refusal.

    Raises :class:`IntegrityError` when the event cannot happen in this state.
    """
    if (state, event) in _RESTORING:
        return previous
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise IntegrityError(
            f"an order in state {state.value} cannot see {event.value}",
            hint="Two sources contradict each other: compare the order's journal with the venue's record.",
        )
    return after
