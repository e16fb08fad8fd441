"""What the extension does to a Jupyter server at its start."""

from typing import Any

from jupyter_server.utils import url_path_join

from ..authorizer import MillstreamAuthorizer
from ..gateway import gateway_url
from ..identity import MillstreamIdentityProvider
from ..kernels import PersonKernels
from ..sessions import PersonSessions
from .handlers import PassThroughHandler, ScreenHandler, ScreensHandler
from .upstream import Upstream

CLASSES = {
    "authorizer_class": MillstreamAuthorizer,
    "identity_provider_class": MillstreamIdentityProvider,
    "kernel_manager_class": PersonKernels,
    "session_manager_class": PersonSessions,
}


def link(app: Any) -> None:
    """Make ``app`` (a ``ServerApp``) accept the gateway's login, whatever its configuration says.

    Without ``MILLSTREAM_URL`` nothing changes: a plain ``jupyter lab`` stays as it is.
    """
    if gateway_url():
        for name, needed in CLASSES.items():
            setattr(app, name, needed)


def load(app: Any) -> None:
    """Add the handlers to ``app``. Ends the server when another extension took the gateway's login out again."""
    url = gateway_url()
    if not url:
        app.log.info("MILLSTREAM_URL is not set: Millstream's panel has no gateway to show.")
        return
    for name, needed in CLASSES.items():
        if not isinstance(getattr(app, name.removesuffix("_class")), needed):
            app.log.critical("MILLSTREAM_URL is set, but ServerApp.%s is not %s: not serving.", name, needed.__name__)
            app.exit(1)
    settings = app.web_app.settings
    # A handler of some other extension that declares nothing asks for a login too.
    settings["allow_unauthenticated_access"] = False
    settings["millstream_upstream"] = Upstream(url)
    base = settings["base_url"]
    app.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "millstream", "api", "screens"), ScreensHandler),
            (url_path_join(base, "millstream", "api", r"(me)"), PassThroughHandler),
            (url_path_join(base, "millstream", "api", "v1", r"(.+)"), PassThroughHandler),
            (url_path_join(base, "millstream", r"(monitor|trader|gateway)"), ScreenHandler),
        ],
    )
