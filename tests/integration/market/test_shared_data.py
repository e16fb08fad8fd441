from pathlib import Path

import pandas as pd
import pytest

from millstream.contracts.errors import InputError
from millstream.market import candles
from millstream.market.importer import import_candles
from millstream.store.database import connect_sync

DATA = Path(__file__).parents[3].parent / "shared" / "data"
FILES = [
    ("BTC-PERP_1m_2022-01.parquet", "1m", 45_031, 0),
    ("ETH-BTC_5m_2018-01.parquet", "5m", 5_760, 0),
    ("ADA-BTC_5m_2018-01.parquet", "5m", 5_720, 40),
]
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared candle files are not beside this repository"),
]


@pytest.mark.parametrize(("name", "timeframe", "rows", "missing"), FILES)
def test_recorded_candles_are_imported_exactly_and_once(dsn: str, name: str, timeframe: str, rows: int, missing: int):
    with connect_sync(dsn) as conn:
        report = import_candles(conn, DATA / name, "TEST:X/Y", timeframe)
        again = import_candles(conn, DATA / name, "TEST:X/Y", timeframe)
        stored = candles.read(conn, "TEST:X/Y", timeframe)
    assert (report.rows, report.new, report.clean, report.missing) == (rows, rows, True, missing)
    assert (again.new, again.unchanged) == (0, rows)
    source = pd.read_parquet(DATA / name).set_index("timestamp")
    source.index = source.index.as_unit("ns").rename("open_time")
    pd.testing.assert_frame_equal(stored, source, check_exact=True, check_freq=False)


def test_csv_of_recorded_candles_changes_nothing(dsn: str, tmp_path: Path):
    name, timeframe, rows, _ = FILES[2]
    pd.read_parquet(DATA / name).to_csv(tmp_path / "ada.csv", index=False)
    with connect_sync(dsn) as conn:
        import_candles(conn, DATA / name, "TEST:ADA/BTC", timeframe)
        report = import_candles(conn, tmp_path / "ada.csv", "TEST:ADA/BTC", timeframe)
    assert (report.new, report.unchanged) == (0, rows)


def test_trades_are_not_candles(dsn: str):
    with connect_sync(dsn) as conn, pytest.raises(InputError, match="no column 'open'"):
        import_candles(conn, DATA / "XRP-ETH_trades_2019-10.parquet", "TEST:X/Y", "1m")
