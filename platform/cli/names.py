"""Names that people type: as they are registered, or an error that offers near ones."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..contracts.errors import NotFoundError
from .backend import Filter

if TYPE_CHECKING:
    from .backend import Looking


def checked(platform: "Looking", wanted: Filter) -> Filter:
    """``wanted`` with its instrument's key. Raises :class:`NotFoundError` for a name that nothing has."""
    with suggesting(platform, wanted):
        if wanted.deployment:
            platform.deployment(wanted.deployment)
        if wanted.portfolio:
            platform.portfolio(wanted.portfolio)
    instrument = key(platform, wanted.instrument)
    return Filter(deployment=wanted.deployment, portfolio=wanted.portfolio, instrument=instrument)


def key(platform: "Looking", instrument: str) -> str:
    """The key of an instrument, which may be named by its symbol alone; nothing for nothing."""
    if not instrument:
        return ""
    from ..market.instruments import meant

    return meant(instrument, platform.instruments())


@contextlib.contextmanager
def suggesting(platform: "Looking", wanted: Filter) -> Iterator[None]:
    """Where something is not found, say which names are near."""
    try:
        yield
    except NotFoundError as error:
        for name, what, command, known in (
            (
                wanted.deployment,
                "deployment",
                "deployments",
                lambda: [one.deployment for one in platform.deployments()],
            ),
            (wanted.portfolio, "portfolio", "portfolio", lambda: [one.portfolio for one in platform.portfolios()]),
        ):
            hint = _near(name, known)
            if hint is not None:
                hint += f"`millstream {command}` lists all of them."
                raise NotFoundError(f"there is no {what} {name!r}", hint=hint) from error
        raise


def _near(name: str, known: Callable[[], list[str]]) -> str | None:
    """Names that are near; None when there is no such question, or nobody may ask it."""
    from ..client.errors import PermissionDeniedError
    from ..sdk.matching import near

    try:
        names = known() if name else [name]
    except PermissionDeniedError:  # a key that may halt need not be one that may look
        return None
    return None if name in names else near(name, names)
