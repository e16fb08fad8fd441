"""The gateway's application in the test's own process, and people who are logged in to it.

async with gateway_app(gateway_database, redis_url) as app:
    answer = await app.client.get("/api/v1/me", headers=app.login_as("viewer"))
"""

import asyncio
import itertools
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import redis.asyncio
import uvicorn
from fastapi import FastAPI
from support.servers import new_database

from millstream.bootstrap import Endpoints
from millstream.bus.factory import create_bus
from millstream.contracts.api.identity import Role
from millstream.contracts.clock import Clock
from millstream.contracts.time import to_datetime
from millstream.contracts.topics import TOPICS
from millstream.gateway.app import create_app
from millstream.gateway.auth.identity import Identity
from millstream.gateway.auth.tokens import ACCESS_SECONDS, Use
from millstream.gateway.context import Gateway
from millstream.ops.clock import WallClock
from millstream.ops.settings import Settings
from millstream.store.database import pool
from millstream.store.migrate import migrate

BASE = "http://127.0.0.1"
PASSWORD = "correct horse battery"
HOURS = 12


@pytest.fixture(scope="session")
def schema_template(postgres_dsn: str) -> Iterator[str]:
    """Name of a database with the newest schema, to copy."""
    with new_database(postgres_dsn) as url:
        migrate(url)
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def gateway_database(database: Callable[..., str], schema_template: str) -> str:
    """URL of a fresh database with the newest schema."""
    return database(schema_template)


@dataclass
class Person:
    """Somebody who is logged in; ``headers`` carry their access token."""

    user: str
    session: str
    headers: dict[str, str]
    totp_secret: str = ""


@dataclass
class GatewayApp:
    """The application, a client of it without credentials, and what is behind it."""

    gateway: Gateway
    app: FastAPI
    client: httpx.AsyncClient
    identity: Identity
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def login_as(self, role: Role | str, portfolios: tuple[str, ...] = ()) -> dict[str, str]:
        """Headers with the access token of a new person of ``role``; an admin has a second factor."""
        return self.person(role, portfolios).headers

    def person(
        self,
        role: Role | str,
        portfolios: tuple[str, ...] = (),
        *,
        user: str = "",
        enrolled: bool | None = None,
        second_factor: bool | None = None,
        password_hash: str = "",
    ) -> Person:
        """A new person with a session, written straight into the database."""
        role = Role(role)
        user = user or f"{role.value}-{next(self._numbers)}"
        enrolled = role is Role.ADMIN if enrolled is None else enrolled
        secret = pyotp.random_base32() if enrolled else ""
        session, now = secrets.token_hex(16), to_datetime(self.gateway.clock.now())
        # Over the pool: a login of its own at the database for each person is most of what they would cost.
        with self.gateway.pool.connection() as conn:
            conn.execute(
                "INSERT INTO users VALUES (%s, %s, %s, %s, true, %s, %s, '', 0, NULL, 'en', 'UTC', 'dark', NULL, %s)",
                (user, user.title(), role, list(portfolios), password_hash, self._sealed(secret), now),
            )
            conn.execute(
                "INSERT INTO login_sessions VALUES (%s, %s, %s, '127.0.0.1', 'test', %s, %s, %s, NULL)",
                (
                    session,
                    user,
                    enrolled if second_factor is None else second_factor,
                    now,
                    now,
                    now + timedelta(hours=HOURS),
                ),
            )
        token = self.identity.tokens.issue(Use.ACCESS, user, session, ACCESS_SECONDS)
        return Person(user, session, {"Authorization": f"Bearer {token}"}, secret)

    def _sealed(self, secret: str) -> str:
        return self.identity.keyring.seal(secret) if secret else ""


@asynccontextmanager
async def serving_http(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    """The application on a real port, in this loop."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def gateway_app(
    database_url: str,
    redis_url: str,
    *,
    clock: Clock | None = None,
    bus: str = "memory",
    **settings: Any,
) -> AsyncIterator[GatewayApp]:
    """The application over a migrated database; ``settings`` override the defaults of a test.

    The home directory is a temporary one unless it is given; Redis keys have a namespace of their own.
    """
    home = Path(tempfile.mkdtemp(prefix="ms-gw-", dir="/tmp"))
    namespace = f"t{secrets.token_hex(4)}-"
    values = {"home": home, "bus": bus, "namespace": namespace, "gateway_port": 80, **settings}
    clock = clock or WallClock()
    config = Settings(_env_file=None, **values)
    endpoints = Endpoints(database_url, redis_url, config.bus, redis_url if bus == "redis" else "")
    client = redis.asyncio.Redis.from_url(redis_url)
    connections = pool(database_url, application_name="millstream-test", size=4)
    connections.open()
    try:
        async with create_bus(config.bus, endpoints.bus_address, clock=clock, namespace=namespace) as opened:
            await opened.create_topics(TOPICS.values())
            gateway = Gateway(
                settings=config, endpoints=endpoints, clock=clock, pool=connections, bus=opened, redis=client
            )
            app = create_app(gateway)
            identity = app.state.identity = Identity(gateway)
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 40000), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
                yield GatewayApp(gateway, app, http, identity)
    finally:
        connections.close()
        async for key in client.scan_iter(match=f"*{namespace}*"):
            await client.delete(key)
        await client.aclose()
        shutil.rmtree(home)
