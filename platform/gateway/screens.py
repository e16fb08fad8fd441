"""Where the gateway and the screens are for a browser, and which places a login may lead back to."""

import re
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from ..ops.settings import Settings
from .context import gateway_of

_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
HOME = "/"
# A login that leads to the login would never end; to the logout, would end at once.
_NOWHERE = ("/login", "/logout", "/setup", "/oidc/")


def own_address(connection: HTTPConnection) -> str:
    """The address of the gateway as people open it, without a slash at the end."""
    public = gateway_of(connection).settings.public_url
    return public.rstrip("/") if public else f"{_scheme(connection)}://{connection.headers.get('host', '')}"


def screens(connection: HTTPConnection) -> dict[str, str]:
    """Origins of the screens that have a port of their own, by name, on the host that the browser asked."""
    settings = gateway_of(connection).settings
    host = urlsplit(own_address(connection)).hostname or settings.bind
    shown = f"[{host}]" if ":" in host else host
    return {name: f"{_scheme(connection)}://{shown}:{port}" for name, port in ports(settings).items()}


def ports(settings: Settings) -> dict[str, int]:
    """Ports of the screens that are set."""
    every = {"lab": settings.lab_port, "monitor": settings.monitor_port, "trader": settings.trader_port}
    return {name: port for name, port in every.items() if port}


def safe_next(connection: HTTPConnection, wanted: str) -> str:
    """``wanted`` when it is a path of the gateway or leads to one of the screens, else the home page."""
    if not wanted or _CONTROL.search(wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        return HOME
    if not parts.scheme and not parts.netloc:
        own = wanted.startswith("/") and not wanted.startswith("//") and not parts.path.startswith(_NOWHERE)
        return wanted if own else HOME
    return wanted if origin in screens(connection).values() else HOME


def _scheme(connection: HTTPConnection) -> str:
    return "https" if connection.scope.get("scheme") in {"https", "wss"} else "http"
