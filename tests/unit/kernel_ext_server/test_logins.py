import asyncio

from millstream.contracts.api.identity import Me, Permission, Role
from millstream_kernel.logins import Logins, Verified


def me(user: str) -> Me:
    return Me(user=user, name=user.title(), role=Role.VIEWER, permissions=(Permission.READ,))


class Gateway:
    """Tokens of people; ``asked`` counts, ``ended`` are revoked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended: set[str] = set()
        self.delegates = 0

    async def me(self, token: str) -> Me | None:
        self.asked.append(token)
        await asyncio.sleep(0)
        return None if token in self.ended else me(token.rpartition(":")[2])

    async def delegate(self, token: str) -> str | None:
        self.delegates += 1
        await asyncio.sleep(0)
        return None if token in self.ended else f"delegated-{self.delegates}:{token.rpartition(':')[2]}"


async def test_a_token_is_verified_once_in_a_while_and_once_for_requests_at_the_same_time():
    gateway, now = Gateway(), [0.0]
    verified = Verified(gateway, seconds=5, monotonic=lambda: now[0])
    found = await asyncio.gather(*(verified.me("access:ann") for _ in range(20)))
    assert {one.user for one in found} == {"ann"}
    await verified.me("access:ann")
    assert gateway.asked == ["access:ann"]
    now[0] = 5.0
    await verified.me("access:ann")
    assert gateway.asked == ["access:ann"] * 2


async def test_a_refused_token_is_asked_for_again_because_it_may_become_valid():
    gateway = Gateway()
    gateway.ended.add("access:ann")
    verified = Verified(gateway)
    assert await verified.me("access:ann") is None
    gateway.ended.clear()
    assert (await verified.me("access:ann")) is not None


async def test_a_cancelled_request_does_not_take_the_answer_from_the_others():
    gateway = Gateway()
    verified = Verified(gateway)
    first, second = asyncio.create_task(verified.me("a:ann")), asyncio.create_task(verified.me("a:ann"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).user == "ann"


async def test_requests_of_one_login_at_the_same_time_share_one_delegated_token():
    gateway = Gateway()
    logins = Logins(gateway)
    begun = await asyncio.gather(*(logins.begin("access:ann", me("ann")) for _ in range(10)))
    assert len({one.key for one in begun}) == 1
    assert gateway.delegates == 1


async def test_a_login_that_ended_at_the_gateway_is_forgotten():
    gateway, now = Gateway(), [0.0]
    logins = Logins(gateway, Verified(gateway, seconds=5, monotonic=lambda: now[0]))
    login = await logins.begin("access:ann", me("ann"))
    assert (await logins.of_key(login.key))[0] is login
    gateway.ended.add(login.token)
    now[0] = 6.0
    assert await logins.of_key(login.key) is None
    gateway.ended.clear()
    assert await logins.of_key(login.key) is None


async def test_an_unknown_key_is_nobody():
    assert await Logins(Gateway()).of_key("forged") is None


async def test_a_token_that_cannot_delegate_begins_no_login():
    gateway = Gateway()
    gateway.ended.add("access:ann")
    assert await Logins(gateway).begin("access:ann", me("ann")) is None
