"""What a preheated kernel does before it has a viewer, so that no viewer waits for it."""

from typing import TYPE_CHECKING

from millstream.client import AsyncClient

from .book import EVERYTHING, Book, read

if TYPE_CHECKING:
    import httpx


async def warm() -> "httpx.AsyncHTTPTransport":
    """The transport of the viewer's client: trusted certificates are read, modules imported, the readings rehearsed."""
    import anyio.lowlevel
    import anyio.streams.tls
    import httpx
    import picows.websockets  # noqa: F401 - what follows the events imports it when it connects

    await anyio.lowlevel.checkpoint()  # imports anyio's part for this kind of loop
    nothing = httpx.MockTransport(lambda _: httpx.Response(httpx.codes.OK, json={"items": [], "next": ""}))
    async with AsyncClient("http://nobody", "", transport=nothing) as rehearsal:
        await read(rehearsal, Book(), EVERYTHING)
    return httpx.AsyncHTTPTransport()
