import pandas as pd
import pytest

from millstream.market.candles import COLUMNS
from millstream.market.import_checks import check
from millstream.market.sample import SYMBOLS, TIMEFRAME, sample_frame, sample_instrument

SPLITS = [("AAPL", "2000-06-21"), ("AAPL", "2005-02-28"), ("MSFT", "2003-02-18")]


@pytest.mark.parametrize(("symbol", "day"), SPLITS)
def test_split_halves_the_raw_price_and_not_the_adjusted_one(symbol: str, day: str):
    frame = sample_frame(symbol)
    place = frame.index.get_loc(pd.Timestamp(day, tz="UTC"))
    before, after = frame.iloc[place - 1], frame.iloc[place]
    assert 0.45 < after["raw_close"] / before["raw_close"] < 0.56
    assert 0.9 < after["close"] / before["close"] < 1.12
    assert 0.9 < after["open"] / before["close"] < 1.12


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_all_four_prices_and_the_volume_carry_the_same_factor(symbol: str):
    frame = sample_frame(symbol)
    factor = frame["close"] / frame["raw_close"]
    for name in ("open", "high", "low"):
        assert (frame[name] / frame[f"raw_{name}"] / factor).between(1 - 1e-12, 1 + 1e-12).all()
    assert (
        (frame["volume"] * factor / frame["raw_volume"].where(frame["raw_volume"] > 0))
        .dropna()
        .between(1 - 1e-12, 1 + 1e-12)
        .all()
    )


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_row_is_a_valid_candle(symbol: str):
    frame = sample_frame(symbol)
    checked = check(frame.index.asi8, frame, TIMEFRAME)
    assert not checked.bad_rows
    assert not checked.duplicates
    assert set(COLUMNS) <= set(checked.frame)


def test_instrument_trades_whole_shares_in_dollars():
    instrument = sample_instrument("IBM")
    assert (instrument.key, instrument.currency) == ("SAMPLE:IBM", "USD")
    assert (str(instrument.lot_step), str(instrument.price_tick), str(instrument.fee_rate)) == ("1", "0.01", "0.0005")
