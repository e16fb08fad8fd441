"""Which portfolio and session each deployment belongs to: what permissions need to know of events that do not say."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """Where a deployment trades."""

    portfolio: str
    session: str


class Directory:
    """All deployments, as the database last told."""

    __slots__ = ("_by_portfolio", "_places")

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._by_portfolio: dict[str, tuple[str, ...]] = {}

    def replace(self, places: Mapping[str, Place]) -> None:
        """Take over a whole reading of the table."""
        by_portfolio: dict[str, list[str]] = {}
        for deployment, place in places.items():
            by_portfolio.setdefault(place.portfolio, []).append(deployment)
        self._places = dict(places)
        self._by_portfolio = {portfolio: tuple(found) for portfolio, found in by_portfolio.items()}

    def get(self, deployment: str) -> Place | None:
        return self._places.get(deployment)

    def deployments_of(self, portfolio: str) -> tuple[str, ...]:
        return self._by_portfolio.get(portfolio, ())

    def missing(self, deployments: Iterable[str]) -> bool:
        """Whether one of ``deployments`` is not known: then the table should be read again."""
        return any(deployment not in self._places for deployment in deployments)
