from decimal import Decimal
from itertools import pairwise

import pytest

from millstream.contracts.clock import ManualClock
from millstream.contracts.events import Bar, BarOpened, MarketEvent, Quote, Watermark
from millstream.contracts.instrument import Instrument
from millstream.market.feeds.simulated import SimulatedFeed, SimulationOptions
from millstream.market.feeds.simulated_path import COINS, DAY, MINUTE, day

START = 1_700_000_040 * 10**9


class EnoughError(Exception):
    """Ends a feed that would run for days."""


async def play(options: SimulationOptions, minutes: int, now: int = START) -> tuple[list[MarketEvent], ManualClock]:
    clock, seen = ManualClock(now), []
    begin = options.start if options.start is not None else now

    async def publish(events):
        seen.extend(events)
        if events[-1].ts >= begin // MINUTE * MINUTE + minutes * MINUTE and isinstance(events[-1], Watermark):
            raise EnoughError
        return []

    with pytest.raises(EnoughError):
        await SimulatedFeed(clock, options).run(publish)
    return seen, clock


async def test_minute_has_an_open_sixty_quotes_a_bar_and_a_watermark():
    seen, _ = await play(SimulationOptions(seed=3), 3)
    mine = [event for event in seen if event.instrument == "SIM:BTC/USDT"]
    minute = [BarOpened, *[Quote] * 60, Bar, Watermark]
    assert [type(event) for event in mine] == minute * 3
    assert all(left.sequence < right.sequence for left, right in pairwise(mine))
    for index in range(3):
        opened, *quotes, bar, mark = mine[index * 63 : index * 63 + 63]
        mids = [(quote.bid + quote.ask) / 2 for quote in quotes]
        assert (bar.open, bar.high, bar.low, bar.close) == (mids[0], max(mids), min(mids), mids[-1])
        assert opened.open == bar.open
        assert bar.ts == mark.ts == bar.open_time + MINUTE == opened.ts + MINUTE


async def test_real_time_feed_is_on_time_and_a_fast_one_is_faster():
    _, clock = await play(SimulationOptions(), 2)
    assert clock.now() == START // MINUTE * MINUTE + 2 * MINUTE
    _, clock = await play(SimulationOptions(speed=60.0, quote_seconds=0), 60, now=START // MINUTE * MINUTE)
    assert clock.now() == START // MINUTE * MINUTE + MINUTE


async def test_restarted_feed_goes_on_with_the_same_market():
    whole, _ = await play(SimulationOptions(quote_seconds=0), 6)
    later, _ = await play(SimulationOptions(quote_seconds=0), 3, now=START + 3 * MINUTE)
    bars = {event.sequence: event for event in whole if isinstance(event, Bar) and event.instrument == "SIM:SOL/USDT"}
    again = [event for event in later if isinstance(event, Bar) and event.instrument == "SIM:SOL/USDT"]
    assert again
    for event in again:
        if event.sequence in bars:
            assert (event.close, event.event_id) == (bars[event.sequence].close, bars[event.sequence].event_id)
    assert {event.sequence for event in again} & set(bars)


async def test_missing_minutes_have_a_watermark_alone():
    coin, number = COINS[0], START // DAY
    while day(1, coin, number).present.all():
        number += 1
    minute = int((~day(1, coin, number).present).argmax())
    start = number * DAY + minute * MINUTE
    seen, _ = await play(SimulationOptions(start=start), 1, now=start)
    assert [type(event) for event in seen if event.instrument == coin.instrument().key] == [Watermark]


def test_history_is_what_the_feed_would_have_published():
    feed = SimulatedFeed(ManualClock(), SimulationOptions(seed=5))
    long, short = feed.history(2.0, START), feed.history(0.5, START)
    for key in feed.instruments:
        assert long[key].iloc[-len(short[key]) :].equals(short[key])
        assert long[key].index[-1].value < START
        assert 2700 < len(long[key]) <= 2880
    assert feed.backfill(None, START)["SIM:BTC/USDT"].index[0].value == START // MINUTE * MINUTE - 3 * DAY
    assert feed.backfill(START - 5 * DAY, START)["SIM:BTC/USDT"].index[0].value <= START - 4 * DAY


def test_market_has_trends_jumps_and_gaps():
    frame = SimulatedFeed(ManualClock(), SimulationOptions(seed=2)).history(30.0, START)["SIM:ETH/USDT"]
    weekly = frame["close"].resample("7D").last().pct_change().dropna()
    assert weekly.abs().max() > 0.03
    assert frame["close"].pct_change().abs().max() > 0.005
    assert len(frame) < 30 * 1440


def test_definitions_fit_the_prices():
    for definition, coin in zip(SimulatedFeed(ManualClock()).definitions(), COINS, strict=True):
        assert float(definition.price_tick) == pytest.approx(coin.tick)
        assert definition.currency == "USDT"


def registered(symbol: str, tick: str = "0.01", exchange: str = "SIM") -> Instrument:
    return Instrument(exchange=exchange, symbol=symbol, currency="USDT", price_tick=Decimal(tick))


@pytest.mark.parametrize(
    ("instrument", "taken"),
    [
        (registered("DOGE/USDT"), True),
        (registered("BTC/USDT"), True),
        (registered("ODD/USDT", tick="0.05"), False),
        (registered("AAPL", exchange="NYSE"), False),
    ],
)
def test_feed_adopts_what_its_exchange_can_simulate(instrument: Instrument, taken: bool):
    feed = SimulatedFeed(ManualClock(START))
    assert feed.adopt(instrument) is taken
    assert (instrument.key in feed.instruments) is taken


def test_adopted_instrument_has_prices_in_whole_ticks_and_a_history():
    feed = SimulatedFeed(ManualClock(START))
    assert feed.adopt(registered("DOGE/USDT", tick="0.001"))
    frame = feed.history(0.5, START)["SIM:DOGE/USDT"]
    assert len(frame) > 600
    assert ((frame["close"] * 1000).round(6) % 1 == 0).all()
    assert feed.adopt(registered("DOGE/USDT")), "a second time changes nothing"
    assert feed.instruments.count("SIM:DOGE/USDT") == 1


async def test_instrument_adopted_within_a_minute_has_quotes_from_then_on_and_the_bar():
    clock, seen = ManualClock(START // MINUTE * MINUTE), []
    feed = SimulatedFeed(clock)

    async def publish(events):
        seen.extend(events)
        if events[-1].ts % MINUTE == 30 * 10**9:
            feed.adopt(registered("DOGE/USDT"))
        if isinstance(events[-1], Watermark):
            raise EnoughError
        return []

    with pytest.raises(EnoughError):
        await feed.run(publish)
    mine = [type(event) for event in seen if event.instrument == "SIM:DOGE/USDT"]
    assert mine == [*[Quote] * 29, Bar, Watermark]
