from millstream.bus.outage import Deadline, Outage
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import RetriableError

FAULT = ConnectionResetError("reset by peer")


async def give_up(outage):
    attempts = 0
    while True:
        try:
            await outage.wait(FAULT)
        except RetriableError as error:
            return attempts, error
        attempts += 1


async def test_an_outage_gives_up_after_the_patience_and_says_where_and_what_to_do():
    clock = ManualClock()
    attempts, error = await give_up(Outage(clock, 10.0, "host:1", "start it"))
    assert clock.now() == 10_000_000_000
    assert 10 <= attempts <= 20
    assert str(error) == "The bus at host:1 did not answer for 10 s: reset by peer"
    assert error.hint == "start it"
    assert error.__cause__ is FAULT


async def test_an_outage_counts_anew_once_it_was_over_and_once_it_was_reported():
    clock = ManualClock()
    outage = Outage(clock, 10.0, "host:1", "start it")
    await outage.wait(FAULT)
    clock.advance(9.9)
    outage.over()
    await outage.wait(FAULT)
    await give_up(outage)
    attempts, _ = await give_up(outage)
    assert attempts > 5


async def test_an_outage_waits_no_longer_than_its_caller():
    clock = ManualClock()
    outage = Outage(clock, 10.0, "host:1", "start it")
    for _ in range(8):
        await outage.wait(FAULT, at_most=0.005)
    assert clock.now() == 8 * 5_000_000


def test_a_deadline_says_what_is_left():
    clock = ManualClock()
    deadline, never = Deadline(clock, 2.0), Deadline(clock, None)
    clock.advance(0.5)
    assert (deadline.left(), deadline.left_of(1.0), deadline.left_of(5.0)) == (1.5, 1.0, 1.5)
    assert (never.left(), never.left_of(1.0), never.passed) == (None, 1.0, False)
    clock.advance(1.5)
    assert (deadline.left(), deadline.passed) == (0.0, True)
