"""A whole platform on a home of its own, strategies that trade often, and lock-step replays that are disturbed."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.strategies import cross, notebook, save

from millstream.bootstrap import Endpoints
from millstream.cli.node import running_core
from millstream.cli.processes import ProcessManager
from millstream.cli.replay_run import replay_releases
from millstream.market import candles, instruments
from millstream.market.feeds.lockstep import LockStepOptions, Stage
from millstream.market.sample import TIMEFRAME, sample_frame, sample_instrument
from millstream.ops.clock import WallClock
from millstream.ops.settings import Settings, load_settings
from millstream.promotion.promote import PromoteRequest, PromotionDeps, release_notebook
from millstream.promotion.registry import Release
from millstream.store.database import connect_sync
from millstream.store.embedded import EmbeddedPostgres, EmbeddedRedis

SYMBOLS = ("AAPL", "IBM")
SWING_PARAMETERS = 'symbol, timeframe = ["AAPL", "IBM"], "1d"\nlookback = 4'
SWING = """
from millstream.sdk import Strategy, run

class Swing(Strategy):
    \"\"\"Buys dips with limit orders; its state (how often it was filled) goes into the size of its orders.\"\"\"

    lookback: int = 4

    def on_start(self, context):
        self.fills = 0

    def on_fill(self, context, fill):
        self.fills += 1

    def on_bar(self, context, bar):
        history = context.history(self.lookback, bar.symbol)
        if len(history) < self.lookback:
            return
        context.cancel_all(bar.symbol)
        held = context.position(bar.symbol)
        if held <= 0:
            context.buy(100 + self.fills, bar.symbol, limit=history.low.tail(2).mean(), tag="dip")
        elif bar.close > history.close.max() - 1e-9:
            context.sell(held, bar.symbol, reduce_only=True, tag="top")
        elif held < 300:
            context.buy(20, bar.symbol, stop=history.high.max(), tag="add")

strategy = Swing(lookback=lookback, stop_loss=0.03, take_profit=0.05)
"""

_ORDERS = (
    "SELECT decided_at, instrument, leg, side, order_type, quantity, filled, average_price,"
    " limit_price, stop_price, state, reserved, cancel_decided_at FROM orders WHERE deployment_id = %s"
    " ORDER BY decided_at, instrument, leg, side, order_type, quantity, stop_price, limit_price"
)
_FILLS = (
    "SELECT f.ts, f.instrument, f.leg, f.side, f.quantity, f.price, f.fee, f.liquidity, f.realized_pnl, f.late,"
    " o.decided_at FROM fills f JOIN orders o USING (order_id) WHERE f.deployment_id = %s"
    # Within one instrument as they happened; partitions may be read in any order.
    " ORDER BY f.ts, f.instrument, f.portfolio_version"
)
_LEDGER = {
    "positions": "SELECT instrument, quantity, average_price, realized_pnl, fees FROM positions"
    " WHERE portfolio_id = %s ORDER BY 1",
    "cash": "SELECT currency, amount FROM cash WHERE portfolio_id = %s ORDER BY 1",
    "version": "SELECT version FROM portfolios WHERE portfolio_id = %s",
    "equity": "SELECT ts, equity, cash, realized_pnl, unrealized_pnl, fees FROM equity"
    " WHERE portfolio_id = %s ORDER BY 1",
    "decisions": "SELECT ts, instrument, approved, stage, code FROM decisions"
    " WHERE portfolio_id = %s AND code <> 'STALE_RUNNER' ORDER BY 1, 2, 3, 5",
}
# What no crash may ever bring about, as counts that must be zero.
_BROKEN = {
    "orders whose fills do not add up": "SELECT count(*) FROM orders o WHERE portfolio_id = %s AND filled <>"
    " (SELECT coalesce(sum(quantity), 0) FROM fills f WHERE f.order_id = o.order_id)",
    "positions that are not the sum of the fills": "SELECT count(*) FROM positions p"
    " WHERE portfolio_id = %s AND quantity <>"
    " (SELECT sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) FROM fills f"
    " WHERE f.portfolio_id = p.portfolio_id AND f.instrument = p.instrument)",
    "intents with two venue orders": "SELECT count(*) FROM (SELECT FROM orders WHERE portfolio_id = %s"
    " GROUP BY intent_id, leg HAVING count(DISTINCT venue_order_id) > 1 OR count(*) > 1) AS doubled",
    "orders left in doubt": "SELECT count(*) FROM orders WHERE portfolio_id = %s AND state IN"
    " ('initialized', 'submitted', 'unknown', 'pending_cancel', 'pending_update')",
    "late fills": "SELECT count(*) FROM fills WHERE portfolio_id = %s AND late",
}

_NEWEST_OF = (
    "WHERE deployment_id = (SELECT deployment_id FROM deployments WHERE release_name = %s"
    " ORDER BY created_at DESC LIMIT 1)"
)

_END_WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'millstream-runner' AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


@dataclass(frozen=True)
class Run:
    """What the replay left behind: by release everything that must not depend on crashes, and the runners' epochs."""

    did: Mapping[str, Mapping[str, list[tuple[Any, ...]]]]
    epochs: Mapping[str, int]
    parity: Mapping[str, str]
    seconds: float

    def replaced(self, release: str) -> list[int]:
        """Close times (UTC ns) at which the strategy of ``release`` canceled an order and made another, ascending."""
        orders = self.did[release]["orders"]
        made = {(decided_at, instrument) for decided_at, instrument, leg, *_ in orders if not leg}
        return sorted({canceled for _, instrument, *_, canceled in orders if (canceled, instrument) in made})

    def decided(self) -> list[int]:
        """Close times (UTC ns) of slices at which strategies decided orders, ascending."""
        return sorted({order[0] for done in self.did.values() for order in done["orders"] if not order[2]})


Hook = Callable[[Stage, int, int], Awaitable[None]]


@dataclass
class Platform:
    """Servers, trading service and supervisor at work, with released strategies."""

    settings: Settings
    endpoints: Endpoints
    processes: ProcessManager
    releases: list[tuple[Release, PromoteRequest]] = field(default_factory=list)
    clock: WallClock = field(default_factory=WallClock)

    @property
    def deps(self) -> PromotionDeps:
        return PromotionDeps(self.settings, self.endpoints, self.clock)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.endpoints.database_url) as conn:
            return conn.execute(sql.encode(), values).fetchall()

    async def promote(self, notebook: Path, **parameters: Any) -> None:
        request = PromoteRequest(notebook=str(notebook), parameters=parameters)
        self.releases.append((await release_notebook(request, self.deps, lambda *_: None), request))

    async def replay(self, on_slice: Hook | None = None) -> Run:
        """All releases on one new session, in lock step to its end."""
        begun = self.clock.monotonic()
        options = LockStepOptions(on_slice=on_slice, progress=lambda *_: None)
        runs = await replay_releases(self.deps, self.releases, options)
        names = {run.release: run.deployment for run in runs}
        return Run(
            did={release: self._did(name) for release, name in names.items()},
            epochs={
                release: self.rows("SELECT epoch FROM deployments WHERE deployment_id = %s", name)[0][0]
                for release, name in names.items()
            },
            parity={run.release: "" if run.equal else run.explanation for run in runs},
            seconds=(self.clock.monotonic() - begun) / 1e9,
        )

    async def kill(self, victim: str) -> None:
        """SIGKILL to ``trading``, ``redis``, ``postgres``, ``supervisor`` or the runner of ``runner:RELEASE``."""
        os.kill(self._pid(victim), signal.SIGKILL)

    def _pid(self, victim: str) -> int:
        server = {"redis": EmbeddedRedis, "postgres": EmbeddedPostgres}.get(victim)
        if server is not None:
            pid = server(self.settings.home).status().pid
        elif victim.startswith("runner:"):
            of_release = "SELECT pid FROM runners JOIN deployments USING (deployment_id) WHERE release_name = %s"
            pid = self.rows(f"{of_release} ORDER BY created_at", victim.removeprefix("runner:"))[-1][0]
        else:
            pid = self.processes.pid(victim)
        assert pid, f"{victim} does not run"
        return int(pid)

    def _did(self, name: str) -> dict[str, list[tuple[Any, ...]]]:
        broken = {what: count for what, sql in _BROKEN.items() if (count := self.rows(sql, name)[0][0])}
        assert not broken, broken
        return {
            "orders": self.rows(_ORDERS, name),
            "fills": self.rows(_FILLS, name),
            **{what: self.rows(sql, name) for what, sql in _LEDGER.items()},
        }


class Killer:
    """An ``on_slice`` hook: kills each victim once, at its stage of the slice that closes at its time."""

    def __init__(self, platform: Platform, plan: Mapping[tuple[Stage, int], str]) -> None:
        self._platform = platform
        self._plan = dict(plan)
        self.killed: list[str] = []

    async def __call__(self, stage: Stage, _: int, ts: int) -> None:
        victim = self._plan.pop((stage, ts), None)
        if victim is not None:
            await self._platform.kill(victim)
            self.killed.append(victim)


class CheckpointPreventer:
    """An ``on_slice`` hook: the runner of ``release`` decides the slice ``ts`` and dies before it can store that.

    Its row is locked from before the slice on, until the trading service has carried out the cancel the runner sent.
    """

    def __init__(self, platform: Platform, release: str, ts: int) -> None:
        self._platform = platform
        self._release = release
        self._ts = ts
        self._lock: psycopg.AsyncConnection[Any] | None = None

    async def __call__(self, stage: Stage, _: int, ts: int) -> None:
        if ts != self._ts:
            return
        if stage is Stage.BARS_PUBLISHED:
            self._lock = await psycopg.AsyncConnection.connect(self._platform.endpoints.database_url)
            await self._lock.execute(f"SELECT FROM runners {_NEWEST_OF} FOR UPDATE", (self._release,))
        elif stage is Stage.WATERMARK_PUBLISHED:
            assert self._lock is not None
            async with self._lock:
                await self._until_canceled()
                await self._platform.kill(f"runner:{self._release}")
                # Its server process outlives it, and would store the checkpoint as soon as it may.
                await self._lock.execute(_END_WAITING)

    async def _until_canceled(self) -> None:
        canceled = (
            "SELECT count(*) FROM orders WHERE state = 'canceled' AND cancel_decided_at = %s"
            f" AND deployment_id = (SELECT deployment_id FROM runners {_NEWEST_OF})"
        )
        async with asyncio.timeout(20):
            while not self._platform.rows(canceled, self._ts, self._release)[0][0]:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def platform(home: Path, bus: str, kafka_bootstrap: str = "", **settings: str) -> AsyncIterator[Platform]:
    """A running platform on ``home``; ``settings`` are more of them, as texts."""
    given = {"HOME": str(home), "BUS": bus, "KAFKA_BOOTSTRAP": kafka_bootstrap, **settings}
    with pytest.MonkeyPatch.context() as environment:
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.delenv(f"MILLSTREAM_{name}", raising=False)
        for name, value in given.items():
            environment.setenv(f"MILLSTREAM_{name.upper()}", value)
        loaded = load_settings()
        async with running_core(loaded) as (endpoints, processes):
            yield Platform(loaded, endpoints, processes)


def store_sample(dsn: str, first: int, count: int) -> None:
    """``count`` daily bars of each of ``SYMBOLS`` from bar number ``first`` of AAPL's on (all begin on its day)."""
    days = sample_frame("AAPL").index[first : first + count]
    with connect_sync(dsn) as conn:
        for symbol in SYMBOLS:
            instrument = sample_instrument(symbol)
            instruments.register(conn, instrument)
            frame = sample_frame(symbol)
            part = frame[(frame.index >= days[0]) & (frame.index <= days[-1])]
            candles.load(conn, instrument.key, TIMEFRAME, part, source="test")
        conn.commit()


async def promote_strategies(running: Platform, folder: Path) -> None:
    """A vectorised strategy on one instrument, an event-driven one with limits, stops and protective legs on two."""
    await running.promote(save(cross(), folder / "cross.ipynb"), symbol="AAPL", fast=2, slow=4)
    await running.promote(save(notebook(SWING_PARAMETERS, SWING), folder / "swing.ipynb"))
