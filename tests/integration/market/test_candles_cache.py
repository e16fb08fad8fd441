from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from millstream.contracts.errors import IntegrityError, NotFoundError
from millstream.market import candles
from millstream.market.cache import CandleCache, data_snapshot_id
from millstream.market.copy_format import from_copy
from millstream.market.sample import SYMBOLS, import_sample, sample_frame
from millstream.store.database import connect_sync


def frame(rows: int, start: str = "2024-01-30", value: float = 1.1) -> pd.DataFrame:
    index = pd.date_range(start, periods=rows, freq="D", tz="UTC", name="open_time").as_unit("ns")
    return pd.DataFrame({name: [value + row for row in range(rows)] for name in candles.COLUMNS}, index=index)


def test_frame_comes_back_exactly_over_a_month_boundary(dsn: str):
    with connect_sync(dsn) as conn:
        assert candles.load(conn, "X:A", "1d", frame(5), source="t") == candles.LoadResult(5, 0, 0, ())
        pd.testing.assert_frame_equal(candles.read(conn, "X:A", "1d"), frame(5), check_freq=False)
        raw = candles.read(conn, "X:A", "1d", columns=candles.RAW_COLUMNS)
        assert raw["raw_close"].tolist() == frame(5)["close"].tolist()


def test_window_and_last_rows(dsn: str):
    start, end = datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 2, 2, tzinfo=UTC)
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1d", frame(5), source="t")
        assert len(candles.read(conn, "X:A", "1d", start, end)) == 2
        pd.testing.assert_frame_equal(
            candles.read_last(conn, "X:A", "1d", 2, end), candles.read(conn, "X:A", "1d", start, end)
        )
        assert candles.read(conn, "X:B", "1d").empty
        assert candles.read_last(conn, "X:B", "1d", 3).empty
        with pytest.raises(NotFoundError, match="5m candles of X:A") as failure:
            candles.get_series(conn, "X:A", "5m")
        assert "1d" in failure.value.hint


def test_cache_reads_once_and_follows_imports(dsn: str, tmp_path: Path):
    cache = CandleCache(tmp_path / "candles")
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1d", frame(5), source="t")
        first = cache.frame(conn, "X:A", "1d")
        pd.testing.assert_frame_equal(first, frame(5), check_freq=False)
        (file,) = (tmp_path / "candles").iterdir()
        frame(5, value=7.0).to_parquet(file)
        assert cache.frame(conn, "X:A", "1d")["open"].iloc[0] == 7.0
        candles.load(conn, "X:A", "1d", frame(6), source="t")
        assert len(cache.frame(conn, "X:A", "1d")) == 6
        assert cache.frame(conn, "X:A", "1d")["open"].iloc[0] == 1.1
        assert len(list((tmp_path / "candles").iterdir())) == 1
        window = cache.frame(conn, "X:A", "1d", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 3, tzinfo=UTC))
        assert [moment.day for moment in window.index] == [1, 2]


def test_damaged_cache_file_is_made_again(dsn: str, tmp_path: Path):
    cache = CandleCache(tmp_path)
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1d", frame(5), source="t")
        cache.frame(conn, "X:A", "1d")
        (file,) = tmp_path.iterdir()
        file.write_bytes(file.read_bytes()[:100])
        assert len(cache.frame(conn, "X:A", "1d")) == 5
        assert len(pd.read_parquet(file)) == 5


def test_snapshot_id_changes_with_the_data_only(dsn: str):
    with connect_sync(dsn) as conn:
        for key in ("X:A", "X:B"):
            candles.load(conn, key, "1d", frame(5), source="t")
        first = data_snapshot_id(conn, ["X:A", "X:B"], "1d")
        assert data_snapshot_id(conn, ["X:B", "X:A", "X:A"], "1d") == first
        assert data_snapshot_id(conn, ["X:A"], "1d") != first
        end = datetime(2024, 2, 1, tzinfo=UTC)
        cut = data_snapshot_id(conn, ["X:A", "X:B"], "1d", None, end)
        assert cut != first
        candles.load(conn, "X:A", "1d", frame(6), source="t")
        assert data_snapshot_id(conn, ["X:A", "X:B"], "1d") != first
        assert data_snapshot_id(conn, ["X:A", "X:B"], "1d", None, end) == cut


def test_bytes_that_are_no_candles_are_refused():
    with pytest.raises(IntegrityError):
        from_copy(b"nonsense", candles.COLUMNS)


def test_sample_is_imported_once_and_keeps_the_raw_prices(dsn: str):
    with connect_sync(dsn) as conn:
        first = import_sample(conn)
        again = import_sample(conn)
        stored = candles.read(conn, "SAMPLE:AAPL", "1d", columns=candles.ALL_COLUMNS)
    assert [report.instrument for report in first] == [f"SAMPLE:{symbol}" for symbol in SYMBOLS]
    assert all(report.new == report.rows and report.clean and report.registered for report in first)
    assert all(report.new == 0 and report.unchanged == report.rows and not report.registered for report in again)
    pd.testing.assert_frame_equal(stored, sample_frame("AAPL"), check_freq=False)


def test_sample_is_imported_from_a_day_on(dsn: str):
    start = datetime(2012, 5, 17, tzinfo=UTC)
    with connect_sync(dsn) as conn:
        import_sample(conn, start)
        stored = candles.read(conn, "SAMPLE:AAPL", "1d", columns=candles.ALL_COLUMNS)
    pd.testing.assert_frame_equal(stored, sample_frame("AAPL").loc[start:], check_freq=False)
    assert stored.index[0] == start
