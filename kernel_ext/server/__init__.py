"""The Jupyter server extension: the gateway and the dashboards behind the server's own login, under ``/millstream``."""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter what to load."""
    return [{"module": "millstream_kernel.server"}]


def _link_jupyter_server_extension(app: Any) -> None:
    """Before the server is built: where there is a gateway, its login replaces Jupyter's."""
    from .setup import link

    link(app)


def _load_jupyter_server_extension(app: Any) -> None:
    """Add the handlers."""
    from .setup import load

    load(app)
