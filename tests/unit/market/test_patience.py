import pytest

from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import RetriableError
from millstream.market.feeds.patience import Patience


async def test_waiting_without_progress_ends_and_names_who_is_waited_for():
    clock = ManualClock()
    patience = Patience(clock, 1.0)

    async def wait() -> None:
        while True:
            await patience.pause("Godot", 0.02)

    with pytest.raises(RetriableError, match=r"no progress for 1 s; it waits for Godot"):
        await wait()
    assert 1.0 < clock.now() / 1e9 < 1.1


async def test_progress_begins_the_time_anew():
    clock = ManualClock()
    patience = Patience(clock, 1.0)
    for _ in range(5):
        clock.advance(0.9)
        patience.check("someone")
        patience.progress()
    clock.advance(1.1)
    with pytest.raises(RetriableError, match="someone"):
        patience.check("someone")
