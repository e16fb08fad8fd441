"""Where a command works: on this machine's installation, or behind a gateway and as whom."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..contracts.environment import TOKEN, URL
from ..contracts.errors import InputError

if TYPE_CHECKING:
    from .backend import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """``url`` is the gateway's (empty: this machine). A token is read when it is needed, and is never an option."""

    url: str = ""
    token_file: Path | None = None


def where(url: str, token_file: Path | None, *, local: bool, asked: bool) -> Where:
    """What the options say; ``asked``: the address was typed and does not come from the environment.

    Raises :class:`InputError` for options that contradict each other.
    """
    if local and (asked or token_file):
        raise InputError(
            "--local is this machine, --url and --token-file are a gateway", hint="Leave out the one or the other."
        )
    if local:
        return Where()
    if token_file and not url:
        raise InputError("--token-file is for a gateway, and none is named", hint=f"Add --url, or set {URL}.")
    return Where(url=url, token_file=token_file)


def token(place: Where, environment: Mapping[str, str] = os.environ) -> str:
    """The token to show the gateway. Raises :class:`InputError` where there is none, or no address to show it to."""
    if not place.url.startswith(("http:", "https:")):
        raise InputError(f"{place.url} is no address of a gateway", hint=f"--url and {URL} begin with http: or https:.")
    if place.token_file is None:
        found, source = environment.get(TOKEN, ""), TOKEN
    else:
        try:
            found, source = place.token_file.read_text(encoding="utf-8"), str(place.token_file)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{place.token_file} cannot be read: {error}", hint=_HINT) from error
    if not found.strip():
        raise InputError(f"there is no token for {place.url}: {source} is empty", hint=_HINT)
    return found.strip()


_HINT = f"Make an API key at /account of the gateway, and put it into {TOKEN} or into a file for --token-file."


@contextlib.contextmanager
def connected(context: typer.Context) -> Iterator["Backend"]:
    """What the command works with, for the time of the block."""
    place = context.find_object(Where) or Where()
    if not place.url:
        from ..ops.settings import load_settings
        from .local import Local

        yield Local(load_settings())
        return
    from ..client import Client
    from .remote import Remote

    with Client(place.url, token(place)) as client:
        yield Remote(client)
