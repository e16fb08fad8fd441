"""One installation with a supervisor; the tests play the market."""

import asyncio
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from support.strategies import cross

from millstream.bootstrap import Endpoints, event_bus
from millstream.bus.base import Consumer, Record, StartAt, Subscription
from millstream.contracts import topics
from millstream.contracts.codec import decode, encode
from millstream.contracts.enums import RunnerState
from millstream.contracts.events import Bar, BarOpened, OrderIntent, SessionEnded, Watermark
from millstream.contracts.instrument import Instrument
from millstream.execution.bootstrap import paper_venue
from millstream.execution.failpoints import Failpoints
from millstream.execution.recovery import Surroundings
from millstream.execution.service import TradingService
from millstream.market import candles
from millstream.market import instruments as catalogue
from millstream.market.sessions import create_replay
from millstream.ops.clock import WallClock
from millstream.ops.settings import Settings
from millstream.promotion.bundle import Bundle, BundleStore, Manifest, source_of
from millstream.promotion.deploy import DeployRequest, deploy
from millstream.promotion.execute import Execution
from millstream.promotion.logs import tail
from millstream.promotion.promote import PromotionDeps, announce, bundle_folder
from millstream.promotion.queries import Deployment, get_deployment
from millstream.promotion.registry import register
from millstream.runner.bootstrap import supervising
from millstream.runner.local import LocalLauncher
from millstream.runner.policy import Policy
from millstream.store.migrate import migrate

DAY = 86_400_000_000_000
KEY = "SAMPLE:AAPL"
START = 20_000 * DAY
PRICES = [10, 11, 12, 11, 10, 9, 8, 9, 10, 12, 14, 13, 12, 10, 8, 7, 9, 11]


@dataclass
class Installation:
    """A database, a bus of its own and a market session; ``play`` publishes slices of it."""

    settings: Settings
    endpoints: Endpoints
    clock: WallClock = field(default_factory=WallClock)

    @property
    def deps(self) -> PromotionDeps:
        return PromotionDeps(self.settings, self.endpoints, self.clock)

    def database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.endpoints.database_url)

    async def query(self, text: str, *values: object) -> list[Any]:
        def run() -> list[Any]:
            with self.database() as conn:
                return conn.execute(text, values).fetchall()

        return await asyncio.to_thread(run)

    async def execute(self, text: str, *values: object) -> None:
        def run() -> None:
            with self.database() as conn:
                conn.execute(text, values)

        await asyncio.to_thread(run)

    def bundle(self, notebook: Any, parameters: dict[str, Any] | None = None) -> Bundle:
        source = source_of(notebook)
        manifest = Manifest(
            name="cross",
            notebook_sha256=hashlib.sha256(source).hexdigest(),
            parameters=parameters or {"fast": 2, "slow": 4},
            environment="test",
            data_snapshot="",
            git_commit="",
            git_dirty=True,
        )
        return BundleStore(bundle_folder(self.settings)).add(manifest, source)

    async def deploy(self, notebook: Any = None, **request: Any) -> Deployment:
        """Deploy ``notebook`` as if it had been promoted."""

        def run() -> Deployment:
            with self.database() as conn:
                report = {"strategy": "Cross", "instruments": [KEY], "timeframe": "1d"}
                execution = Execution(report, Path("executed.ipynb"))
                release = register(conn, self.bundle(notebook or cross()), execution, data_snapshot="", author="test")
                return deploy(
                    conn, release, DeployRequest(**{"session": "replay-test", "capital": Decimal(1000)} | request)
                )

        deployment = await asyncio.to_thread(run)
        await announce(deployment, self.deps)
        return deployment

    async def state(self, deployment: Deployment) -> Deployment:
        def run() -> Deployment:
            with self.database() as conn:
                return get_deployment(conn, deployment.deployment_id)

        return await asyncio.to_thread(run)

    async def until(
        self, deployment: Deployment, state: RunnerState, *, epoch: int = 0, seconds: float = 40.0
    ) -> Deployment:
        """The deployment as soon as its runner is in ``state`` (of ``epoch`` or later)."""
        now = deployment
        try:
            async with asyncio.timeout(seconds):
                while True:
                    now = await self.state(deployment)
                    if now.state is state and now.epoch >= epoch:
                        return now
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log = "\n".join(tail(Path(now.log_file), 40)) if now.log_file else ""
            pytest.fail(f"{now.state} (epoch {now.epoch}) instead of {state}: {now.message}\n{log}")

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[None]:
        """The real trading service, in this process."""
        stop = asyncio.Event()
        async with event_bus(self.settings, self.endpoints) as bus:
            await bus.create_topics(topics.TOPICS.values())
            around = Surroundings(
                bus=bus, clock=self.clock, venue=paper_venue(Decimal(0)), failpoints=Failpoints(""), holder="test"
            )
            task = asyncio.create_task(TradingService(self.endpoints.database_url, around).run(stop))
            try:
                yield
            finally:
                stop.set()
                await task

    @asynccontextmanager
    async def supervisor(self, **policy: Any) -> AsyncIterator[LocalLauncher]:
        launcher = LocalLauncher(self.endpoints.bus_kind)
        async with (
            self.trading(),
            supervising(
                self.settings, self.endpoints, self.clock, policy=Policy(**{"tick": 0.1} | policy), launcher=launcher
            ),
        ):
            yield launcher

    @asynccontextmanager
    async def market(self) -> AsyncIterator["Market"]:
        async with event_bus(self.settings, self.endpoints) as bus:
            await bus.create_topics(topics.TOPICS.values())
            wanted = [topics.ORDERS_INTENTS.name, topics.RUNNER_EVENTS.name]
            async with await bus.subscribe(Subscription(topics=wanted, start_at=StartAt.EARLIEST)) as consumer:
                yield Market(bus, consumer)

    @asynccontextmanager
    async def commands(self) -> AsyncIterator["Market"]:
        """What is published on ``control.commands`` from now on."""
        async with event_bus(self.settings, self.endpoints) as bus:
            wanted = Subscription(topics=[topics.CONTROL_COMMANDS.name], start_at=StartAt.LATEST)
            async with await bus.subscribe(wanted) as consumer:
                yield Market(bus, consumer)


class Market:
    """Publishes one instrument's bars and collects what runners say."""

    def __init__(self, bus: Any, consumer: Consumer) -> None:
        self._bus = bus
        self._consumer = consumer
        self.heard: list[Any] = []

    async def play(self, *slices: int, version: int | None = None, portfolio: str = "cross") -> None:
        """Publish the bars with these numbers; ``version`` makes it a lock-step replay."""
        for number in slices:
            ts, price = START + (number + 1) * DAY, Decimal(PRICES[number % len(PRICES)])
            common = {"instrument": KEY, "session": "replay-test", "occurred_at": ts, "timeframe": "1d"}
            after = {} if version is None else {portfolio: version}
            await self._publish(
                BarOpened(event_id=f"o{number}", ts=ts - DAY, sequence=3 * number + 1, open=price, **common),
                Bar(
                    event_id=f"b{number}", ts=ts, sequence=3 * number + 2, open_time=ts - DAY, open=price, high=price,
                    low=price, close=price, volume=Decimal(1), **common,
                ),
                Watermark(event_id=f"w{number}", ts=ts, sequence=3 * number + 3, after=after, **common),
            )  # fmt: skip

    async def end(self) -> None:
        await self._publish(
            SessionEnded(
                event_id="end",
                instrument=KEY,
                session="replay-test",
                occurred_at=0,
                ts=START + 99 * DAY,
                sequence=10**6,
            )
        )

    async def until(self, wanted: Callable[[Any], bool], seconds: float = 20.0) -> Any:
        """The first event a runner published, or publishes, for which ``wanted`` holds."""
        position = 0
        async with asyncio.timeout(seconds):
            while True:
                while position < len(self.heard):
                    event, position = self.heard[position], position + 1
                    if wanted(event):
                        return event
                for delivery in await self._consumer.read(timeout=1.0):
                    self.heard.append(decode(delivery.topic, delivery.value))

    @property
    def intents(self) -> list[OrderIntent]:
        return [event for event in self.heard if isinstance(event, OrderIntent)]

    async def send(self, topic: str, key: str, event: Any) -> None:
        await self._bus.publish([Record(topic, key, encode(event))])

    async def _publish(self, *events: Any) -> None:
        await self._bus.publish([Record(topics.MARKET_RAW_DATA.name, KEY, encode(event)) for event in events])


def stored() -> pd.DataFrame:
    """Every bar that a test may play, as the store has them: a runner must not look ahead in it."""
    times = pd.to_datetime([START + number * DAY for number in range(len(PRICES))], utc=True).as_unit("ns")
    columns = {name: [float(price) for price in PRICES] for name in ("open", "high", "low", "close")}
    return pd.DataFrame({**columns, "volume": 1.0}, index=times)


@pytest.fixture
def installation(database: Callable[..., str], redis_url: str) -> Iterator[Installation]:
    home = Path(tempfile.mkdtemp(prefix="ms-run-", dir="/tmp"))
    dsn = database()
    migrate(dsn)
    settings = Settings(
        home=home,
        database_url=dsn,
        redis_url=redis_url,
        namespace=f"t{secrets.token_hex(4)}.",
        heartbeat_seconds=0.1,
        bus_patience=5.0,
    )
    with psycopg.connect(dsn) as conn:
        catalogue.register(conn, Instrument(exchange="SAMPLE", symbol="AAPL", currency="USD", lot_step=Decimal(1)))
        candles.load(conn, KEY, "1d", stored(), source="test")
        create_replay(conn, [KEY], "1d", session_id="replay-test")
    yield Installation(settings, Endpoints(dsn, redis_url, "redis", redis_url))
    shutil.rmtree(home)
