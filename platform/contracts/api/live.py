"""Live events: how to connect."""

from .base import Answer


class Live(Answer):
    """Where the live WebSocket is, and a ticket that opens it once within ``expires_in`` seconds.

    Connect to ``url`` with the ticket in its query: ``{url}?ticket={ticket}``.
    """

    url: str
    ticket: str
    expires_in: int
