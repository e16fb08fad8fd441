from support.live import Rig

from millstream.contracts.errors import RetriableError
from millstream.gateway.live.caretaking import Caretaker
from millstream.gateway.live.protocol import CloseCode, Limits


async def stands(_):
    return True


def test_every_client_is_asked_once_in_an_interval_and_not_all_at_once(rig):
    screens = [rig.screen(f"user-{number}") for number in range(30)]
    caretaker = Caretaker(rig.hub, stands, rig.clock)
    caretaker.tick()
    assert sum(len(screen.got("ping")) for screen in screens) == 2
    for _ in range(14):
        caretaker.tick()
    assert {len(screen.got("ping")) for screen in screens} == {1}


def test_a_silent_client_is_ended_and_one_that_answers_stays(rig):
    silent, awake = rig.screen("ann"), rig.screen("bob")
    caretaker = Caretaker(rig.hub, stands, rig.clock)
    for _ in range(61):
        rig.clock.advance(1)
        caretaker.tick()
        awake.ask(op="pong")
    assert silent.wire.closed == (CloseCode.TOO_SLOW, "no answer to pings")
    assert awake.wire.closed is None


def test_a_client_that_takes_no_messages_is_not_sent_pings(rig):
    screen = rig.screen()
    screen.client.pause()
    rig.hub.ping([screen.client])
    assert screen.client.queued == 0


async def test_all_connections_of_a_session_that_ended_are_ended(rig):
    ended, other, stays = rig.screen("ann"), rig.screen("ann"), rig.screen("bob")

    async def only_bob(who):
        return who.user == "bob"

    await Caretaker(rig.hub, only_bob, rig.clock).check()
    assert ended.wire.closed == other.wire.closed == (CloseCode.UNAUTHENTICATED, "the session ended or changed")
    assert stays.wire.closed is None


async def test_connections_outlive_a_short_outage_of_the_database_and_no_long_one():
    rig = Rig(Limits(unchecked_seconds=60))
    screen = rig.screen()

    async def away(_):
        raise RetriableError("the database is away")

    caretaker = Caretaker(rig.hub, away, rig.clock)
    rig.clock.advance(59)
    await caretaker.check()
    assert screen.wire.closed is None
    rig.clock.advance(2)
    await caretaker.check()
    assert screen.wire.closed == (CloseCode.GOING_AWAY, "try again")
