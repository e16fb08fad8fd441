"""When a manual order is decided, and how long it lives, on the clock of its market."""

import psycopg
import pytest
from support.gateway import gateway_app
from support.trading import DAY, DEPLOYMENT, KEY, SESSION, eventually, record, rows, seed, serving, slice_of

from millstream.contracts.errors import ConflictError
from millstream.contracts.time import SECOND
from millstream.gateway.commands.moments import Moment, moment
from millstream.market.lifetime import FASTEST, LONGEST

WALL = 1_700_000_000 * SECOND


@pytest.fixture
def conn(gateway_database):
    seed(gateway_database)
    with psycopg.connect(gateway_database) as conn:
        yield conn


def test_live_market_runs_on_the_wall_clock(conn):
    assert moment(conn, "", wall=WALL, ttl_seconds=30) == Moment(WALL, WALL + 30 * SECOND)


def test_replay_runs_on_the_newest_market_time_that_trading_has_seen(conn):
    conn.execute("UPDATE market_sessions SET position = %s, speed = 2", (20 * DAY,))
    assert moment(conn, SESSION, wall=WALL, ttl_seconds=3) == Moment(20 * DAY, (20 + 8) * DAY)
    conn.execute("INSERT INTO marks VALUES (%s, %s, 1, NULL, NULL, NULL, %s, 0, 1)", (SESSION, KEY, 18 * DAY))
    assert moment(conn, SESSION, wall=WALL, ttl_seconds=3).decided_at == 18 * DAY


def test_order_in_a_replay_without_a_speed_lives_as_many_bars_as_the_fastest_plays(conn):
    found = moment(conn, SESSION, wall=WALL, ttl_seconds=1)
    assert found.expires_at == (int(FASTEST) + 2) * DAY
    assert moment(conn, SESSION, wall=WALL, ttl_seconds=3600).expires_at == LONGEST


def test_replay_that_is_over_takes_no_order(conn):
    conn.execute("UPDATE market_sessions SET state = 'completed'")
    with pytest.raises(ConflictError, match="is over"):
        moment(conn, SESSION, wall=WALL, ttl_seconds=30)


async def test_ticket_on_the_live_market_is_decided_on_the_wall_clock(gateway_database, redis_url):
    seed(gateway_database, session="")
    async with gateway_app(gateway_database, redis_url) as app, serving(gateway_database, app.gateway.bus):
        today = app.gateway.clock.now() // DAY - 1
        await app.gateway.bus.publish([record(event) for event in slice_of(today, (100, 101, 99, 100), session="")])
        await eventually(lambda: rows(gateway_database, "SELECT 1 FROM equity"))
        ticket = {"deployment": DEPLOYMENT, "instrument": KEY, "side": "buy", "quantity": "5"}
        answer = await app.client.post("/api/v1/orders", json=ticket, headers=app.login_as("trader"))
        assert answer.json()["order"]["state"] == "accepted", answer.text
    ((decided_at, expires_at),) = rows(gateway_database, "SELECT decided_at, expires_at FROM orders")
    assert expires_at - decided_at == 30 * SECOND
    assert decided_at > today * DAY
