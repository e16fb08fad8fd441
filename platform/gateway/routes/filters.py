"""The filters that the lists of trading, risk and reports have in common."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from ...contracts.enums import Target
from ...contracts.errors import InputError
from ...contracts.time import from_datetime
from ..reads.selection import Wanted

MOST_NAMES = 200
_BIGGEST = 2**63 - 1

Name = Annotated[str, Query(min_length=1, max_length=64)]
Names = Annotated[list[str] | None, Query(max_length=MOST_NAMES, description="May be given several times.")]
Moment = Annotated[AwareDatetime | None, Query(description="RFC 3339, market time.")]


def nanoseconds(moment: datetime | None) -> int | None:
    """UTC nanoseconds of a moment; what lies beyond the range of market times is cut to it.

    Raises :class:`InputError` for a moment that has no date in UTC.
    """
    if moment is None:
        return None
    try:
        return max(-_BIGGEST, min(_BIGGEST, from_datetime(moment)))
    except OverflowError as error:
        raise InputError(f"{moment} is no time in UTC", hint="Give a time of a market.") from error


def _wanted(
    deployment: Names = None,
    strategy: Names = None,
    portfolio: Annotated[str, Query(max_length=64)] = "",
    instrument: Annotated[str, Query(max_length=96, examples=["SAMPLE:AAPL"])] = "",
    target: Annotated[Target | None, Query(description="paper or live.")] = None,
    start: Moment = None,
    end: Moment = None,
) -> Wanted:
    """What is asked for. Raises :class:`InputError` for a period that ends before it starts."""
    if start is not None and end is not None and end <= start:
        raise InputError("the period ends before it starts", hint="Give an end after the start, or leave one out.")
    return Wanted(
        deployments=tuple(deployment or ()),
        strategies=tuple(strategy or ()),
        portfolio=portfolio,
        instrument=instrument,
        target=str(target) if target is not None else "",
        start=nanoseconds(start),
        end=nanoseconds(end),
    )


Filters = Annotated[Wanted, Depends(_wanted)]
