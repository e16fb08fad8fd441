"""Which pages may open a live connection: those of this installation's own screens, under a known name."""

from urllib.parse import urlsplit

from ...ops.settings import Settings
from ..guard.addresses import Hosts
from ..screens import ports

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Entrance:
    """Judges the headers of a connection before anything else is done for it."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = Hosts(settings)
        self._public = settings.public_url.rstrip("/")
        # Without a port in the settings the gateway has a free one (development): then no port is told apart.
        self._ports = {settings.gateway_port, *ports(settings).values()} if settings.gateway_port else set()

    def refusal(self, origin: str | None, host: str) -> str:
        """Why a page of ``origin`` (None: no browser) may not connect to ``host``; empty when it may."""
        if host not in self._hosts:
            return "Millstream is not known under this name: set MILLSTREAM_PUBLIC_URL or MILLSTREAM_KNOWN_HOSTS."
        if origin is None or (self._public and origin == self._public) or self._is_screen(origin, host):
            return ""
        return "This origin is not one of Millstream's screens."

    def _is_screen(self, origin: str, host: str) -> bool:
        try:
            page, server = urlsplit(origin), urlsplit(f"//{host}")
            port = page.port or _DEFAULT_PORTS.get(page.scheme)
        except ValueError:
            return False
        if page.scheme not in _DEFAULT_PORTS or not page.hostname or page.hostname != server.hostname:
            return False
        return not self._ports or port in self._ports
