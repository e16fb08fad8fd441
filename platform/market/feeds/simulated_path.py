"""The prices of the simulated market: a function of seed, instrument and time alone.

Every UTC day of an instrument is drawn by its own generator, so any day can be made without those before it and a feed
that is stopped and started goes on as if it had never stopped. Day boundaries follow slow cycles with noise (regimes of
rising and falling markets); within a day a random walk with changing volatility and jumps is pinned to both boundaries.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ...contracts.ids import digest
from ...contracts.instrument import Instrument
from ...contracts.time import SECOND, timeframe_ns
from ..copy_format import utc_index
from .served import SIMULATED

DAY = timeframe_ns("1d")
MINUTE = timeframe_ns("1m")
SECONDS_A_DAY = 86_400
MINUTES_A_DAY = 1440
_CYCLES = ((7.0, 0.035), (23.0, 0.09), (90.0, 0.22))
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Coin:
    """How a simulated instrument behaves. ``price``: its long-run level; ``volatility``: of a day, as a fraction."""

    symbol: str
    base: str
    price: float
    decimals: int
    volatility: float
    daily_volume: float
    spread_ticks: int

    @property
    def tick(self) -> float:
        return float(10.0**-self.decimals)

    def instrument(self) -> Instrument:
        """The coin as the platform trades it."""
        return Instrument(
            exchange=SIMULATED,
            symbol=self.symbol,
            currency="USDT",
            base=self.base,
            price_tick=Decimal(1).scaleb(-self.decimals),
            lot_step=Decimal("0.00001"),
            min_notional=Decimal(5),
            fee_rate=Decimal("0.001"),
            maker_fee_rate=Decimal("0.0008"),
            description=f"simulated {self.base}",
        )


COINS = (
    Coin("BTC/USDT", "BTC", 40_000.0, 2, 0.025, 30_000.0, 1),
    Coin("ETH/USDT", "ETH", 2_500.0, 2, 0.035, 400_000.0, 1),
    Coin("SOL/USDT", "SOL", 100.0, 3, 0.05, 5_000_000.0, 2),
)


def coin_for(instrument: Instrument) -> Coin | None:
    """How an instrument that a person registered behaves, derived from its symbol; None for a tick like 0.05.

    Its prices are whole ticks only where the tick is a power of ten.
    """
    sign, digits, exponent = instrument.price_tick.normalize().as_tuple()
    if sign or digits != (1,) or not isinstance(exponent, int) or not -8 <= exponent <= 0:
        return None
    rng = np.random.default_rng(int(digest(instrument.symbol, "character"), 16))
    # Far above the tick, so that a tick is a small part of the price.
    price = float(10.0 ** rng.uniform(0.5, 3.0)) * max(1.0, 10.0 ** (exponent + 3))
    return Coin(
        symbol=instrument.symbol,
        base=instrument.base,
        price=price,
        decimals=-exponent,
        volatility=float(rng.uniform(0.02, 0.06)),
        daily_volume=1e8 / price,
        spread_ticks=1,
    )


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of a coin: price of each second, volume and presence of each minute (False: the market was away)."""

    prices: Floats
    volumes: Floats
    present: "np.ndarray[Any, np.dtype[np.bool_]]"

    def candles(self, start: int, decimals: int) -> pd.DataFrame:
        """Candle frame (one minute) of the day that begins at ``start`` (UTC ns), missing minutes left out."""
        minutes = self.prices.reshape(MINUTES_A_DAY, 60)
        frame = pd.DataFrame(
            {
                "open": minutes[:, 0],
                "high": minutes.max(axis=1),
                "low": minutes.min(axis=1),
                "close": minutes[:, -1],
                "volume": np.round(self.volumes, decimals),
            },
            index=utc_index(start + np.arange(MINUTES_A_DAY, dtype=np.int64) * MINUTE),
        )
        return frame[self.present]


@lru_cache(maxsize=64)
def day(seed: int, coin: Coin, number: int) -> Day:
    """Day ``number`` (days since 1970-01-01 UTC) of ``coin``."""
    rng = _generator(seed, coin, "day", number)
    walk = _walk(rng, coin)
    steps = np.arange(1, SECONDS_A_DAY + 1) / SECONDS_A_DAY
    first, last = _boundary(seed, coin, number), _boundary(seed, coin, number + 1)
    path = first + walk + steps * (last - first - walk[-1])
    prices = np.maximum(np.round(np.exp(path), coin.decimals), coin.tick * (coin.spread_ticks + 1))
    return Day(prices, _volumes(rng, coin, prices), _presence(rng))


def _generator(seed: int, coin: Coin, purpose: str, number: int) -> np.random.Generator:
    return np.random.default_rng(int(digest(seed, coin.symbol, purpose, number), 16))


def _boundary(seed: int, coin: Coin, number: int) -> float:
    """Logarithm of the price at the beginning of day ``number``."""
    cycles = _generator(seed, coin, "cycles", 0).uniform(0.0, 2 * math.pi, len(_CYCLES))
    trend = sum(
        size * math.sin(2 * math.pi * number / period + phase)
        for (period, size), phase in zip(_CYCLES, cycles, strict=True)
    )
    noise = float(_generator(seed, coin, "boundary", number).normal(0.0, coin.volatility / 2))
    return math.log(coin.price) + trend + noise


def _walk(rng: np.random.Generator, coin: Coin) -> Floats:
    hours = np.exp(rng.normal(0.0, 0.4, 24))
    scale = np.repeat(hours, SECONDS_A_DAY // 24) * coin.volatility / math.sqrt(SECONDS_A_DAY)
    moves = rng.normal(0.0, 1.0, SECONDS_A_DAY) * scale
    jumps = rng.integers(0, SECONDS_A_DAY, rng.poisson(4))
    moves[jumps] += rng.normal(0.0, coin.volatility / 4, len(jumps))
    walk: Floats = np.cumsum(moves)
    return walk


def _volumes(rng: np.random.Generator, coin: Coin, prices: Floats) -> Floats:
    minutes = prices.reshape(MINUTES_A_DAY, 60)
    excitement = 1 + 400 * np.abs(minutes[:, -1] / minutes[:, 0] - 1)
    season = 1 + 0.5 * np.sin(2 * np.pi * (np.arange(MINUTES_A_DAY) / MINUTES_A_DAY - 0.3))
    volumes: Floats = coin.daily_volume / MINUTES_A_DAY * season * excitement * rng.lognormal(0.0, 0.6, MINUTES_A_DAY)
    return volumes


def _presence(rng: np.random.Generator) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    present = np.ones(MINUTES_A_DAY, dtype=bool)
    for start in rng.integers(0, MINUTES_A_DAY, rng.poisson(2)):
        present[start : start + int(rng.integers(1, 11))] = False
    return present


def second_of_day(ns: int) -> int:
    """Second within its UTC day."""
    return ns % DAY // SECOND
