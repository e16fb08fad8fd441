"""Bundles: what is promoted, kept under the hash of its content."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from nbformat import v4

from ..contracts.errors import IntegrityError, NotFoundError
from .files import sync_folder

NOTEBOOK = "notebook.ipynb"
MANIFEST = "manifest.json"
_KEPT_METADATA = ("kernelspec", "language_info")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle consists of; its hash is the bundle's. ``data_snapshot`` is empty where it was not known yet."""

    name: str
    notebook_sha256: str
    parameters: dict[str, Any]
    environment: str
    data_snapshot: str
    git_commit: str
    git_dirty: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """A stored bundle whose content was checked."""

    hash: str
    folder: Path
    manifest: Manifest

    @property
    def notebook(self) -> Path:
        return self.folder / NOTEBOOK


class BundleStore:
    """Bundles in ``folder``, one directory each, named by hash. Nothing in it is ever changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, manifest: Manifest, notebook: bytes) -> Bundle:
        """Store a bundle, or find it stored. Raises :class:`IntegrityError` when that was tampered with."""
        encoded = _encoded(manifest)
        name = hashlib.sha256(encoded).hexdigest()
        target = self._folder / name
        if target.exists():
            return self.verify(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
            _write(temporary / NOTEBOOK, notebook)
            _write(temporary / MANIFEST, encoded)
            sync_folder(temporary)
            self._settle(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return self.verify(name)

    def verify(self, name: str) -> Bundle:
        """The bundle of that hash, its content checked. Raises :class:`NotFoundError` and :class:`IntegrityError`."""
        folder = self._folder / name
        try:
            encoded, notebook = (folder / MANIFEST).read_bytes(), (folder / NOTEBOOK).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no bundle {name[:12]}", hint="Promote the notebook again.") from error
        manifest = msgspec.json.decode(encoded, type=Manifest)
        intact = hashlib.sha256(encoded).hexdigest() == name
        if not intact or hashlib.sha256(notebook).hexdigest() != manifest.notebook_sha256:
            raise IntegrityError(
                f"the bundle {name[:12]} is not what was promoted: its files were changed",
                hint="Find out who changed it, delete its directory and promote the notebook again.",
            )
        return Bundle(name, folder, manifest)

    def _settle(self, temporary: Path, target: Path) -> None:
        try:
            temporary.rename(target)
        except OSError:
            # Another promotion of the same content was quicker: a directory that is not empty cannot be replaced.
            if not target.exists():
                raise
        sync_folder(self._folder)


def source_of(notebook: Any) -> bytes:
    """The notebook's source alone, in one canonical form: no outputs, counts, widget state or editor's metadata."""
    clean = v4.new_notebook(
        metadata={key: notebook.metadata[key] for key in _KEPT_METADATA if key in notebook.metadata}
    )
    clean.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags", [])
        kinds: dict[str, Any] = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
        make = kinds.get(cell.cell_type, v4.new_raw_cell)
        # Ids that differ between two saves of one source must not make another bundle of it.
        clean.cells.append(make(cell.source, metadata={"tags": sorted(tags)} if tags else {}, id=f"cell-{number}"))
    return str(nbformat.writes(clean)).encode()


def _encoded(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
