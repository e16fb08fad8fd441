"""The blocking client over real HTTP and a real WebSocket, from a thread as a notebook's cell uses it."""

import asyncio
import gc
import threading

import pytest

from millstream.client import AuthenticationError, Client, LiveEvent, Snapshot, Subscription

ORDERS = [Subscription(topic="orders")]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "millstream-client"]


async def feed(peer):
    await peer.expect("subscribe")
    await peer.snapshot("orders", 1, {"n": 1})
    await peer.event(2)
    await peer.event(3)


async def test_a_call_waits_for_its_answer_and_errors_come_as_they_are(small_gateway):
    def use() -> None:
        with Client(small_gateway.url, "right") as client:
            assert client.me().user == "ann"
            assert list(client.iterate(client.list_notebooks)) == ["a", "b", "c"]
            assert list(client.iterate("list_notebooks")) == ["a", "b", "c"]
        with Client(small_gateway.url, "wrong") as client, pytest.raises(AuthenticationError):
            client.me()

    await asyncio.to_thread(use)
    assert threads() == []


async def test_a_client_that_nobody_refers_to_ends_its_thread(small_gateway):
    def use() -> None:
        assert Client(small_gateway.url, "right").me().user == "ann"
        gc.collect()

    await asyncio.to_thread(use)
    assert threads() == []


async def test_live_updates_are_iterated(small_gateway):
    small_gateway.scripts = [feed]

    def use() -> list[object]:
        with Client(small_gateway.url, "right") as client:
            stream = client.live(ORDERS)
            found = [next(stream), next(stream)]
            stream.close()
            return found

    snapshot, event = await asyncio.to_thread(use)
    assert isinstance(snapshot, Snapshot)
    assert isinstance(event, LiveEvent)
    assert threads() == []


async def test_a_watch_calls_back_until_it_is_stopped(small_gateway):
    small_gateway.scripts = [feed]
    seen, third = [], threading.Event()

    def callback(update):
        seen.append(update)
        if len(seen) == 3:
            third.set()

    def use() -> None:
        with Client(small_gateway.url, "right") as client, client.watch(callback, ORDERS) as watch:
            assert third.wait(20)
            assert watch.is_running

    await asyncio.to_thread(use)
    assert len(seen) == 3
    assert threads() == []


async def test_an_error_of_a_callback_ends_the_watch_and_is_raised(small_gateway):
    small_gateway.scripts = [feed]

    def use() -> None:
        with Client(small_gateway.url, "right") as client:
            watch = client.watch(lambda update: update.no_such_thing, ORDERS)
            with pytest.raises(AttributeError, match="no_such_thing"):
                watch.wait(20)
            assert not watch.is_running
            with pytest.raises(AttributeError):
                watch.stop()

    await asyncio.to_thread(use)
