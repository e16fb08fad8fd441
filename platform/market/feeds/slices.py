"""Stored candles as slices of a market: what happens between one close and the next, for all instruments together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import psycopg

from ...contracts.clock import Clock
from ...contracts.errors import NotFoundError
from ...contracts.events import Bar, BarOpened, MarketEvent, SessionEnded, Watermark
from ...contracts.time import timeframe_ns
from .. import candles
from ..candles import get_series
from ..copy_format import open_times
from .base import event_id, wire

PER_SLICE = 3
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all events of one replay share; ``occurred_at`` comes from the clock."""

    session: str
    timeframe: str
    clock: Clock

    def fields(self, kind: str, instrument: str, sequence: int) -> dict[str, Any]:
        """Fields that every market event has, besides its time."""
        return {
            "event_id": event_id(kind, self.session, instrument, sequence),
            "occurred_at": self.clock.now(),
            "session": self.session,
            "instrument": instrument,
            "sequence": sequence,
        }


class Tape:
    """Candles of several instruments on one time line.

    Slice ``i`` closes at ``closes[i]`` (UTC ns): a time at which at least one instrument closes a bar. Sequences derive
    from the index of the slice, so a replay that is resumed publishes the same events again.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame], timeframe: str) -> None:
        self.instruments = tuple(sorted(frames))
        self.timeframe = timeframe
        self._step = timeframe_ns(timeframe)
        self._opens: dict[str, Ints] = {key: open_times(frames[key]) for key in self.instruments}
        self._values = {key: frames[key][list(candles.COLUMNS)].to_numpy() for key in self.instruments}
        together = np.concatenate([*self._opens.values(), np.empty(0, dtype=np.int64)])
        self.closes: Ints = np.unique(together) + self._step

    def __len__(self) -> int:
        return len(self.closes)

    def bars(self, index: int, stamp: Stamp) -> list[MarketEvent]:
        """``BarOpened`` of every instrument with a bar in the slice, then their ``Bar``."""
        opened: list[MarketEvent] = []
        closed: list[MarketEvent] = []
        open_time = int(self.closes[index]) - self._step
        for key in self.instruments:
            values = self._row(key, open_time)
            if values is None:
                continue
            sequence = 1 + PER_SLICE * index
            first, high, low, last, volume = map(wire, values)
            opened.append(
                BarOpened(
                    **stamp.fields("bar_opened", key, sequence), ts=open_time, timeframe=self.timeframe, open=first
                )
            )
            closed.append(
                Bar(
                    **stamp.fields("bar", key, sequence + 1),
                    ts=open_time + self._step,
                    timeframe=self.timeframe,
                    open_time=open_time,
                    open=first,
                    high=high,
                    low=low,
                    close=last,
                    volume=volume,
                )
            )
        return opened + closed

    def watermarks(self, index: int, stamp: Stamp, after: Mapping[str, int]) -> list[MarketEvent]:
        """A ``Watermark`` of every instrument, whether it has a bar in the slice or not."""
        sequence = PER_SLICE * (index + 1)
        return [
            Watermark(
                **stamp.fields("watermark", key, sequence),
                ts=int(self.closes[index]),
                timeframe=self.timeframe,
                after=dict(after),
            )
            for key in self.instruments
        ]

    def end(self, stamp: Stamp) -> list[MarketEvent]:
        """``SessionEnded`` of every instrument."""
        sequence = PER_SLICE * len(self) + 1
        ts = int(self.closes[-1]) if len(self) else 0
        return [SessionEnded(**stamp.fields("session_ended", key, sequence), ts=ts) for key in self.instruments]

    def first_slice(self, position: int) -> int:
        """Index of the first slice that closes at or after ``position`` (UTC ns)."""
        return int(np.searchsorted(self.closes, position))

    def indexes(self, position: int = 0) -> Iterator[int]:
        """Indexes of the slices that close at or after ``position``."""
        yield from range(self.first_slice(position), len(self))

    def _row(self, key: str, open_time: int) -> Any:
        opens = self._opens[key]
        place = int(np.searchsorted(opens, open_time))
        return self._values[key][place] if place < len(opens) and opens[place] == open_time else None


def load_tape(
    conn: psycopg.Connection,
    instruments: Sequence[str],
    timeframe: str,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Tape:
    """Tape of the stored candles with ``start`` <= open time < ``end``. Raises :class:`NotFoundError` for none."""
    frames = {}
    for instrument in instruments:
        get_series(conn, instrument, timeframe)
        frames[instrument] = candles.read(conn, instrument, timeframe, start, end)
    tape = Tape(frames, timeframe)
    if not len(tape):
        raise NotFoundError(
            f"no {timeframe} candles of {', '.join(instruments)} between {start} and {end}",
            hint="`millstream data list` shows what is stored.",
        )
    return tape
