import pytest

from millstream.contracts.enums import OrderState as S
from millstream.contracts.errors import IntegrityError
from millstream.execution.lifecycle import TRANSITIONS, transition
from millstream.execution.lifecycle import OrderEvent as E

DOCUMENTED = {
    S.SUBMITTED: {S.ACCEPTED, S.REJECTED, S.CANCELED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.UNKNOWN, S.FILLED},
    S.ACCEPTED: {S.CANCELED, S.EXPIRED, S.TRIGGERED, S.REJECTED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED},
    S.TRIGGERED: {S.CANCELED, S.EXPIRED, S.REJECTED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED},
    S.PARTIALLY_FILLED: {S.CANCELED, S.EXPIRED, S.PENDING_UPDATE, S.PENDING_CANCEL, S.FILLED},
    S.PENDING_CANCEL: {S.ACCEPTED, S.CANCELED, S.EXPIRED, S.REJECTED, S.UNKNOWN, S.FILLED, S.PARTIALLY_FILLED},
    S.PENDING_UPDATE: {S.ACCEPTED, S.CANCELED, S.EXPIRED, S.REJECTED, S.UNKNOWN, S.FILLED, S.PARTIALLY_FILLED},
    S.UNKNOWN: {S.ACCEPTED, S.REJECTED, S.CANCELED, S.EXPIRED, S.TRIGGERED, S.FILLED, S.PARTIALLY_FILLED},
}


def test_every_state_has_a_row():
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize("state", DOCUMENTED)
def test_the_table_has_every_documented_transition(state):
    assert set(TRANSITIONS[state].values()) >= DOCUMENTED[state]


@pytest.mark.parametrize(
    ("pending", "refusal"), [(S.PENDING_CANCEL, E.CANCEL_REFUSED), (S.PENDING_UPDATE, E.UPDATE_REFUSED)]
)
@pytest.mark.parametrize("before", [S.ACCEPTED, S.PARTIALLY_FILLED, S.TRIGGERED])
def test_a_refusal_restores_the_state_before(pending, refusal, before):
    assert transition(pending, refusal, before) is before


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (S.INITIALIZED, E.FILL), (S.INITIALIZED, E.ACCEPTED), (S.DENIED, E.SUBMITTED), (S.DENIED, E.FILL),
        (S.CANCELED, E.REJECTED), (S.REJECTED, E.CANCELED), (S.FILLED, E.REJECTED), (S.PARTIALLY_FILLED, E.REJECTED),
        (S.ACCEPTED, E.SUBMITTED), (S.FILLED, E.PENDING_CANCEL), (S.EXPIRED, E.CANCELED),
    ],
)  # fmt: skip
def test_an_impossible_event_is_an_integrity_error(state, event):
    with pytest.raises(IntegrityError, match=event.value):
        transition(state, event)


@pytest.mark.parametrize("state", [state for state in S if state.terminal and state is not S.DENIED])
def test_a_terminal_state_is_left_only_by_a_completing_fill(state):
    left = {after for after in TRANSITIONS[state].values() if after is not state}
    assert left <= {S.FILLED}
