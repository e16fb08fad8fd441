"""What the monitor needs to know about its surroundings."""

from collections.abc import Mapping
from dataclasses import dataclass

from millstream.contracts.errors import ConfigurationError

DEFAULT_BIND = "127.0.0.1"
DEFAULT_PORT = 8802


@dataclass(frozen=True, slots=True)
class Config:
    """``gateway`` is the base URL of the gateway, without a slash at its end; port 0 takes a free one."""

    gateway: str
    bind: str = DEFAULT_BIND
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Config":
        """Read ``MILLSTREAM_URL``, ``_BIND`` and ``_MONITOR_PORT``. Raises :class:`ConfigurationError`."""
        gateway = environment.get("MILLSTREAM_URL", "").rstrip("/")
        if not gateway:
            raise ConfigurationError(
                "The monitor does not know where the gateway is",
                hint="Set MILLSTREAM_URL to the gateway's address; `millstream up` does it for you.",
            )
        port = environment.get("MILLSTREAM_MONITOR_PORT", "") or str(DEFAULT_PORT)
        if not port.isdecimal() or int(port) > 65535:
            raise ConfigurationError(
                f"MILLSTREAM_MONITOR_PORT={port} is not a port",
                hint="Use a number from 0 to 65535; 0 takes a free port.",
            )
        return cls(gateway, environment.get("MILLSTREAM_BIND", "") or DEFAULT_BIND, int(port))

    def origins(self, port: int) -> list[str]:
        """Hosts whose pages may open a WebSocket to this server."""
        names = ["127.0.0.1", "localhost"] if self.bind in {"127.0.0.1", "localhost", "0.0.0.0", "::"} else []  # noqa: S104 - compared, not bound
        return sorted({f"{name}:{port}" for name in [*names, self.bind]})
