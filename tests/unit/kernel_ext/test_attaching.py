import pytest
from unit.kernel_ext.conftest import DEPLOYMENT

from millstream.client import LiveEvent, Snapshot
from millstream.contracts.errors import RetriableError
from millstream_kernel.magics import attaching

TS = 1_362_096_000_000_000_000
FILL = {
    "type": "order.filled", "instrument": "SAMPLE:AAPL", "side": "buy", "quantity": "10", "price": "101.5",
    "ts": TS, "occurred_at": 2,
}  # fmt: skip
REJECTION = {"type": "trade.rejected", "instrument": "SAMPLE:AAPL", "code": "HALTED", "message": "no", "occurred_at": 3}
HEARTBEAT = {"type": "runner.heartbeat", "ts": TS, "occurred_at": 4}


class Watch:
    """A watch that says what it was made to say, at once."""

    def __init__(self, updates, error=None):
        self.updates = updates
        self.error = error
        self.stopped = False

    def __call__(self, callback, subscriptions, *, on_link):
        self.subscriptions = subscriptions
        on_link(True)
        for update in self.updates:
            callback(update)
        return self

    @property
    def is_running(self):
        return self.error is None and not self.stopped

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True
        if self.error is not None:
            raise self.error


@pytest.fixture
def attached(notebook, monkeypatch):
    monkeypatch.setattr(attaching, "PAUSE", 0.01)
    notebook.gateway.answers |= {
        "GET /deployments/sma": DEPLOYMENT,
        "GET /deployments/sma_cross": DEPLOYMENT,
        "GET /positions": {"items": []},
    }

    def run(watch):
        monkeypatch.setattr(notebook.magics.session.client, "watch", watch)
        notebook.run(
            "attach sma --seconds 0" if watch.error is None and not watch.updates else "attach sma --seconds 1"
        )
        return notebook

    return run


def test_what_happens_is_shown_the_newest_first_without_heartbeats(attached):
    watch = Watch(
        [Snapshot("fills", "fills", (FILL,)), LiveEvent("rejections", REJECTION, 7), LiveEvent("runners", HEARTBEAT, 8)]
    )
    shown = attached(watch).shell.display_pub.outputs[-1]
    assert shown["update"]
    text = shown["data"]["text/plain"]
    assert text.startswith("live; interrupt the cell to end")
    assert "heartbeat" not in text
    assert text.index("HALTED") < text.index("101.5")
    assert {one.topic for one in watch.subscriptions} == set(attaching.TOPICS)
    assert all(one.deployment == ["sma_cross"] for one in watch.subscriptions)
    assert watch.stopped


def test_an_interrupt_ends_the_display_and_not_the_deployment(attached, monkeypatch):
    def interrupted(updates):
        raise KeyboardInterrupt

    monkeypatch.setattr(attaching, "_waiting", interrupted)
    watch = Watch([LiveEvent("fills", FILL, 1)])
    assert "detached: sma_cross runs on; %ms stop sma_cross ends it" in attached(watch).text
    assert watch.stopped


def test_a_stream_that_was_refused_is_a_message(attached):
    refused = RetriableError("too many connections", hint="Close other screens.")
    assert "error: too many connections\nwhat to do: Close other screens." in attached(Watch([], refused)).text


def test_a_snapshot_replaces_what_was_known_of_its_topic(notebook, attached):
    picture = attaching.Picture(notebook.magics.session, "sma")
    picture.take([LiveEvent("fills", FILL, 1), LiveEvent("rejections", REJECTION, 2)])
    picture.take([Snapshot("fills", "fills", ({**FILL, "price": "7.25"},))])
    text = picture.view().plain()
    assert "101.5" not in text
    assert "7.25" in text
    assert "HALTED" in text
