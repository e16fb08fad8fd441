from millstream.contracts.enums import OrderState
from millstream.store.states import ENDED_ORDERS


def test_ended_orders_in_sql_are_the_terminal_states():
    states = [state.value for state in OrderState if state.terminal]
    assert sorted(ENDED_ORDERS.strip("()").replace("'", "").split(", ")) == sorted(states)
