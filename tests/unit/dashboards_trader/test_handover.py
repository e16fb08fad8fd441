import asyncio

import pytest

from millstream.ops.sockets import private_folder
from millstream_dashboards.trader.handover import VARIABLE, Grant, Handover, receive

GRANT = Grant("http", "token")


@pytest.fixture
async def handover():
    folder = private_folder("ms-test-")
    made = Handover(folder)
    await made.open()
    yield made
    made.close()
    folder.rmdir()


async def test_a_kernel_waits_until_it_is_given_and_its_secret_leaves_the_environment(handover: Handover):
    secret, value = handover.slot()
    environment = {VARIABLE: value}
    waiting = asyncio.create_task(receive(environment))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    handover.give(secret, GRANT)
    assert await waiting == GRANT
    assert environment == {}


async def test_a_kernel_that_asks_late_gets_what_was_given_before(handover: Handover):
    secret, value = handover.slot()
    handover.give(secret, GRANT)
    assert await receive({VARIABLE: value}) == GRANT


async def test_a_secret_works_once(handover: Handover):
    secret, value = handover.slot()
    handover.give(secret, GRANT)
    await receive({VARIABLE: value})
    assert await receive({VARIABLE: value}) is None
    with pytest.raises(KeyError):
        handover.give(secret, GRANT)


async def test_a_kernel_is_not_given_to_a_second_viewer(handover: Handover):
    secret, _ = handover.slot()
    handover.give(secret, GRANT)
    with pytest.raises(KeyError):
        handover.give(secret, Grant("http", "another's"))


async def test_a_wrong_secret_gets_nothing(handover: Handover):
    handover.slot()
    assert await receive({VARIABLE: f"wrong@{handover.address}"}) is None


async def test_a_dropped_kernel_gets_nothing(handover: Handover):
    secret, value = handover.slot()
    waiting = asyncio.create_task(receive({VARIABLE: value}))
    await asyncio.sleep(0.01)
    handover.drop(secret)
    assert await waiting is None


async def test_a_notebook_in_the_lab_acts_with_its_environment():
    assert await receive({"MILLSTREAM_URL": "u", "MILLSTREAM_TOKEN": "t"}) == Grant("u", "t")
    assert await receive({}) is None
