"""What identity keeps in a process: keys, tokens, standings and limits, made once for an application."""

from starlette.requests import HTTPConnection

from ..context import Gateway, gateway_of
from .keyring import load_keyring
from .limiting import Limiter
from .passwords import Passwords
from .standing import Standings
from .tokens import Tokens


class Identity:
    """The parts that ``require`` and the routes of identity work with."""

    def __init__(self, gateway: Gateway) -> None:
        self.keyring = load_keyring(gateway.settings)
        self.tokens = Tokens(self.keyring, gateway.clock)
        self.standings = Standings(gateway)
        self.passwords = Passwords()
        self.limiter = Limiter(gateway.settings, gateway.redis, gateway.clock)


def identity_of(connection: HTTPConnection) -> Identity:
    """The identity of the application behind a request; its key is read at the first one."""
    state = connection.app.state
    if not hasattr(state, "identity"):
        state.identity = Identity(gateway_of(connection))
    found: Identity = state.identity
    return found
