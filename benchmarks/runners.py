"""From a promotion to the first live bar, out of the zygote, and what twenty runners weigh."""

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from millstream.bootstrap import Endpoints
from millstream.bus.base import Consumer, EventBus, Record, StartAt, Subscription
from millstream.contracts.codec import decode, encode
from millstream.contracts.events import Bar, BarOpened, SliceFinished, Watermark
from millstream.contracts.ids import digest
from millstream.contracts.time import timeframe_ns
from millstream.contracts.topics import MARKET_RAW_DATA, RUNNER_EVENTS, TOPICS
from millstream.market.sample import import_sample
from millstream.market.sessions import open_live
from millstream.ops.clock import WallClock
from millstream.ops.settings import load_settings
from millstream.promotion.deploy import DeployRequest, deploy
from millstream.promotion.promote import PromoteRequest, PromotionDeps, announce, release_notebook
from millstream.promotion.registry import Release
from millstream.runner.bootstrap import supervising

from .load import Percentiles, percentiles
from .servers import Servers

NOTEBOOK = Path(__file__).parents[1] / "strategies" / "sma_cross.ipynb"
INSTRUMENT, TIMEFRAME = "SAMPLE:AAPL", "1d"
STEP = timeframe_ns(TIMEFRAME)
LOOK_SECONDS = 0.005
PATIENCE = 30.0
clock = WallClock()


class Runners(msgspec.Struct, frozen=True, kw_only=True):
    """``first_bar``: from the deployment's commit to its first finished slice. ``pss_mb``: mean proportional memory."""

    bus: str
    count: int
    first_bar: Percentiles
    pss_mb: float


class Market:
    """A live market of one instrument that shows a new bar whenever it is asked to."""

    def __init__(self, bus: EventBus, start: int) -> None:
        self._bus = bus
        self._ts = start
        self._sequence = 0

    async def show(self) -> None:
        """Publish the next bar and its watermark."""
        opened, self._ts = self._ts, self._ts + STEP
        price = Decimal(100)
        where: dict[str, Any] = {
            "instrument": INSTRUMENT,
            "timeframe": TIMEFRAME,
            "occurred_at": clock.now(),
            "session": "",
        }
        prices: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close", "volume"), price)
        events = (
            BarOpened(**where, **self._next(), ts=opened, open=price),
            Bar(**where, **self._next(), ts=self._ts, open_time=opened, **prices),
            Watermark(**where, **self._next(), ts=self._ts),
        )
        await self._bus.publish([Record(MARKET_RAW_DATA.name, INSTRUMENT, encode(event)) for event in events])

    def _next(self) -> dict[str, Any]:
        self._sequence += 1
        return {"event_id": digest("bench", self._sequence), "sequence": self._sequence}


async def runners(servers: Servers, count: int) -> Runners:
    """Deploy one release ``count`` times, one after the other, then weigh the runners."""
    settings = load_settings(
        home=servers.home,
        database_url=servers.dsn,
        redis_url=servers.redis_url,
        bus=servers.kind,
        kafka_bootstrap=servers.address if servers.kind == "kafka" else "",
        namespace=servers.namespace,
        log_level="error",
    )
    endpoints = Endpoints(servers.dsn, servers.redis_url, servers.kind, servers.address)
    deps = PromotionDeps(settings, endpoints, clock)
    with psycopg.connect(servers.dsn) as conn:
        import_sample(conn)
        open_live(conn, [INSTRUMENT], TIMEFRAME)
    request = PromoteRequest(notebook=str(NOTEBOOK), deploy=DeployRequest(session="", author="bench"))
    async with servers.bus() as bus:
        await bus.create_topics(TOPICS.values())
        release = await release_notebook(request, deps, lambda *_: None)
        market = Market(bus, clock.now() // STEP * STEP)
        heard = Subscription(topics=[RUNNER_EVENTS.name], start_at=StartAt.LATEST)
        async with supervising(settings, endpoints, clock), await bus.subscribe(heard) as consumer:
            took = [await _first_bar(servers, deps, release, market, consumer) for _ in range(count)]
            weight = _mean_pss(servers)
    return Runners(bus=servers.kind, count=count, first_bar=percentiles(took), pss_mb=weight)


async def _first_bar(
    servers: Servers, deps: PromotionDeps, release: Release, market: Market, consumer: Consumer
) -> int:
    """Nanoseconds from the deployment to the end of its runner's first slice."""
    begin = clock.monotonic()
    with psycopg.connect(servers.dsn) as conn:
        deployment = deploy(conn, release, DeployRequest(session="", author="bench"))
    await announce(deployment, deps)
    async with asyncio.timeout(PATIENCE):
        await _running(servers, deployment.deployment_id)
        await market.show()
        while True:
            for item in await consumer.read(timeout=PATIENCE):
                event = decode(item.topic, item.value)
                if isinstance(event, SliceFinished) and event.deployment_id == deployment.deployment_id:
                    return clock.monotonic() - begin


async def _running(servers: Servers, deployment_id: str) -> None:
    """Wait until the live loop stands ready: a bar shown earlier would make all other runners work meanwhile."""
    async with await psycopg.AsyncConnection.connect(servers.dsn, autocommit=True) as conn:
        while True:
            found = await conn.execute(
                "SELECT 1 FROM runners WHERE deployment_id = %s AND state = 'running'", (deployment_id,)
            )
            if await found.fetchone():
                return
            await clock.sleep(LOOK_SECONDS)


def _mean_pss(servers: Servers) -> float:
    with psycopg.connect(servers.dsn) as conn:
        pids = [row[0] for row in conn.execute("SELECT pid FROM runners WHERE state = 'running'").fetchall()]
    weights = [_pss_kb(pid) for pid in pids]
    return sum(weights) / len(weights) / 1024


def _pss_kb(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    if found is None:
        msg = f"the kernel does not tell the memory of process {pid}"
        raise RuntimeError(msg)
    return int(found[1])
