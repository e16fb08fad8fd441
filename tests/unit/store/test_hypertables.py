from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from millstream.contracts.errors import InputError
from millstream.store.partitions import (
    Partition,
    TimescaleState,
    creation,
    hypertable_statements,
    hypertables_usable,
    months,
)


@pytest.mark.parametrize(
    ("state", "usable"),
    [
        (None, False),
        (TimescaleState(created=False, preloaded=False), False),
        (TimescaleState(created=False, preloaded=True), True),
        (TimescaleState(created=True, preloaded=True), True),
    ],
)
def test_hypertables_are_chosen_where_the_server_has_loaded_timescale(state: TimescaleState | None, usable: bool):
    assert hypertables_usable(state) is usable


def test_hypertable_has_monthly_chunks_on_its_time_column():
    assert hypertable_statements("candles") == [
        "CREATE EXTENSION IF NOT EXISTS timescaledb",
        "SELECT create_hypertable('candles', by_range('open_time', INTERVAL '1 month'))",
    ]
    assert "by_range('ts'" in hypertable_statements("equity")[1]


def test_months_cover_both_ends_in_utc():
    tokyo = timezone(timedelta(hours=9))
    found = list(months("equity", datetime(2024, 1, 1, 5, tzinfo=tokyo), datetime(2024, 2, 1, tzinfo=UTC)))
    assert [month.name for month in found] == ["equity_2023_12", "equity_2024_01", "equity_2024_02"]
    assert all(left.end == right.start for left, right in pairwise(found))


def test_naive_time_is_refused():
    with pytest.raises(InputError, match="zone"):
        list(months("equity", datetime(2024, 1, 1), datetime(2024, 1, 2)))  # noqa: DTZ001 - that is the point


def test_partition_is_attached_not_created_in_place():
    month = Partition("equity", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    create, attach = (statement.as_string(None) for statement in creation(month))
    assert create.startswith('CREATE TABLE "equity_2024_01" (LIKE "equity"')
    assert attach.startswith('ALTER TABLE "equity" ATTACH PARTITION "equity_2024_01" FOR VALUES FROM (\'2024-01-01')
