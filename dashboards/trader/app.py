"""The Voila server of the trader notebook: the gateway's login, preheated kernels, nothing but the one page."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado import web
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler

from millstream.ops.sockets import KERNEL_SOCKET, private_folder
from millstream_dashboards.monitor.style import page_sheet, sheet
from millstream_kernel.authorizer import MillstreamAuthorizer
from millstream_kernel.identity import MillstreamIdentityProvider, Person, token_of

from .handover import Grant, Handover
from .kernels import PageKernels, ViewerKernels
from .static import BUNDLE, EVERY_PAGE, ROUTE, AssetHandler, Assets, addresses
from .texts import Texts

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "trader.ipynb"
CULL_SECONDS = 15
FILL_SECONDS = 4.0
# Voila makes a folder of its own below the one of the sockets.
_DEEPEST = f"voila_12345678/{KERNEL_SOCKET}"
# What ipywidgets need in the browser: every other panel of JupyterLab would only be loaded for nothing.
LABEXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")

# Stands in the template for what is known of the viewer when the page is asked for.
VIEWER = '"the viewer"'


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc] # Voila has no types
    """The page: each request gets a kernel of its own, which acts for who asks."""

    @property
    def kernel_manager(self) -> Any:
        provider = self.identity_provider
        return PageKernels(super().kernel_manager, self.current_user.username, Grant(provider.url, token_of(self)))

    async def prepare(self) -> None:
        """Know who asks, and give the browser the cookie that its closing page proves itself with."""
        await super().prepare()
        if self.current_user is not None:
            self.xsrf_token  # noqa: B018 - reading it sets the cookie

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        """The page in pieces. A preheated one was rendered before its viewer was known."""
        viewer = viewer_of(self.current_user)
        async for piece in super().get_generator(path=path):
            yield piece.replace(VIEWER, viewer)

    def redirect_to_file(self, path: str) -> None:
        """There is one page here and no file."""
        raise web.HTTPError(404, f"{path} does not exist")


class ShutdownHandler(VoilaShutdownKernelHandler):  # type: ignore[misc] # Voila has no types
    """A page that closes ends its kernel, and no other."""

    auth_resource = "kernels"

    @web.authenticated
    @authorized
    async def post(self, kernel_id: str) -> None:
        """End the viewer's own kernel; the authorizer answers 404 for another's."""
        if kernel_id in self.kernel_manager:
            await self.kernel_manager.shutdown_kernel(kernel_id)
        self.set_status(204)
        self.finish()


class TraderApp(Voila):  # type: ignore[misc] # Voila has no types
    """Voila with one notebook, behind the gateway's login."""

    identity_provider_class = MillstreamIdentityProvider
    authorizer_class = MillstreamAuthorizer

    handover: Handover

    def setup_template_dirs(self) -> None:
        """Our template before Voila's: no request to another host, and our style."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(HERE / "template"))

    def init_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().init_settings()
        settings["xsrf_cookies"] = True
        return settings

    def init_handlers(self) -> list[Any]:
        """Voila's handlers: without the one that tells requests to whoever asks, and with owners of kernels."""
        ours = {TornadoVoilaHandler: PageHandler, VoilaShutdownKernelHandler: ShutdownHandler}
        named = url_path_join(self.server_url, r"/voila/api/shutdown/(?P<kernel_id>[\w-]+)")
        handlers: list[Any] = []
        for pattern, handler, *rest in super().init_handlers():
            if handler is not RequestInfoSocketHandler:
                place = named if handler is VoilaShutdownKernelHandler else pattern
                handlers.append((place, ours.get(handler, handler), *rest))
        assets = Assets({"static": self.static_paths, "labextensions": self.labextensions_path})
        for name in EVERY_PAGE:
            assets.find("static", name)  # compressed now, not while the first viewer waits
        return [(url_path_join(self.server_url, ROUTE), AssetHandler, {"assets": assets}), *handlers]

    def start(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        folder = private_folder("ms-trader-", _DEEPEST)
        self.connection_dir_root = str(folder)
        self.handover = Handover(folder)
        try:
            loop.run_until_complete(self.handover.open())
            super().start()
        finally:
            self.handover.close()
            shutil.rmtree(folder)


def options(*, bind: str, port: int, pool: int) -> dict[str, dict[str, Any]]:
    """What is configured of Voila, by class."""
    return {
        "Voila": {
            "ip": bind,
            "port": port,
            "port_retries": 0,
            "open_browser": False,
            "notebook_path": str(NOTEBOOK),
            "token": "",
            "config_file_paths": [],
        },
        "VoilaConfiguration": {
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "default_pool_size": pool,
            "extension_allowlist": list(LABEXTENSIONS),
            "multi_kernel_manager_class": ViewerKernels,
            "page_config_hook": addresses,
            "preheat_kernel": True,
            "resources": {
                "millstream_css": stylesheet(),
                "millstream_first_css": first_stylesheet(),
                "millstream_script": BUNDLE,
            },
            "show_tracebacks": False,
            "strip_sources": True,
            "theme": "dark",
        },
        "KernelManager": {"transport": "ipc"},
        "ViewerKernels": {"cull_idle_timeout": CULL_SECONDS, "cull_interval": CULL_SECONDS, "cull_connected": False},
        # The next kernel starts once this page has been painted: both would share the same processors.
        "VoilaKernelManager": {"fill_delay": FILL_SECONDS},
    }


def stylesheet() -> str:
    """The desk's style: the monitor's components, and what is the desk's own."""
    return "\n".join([sheet(), (HERE / "assets" / "desk.css").read_text(encoding="utf-8")])


def first_stylesheet() -> str:
    """What the page needs before anything else of it has come: the palette, and the places of the cards."""
    return "\n".join([page_sheet(), (HERE / "assets" / "first.css").read_text(encoding="utf-8")])


def viewer_of(person: Person) -> str:
    """What the page's first script takes instead of :data:`VIEWER`."""
    t = Texts(person.language)
    title = f"Millstream · {t('title')}"
    viewer = {"language": t.language, "theme": person.theme, "title": title, "loading": t("loading")}
    return json.dumps(viewer, ensure_ascii=False).replace("<", "\\u003c")
