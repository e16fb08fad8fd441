"""Where the gateway is and as whom to act, from the environment: ``MILLSTREAM_URL`` and ``MILLSTREAM_TOKEN``."""

import os
from collections.abc import Mapping

from ..contracts.environment import TOKEN, URL
from ..contracts.errors import ConfigurationError


def is_configured(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the environment names a gateway."""
    return bool((os.environ if environment is None else environment).get(URL))


def gateway(environment: Mapping[str, str] | None = None) -> tuple[str, str | None]:
    """Address and token. Raises :class:`ConfigurationError` when no address is given."""
    given = os.environ if environment is None else environment
    url = given.get(URL, "")
    if not url:
        raise ConfigurationError(
            f"{URL} is not set, so no gateway is known",
            hint=(
                "Open the notebook in the JupyterLab of `millstream up`, where you are logged in; elsewhere set "
                f"{URL} to the gateway's address and {TOKEN} to an API key of yours (the screens' settings make one)."
            ),
        )
    if not url.startswith(("http:", "https:")):
        raise ConfigurationError(
            f"{URL} is {url}, which is no address of a gateway", hint="It begins with http: or https:."
        )
    return url, given.get(TOKEN) or None
