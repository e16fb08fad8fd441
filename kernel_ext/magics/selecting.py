"""Words that several commands share, and what they select."""

import argparse
from itertools import islice
from typing import Any

from .grammar import Word
from .session import Session

DEPLOYMENT = Word(("-d", "--deployment"), "only of this deployment", "NAME", kind="deployment")
PORTFOLIO = Word(("--portfolio",), "only of this portfolio", "NAME", kind="portfolio")
INSTRUMENT = Word(("-i", "--instrument"), "only of this instrument", "KEY", kind="instrument")
LIMIT = Word(("-n", "--limit"), "how many rows at most, the newest (50)", "COUNT", number=True)
JSON = Word(("--json",), "print one JSON document instead of tables")
SELECTION = (DEPLOYMENT, PORTFOLIO, INSTRUMENT)
USUAL_ROWS = 50
LARGEST_PAGE = 1000


def filters(given: argparse.Namespace) -> dict[str, str]:
    """The filters of the API that were given."""
    return {name: getattr(given, name) for name in ("deployment", "portfolio", "instrument") if getattr(given, name)}


def newest(ms: Session, listing: str, given: argparse.Namespace, **more: Any) -> list[Any]:
    """The newest items of a list, the oldest of them first."""
    count = USUAL_ROWS if given.limit is None else max(given.limit, 1)
    found = ms.client.iterate(listing, limit=min(count, LARGEST_PAGE), **filters(given), **more)
    return list(islice(found, count))[::-1]


def all_of(ms: Session, listing: str, **chosen: Any) -> list[Any]:
    """Every item of a list."""
    return list(ms.client.iterate(listing, limit=LARGEST_PAGE, **chosen))
