import asyncio

import pytest
import structlog

from millstream.bootstrap import Endpoints
from millstream.bus.base import Record
from millstream.cli import in_process
from millstream.cli.in_process import LateBus
from millstream.contracts.errors import RetriableError
from millstream.contracts.topics import CONTROL_COMMANDS
from millstream.ops.settings import Settings

RECORD = Record(CONTROL_COMMANDS.name, "global", b"{}")
ENDPOINTS = Endpoints("", "", "memory", "")


@pytest.fixture
def started(monkeypatch):
    """Settings of a bus in this process, and how often servers were asked for."""
    asked = []

    def ensure_servers(settings):
        asked.append(settings.bus_patience)
        return ENDPOINTS

    monkeypatch.setattr(in_process, "ensure_servers", ensure_servers)
    return asked


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, home=tmp_path, bus="memory")


async def test_servers_of_the_bus_are_asked_for_with_the_first_record_only(started, settings):
    async with LateBus(settings) as bus:
        assert started == []
        await bus.publish([RECORD])
        await bus.publish([RECORD])
    assert started == [in_process.BUS_SECONDS]
    assert not bus.silent


async def test_a_bus_that_is_away_is_silent_and_says_why(monkeypatch, settings):
    def away(settings):
        raise RetriableError("Redis does not answer")

    monkeypatch.setattr(in_process, "ensure_servers", away)
    async with LateBus(settings) as bus:
        with pytest.raises(RetriableError, match="Redis"):
            await bus.publish([RECORD])
        assert bus.silent


async def test_a_bus_that_takes_too_long_is_silent(monkeypatch, settings):
    async def never(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(LateBus, "_bus", never)
    async with LateBus(settings) as bus:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await bus.publish([RECORD])
        assert bus.silent


def test_what_the_gateway_logs_stays_off_standard_output(capsys):
    before = structlog.get_config()
    with in_process._logging_to_stderr():
        structlog.get_logger("test").warning("halt.not_prompted", scope="global")
    printed = capsys.readouterr()
    assert (printed.out, "halt.not_prompted" in printed.err) == ("", True)
    assert structlog.get_config() == before
