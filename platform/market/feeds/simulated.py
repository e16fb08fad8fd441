"""A simulated crypto market: one-minute bars and quotes every second, for days, without internet."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ...contracts.clock import Clock
from ...contracts.errors import InputError
from ...contracts.events import Bar, BarOpened, MarketEvent, Quote, Watermark
from ...contracts.instrument import Instrument
from ...contracts.time import SECOND
from .base import Feed, FeedContext, Publish, check_options, number_option, register_feed, wire
from .served import SIMULATED
from .simulated_path import COINS, DAY, MINUTE, Coin, Day, coin_for, day, second_of_day
from .slices import Stamp

TIMEFRAME = "1m"
MOST_HISTORY_DAYS = 60.0
MOST_INSTRUMENTS = 50
_EVENTS_A_MINUTE = 64
_OPENED, _FIRST_QUOTE, _BAR, _WATERMARK = 0, 1, 61, 62


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """``speed``: market seconds a real second. ``start``: market time (UTC ns) to begin at; None: the clock's now.

    ``quote_seconds``: market seconds between quotes (a divisor of 60, or 0 for none).
    ``history_days``: days of past candles to fill in before it begins.
    """

    seed: int = 1
    speed: float = 1.0
    start: int | None = None
    quote_seconds: int = 1
    history_days: float = 3.0

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise InputError("the simulated market needs a speed above 0", hint="1 is real time.")
        if self.quote_seconds < 0 or (self.quote_seconds and 60 % self.quote_seconds):
            raise InputError("quote_seconds must divide 60", hint="1 gives a quote each second, 0 gives none.")


class SimulatedFeed(Feed):
    """The live market (session ``""``) of ``SIM:BTC/USDT``, ``SIM:ETH/USDT`` and ``SIM:SOL/USDT``.

    It adopts what is registered for the exchange ``SIM``, up to 50 instruments. Prices depend on seed and market time
    only, so a restarted feed goes on with the same market, and sequences derive from the market time.
    """

    def __init__(self, clock: Clock, options: SimulationOptions | None = None) -> None:
        self.session = ""
        self._coins: tuple[Coin, ...] = COINS
        self.instruments = tuple(coin.instrument().key for coin in COINS)
        self.timeframe = TIMEFRAME
        self._clock = clock
        self._options = options or SimulationOptions()
        self._stamp = Stamp(self.session, TIMEFRAME, clock)

    def definitions(self) -> Sequence[Instrument]:
        return [coin.instrument() for coin in COINS]

    def adopt(self, instrument: Instrument) -> bool:
        if super().adopt(instrument):
            return True
        if instrument.exchange != SIMULATED or len(self._coins) >= MOST_INSTRUMENTS:
            return False
        coin = coin_for(instrument)
        if coin is None:
            return False
        self._coins += (coin,)
        self.instruments += (instrument.key,)
        return True

    async def run(self, publish: Publish) -> None:
        """Publish until cancelled, from the beginning of the present minute."""
        begun = self._clock.monotonic()
        start = self._clock.now() if self._options.start is None else self._options.start
        minute = start // MINUTE * MINUTE
        while True:
            for moment, events in self._minute(minute):
                if moment < start and isinstance(events[0], Quote):
                    continue
                await self._until(begun + round((moment - start) / self._options.speed))
                await publish(events)
            minute += MINUTE

    def history(self, days: float, end: int) -> Mapping[str, pd.DataFrame]:
        """Candle frames of the minutes that closed in the ``days`` up to ``end`` (UTC ns), by instrument."""
        last = end // MINUTE * MINUTE
        first = last - round(days * DAY)
        return {coin.instrument().key: self._candles(coin, first, last) for coin in self._coins}

    def backfill(self, last: int | None, end: int) -> Mapping[str, pd.DataFrame]:
        wanted = self._options.history_days
        missing = 0.0 if last is None else (end - last) / DAY
        return self.history(min(max(wanted, missing), MOST_HISTORY_DAYS), end)

    async def _until(self, moment: int) -> None:
        left = moment - self._clock.monotonic()
        if left > 0:
            await self._clock.sleep(left / SECOND)
        else:
            await asyncio.sleep(0)

    def _candles(self, coin: Coin, first: int, last: int) -> pd.DataFrame:
        days = range(first // DAY, (last - 1) // DAY + 1)
        frame = pd.concat([self._day(coin, number).candles(number * DAY, coin.decimals) for number in days])
        return frame.loc[pd.Timestamp(first, tz="UTC") : pd.Timestamp(last - 1, tz="UTC")]

    def _day(self, coin: Coin, number: int) -> Day:
        return day(self._options.seed, coin, number)

    def _minute(self, start: int) -> Iterator[tuple[int, list[MarketEvent]]]:
        """What happens in the minute that begins at ``start``, in order: market times and their events.

        An instrument that is adopted within the minute has quotes from then on, and the minute's bar.
        """
        if here := self._here(start):
            yield start, [self._opened(coin, today, start) for coin, today in here]
        step = self._options.quote_seconds
        for second in range(0, 60, step) if step else ():
            moment = start + second * SECOND
            if here := self._here(start):
                yield moment, [self._quote(coin, today, moment) for coin, today in here]
        closed = [self._bar(coin, today, start) for coin, today in self._here(start)]
        yield start + MINUTE, [*closed, *(self._watermark(coin, start) for coin in self._coins)]

    def _here(self, start: int) -> list[tuple[Coin, Day]]:
        """The coins that trade in the minute that begins at ``start``."""
        days = ((coin, self._day(coin, start // DAY)) for coin in self._coins)
        return [(coin, today) for coin, today in days if today.present[second_of_day(start) // 60]]

    def _sequence(self, start: int, place: int) -> int:
        return start // MINUTE * _EVENTS_A_MINUTE + place

    def _opened(self, coin: Coin, today: Day, start: int) -> MarketEvent:
        key = coin.instrument().key
        return BarOpened(
            **self._stamp.fields("bar_opened", key, self._sequence(start, _OPENED)),
            ts=start,
            timeframe=TIMEFRAME,
            open=wire(today.prices[second_of_day(start)]),
        )

    def _quote(self, coin: Coin, today: Day, moment: int) -> MarketEvent:
        key, second = coin.instrument().key, second_of_day(moment)
        half = coin.spread_ticks * coin.tick
        price = float(today.prices[second])
        size = max(round(float(today.volumes[second // 60]) / 20, 5), 0.00001)
        return Quote(
            **self._stamp.fields("quote", key, self._sequence(moment, _FIRST_QUOTE + second % 60)),
            ts=moment,
            bid=wire(round(price - half, coin.decimals)),
            ask=wire(round(price + half, coin.decimals)),
            bid_size=wire(size),
            ask_size=wire(size),
        )

    def _bar(self, coin: Coin, today: Day, start: int) -> MarketEvent:
        key, second = coin.instrument().key, second_of_day(start)
        prices = today.prices[second : second + 60]
        return Bar(
            **self._stamp.fields("bar", key, self._sequence(start, _BAR)),
            ts=start + MINUTE,
            timeframe=TIMEFRAME,
            open_time=start,
            open=wire(prices[0]),
            high=wire(prices.max()),
            low=wire(prices.min()),
            close=wire(prices[-1]),
            volume=wire(round(float(today.volumes[second // 60]), coin.decimals)),
        )

    def _watermark(self, coin: Coin, start: int) -> MarketEvent:
        key = coin.instrument().key
        return Watermark(
            **self._stamp.fields("watermark", key, self._sequence(start, _WATERMARK)),
            ts=start + MINUTE,
            timeframe=TIMEFRAME,
        )


@register_feed("simulated")
def _from_options(context: FeedContext) -> Feed:
    """``simulated[:seed=N,speed=FACTOR,quote_seconds=N,history_days=DAYS]``."""
    options = context.options
    check_options("simulated", options, ("seed", "speed", "quote_seconds", "history_days"))
    return SimulatedFeed(
        context.clock,
        SimulationOptions(
            seed=int(number_option("simulated", options, "seed", 1)),
            speed=number_option("simulated", options, "speed", 1.0),
            quote_seconds=int(number_option("simulated", options, "quote_seconds", 1)),
            history_days=number_option("simulated", options, "history_days", 3.0),
        ),
    )
