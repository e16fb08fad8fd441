"""What a lock-step replay asks the database: has trading caught up, who takes part, what is not settled yet."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from ...bus.base import TopicPartition, TopicPartitionOffset
from ...contracts.clock import Clock
from ...contracts.enums import DesiredState, OrderState, RunnerState
from ...contracts.errors import RetriableError
from ...store.database import connect
from ...store.models.market import LOCK_STEP_CHANNEL
from ...store.states import ENDED_ORDERS
from .patience import Patience

TRADING = "trading"
LONGEST_WAIT = 0.05
RECONNECT_SECONDS = 0.2
# The trading service notifies this channel in each commit that concerns a lock-step session.
_LISTEN: LiteralString = f"LISTEN {LOCK_STEP_CHANNEL}"
IN_FLIGHT = (
    OrderState.INITIALIZED,
    OrderState.SUBMITTED,
    OrderState.UNKNOWN,
    OrderState.PENDING_CANCEL,
    OrderState.PENDING_UPDATE,
)
_CONSUMED: LiteralString = "SELECT topic, partition, offset_ FROM consumed_offsets WHERE consumer = %s"
_MEMBERS: LiteralString = (
    "SELECT d.deployment_id, d.portfolio_id, p.version, coalesce(r.state, 'pending'), coalesce(r.message, ''),"
    " coalesce(r.checkpoint_ts, 0), r.checkpoint_offsets -> 'intents'"
    " FROM deployments d JOIN portfolios p USING (portfolio_id) LEFT JOIN runners r USING (deployment_id)"
    " WHERE d.session = %s AND d.desired_state = %s ORDER BY 1"
)
_UNSETTLED: LiteralString = (
    "SELECT i FROM unnest(%(intents)s::text[]) AS i"  # noqa: S608 - constant
    " WHERE NOT EXISTS (SELECT FROM intents n WHERE n.intent_id = i)"
    " AND NOT EXISTS (SELECT FROM decisions d WHERE d.intent_id = i AND d.code <> 'STALE_RUNNER')"
    " UNION ALL SELECT o.intent_id FROM orders o WHERE o.session = %(session)s AND o.state = ANY(%(in_flight)s)"
    f" AND o.state NOT IN {ENDED_ORDERS}"
)
_POSITION: LiteralString = (
    "UPDATE market_sessions SET position = %s, state = 'running', message = '' WHERE session_id = %s"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A running deployment of the session; ``version`` is its portfolio's, the checkpoint is its runner's."""

    deployment_id: str
    portfolio_id: str
    version: int
    state: RunnerState
    message: str
    checkpoint_ts: int
    checkpoint_intents: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.deployment_id} ({self.state}{': ' + self.message if self.message else ''})"


class Gate:
    """Queries over one connection (autocommit) that is made again when the server went away."""

    def __init__(self, dsn: str, session: str, clock: Clock, conn: psycopg.AsyncConnection, patience: Patience) -> None:
        self._dsn = dsn
        self._session = session
        self._clock = clock
        self._conn = conn
        self._patience = patience
        self._listening = False

    async def lagging(self, offsets: Iterable[TopicPartitionOffset]) -> list[str]:
        """Partitions in which the trading service has not yet committed ``offsets``, in words."""
        rows = await self._rows(_CONSUMED, (TRADING,))
        done = {TopicPartition(topic, number): offset for topic, number, offset in rows}
        newest: dict[TopicPartition, int] = {}
        for topic, number, offset in offsets:
            place = TopicPartition(topic, number)
            newest[place] = max(offset, newest.get(place, offset))
        return [
            f"{place.topic}/{place.partition} up to offset {offset} (it is at {done.get(place, 'none')})"
            for place, offset in newest.items()
            if done.get(place, -1) < offset
        ]

    async def members(self) -> list[Member]:
        """Deployments of the session that are meant to run."""
        rows = await self._rows(_MEMBERS, (self._session, DesiredState.RUNNING))
        return [
            Member(name, portfolio, version, RunnerState(state), message, ts, tuple(intents or ()))
            for name, portfolio, version, state, message, ts, intents in rows
        ]

    async def unsettled(self, intents: Sequence[str]) -> list[str]:
        """Which of ``intents`` are not decided, and those of all orders that wait for the venue.

        One commit stores an intent with its decision and its order, if it gets one: a request to cancel does not.
        """
        values: Mapping[str, Any] = {
            "intents": list(intents),
            "in_flight": list(IN_FLIGHT),
            "session": self._session,
        }
        return [intent for (intent,) in await self._rows(_UNSETTLED, values)]

    async def record_position(self, ts: int) -> None:
        """Remember the slice that was published last."""
        await self._run(lambda conn: conn.execute(_POSITION, (ts, self._session), prepare=True))

    async def moved(self, waiting_for: str) -> None:
        """Wait until the trading service has committed something for a lock-step session, or a moment has passed.

        Raises as :meth:`Patience.check`.
        """
        self._patience.check(waiting_for)
        try:
            if not self._listening:
                await self._conn.execute(_LISTEN)
                self._listening = True
                return
            async for _ in self._conn.notifies(timeout=LONGEST_WAIT, stop_after=1):
                return
        except psycopg.OperationalError:
            await self._patience.pause(waiting_for, RECONNECT_SECONDS)

    async def close(self) -> None:
        await self._conn.close()

    async def _rows(self, query: LiteralString, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        cursor = await self._run(lambda conn: conn.execute(query, values, prepare=True))
        return await cursor.fetchall()

    async def _run(
        self, work: Callable[[psycopg.AsyncConnection], Awaitable[psycopg.AsyncCursor[Any]]]
    ) -> psycopg.AsyncCursor[Any]:
        while True:
            try:
                if self._conn.closed:
                    self._conn = await connect(self._dsn, application_name="millstream-replay", autocommit=True)
                    self._listening = False
                return await work(self._conn)
            except (psycopg.OperationalError, RetriableError) as error:
                await self._conn.close()
                await self._patience.pause(f"PostgreSQL ({error})", RECONNECT_SECONDS)
