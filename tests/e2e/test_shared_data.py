"""Candles of real exchanges, imported through the command line: on paper ``sma_cross`` does what its backtest did."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.shared_data,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not DATA.is_dir(), reason="the candle files of ../shared/data are absent"),
]


class Market(NamedTuple):
    """A candle file and the window to replay; the window of ADA-BTC has gaps and candles with one price."""

    file: str
    instrument: str
    timeframe: str
    start: str
    end: str
    missing: int


MARKETS = {
    "btc-perp": Market("BTC-PERP_1m_2022-01.parquet", "X:BTC-PERP", "1m", "2022-01-05T18:00", "2022-01-06T04:00", 0),
    "eth-btc": Market("ETH-BTC_5m_2018-01.parquet", "X:ETH/BTC", "5m", "2018-01-16", "2018-01-18", 0),
    "ada-btc": Market("ADA-BTC_5m_2018-01.parquet", "X:ADA/BTC", "5m", "2018-01-14T12:00", "2018-01-16T12:00", 40),
}


@pytest.fixture(scope="module", params=MARKETS)
def market(request, shared_cli) -> tuple[Market, dict[str, Any]]:
    """A market and the report of its import."""
    found = MARKETS[request.param]
    return found, import_file(shared_cli, found)


def import_file(cli, market: Market) -> dict[str, Any]:
    words = ("--instrument", market.instrument, "--timeframe", market.timeframe, "--lot", "0.0001")
    return cli.json("data", "import", str(DATA / market.file), *words)


def test_import_reports_every_row_and_a_second_one_changes_nothing(shared_cli, market):
    source, report = market
    stored = pd.read_parquet(DATA / source.file)
    assert report["new"] == report["rows"] == len(stored)
    assert report["bad_rows"] == report["duplicates"] == []
    assert sum(gap["missing"] for gap in report["gaps"]) == source.missing
    assert pd.Timestamp(report["first"]) == stored.timestamp.iloc[0]

    again = import_file(shared_cli, source)
    assert (again["new"], again["unchanged"], again["replaced"]) == (0, len(stored), 0)
    [series] = [one for one in shared_cli.json("data", "list")["series"] if one["instrument"] == source.instrument]
    assert series["rows"] == len(stored)
    assert series["version"] == 1


def test_paper_equals_the_backtest_of_the_same_candles(shared_cli, market):
    source, _ = market
    window = ("--start", source.start, "--end", source.end)
    given = [f"symbol={source.instrument}", f"timeframe={source.timeframe}", "fast=5", "slow=13"]
    parameters = [word for one in given for word in ("-p", one)]
    run = shared_cli.json("parity", "strategies/sma_cross.ipynb", *parameters, *window)
    assert run["parity"]["equal"] is True, run["explanation"]
    assert run["orders"] == run["parity"]["backtest_orders"] > 10
    assert abs(run["parity"]["pnl_bps"]) < 1
    assert run["rejections"] == []
