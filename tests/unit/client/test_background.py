"""The event loop in a thread."""

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from millstream.client.background import BackgroundLoop


@pytest.fixture
def background():
    async def nothing():
        pass

    made = BackgroundLoop(nothing)
    yield made
    made.close()


class Slow:
    """Runs until it is cancelled, and takes a moment to say goodbye; a second cancel would cut that short."""

    def __init__(self):
        self.started = threading.Event()
        self.said = ""

    async def run(self):
        try:
            self.started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            self.said = "goodbye"


def begun(background):
    slow = Slow()
    running = background.submit(slow.run())
    assert slow.started.wait(20)
    return slow, running


def test_what_is_cancelled_has_ended_when_cancel_returns(background):
    slow, running = begun(background)
    running.cancel()
    assert slow.said == "goodbye"
    with pytest.raises(CancelledError):
        running.ended.result()
    running.cancel()


def test_what_is_cancelled_before_it_began_ends_too(background):
    release = threading.Event()

    async def busy():
        release.wait(20)

    background.submit(busy())
    slow = Slow()
    running = background.submit(slow.run())
    threading.Timer(0.05, release.set).start()
    running.cancel()
    assert running.ended.cancelled()


def test_an_interrupt_ends_what_runs_and_goes_on_up(background, monkeypatch):
    slow = Slow()

    def interrupted(future, timeout=None):
        assert slow.started.wait(20)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("concurrent.futures.Future.result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            background.run(slow.run())
    assert slow.said == "goodbye"


def test_a_coroutine_may_end_itself(background):
    running = []

    async def ends():
        running[0].cancel()
        await asyncio.sleep(20)

    async def begin():
        running.append(background.submit(ends()))

    background.run(begin())
    with pytest.raises(CancelledError):
        running[0].ended.result(20)


def test_close_ends_what_still_runs(background):
    slow, running = begun(background)
    background.close()
    assert slow.said == "goodbye"
    assert running.ended.cancelled()
