"""What runners printed."""

from pathlib import Path

from ...contracts.api.promotion import LogText
from ...promotion.logs import last_part, log_of, next_part
from ...promotion.queries import get_deployment
from ..auth.access import Principal
from ..context import Connection
from . import selection


def file_of(conn: Connection, deployment: str, principal: Principal) -> Path:
    """The log of a deployment's newest runner.

    Raises :class:`NotFoundError` for a deployment that never ran or that the principal does not see.
    """
    selection.deployment(conn, deployment, principal)
    return log_of(get_deployment(conn, deployment))


def part_of(file: Path, *, lines: int, after: int) -> LogText:
    """The last ``lines`` lines, or what came since the place ``after``."""
    text, place = next_part(file, after, lines) if after else last_part(file, lines)
    return LogText(text=text, next=place)
