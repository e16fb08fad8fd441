"""The scripts and fonts of the page: compressed once, and kept by browsers until another version comes.

Voila itself reads and sends each file anew, without compression, and has browsers ask for the widgets' scripts at
every visit. Its own scripts are some fifty files that name each other; here they are one.
"""

import gzip
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

import nbconvert
import voila
from tornado import web

# Under other versions each file has another address; the widgets' files have their hash in their names besides.
PREFIX = f"/assets/{voila.__version__}-{nbconvert.__version__}"
ROUTE = rf"{PREFIX}/(?P<kind>static|labextensions)/(?P<name>.+)"
YEAR = 365 * 86_400
SMALLEST = 1024
LONGEST_NAME = 200
SCRIPT = "text/javascript"
_COMPRESSED = frozenset({SCRIPT, "text/css", "image/svg+xml", "application/json"})


# Voila's scripts as one, and which are in it beside its first one, by the numbers that the packer gave them. What other
# versions do not have is left out, and what they have besides is loaded as Voila loads it: the lists are about speed
# only. A test holds them to be whole.
BUNDLE = "desk.js"
MAIN = "voila.js"
CHUNKS = (
    9151, 9212, 5764, 3992, 8135, 9582, 8925, 3311, 7556, 9684, 9890, 4135, 5312, 6573, 1621, 7883, 6049, 3916, 3459,
    3649, 1670, 8487, 630, 5688, 2930, 73, 1187, 4173, 7483, 3144, 431, 3989, 8766, 4729, 6382, 7598, 9081, 7770, 3249,
    4653, 8862, 143, 1601, 5767, 4222, 8773, 3307, 6008, 8017, 457, 4041, 7155, 4972, 6468, 5044,
)  # fmt: skip
WIDGET_CHUNKS = {
    "@jupyter-widgets/jupyterlab-manager": (7, 32, 84, 121, 160, 170, 452, 704, 718, 967),
    "@voila-dashboards/widgets-manager8": (496, 883),
}
# With this Voila loads 600 KB of MathJax, and looks for formulas in the label of each widget; the desk has none.
FORMULAS = b"e.push(n(9762)):e.push(n(28796))"
EVERY_PAGE = (BUNDLE, "voila-style.js", "index.css", "theme-dark.css")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: ``content`` is compressed where that makes it smaller."""

    media_type: str
    content: bytes
    compressed: bool


class Assets:
    """The files below some folders, by kind and name; each is looked for in the folders in turn, and read once."""

    def __init__(self, folders: Mapping[str, Sequence[str]]) -> None:
        self._folders = {kind: [Path(folder) for folder in found] for kind, found in folders.items()}
        self._known: dict[tuple[str, str], Asset] = {}

    def find(self, kind: str, name: str) -> Asset | None:
        """The asset, or None: what is no file below a folder does not exist."""
        known = self._known.get((kind, name))
        if known is None:
            content = self._bundle() if (kind, name) == ("static", BUNDLE) else self._read(kind, name)
            if content is not None:
                known = self._known[kind, name] = _asset(name, content)
        return known

    def _read(self, kind: str, name: str) -> bytes | None:
        if not _may_be_below(name):
            return None
        found = next((file for folder in self._folders[kind] if (file := folder / name).is_file()), None)
        return None if found is None else found.read_bytes()

    def _bundle(self) -> bytes | None:
        chunks = [self._read("static", f"{chunk}.{MAIN}") for chunk in CHUNKS]
        chunks += [self._widgets(name, chunk) for name, numbers in WIDGET_CHUNKS.items() for chunk in numbers]
        main = self._read("static", MAIN)
        # In functions of their own, so that the strictness of one does not become that of all.
        wrapped = [b"(function(){" + chunk + b"\n})();\n" for chunk in chunks if chunk is not None]
        return None if main is None else b"".join([*wrapped, main]).replace(FORMULAS, b"0:0")

    def _widgets(self, extension: str, chunk: int) -> bytes | None:
        """A script of an extension; its name has its hash in it."""
        pattern = f"{extension}/static/{chunk}.*.js"
        found = next((file for folder in self._folders["labextensions"] for file in sorted(folder.glob(pattern))), None)
        return None if found is None else found.read_bytes()


class AssetHandler(web.RequestHandler):
    """A file of the page for whoever asks: it is the published code of Voila and of the widgets."""

    def initialize(self, assets: Assets) -> None:
        """Take what the application hands over."""
        self._assets = assets

    def get(self, kind: str, name: str) -> None:
        """Send it, compressed where the browser takes that."""
        asset = self._assets.find(kind, name)
        if asset is None:
            raise web.HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Cache-Control", f"public, max-age={YEAR}, immutable")
        self.set_header("Content-Type", asset.media_type)
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("X-Content-Type-Options", "nosniff")
        if asset.compressed and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(asset.content)
        else:
            self.finish(gzip.decompress(asset.content) if asset.compressed else asset.content)

    def compute_etag(self) -> None:
        """None: nobody asks again within a year."""


def addresses(page_config: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Voila's hook: let the page load its scripts from here."""
    here = page_config["baseUrl"].rstrip("/") + PREFIX
    return page_config | {"fullStaticUrl": f"{here}/static", "fullLabextensionsUrl": f"{here}/labextensions"}


def _may_be_below(name: str) -> bool:
    path = PurePosixPath(name)
    return len(name) <= LONGEST_NAME and not path.is_absolute() and ".." not in path.parts


def _asset(name: str, content: bytes) -> Asset:
    # What a machine's own table calls a script differs.
    known = SCRIPT if name.endswith(".js") else mimetypes.guess_type(name)[0]
    media_type = known or "application/octet-stream"
    if media_type not in _COMPRESSED or len(content) < SMALLEST:
        return Asset(media_type, content, compressed=False)
    return Asset(media_type, gzip.compress(content, 6, mtime=0), compressed=True)
