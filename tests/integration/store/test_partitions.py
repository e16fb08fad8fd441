import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from millstream.store.database import connect, connect_sync
from millstream.store.partitions import ensure_partitions, ensure_partitions_sync

FIRST = datetime(2023, 11, 5, tzinfo=UTC)
LAST = datetime(2024, 2, 1, tzinfo=UTC)
_PARTS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1"
_EQUITY = "INSERT INTO equity VALUES ('p', %s, 1, 1, 0, 0, 0)"


async def test_missing_months_are_made_once(dsn: str):
    async with await connect(dsn) as conn:
        assert await ensure_partitions(conn, "equity", FIRST, LAST) == 4
        assert await ensure_partitions(conn, "equity", FIRST, LAST) == 0
        await conn.execute(_EQUITY, (LAST,))
        cursor = await conn.execute(_PARTS, ("equity",))
        names = [name for (name,) in await cursor.fetchall()]
    assert names == ["equity_2023_11", "equity_2023_12", "equity_2024_01", "equity_2024_02"]


def test_rows_land_in_their_month_and_keep_the_primary_key(dsn: str):
    with connect_sync(dsn) as conn:
        ensure_partitions_sync(conn, "equity", FIRST, LAST)
        conn.execute(_EQUITY, (datetime(2023, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),))
        conn.execute(_EQUITY, (datetime(2024, 1, 1, tzinfo=UTC),))
        conn.execute(f"{_EQUITY} ON CONFLICT (portfolio_id, ts) DO NOTHING", (datetime(2024, 1, 1, tzinfo=UTC),))
        rows = conn.execute("SELECT tableoid::regclass::text FROM equity ORDER BY ts").fetchall()
    assert rows == [("equity_2023_12",), ("equity_2024_01",)]


def test_many_writers_at_once_make_each_partition_once(dsn: str):
    def write(_: int) -> int:
        with connect_sync(dsn) as conn:
            return ensure_partitions_sync(conn, "candles", FIRST, LAST)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(write, range(6))) == 4


async def test_new_partition_does_not_wait_for_open_writers_of_others(dsn: str):
    async with await connect(dsn) as setup:
        await ensure_partitions(setup, "equity", FIRST, FIRST)
    async with await connect(dsn) as writer, await connect(dsn) as maker:
        await writer.execute(_EQUITY, (FIRST,))
        async with asyncio.timeout(5):
            assert await ensure_partitions(maker, "equity", LAST, LAST) == 1


async def test_plain_table_stays_as_it_is(dsn: str):
    async with await connect(dsn) as conn:
        await conn.execute("DROP TABLE equity")
        await conn.execute("CREATE TABLE equity (ts timestamptz)")
        assert await ensure_partitions(conn, "equity", FIRST, LAST) == 0
