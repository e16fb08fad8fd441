"""What the commands of one shell work with: the gateway as the kernel's person, and the display."""

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from IPython.display import DisplayHandle, display
from pydantic import BaseModel

from millstream.client import Client, is_configured
from millstream.contracts.errors import InputError

from .views import View, bundle

QUICK = 1.5
ROOT_VARIABLES = ("MILLSTREAM_WORKSPACE", "JUPYTER_SERVER_ROOT")


class Shell(Protocol):
    """What is needed of an IPython shell."""

    user_ns: dict[str, Any]

    def ev(self, expression: str) -> Any:
        """Evaluate in the notebook's namespace."""


class Session:
    """One shell's. The client is made at the first command that needs it."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.cell: str | None = None

    @functools.cached_property
    def client(self) -> Client:
        """The gateway that the environment names. Raises :class:`ConfigurationError` when it names none."""
        return Client.from_environment()

    @functools.cached_property
    def quick_client(self) -> Client:
        """One that rather gives up than keep a person waiting: for TAB. Raises :class:`ConfigurationError`."""
        return Client(self.client.url, self.client.token, timeout=QUICK, waits=())

    @property
    def has_gateway(self) -> bool:
        """Whether the environment names a gateway."""
        return is_configured()

    def show(self, view: View) -> None:
        """Display it once."""
        display(bundle(view), raw=True)

    def display(self, view: View) -> "Shown":
        """Display it so that it can be replaced."""
        return Shown(view)

    def answer(self, items: Sequence[BaseModel] | BaseModel | dict[str, Any], view: View, *, as_json: bool) -> None:
        """Show ``view``, or with ``as_json`` print ``items`` as one JSON document."""
        if as_json:
            print(json.dumps(_plain(items), ensure_ascii=False, indent=2))  # noqa: T201 - a magic's output
        else:
            self.show(view)

    def notebook(self, word: str) -> str:
        """A notebook's path under the workspace, however it was named: from here, absolutely, or as JupyterLab does.

        Raises :class:`InputError` for a file outside the workspace.
        """
        root = workspace()
        path = Path(word).expanduser()
        if root is None or not path.exists():
            return word
        if not path.resolve().is_relative_to(root):
            raise InputError(
                f"{word} is outside the workspace {root}", hint="Save the notebook in a folder that JupyterLab shows."
            )
        return path.resolve().relative_to(root).as_posix()

    def local_notebook(self, word: str) -> str:
        """A notebook's path on this machine; one that JupyterLab's file browser names is found from any folder."""
        root = workspace()
        if root is None or Path(word).exists() or not (root / word).exists():
            return word
        return str(root / word)


class Shown:
    """A display that is replaced as things go on."""

    def __init__(self, view: View) -> None:
        handle = display(bundle(view), raw=True, display_id=True)
        assert isinstance(handle, DisplayHandle)  # noqa: S101 - asked for by display_id
        self._handle = handle

    def replace(self, view: View) -> None:
        """Show ``view`` in its place."""
        self._handle.update(bundle(view), raw=True)


def workspace() -> Path | None:
    """The folder that JupyterLab shows, where one is known."""
    found = next((value for name in ROOT_VARIABLES if (value := os.environ.get(name))), "")
    return Path(found).expanduser().resolve() if found else None


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
