"""Where a request comes from, which networks may connect, and which names of this host a request may carry."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from ...contracts.errors import ConfigurationError
from ...ops.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SECURE = {"http": "https", "ws": "wss"}


class Networks:
    """Networks of a setting such as ``10.0.0.0/8, ::1``. Raises :class:`ConfigurationError` for another text."""

    def __init__(self, text: str, setting: str) -> None:
        try:
            self._networks: tuple[Network, ...] = tuple(
                ipaddress.ip_network(part, strict=False) for part in _parts(text)
            )
        except ValueError as error:
            raise ConfigurationError(
                f"{setting} is not a list of networks: {error}",
                hint="Write addresses or networks with commas between them: 127.0.0.1, 10.0.0.0/8, fd00::/8.",
            ) from error

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: object) -> bool:
        try:
            found = ipaddress.ip_address(str(address))
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self._networks)


class Origin:
    """Finds the address and the scheme of a request; what proxies say counts only from trusted ones."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = Networks(settings.trusted_proxies, "MILLSTREAM_TRUSTED_PROXIES")

    def of(self, scope: Scope) -> tuple[str, str]:
        """Address and scheme: of the peer, or of the last stop before our own proxies."""
        client = scope.get("client")
        peer, scheme = client[0] if client else "", str(scope.get("scheme", "http"))
        if peer not in self._trusted:
            return peer, scheme
        headers = Headers(scope=scope)
        if headers.get("x-forwarded-proto", "").strip().lower() in {"https", "wss"}:
            scheme = _SECURE.get(scheme, scheme)
        return self._forwarded(headers.getlist("x-forwarded-for"), peer), scheme

    def _forwarded(self, headers: Iterable[str], peer: str) -> str:
        # From the right: each proxy appends whom it saw, and whatever stands left of that anybody may have written.
        stops = [stop for header in headers for stop in _parts(header)]
        for stop in reversed(stops):
            try:
                address = str(ipaddress.ip_address(stop))
            except ValueError:
                return peer
            if address not in self._trusted:
                return address
            peer = address
        return peer


class Hosts:
    """Names that a ``Host`` header may carry.

    An address is always one: a page of a foreign site can make a browser come to us under a name that it made point
    here (DNS rebinding), but not under our address.
    """

    def __init__(self, settings: Settings) -> None:
        named = [settings.bind, urlsplit(settings.public_url).hostname or "", *_parts(settings.known_hosts)]
        self._names = {"localhost", *(name.lower() for name in named if name)}

    def __contains__(self, host: object) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
