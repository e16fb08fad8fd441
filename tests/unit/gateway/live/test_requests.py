import msgspec
import pytest
from support.live import Rig

from millstream.gateway.live.protocol import CloseCode, Limits
from millstream.gateway.live.requests import answer


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (b"no json", "malformed"),
        (b"\xff", "This is not a request"),
        (b'{"op":"shout","id":"a"}', "Invalid value 'shout'"),
        (b'{"op":"subscribe","id":"a","topic":"weather"}', "weather"),
        (b'{"op":"subscribe","id":"a","topic":"orders","filters":{}}', "filters"),
        (b'{"op":"subscribe","id":"a","topic":"orders","filter":{"strategy":["s"]}}', "strategy"),
        (b'{"op":"subscribe","id":"","topic":"orders"}', "1 to 64 characters"),
        (
            msgspec.json.encode(
                {"op": "subscribe", "id": "a", "topic": "orders", "filter": {"session": [str(n) for n in range(201)]}}
            ),
            "at most 200 values of session",
        ),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong_and_the_connection_goes_on(rig, request_, complaint):
    screen = rig.screen()
    answer(rig.hub, screen.client, request_, rig.clock.monotonic())
    error = screen.got("error")[0]
    assert error["code"] == "INVALID"
    assert complaint in error["message"]
    assert screen.wire.closed is None


def test_an_id_that_is_taken_or_unknown_is_refused(rig):
    screen = rig.screen()
    screen.subscribe("orders", "a")
    screen.subscribe("fills", "a")
    screen.ask(op="unsubscribe", id="b")
    assert [(error["id"], error["code"]) for error in screen.got("error")] == [("a", "TAKEN"), ("b", "UNKNOWN")]


def test_a_client_that_asks_without_end_is_disconnected_and_one_that_takes_its_time_is_not():
    rig = Rig(Limits(requests_burst=3, requests_per_second=1.0))
    patient, hasty = rig.screen("ann"), rig.screen("bob")
    for _ in range(10):
        patient.ask(op="pong")
        rig.clock.advance(1)
    for _ in range(4):
        hasty.ask(op="pong")
    assert patient.wire.closed is None
    assert hasty.wire.closed == (CloseCode.LIMIT, "too many requests")


def test_any_request_is_a_sign_of_life(rig):
    screen = rig.screen()
    rig.clock.advance(5)
    screen.ask(op="pong")
    assert screen.client.heard_at == rig.clock.monotonic()
