"""The client of a promotion's kernel."""

from pathlib import Path
from queue import Empty

import pytest

from millstream.promotion.kernel import LOOK_AGAIN_SECONDS, Channel, Client, fresh_kernel


class Deaf:
    """A socket of which asyncio heard nothing: what came is seen by the first look after ``looks``."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.asked: list[int] = []

    async def poll(self, milliseconds: int) -> bool:
        self.asked.append(milliseconds)
        return len(self.asked) > self.looks


def channel(socket: Deaf, monkeypatch) -> Channel:
    made = object.__new__(Channel)
    made.socket = socket

    async def received(_self):
        return {"content": "idle"}

    monkeypatch.setattr(Channel, "_recv", received)
    return made


@pytest.mark.parametrize("timeout", [None, 300])
async def test_a_message_that_asyncio_missed_is_seen_by_the_next_look(timeout, monkeypatch):
    socket = Deaf(looks=3)
    assert await channel(socket, monkeypatch).get_msg(timeout) == {"content": "idle"}
    assert socket.asked == [LOOK_AGAIN_SECONDS * 1000] * 4


async def test_no_message_within_the_time_limit_is_empty(monkeypatch):
    with pytest.raises(Empty):
        await channel(Deaf(looks=10**9), monkeypatch).get_msg(0)


def test_the_kernels_manager_makes_clients_with_such_channels():
    with fresh_kernel({}) as manager:
        client = manager().client()
    assert isinstance(client, Client)
    assert {client.shell_channel_class, client.iopub_channel_class} == {Channel}


def test_a_kernel_is_reached_over_sockets_that_only_this_user_can_open_and_that_end_with_it():
    with fresh_kernel({}) as manager:
        made = manager()
        folder = Path(made.ip).parent
        assert made.transport == "ipc"
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
