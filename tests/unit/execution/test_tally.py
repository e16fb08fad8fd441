from types import SimpleNamespace

from millstream.bus.base import Delivery
from millstream.execution.tally import Tally
from millstream.ops.metrics import Metrics

SECOND = 10**9


def value(tally: Tally, name: str, **labels: str) -> float | None:
    metrics = Metrics()
    metrics.add(tally.collect)
    return metrics.registry.get_sample_value(f"millstream_{name}", labels)


def test_commit_counts_intents_fills_and_decisions_by_code():
    tally = Tally()
    decisions = {
        "a": SimpleNamespace(approved=True, code=""),
        "b": SimpleNamespace(approved=False, code="HALTED"),
        "c": SimpleNamespace(approved=False, code="HALTED"),
    }
    tally.committed(SimpleNamespace(intents=[1, 2, 3], fills=[1], decisions=decisions))
    assert value(tally, "intents_total") == 3
    assert value(tally, "fills_total") == 1
    assert value(tally, "decisions_total", code="APPROVED") == 1
    assert value(tally, "decisions_total", code="HALTED") == 2


def test_latencies_of_orders_are_counted_and_those_of_protective_legs_are_not():
    tally = Tally()
    orders = [SimpleNamespace(leg="", intent_wall=10 * SECOND), SimpleNamespace(leg="stop", intent_wall=1)]
    tally.sent(orders, journalled=10 * SECOND + SECOND // 500, acknowledged=10 * SECOND + SECOND // 20)
    assert value(tally, "intent_journalled_seconds_bucket", le="0.0025") == 1
    assert value(tally, "intent_acknowledged_seconds_bucket", le="0.025") == 0
    assert value(tally, "intent_acknowledged_seconds_count") == 1


def test_lag_is_the_age_of_the_newest_record_and_nothing_when_nothing_came():
    tally = Tally()
    records = [Delivery("t", 0, number, "", b"", {}, timestamp=number * SECOND) for number in (1, 3)]
    tally.turned(records, now=5 * SECOND, working=2)
    assert (value(tally, "trading_lag_seconds"), value(tally, "working_orders")) == (2, 2)
    tally.turned([], now=9 * SECOND, working=0)
    assert (value(tally, "trading_lag_seconds"), value(tally, "trading_turns_total")) == (0, 2)
