"""``kill -9`` of the trading service at every named failpoint: the restart ends with the orders and ledger of a run
that nobody disturbed."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from decimal import Decimal

import pytest
from support.trading import eventually, ledger_of, order, record, rows, seed, slice_of

from millstream.bus.factory import create_bus
from millstream.contracts.enums import OrderType, Side
from millstream.contracts.topics import TOPICS
from millstream.execution.failpoints import NAMES
from millstream.ops.clock import WallClock

PRICES = {
    10: (100, 101, 99, 100),
    11: (101, 103, 100, 102),
    12: (102, 104, 96, 97),
    13: (97, 99, 96, 98),
    14: (98, 99, 90, 91),
}
INTENTS = {
    11: [
        order(11, Side.BUY, 10, stop_loss=Decimal("0.04"), take_profit=Decimal("0.20")),
        order(11, Side.BUY, 3, sequence=1, order_type=OrderType.LIMIT, limit_price=Decimal(95)),
    ],
    13: [order(13, Side.BUY, 5, stop_loss=Decimal("0.05")), order(13, Side.SELL, 10**9, sequence=1)],
    14: [order(14, Side.BUY, 7)],
}


class Service:
    """The trading service as a process of its own, started again when it dies."""

    def __init__(self, environment):
        self._environment = environment
        self.killed = 0
        self._process = None

    def start(self, failpoint=""):
        environment = {**os.environ, **self._environment, "MILLSTREAM_FAILPOINT": failpoint}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        self._process = subprocess.Popen(
            [sys.executable, "-m", "millstream.execution"], env=environment, stderr=self._log
        )

    def tend(self):
        """Restart it after a SIGKILL; any other end is a failure."""
        code = self._process.poll()
        if code is None:
            return
        self._log.seek(0)
        assert code == -signal.SIGKILL, self._log.read().decode()
        self._log.close()
        self.killed += 1
        self.start()

    def stop(self):
        self._process.terminate()
        code = self._process.wait(timeout=20)
        self._log.seek(0)
        text = self._log.read().decode()
        self._log.close()
        assert code == 0, text


async def play(bus, dsn, service):
    """The days in lock step, as the replay feed does it."""

    async def until(sql, *values):
        def check():
            service.tend()
            return rows(dsn, sql, *values)[0][0]

        await eventually(check, 30)

    async def handled(published):
        for where in published:
            await until(
                "SELECT count(*) FROM consumed_offsets WHERE topic = %s AND partition = %s AND offset_ >= %s",
                where.topic,
                where.partition,
                where.offset,
            )

    for day, prices in PRICES.items():
        opened, bar, watermark = slice_of(day, prices)
        await handled(await bus.publish([record(opened), record(bar)]))
        await handled(await bus.publish([record(watermark)]))
        intents = INTENTS.get(day + 1, [])
        await handled(await bus.publish([record(intent) for intent in intents]))
        await until("SELECT NOT EXISTS (SELECT FROM orders WHERE state IN ('submitted', 'unknown'))")
        await until(
            "SELECT count(*) = %s FROM decisions", sum(len(INTENTS.get(key + 1, [])) for key in range(10, day + 1))
        )


async def run(kind, address, dsn, failpoint):
    namespace = f"kill-{secrets.token_hex(4)}"
    seed(dsn)
    service = Service(
        {
            "MILLSTREAM_DATABASE_URL": dsn,
            "MILLSTREAM_BUS": kind,
            "MILLSTREAM_REDIS_URL": address if kind == "redis" else "redis://127.0.0.1:1",
            "MILLSTREAM_KAFKA_BOOTSTRAP": address if kind == "kafka" else "",
            "MILLSTREAM_NAMESPACE": namespace,
        }
    )
    async with create_bus(kind, address, clock=WallClock(), namespace=namespace) as bus:
        await bus.create_topics(TOPICS.values())
        service.start(failpoint)
        try:
            await play(bus, dsn, service)
        finally:
            await asyncio.to_thread(service.stop)
    assert rows(dsn, "SELECT count(*) FROM outbox") == [(0,)]
    return ledger_of(dsn), service.killed


@pytest.fixture(scope="module")
def undisturbed():
    """The result of a run without a kill, made once."""
    return {}


async def expected(undisturbed, kind, address, database, template):
    if not undisturbed:
        undisturbed["ledger"], killed = await run(kind, address, database(template), "")
        assert killed == 0
    return undisturbed["ledger"]


@pytest.mark.parametrize("failpoint", [f"{name}:{(2, 5)[place % 2]}" for place, name in enumerate(NAMES)])
async def test_a_kill_at_a_failpoint_changes_no_order_and_no_ledger(
    failpoint, database, trading_template, redis_url, undisturbed
):
    wanted = await expected(undisturbed, "redis", redis_url, database, trading_template)
    got, killed = await run("redis", redis_url, database(trading_template), failpoint)
    assert killed == 1
    assert got == wanted
    assert len(wanted["fills"]) == 6


@pytest.mark.kafka
@pytest.mark.parametrize("failpoint", ["after_journal:2", "after_send:2", "before_publish:3"])
async def test_a_kill_on_kafka_changes_no_order_and_no_ledger(
    failpoint, database, trading_template, redis_url, kafka_broker, undisturbed
):
    wanted = await expected(undisturbed, "redis", redis_url, database, trading_template)
    got, killed = await run("kafka", kafka_broker.bootstrap, database(trading_template), failpoint)
    assert killed == 1
    assert got == wanted
