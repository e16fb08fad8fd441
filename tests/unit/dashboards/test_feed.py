import asyncio
import gc
import weakref
from contextvars import ContextVar
from types import SimpleNamespace

import pytest

from millstream.client import AuthenticationError, LiveEvent, Snapshot
from millstream.contracts.api.base import Problem
from millstream.contracts.api.identity import Me, Role
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import RetriableError
from millstream_dashboards.monitor import feed as feed_module
from millstream_dashboards.monitor.feed import HEARTBEATS, Feed, Feeds
from millstream_dashboards.monitor.gateway import Viewer
from millstream_dashboards.monitor.reads import FRESH, MOST, SharedReads, key_of


def ended() -> AuthenticationError:
    return AuthenticationError(Problem(title="ended", status=401, code="UNAUTHENTICATED", hint="Log in again."))


class Gate:
    """What the clients of a test share: calls made, tokens whose login ended, events to come."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.ended: set[str] = set()
        self.streams: list[str] = []
        self.closed: list[str] = []
        self.events: asyncio.Queue[object] = asyncio.Queue()

    def connect(self, token: str) -> "FakeClient":
        return FakeClient(self, token)


class FakeClient:
    def __init__(self, gate: Gate, token: str) -> None:
        self.gate, self.token = gate, token

    async def list_orders(self, **arguments):
        self.gate.calls.append((self.token, "list_orders"))
        await asyncio.sleep(0)
        if self.token in self.gate.ended:
            raise ended()
        return SimpleNamespace(items=(), arguments=arguments)

    async def live(self, subscriptions, *, on_link):
        self.gate.streams.append(self.token)
        if self.token in self.gate.ended:
            raise ended()
        on_link(True)
        try:
            while True:
                yield await self.gate.events.get()
        finally:
            on_link(False)

    async def close(self) -> None:
        self.gate.closed.append(self.token)


def viewer(token: str, *portfolios: str) -> Viewer:
    return Viewer(Me(user=token, name="", role=Role.VIEWER, permissions=(), portfolios=portfolios), token)


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the feed runs on this loop
            await asyncio.sleep(0)


async def test_viewers_of_the_same_portfolios_share_one_stream(gate):
    feeds = Feeds(gate.connect, ManualClock())
    first, second = feeds.attach("s1", viewer("a", "p", "q")), feeds.attach("s2", viewer("b", "q", "p"))
    other = feeds.attach("s3", viewer("c", "p"))
    assert first is second
    assert other is not first
    await until(lambda: feeds.live == 2)
    assert len(gate.streams) == 2
    for session, feed in (("s1", first), ("s2", second), ("s3", other)):
        await feeds.detach(session, feed)
    assert (len(feeds), first.live, other.live) == (0, False, False)
    assert len(gate.closed) == 2


async def test_a_change_is_counted_by_topic_and_a_heartbeat_apart(gate):
    feed = Feed(gate.connect, ManualClock())
    feed.attach("s", viewer("a"))
    await until(lambda: feed.live)
    before = feed.changes.copy()
    gate.events.put_nowait(LiveEvent("fills", {"type": "order.filled"}, 1))
    gate.events.put_nowait(LiveEvent("runners", {"type": "runner.heartbeat"}, 2))
    gate.events.put_nowait(Snapshot("halts", "halts", ()))
    await until(gate.events.empty)
    await asyncio.sleep(0)
    assert feed.changes - before == {"fills": 1, HEARTBEATS: 1, "halts": 1}
    await feed.detach("s")


async def test_reads_go_on_with_anothers_token_when_a_login_ends(gate):
    feed = Feed(gate.connect, ManualClock())
    feed.attach("s1", viewer("a"))
    feed.attach("s2", viewer("b"))
    await until(lambda: feed.live)
    gate.ended.add("b")
    await feed.read("list_orders")
    assert gate.calls == [("b", "list_orders"), ("a", "list_orders")]
    await feed.detach("s1")
    await feed.detach("s2")


async def test_nobody_left_is_an_error_that_says_what_to_do(gate):
    feed = Feed(gate.connect, ManualClock())
    feed.attach("s1", viewer("a"))
    gate.ended.add("a")
    with pytest.raises(RetriableError, match="logged in") as caught:
        await feed.read("list_orders")
    assert caught.value.hint
    await feed.detach("s1")


async def test_a_stream_that_loses_a_cancellation_is_ended_all_the_same(gate, monkeypatch):
    monkeypatch.setattr(feed_module, "ENDING_SECONDS", 0.01)
    lost = []

    async def deaf(*_args, **_options):
        while len(lost) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append(1)
        raise asyncio.CancelledError
        yield

    monkeypatch.setattr(FakeClient, "live", deaf)
    feeds = Feeds(gate.connect, ManualClock())
    feed = feeds.attach("s", viewer("a"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await feeds.detach("s", feed)
    assert (len(feeds), len(gate.closed)) == (0, 1)


async def test_what_sessions_share_keeps_nothing_of_the_one_that_asked_first(gate):
    class Document:
        pass

    place: ContextVar[Document] = ContextVar("document")
    feed = Feed(gate.connect, ManualClock())

    async def session() -> weakref.ref[Document]:
        document = Document()
        place.set(document)  # as Panel does; tasks, timers and connections that are begun here would keep it
        feed.attach("s", viewer("a"))
        await feed.read("list_orders")
        return weakref.ref(document)

    kept = await asyncio.create_task(session())
    await asyncio.sleep(0)  # the loop lets go of what it ran last
    gc.collect()
    assert kept() is None
    await feed.detach("s")


async def test_equal_questions_within_a_moment_are_asked_once():
    clock, asked = ManualClock(), []
    reads = SharedReads(clock)

    async def question():
        asked.append(1)
        await asyncio.sleep(0)
        return len(asked)

    assert await asyncio.gather(*(reads.ask("k", question) for _ in range(10))) == [1] * 10
    clock.advance(FRESH + 0.1)
    assert await reads.ask("k", question) == 2


async def test_a_failure_is_not_remembered():
    reads, answers = SharedReads(ManualClock()), iter([RetriableError("away"), "here"])

    async def question():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(RetriableError):
        await reads.ask("k", question)
    assert await reads.ask("k", question) == "here"


async def test_answers_are_held_within_bounds():
    reads = SharedReads(ManualClock())
    for number in range(MOST + 50):
        await reads.ask(number, lambda: asyncio.sleep(0))
    assert len(reads) == MOST


def test_a_key_does_not_depend_on_the_order_of_arguments():
    assert key_of("o", {"a": [1, 2], "b": None}) == key_of("o", {"b": None, "a": (1, 2)})
