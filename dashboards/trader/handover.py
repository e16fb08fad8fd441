"""How a preheated kernel learns for whom it works: it waits on a local socket until somebody asks for its page.

A kernel starts before its viewer is known, so no token can be in its environment. It gets a one-time secret instead,
and asks with it over a Unix socket in a directory that only this OS user may enter; the answer comes when the server
has given the kernel to a person who is logged in, once, and never again.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "TRADER_HANDOVER"


@dataclass(frozen=True, slots=True)
class Grant:
    """With what a kernel acts: the gateway's address and the viewer's delegated token."""

    url: str
    token: str


class Handover:
    """The server's side, on a socket in ``folder``. :meth:`slot` before a kernel starts, :meth:`give` to its viewer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: asyncio.Server | None = None
        self._grants: dict[str, asyncio.Future[Grant]] = {}

    @property
    def address(self) -> Path:
        """Where the socket is."""
        return self._folder / "handover"

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self.address)

    def close(self) -> None:
        """Stop listening, and remove the socket."""
        if self._server is not None:
            self._server.close()
        for grant in self._grants.values():
            grant.cancel()
        self._grants.clear()
        self.address.unlink(missing_ok=True)

    def slot(self) -> tuple[str, str]:
        """A new secret, and the value of :data:`VARIABLE` for the kernel that is to use it."""
        secret = secrets.token_urlsafe(32)
        self._grants[secret] = asyncio.get_running_loop().create_future()
        return secret, f"{secret}@{self.address}"

    def give(self, secret: str, grant: Grant) -> None:
        """Let the kernel of ``secret`` act. Raises ``KeyError`` when it was given away or dropped before."""
        waiting = self._grants[secret]
        if waiting.done():
            raise KeyError("this kernel was given to a viewer before")
        waiting.set_result(grant)

    def drop(self, secret: str) -> None:
        """Forget a kernel that ended; harmless when it is not known."""
        waiting = self._grants.pop(secret, None)
        if waiting is not None:
            waiting.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            secret = (await reader.readline()).decode().strip()
            waiting = self._grants.get(secret)
            if waiting is not None:
                grant = await self._unless_gone(waiting, reader)
                if grant is not None:
                    del self._grants[secret]
                    writer.write(json.dumps({"url": grant.url, "token": grant.token}).encode() + b"\n")
                    await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            return  # the server stops, or the kernel is gone: nobody waits for an answer
        finally:
            writer.close()

    @staticmethod
    async def _unless_gone(waiting: "asyncio.Future[Grant]", reader: asyncio.StreamReader) -> Grant | None:
        """The grant, or None when the kernel hangs up first (it says nothing more, so a read ends only then)."""
        gone: asyncio.Future[bytes] = asyncio.ensure_future(reader.read(1))
        both: set[asyncio.Future[Any]] = {waiting, gone}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting in done and not waiting.cancelled() else None
        finally:
            gone.cancel()


def is_served(environment: Mapping[str, str]) -> bool:
    """Whether this kernel is the trader app's, and has not asked for its viewer yet."""
    return VARIABLE in environment


async def receive(environment: MutableMapping[str, str] | None = None) -> Grant | None:
    """The kernel's side: wait for the grant; None when the server withholds it or there is no server.

    Outside of the trader app the environment of a notebook in JupyterLab is used: ``MILLSTREAM_URL`` and
    ``MILLSTREAM_TOKEN``. The secret is taken out of the environment.
    """
    variables = os.environ if environment is None else environment
    secret, _, address = variables.pop(VARIABLE, "").partition("@")
    if not secret:
        url, token = variables.get("MILLSTREAM_URL", ""), variables.get("MILLSTREAM_TOKEN", "")
        return Grant(url, token) if url and token else None
    reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(secret.encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
    return Grant(**json.loads(line)) if line else None
